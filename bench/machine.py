"""What it ran on, and with."""
import os
import pathlib
import platform
import re
import statistics
import subprocess
import tempfile
import time

from installation import PG_BIN, PLACE, POSTGRES, SETTINGS

FSYNC_S, FSYNC_QUICK_S = 1, 0.05
ROOT = pathlib.Path(__file__).resolve().parents[1]


def said(*command, pattern=None):
    """What a program says on either stream (its first match of the pattern); empty when it isn't there."""
    try:
        done = subprocess.run(list(map(str, command)), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if pattern is None:
        return done.stdout.strip() if done.returncode == 0 else ""
    found = re.search(pattern, done.stdout, re.M)
    return found.group(1) if found else ""


def field(path, name):
    found = re.search(rf"^{name}\s*:\s*(.*)$", pathlib.Path(path).read_text(), re.M)
    return found.group(1).strip() if found else ""


def fdatasync_us(seconds):
    """Microseconds that the disk takes for a page, median: every commit waits for about that."""
    times_s = []
    with tempfile.TemporaryFile(prefix="obol-bench-", dir=PLACE) as file:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            times_s.append(time.monotonic() - began)
    return round(statistics.median(times_s) * 1e6)


def machine(quick):
    return {
        "cpu": field("/proc/cpuinfo", "model name"), "cores": len(os.sched_getaffinity(0)),
        "memory_mib": int(field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "kernel": platform.release(), "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "disk": " ".join(said("findmnt", "-no", "SOURCE,FSTYPE,OPTIONS", "-T", PLACE).split()),
        "fdatasync_us": fdatasync_us(FSYNC_QUICK_S if quick else FSYNC_S),
    }


def versions():
    return {"postgres": said(PG_BIN / "postgres", "--version"), "nats-server": said("nats-server", "--version"),
            "wrk": said("wrk", "-v", pattern=r"^wrk (\S+)"),
            "grpc": said("dpkg-query", "-W", "-f", "${Version}", "libgrpc-dev"),
            "compiler": said("gcc", "--version").partition("\n")[0]}


def about(context):
    changed = said("git", "status", "--porcelain", "--untracked-files=no")
    return {"commit": said("git", "rev-parse", "HEAD") + (" with changes" if changed else ""),
            "quick": context.quick, "rounds": context.rounds, "seconds": context.seconds,
            "machine": machine(context.quick), "versions": versions(),
            "settings": {"postgres": POSTGRES, "obol": SETTINGS}}
