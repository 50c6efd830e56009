"""The installation that is struck: a stack with a PostgreSQL on a small disk and two replicas of payments."""
import os
import pathlib
import subprocess

from postgres import Cluster
from providers import FIELDS, PACE, House
from stack import SERVICES, Stack

DISK_MB = 768
# Write-ahead log that is kept small, so that the disk is small enough to fill quickly.
POSTGRES = ["max_wal_size=96MB", "min_wal_size=32MB"]
TENANTS = [[], [], ["mtn", "blumon"], ["mtn", "airtel", "blumon"]]  # where each has credentials, beside the simulator
WEBHOOK_SECRET = "blumon-webhook-secret"
TIMES = {**PACE, "SANDBOX_BLUMON_WEBHOOK_SECRET": WEBHOOK_SECRET, "PROCESSING_DEADLINE_S": "60",
         "PROVIDER_TIMES_PERCENT": "10"}


def can_mount():
    """Whether a file system of one's own can be mounted here: by root, where the kernel allows."""
    if os.getuid() != 0:
        return False
    place = pathlib.Path(f"/tmp/obol-chaos-mount.{os.getpid()}")
    place.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            subprocess.run(["umount", place], check=True)
        return done.returncode == 0
    finally:
        place.rmdir()


class SmallDisk(Cluster):
    """A PostgreSQL whose data lie on a file system that can be filled."""

    def __init__(self, directory, settings=()):
        self.mount = pathlib.Path(directory) / "pg"
        self.mount.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "none", self.mount], check=True)
        super().__init__(directory, settings)

    @property
    def ballast(self):
        return self.mount / "ballast"

    def fill(self):
        """Until nothing more can be written."""
        with open(self.ballast, "ab", buffering=0) as file:
            for size in [1 << 20, 4096, 1]:
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    pass

    def free(self):
        self.ballast.unlink(missing_ok=True)

    def drop(self):
        super().drop()
        subprocess.run(["umount", self.mount], check=True)


class Installation(Stack):
    def __init__(self, disk=True, **options):
        super().__init__(own_cluster=SmallDisk if disk else Cluster, postgres=POSTGRES, replicas=["payments"],
                         **{**TIMES, **options})

    def market(self):
        """The tenants' APIs, with credentials where they have some."""
        tenants = []
        for i, providers in enumerate(TENANTS):
            api = self.tenant(f"Tenant {i}")
            for provider in providers:
                # Of one tenant Blumon's webhooks are believed; of the other nobody can be asked.
                secret = {"webhook_secret": WEBHOOK_SECRET} if provider == "blumon" and i % 2 else {}
                House(self, provider).credential(api, **secret)
            tenants.append(api)
        House(self, "airtel").control(callback_url=f"{self.environment['CALLBACK_BASE_URL']}/api/v1/webhooks/airtel")
        return tenants

    def leave(self):
        """Every program is told to leave; how those left that did not leave cleanly."""
        faults = []
        for name in ["gateway", *self.replicas, *reversed(SERVICES), "merchant", "sandbox", "nats"]:
            process = self.processes[name]
            if process.child is None:
                continue
            was_running = process.running()
            code = process.signal_and_wait()
            if not was_running:
                faults.append(f"{name} had ended before, with {code}: {process.tail(5)}")
            elif code not in ((0, 1) if name == "nats" else (0,)):
                faults.append(f"{name} left with {code}: {process.tail(5)}")
        faults += [report for process in self.processes.values() if (report := process.reports())]
        return faults

    def end(self):
        """Whatever still runs, without a word."""
        for process in self.processes.values():
            if process.running() and process is not self.database.process:
                process.kill9()
        if isinstance(self.database, SmallDisk):
            self.database.free()
        self.database.drop()


__all__ = ["FIELDS", "Installation", "can_mount"]
