"""Load generators as functions that return dicts of figures: wrk, pgbench, obol-bench."""
import json
import math
import pathlib
import re
import statistics
import subprocess
import tempfile

from postgres import PG_BIN, psql

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 10  # an answer later than that is an error
GRACE_S = 60


def run(command, seconds, **options):
    """The output of a program; its own words when it fails."""
    done = subprocess.run(list(map(str, command)), timeout=seconds + GRACE_S, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    assert done.returncode == 0, f"{command[0]}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def whole(seconds):
    """wrk and pgbench take whole seconds."""
    return max(1, math.ceil(seconds))


def wrk(url, script, connections, seconds, *arguments, headers=None):
    """bench/lua/<script>.lua against url; its done() prints the figures. Requests refused count as errors."""
    command = ["wrk", "-t", 1 if connections <= 64 else 2, "-c", connections, "-d", f"{whole(seconds)}s", "--timeout",
               f"{TIMEOUT_S}s", "-s", HERE / "lua" / f"{script}.lua"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    output = run([*command, url, "--", *arguments], seconds + TIMEOUT_S, cwd=HERE / "lua")
    figures = json.loads(output.splitlines()[-1])
    failed = {name: n for name, n in figures.pop("failed").items() if n}
    return {**figures, "errors": sum(failed.values()), **({"told": str(failed)} if failed else {})}


def pgbench(url, script, clients, seconds, **variables):
    """bench/sql/<script>.sql prepared, from as many clients; one client's times are logged, so it has percentiles."""
    with tempfile.TemporaryDirectory(prefix="obol-pgbench-") as scratch:
        command = [PG_BIN / "pgbench", "-n", "-M", "prepared", "-c", clients, "-j", min(2, clients),
                   "-T", whole(seconds), "-f", HERE / "sql" / f"{script}.sql",
                   *(f"-D{name}={value}" for name, value in variables.items())]
        if clients == 1:
            command += ["-l", "--log-prefix", f"{scratch}/log"]
        output = run([*command, url], seconds)
        times_ms = [int(line.split()[2]) / 1000 for log in pathlib.Path(scratch).iterdir()
                    for line in log.read_text().splitlines()]
    failed = int(re.search(r"number of failed transactions: (\d+)", output).group(1))
    figures = {"rate": float(re.search(r"tps = ([\d.]+)", output).group(1)),
               "mean_ms": float(re.search(r"latency average = ([\d.]+) ms", output).group(1)), "errors": failed}
    if len(times_ms) > 1:
        figures["p50_ms"] = statistics.median(times_ms)
        figures["p99_ms"] = statistics.quantiles(times_ms, n=100)[98]
    return figures


def analyze(url, seconds=600):
    """A database in use: its statistics are there, and autovacuum has no reason to begin meanwhile."""
    psql(url, "VACUUM (ANALYZE)", seconds)


def obol_bench(context, *words, seconds=60):
    """One of its commands that ends by itself; the figures that it prints."""
    return json.loads(run([context.bin / "obol-bench", *words], seconds))


class Served:
    """A command of obol-bench that runs until it is told to stop, as a context: listen, serve."""

    def __init__(self, context, *words):
        self.command = ["setpriv", "--pdeathsig", "KILL", *map(str, [context.bin / "obol-bench", *words])]
        self.child = None
        self.said = None

    def __enter__(self):
        self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        return self

    def stop(self):
        """What it printed at its end, parsed; None when it prints nothing."""
        if self.said is None:
            self.child.terminate()
            try:
                text, _ = self.child.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                text, _ = self.child.communicate()
            self.said = text or ""
        return json.loads(self.said) if self.said.strip() else None

    def __exit__(self, kind, error, trace):
        self.stop()
