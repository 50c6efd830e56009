"""Tries the images: an installation whose every program runs from its image's root file system (run.sh), and what it says.

Called by `./dev images --check` as root, with NAME=ROOT of each mounted image; `buildah inspect` of it lies in ROOT.json.
"""
import json
import os
import pathlib
import signal
import stat
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tests" / "system"))
os.environ["LOG_LEVEL"] = "info"

from client import send  # noqa: E402
from stack import SERVICES, Stack, wait_until  # noqa: E402

USER = "65532:65532"
NONE_OF = ["sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "perl", "python3", "wget", "curl"]
PORTS = {"auth": ["50054", "9004"], "payments": ["50051", "9001"], "refunds": ["50052", "9002"], "webhooks": ["50053", "9003"],
         "gateway": ["8000", "9000"], "sandbox": ["8080"], "merchant": ["4000"], "obol": []}


def require(truth, *what):
    if not truth:
        raise SystemExit("FAILED: " + " ".join(map(str, what)))


def look(name, root):
    """What the image says of itself, and what lies in it."""
    said = json.loads(root.with_suffix(".json").read_text())["Docker"]["config"]
    program = "/usr/bin/obol" if name == "obol" else f"/usr/bin/obol-{name}"
    require(said["User"] == USER, name, "runs as", said["User"])
    require(said["Entrypoint"] == [program], name, "starts", said["Entrypoint"])
    require(said["StopSignal"] == "SIGTERM", name, "stops by", said.get("StopSignal"))
    probe = (said.get("Healthcheck") or {}).get("Test")
    require(probe == (None if name == "obol" else ["CMD", program, "--probe", "ready"]), name, "is healthy by", probe)
    exposed = sorted(said.get("ExposedPorts") or {})
    require(exposed == sorted(f"{port}/tcp" for port in PORTS[name]), name, "exposes", exposed)
    files = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink()]
    require(not [p for p in files if p.name in NONE_OF], name, "holds a shell, a package manager or the like")
    require(not [p for p in files if p.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)], name, "holds a program that gives rights")
    size = sum(p.stat().st_size for p in files)
    print(f"{program[9:]:14} user {said['User']}  {len(files):3} files, {size / 1048576:5.1f} MiB  "
          f"{said['Labels']['org.opencontainers.image.version']} {said['Labels']['org.opencontainers.image.revision'][:12]}")


class Images(Stack):
    """Each program from its image. What a program would write to, it gets no path for."""

    def __init__(self, roots):
        super().__init__(own_cluster=True, SANDBOX_STORE="")
        self.roots = roots
        for name in [*SERVICES, "gateway", "sandbox", "merchant"]:
            self.processes[name].command = self.inside(name)

    def inside(self, name, *words):
        program = "obol" if name == "obol" else f"obol-{name}"
        return [str(HERE / "run.sh"), str(self.roots[name]), f"/usr/bin/{program}", *map(str, words)]

    def obol(self, *words, **_):
        done = subprocess.run(self.inside("obol", *words), env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60)
        require(done.returncode == 0, "obol", *words, done.stderr)
        return done.stdout

    def probe(self, name, what):
        return subprocess.run(self.inside(name, "--probe", what), env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=30)


def show(stack, name):
    """The process as the kernel has it, its health from without and by its own probe from within."""
    process = pathlib.Path(f"/proc/{stack.processes[name].child.pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    root = next(options for _, _, _, _, place, options, *_ in mounts if place == "/")
    require(status["Uid"].split() == ["65532"] * 4 and status["CapEff"] == "0" * 16, name, "has rights:", status["Uid"], status["CapEff"])
    require("ro" in root.split(","), name, "may write to its root:", root)
    try:
        (process / "root" / "written").write_text("")
        require(False, name, "has a root that can be written to")
    except OSError as error:
        refused = error.strerror
    print(f"obol-{name}: uid {status['Uid'].split()[0]}, capabilities {status['CapEff']}, no new privileges {status['NoNewPrivs']}, "
          f"root {root.split(',')[0]} (a write to it: {refused})")
    port = stack.ports[name if name in ("sandbox", "merchant") else f"{name}_ops"]
    for what in ("live", "ready"):
        answer, probed = send(port, "GET", f"/health/{what}"), stack.probe(name, what)
        print(f"  GET /health/{what}: {answer.status} {answer.raw.decode().strip()}   --probe {what}: exit {probed.returncode}")
        require(answer.status == 200 and probed.returncode == 0, name, "is not", what, probed.stderr)


def try_all(stack):
    stack.start()
    for program in ["pg_dump", "pg_restore", "psql"]:  # what `obol backup` calls
        said = subprocess.run([HERE / "run.sh", stack.roots["obol"], f"/usr/bin/{program}", "--version"], stdout=subprocess.PIPE, text=True)
        require(said.returncode == 0, program, "does not run in the image of obol")
        print(f"obol: {said.stdout.strip()}")
    for name in ["payments", "gateway", "auth", "refunds", "webhooks", "sandbox", "merchant"]:
        show(stack, name)
    paid = stack.paid(stack.demo)
    wait_until(lambda: "Webhook verified: payment.succeeded " + paid["id"] in stack.processes["merchant"].text(), 30)
    print(f"a payment through all of them: {paid['id']} {paid['status']}, and the merchant has its webhook")
    stack.database.process.signal_and_wait(signal.SIGINT)
    wait_until(lambda: stack.probe("payments", "ready").returncode == 1, 30, "a service without its database is not ready")
    print(f"without PostgreSQL: --probe ready of payments: {stack.probe('payments', 'ready').stderr.strip()}, "
          f"--probe live: exit {stack.probe('payments', 'live').returncode}")
    stack.database.start()
    wait_until(lambda: stack.probe("payments", "ready").returncode == 0, 60, "and ready again with it")


def main():
    roots = {name: pathlib.Path(root) for name, root in (word.split("=", 1) for word in sys.argv[1:])}
    for name, root in roots.items():
        look(name, root)
    stack = Images(roots)
    try:
        try_all(stack)
    finally:
        stack.close()
    print("every program left with 0 on SIGTERM")


if __name__ == "__main__":
    main()
