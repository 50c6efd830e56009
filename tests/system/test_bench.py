"""Each benchmark runs for a moment and says what it should. Nothing is timed here: the figures mean nothing."""
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from processes import wait_until
from stack import BIN, LONG

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
SECONDS_MAX = 240
# Parts of lines that the table must have, with how many of them.
LINES = {
    "accept": {"1 connection": 4, "16 connections": 4, "64 connections": 4, "256 connections": 4,
               "1,000 connections": 4, "yardstick: pgbench 1 client": 4, "yardstick: pgbench 16 clients": 2},
    "read": {"64 connections": 3, "yardstick: pgbench 16 clients": 1},
    "edge": {"gateway": 3, "gRPC directly": 3, "bare listener": 3},
    "growth": {"accept, empty": 1, "accept, 1,000 payments": 1, "read, empty": 1, "read, 1,000 payments": 1,
               "list, empty": 1, "list, 1,000 payments": 1},
    "lifecycle": {}, "deliver": {}, "isolate": {}, "cost": {},
    "mtls": {"mutual TLS": 3, "plaintext": 3},
}
# What the suite runs each time; the others share all but their own lines with these, and run with ./dev test all.
ALWAYS = {"accept", "edge", "lifecycle"}
# How many lines are judged at least.
TARGETS = {"accept": 5, "read": 1, "edge": 0, "growth": 3, "lifecycle": 2, "deliver": 1, "isolate": 2, "cost": 6, "mtls": 0}


def command(out, *words):
    return [sys.executable, BENCH / "run.py", "--bin", BIN, "--quick", "--out", out, *words]


@pytest.mark.parametrize("name", LINES if LONG else [n for n in LINES if n in ALWAYS])
def test_runs_for_a_moment(name, tmp_path):
    done = subprocess.run(command(tmp_path, name), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / f"{name}.json").read_text())
    assert told["failures"] == [] and told["machine"]["cores"] >= 1 and all(told["versions"].values())
    [benchmark] = told["benchmarks"]
    lines = {line["label"]: line for line in benchmark["lines"]}
    assert benchmark["name"] == name and lines
    for part, n in LINES[name].items():
        assert len([label for label in lines if label.startswith((part, f"yardstick: {part}"))]) == n, part
    for label, line in lines.items():
        assert line["value"]["median"] > 0 or "processor time" in label, label  # counted in hundredths of a second
        assert line["ratio"] is None or line["ratio"]["median"] > 0, label
        assert label.split(":")[-1] in done.stdout
    assert len([line for line in lines.values() if line["met"] is not None]) >= TARGETS[name]


def test_leaves_nothing_when_interrupted(tmp_path):
    """As Ctrl-C does it: the whole group gets the signal."""
    run = subprocess.Popen(command(tmp_path, "accept"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, start_new_session=True)

    def members():
        stats = [path.parent for path in pathlib.Path("/proc").glob("[0-9]*/stat")]
        return [process for process in stats if process.name != str(run.pid) and group(process) == run.pid]
    try:
        wait_until(lambda: any("wrk" in comm(process) for process in members()), 60, "it measures")
        places = {place for process in members() if (place := directory(process)).startswith("/var/tmp/obol-bench-")}
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
    assert run.returncode == 130, out + err
    assert places and not [place for place in places if pathlib.Path(place).exists()]
    wait_until(lambda: not members(), 20, "its programs have left")
    assert not list(tmp_path.iterdir())


def comm(process):
    try:
        return (process / "comm").read_text()
    except OSError:
        return ""


def group(process):
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except OSError:
        return None


def directory(process):
    try:
        return os.readlink(process / "cwd")
    except OSError:
        return ""


def test_draws_what_has_a_target(tmp_path):
    sys.path.append(str(BENCH))
    from figures import Figure, Line, Result, at_least, at_most
    from report import write_chart
    sys.path.remove(str(BENCH))
    ratio, tail = Figure("ratio", "", [1.7, 1.9, 1.6]), Figure("p99", "ms", [21.0, 14.0, 30.5])
    rate = Figure("rate", "/s", [20, 21, 22])
    lines = [Line("so many connections", rate, "/s", "pgbench", ratio, **at_least(ratio, 1.5)),
             Line("a tail", tail, "ms", **at_most(tail, 15)), Line("no target", tail, "ms")]
    assert write_chart(tmp_path / "chart.svg", [Result("accept", lines)], "title \"quoted\"")
    text = (tmp_path / "chart.svg").read_text()
    for part in ("accept: so many connections", "1.7 (1.6..1.9)", "target", "accept: a tail", "21 ms (14..30.5)"):
        assert part in text, part
    assert "no target" not in text
