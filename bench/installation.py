"""An installation of a benchmark's own: durable settings, free ports, fresh data, gone afterwards."""
import functools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "system"))

from postgres import PG_BIN, psql  # noqa: E402
from processes import wait_until  # noqa: E402
from stack import SERVICES, Stack  # noqa: E402

# The same cluster serves Obol and the yardsticks.
POSTGRES = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "2GB",
            "min_wal_size": "4GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min", "max_connections": "200"}
# Everything else is as it is by default.
SETTINGS = {"TEST_MODE": "true", "TEST_PROCESSING_DELAY": "0", "WEBHOOK_ALLOW_PRIVATE": "true"}
PLACE = "/var/tmp"  # a disk; /tmp may be memory
TICKS = os.sysconf("SC_CLK_TCK")
YARDSTICK_TENANT = "ten_" + "0" * 26


class DurableStack(Stack):
    def pace(self):
        return SETTINGS


class Installation:
    """A running stack, and what a benchmark asks of it."""

    def __init__(self, programs, **environment):
        self.programs = programs
        self.environment = environment
        self.yardstick_tenant = YARDSTICK_TENANT
        self.stack = None

    def __enter__(self):
        settings = [f"{name}={value}" for name, value in POSTGRES.items()]
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="obol-bench-", dir=PLACE))
        self.directory.chmod(0o755)
        try:
            self.stack = DurableStack(True, settings, self.programs, self.directory, **self.environment)
            self.ports = self.stack.ports
            self.url = f"http://127.0.0.1:{self.ports['gateway']}"
            self.database_url = self.stack.database.url
            self.stack.start()
        except BaseException as error:
            self.leave(error)
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.leave(error)

    def leave(self, error):
        """Nothing stays, however it ended. What the programs had to say is told when they may be the cause."""
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            if isinstance(error, Exception) and self.stack:
                for name, tail in self.stack.logs(15).items():
                    print(f"--- {name}\n{tail}", file=sys.stderr)
            if self.stack:
                self.stack.close()
        except AssertionError:
            if error is None:
                raise
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)
            for number, handler in before.items():
                signal.signal(number, handler)

    @functools.cached_property
    def yardstick_url(self):
        """A second database of the same cluster with the same tables, empty but for a tenant; made when asked for."""
        url = self.database_url.rpartition("/")[0] + "/yardstick"
        psql(self.database_url, "CREATE DATABASE yardstick")
        tables = subprocess.run([PG_BIN / "pg_dump", "--schema-only", self.database_url], check=True, timeout=60,
                                stdout=subprocess.PIPE, text=True).stdout
        psql(url, tables)
        psql(url, f"INSERT INTO auth.tenants VALUES ('{YARDSTICK_TENANT}', 'Yardstick', true, now())")
        return url

    # --- Work with it

    def sql(self, text, seconds=600):
        return psql(self.database_url, text, seconds)

    def tenant(self, name="Tenant"):
        return self.stack.tenant(name)

    def stop(self, name):
        self.stack.processes[name].stop()

    def start(self, name, **environment):
        self.stack.restart(name, **environment)
        self.stack.wait_ready()

    def season(self):
        """A database in use writes into WAL files that it used before. A fresh one makes each on its way, and stalls."""
        self.sql("CREATE TABLE season AS SELECT repeat(md5(i::text), 60) FROM generate_series(1, 600000) AS i")
        self.sql("DROP TABLE season")
        self.sql("CHECKPOINT")

    def settle(self, seconds=600):
        """Waits until every event is published and taken: neither outboxes nor consumers hold any.

        Then a checkpoint, so that none falls into what is measured next.
        """
        def still():
            boxes = " + ".join(f"(SELECT count(*) FROM {schema}.outbox)" for schema in SERVICES)
            return self.sql(f"SELECT {boxes}") == [["0"]] and self.waiting() == 0
        wait_until(still, seconds, "every event is published and taken")
        self.sql("CHECKPOINT")

    def waiting(self):
        """Messages of the bus that a consumer has not acknowledged."""
        url = f"http://127.0.0.1:{self.ports['nats_monitor']}/jsz?consumers=true"
        with urllib.request.urlopen(url, timeout=10) as answer:
            accounts = json.load(answer).get("account_details") or []
        consumers = [consumer for account in accounts for stream in account.get("stream_detail") or []
                     for consumer in stream.get("consumer_detail") or []]
        return sum(consumer["num_pending"] + consumer["num_ack_pending"] for consumer in consumers)

    # --- What it costs

    def pids(self):
        """The process ids of each program; PostgreSQL is many."""
        pids = {name: [process.child.pid] for name, process in self.stack.processes.items() if process.running()}
        pids["postgres"] = family(pids["postgres"][0])
        return pids

    def cpu_seconds(self):
        """User and system time of each program, with the children that have ended."""
        return {name: sum(cpu_seconds(pid) for pid in pids) for name, pids in self.pids().items()}

    def resident(self):
        """Bytes in memory; PostgreSQL's processes share most of theirs, so each page of it counts once."""
        return {name: memory(pids[0], "status", "VmRSS:") if name != "postgres" else
                sum(memory(pid, "smaps_rollup", "Pss:") for pid in pids) for name, pids in self.pids().items()}


def read(pid, name):
    """A file of /proc; empty when the process has ended meanwhile."""
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


def family(pid):
    children = read(pid, f"task/{pid}/children").split()
    return [pid, *(member for child in children for member in family(int(child)))]


def cpu_seconds(pid):
    fields = read(pid, "stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS if fields else 0.0


def memory(pid, name, field):
    found = [line for line in read(pid, name).splitlines() if line.startswith(field)]
    return int(found[0].split()[1]) * 1024 if found else 0
