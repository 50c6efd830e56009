"""Runs the suite and counts: the C programs of each tier, the checks of the tree, the system tests.

The last line is `N passed, N failed`. Called by ./dev test, which builds and starts PostgreSQL.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "fuzz"))
import run as fuzz  # noqa: E402  fuzz/run.py
TIERS = ["rules", "store", "rpc", "torture"]
PROGRAM_SECONDS_MAX = 300
SYSTEM_SECONDS_MAX, SYSTEM_ALL_SECONDS_MAX = 900, 3600
FUZZ_RUNS = 10000
FUZZ_SECONDS_MAX = 120
COVERAGE_MIN = 80
SLOWEST_SHOWN = 12
FAILURE_WIDTH = 300
PROGRAMS_AT_ONCE = 4
SYSTEM_AT_ONCE = 4  # they wait more than they compute
# What runs once more on programs with the thread sanitizer in them.
THREAD_SYSTEM = ["test_at_once.py", "test_at_once_endpoints.py", "test_main_job.py", "test_crash.py"]


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.failures = []  # a line each, said once more at the end

    def add(self, name, passed, failed, output, seconds, failures=()):
        self.passed += passed
        self.failed += failed
        self.failures += failures or [name] * bool(failed)
        verdict = "ok" if failed == 0 else "FAILED"
        print(f"{verdict:6} {name}  {passed} passed, {failed} failed  ({seconds:.1f} s)", flush=True)
        if failed:
            print(output[-20000:], flush=True)


def environment(scratch):
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = "detect_leaks=0"
    env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    env["TMPDIR"] = scratch
    return env


def run_program(path, scratch, tortures):
    """A program of tests: counted by its TAP report, and a failure for any other way to end badly. Criterion writes the report
    to a file; those that torture, whose children are looked at for leaks, to their output."""
    tap = pathlib.Path(scratch) / (path.name + ".tap")
    began = time.monotonic()
    command = [str(path)] if tortures else [str(path), f"--tap={tap}", "-j2", "--timeout", "120"]
    env = environment(scratch)
    if tortures:
        env["ASAN_OPTIONS"] = "detect_leaks=1"
    try:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=PROGRAM_SECONDS_MAX, errors="replace", text=True)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as expired:
        output, code = f"{expired.stdout}\nstill running after {PROGRAM_SECONDS_MAX} s", 1
    report = output if tortures else tap.read_text(errors="replace") if tap.exists() else ""
    passed = len(re.findall(r"^ok ", report, re.M))
    failed = len(re.findall(r"^not ok ", report, re.M))
    if code != 0 and failed == 0 or passed + failed == 0:
        failed += 1
    return path.name, passed, failed, output + report, time.monotonic() - began


def run_programs(tally, build, tiers, patterns, scratch):
    """The programs of these tiers, what takes longest first: the last to end would be alone."""
    listed = (build / "tests" / "programs.txt").read_text().split()
    programs = [build / p for tier in reversed(TIERS) if tier in tiers for p in sorted(listed) if p.startswith(f"tests/{tier}/")]
    programs = [p for p in programs if not patterns or any(x in p.name for x in patterns)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=PROGRAMS_AT_ONCE) as pool:
        for result in pool.map(lambda p: run_program(p, scratch, p.parent.name == "torture"), programs):
            tally.add(*result)


def run_thread_programs(tally, build, scratch):
    """Plain programs under the thread sanitizer: exit code 0 is one passed test."""
    listed = (build / "tests" / "programs.txt").read_text().split()
    for path in sorted(build / p for p in listed if p.startswith("tests/tsan/")):
        began = time.monotonic()
        env = dict(environment(scratch), TSAN_OPTIONS=f"suppressions={ROOT}/tests/tsan/suppressions.txt")
        done = subprocess.run([str(path)], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=PROGRAM_SECONDS_MAX, errors="replace", text=True)
        clean = done.returncode == 0
        tally.add(path.name, int(clean), int(not clean), done.stdout, time.monotonic() - began)


def run_fuzz(tally, build, patterns, scratch):
    """Each target over its seeds and FUZZ_RUNS inputs made of them, the same ones every time."""
    limits = [f"-runs={FUZZ_RUNS}", "-seed=1"]
    names = [n for n in fuzz.targets(build) if not patterns or any(x in n for x in patterns)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=fuzz.AT_ONCE) as pool:
        for result in pool.map(lambda n: fuzz.run_target(build, n, limits, pathlib.Path(scratch) / "corpus" / n, FUZZ_SECONDS_MAX), names):
            clean = result.code == 0
            tally.add(f"fuzz_{result.name}", int(clean), int(not clean),
                      f"{result.output}\nreplay: {fuzz.replay_command(build, result)}", result.seconds)


def print_slowest(suite):
    """Where the time goes: files by the seconds of their tests."""
    seconds = {}
    for case in suite.iter("testcase"):
        file = case.get("classname").rsplit(".", 1)[-1]
        seconds[file] = seconds.get(file, 0) + float(case.get("time"))
    longest = sorted(seconds.items(), key=lambda entry: -entry[1])[:SLOWEST_SHOWN]
    print("slowest: " + ", ".join(f"{file} {took:.0f} s" for file, took in longest), flush=True)


def failures_of(suite):
    """A line for each: what failed and the first line of why."""
    lines = []
    for case in suite.iter("testcase"):
        for fault in [*case.iter("failure"), *case.iter("error")]:
            why = (fault.get("message") or "").partition("\n")[0]
            lines.append(f"{case.get('classname')}::{case.get('name')}: {why[:FAILURE_WIDTH]}")
    return lines


def run_pytest(tally, name, arguments, scratch, seconds):
    report = pathlib.Path(scratch) / f"{name}.xml"
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment(scratch), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=seconds, errors="replace", text=True)
        output, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as expired:
        output, code = f"{(expired.stdout or b'').decode(errors='replace')}\nstill running after {seconds} s", 1
    passed = failed = 0
    failures = []
    if report.exists():
        suite = ElementTree.parse(report).getroot().find("testsuite")
        print_slowest(suite)
        failures = failures_of(suite)
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        passed = int(suite.get("tests")) - failed - int(suite.get("skipped"))
    if code not in (0, 5) and failed == 0:
        failed = 1
    tally.add(name, passed, failed, output, time.monotonic() - began, failures)


def report_coverage(tally, build):
    """Lines of lib, services, gateway and tools that the suite ran."""
    command = ["gcovr", "--root", str(ROOT), "--object-directory", str(build), "--filter", "lib/", "--filter",
               "services/", "--filter", "gateway/", "--filter", "tools/", "--exclude-unreachable-branches",
               "--gcov-ignore-parse-errors", "-j2", "--txt", str(build / "coverage.txt"), "--print-summary"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.search(r"^lines: ([\d.]+)%", done.stdout, re.M)
    percent = float(found.group(1)) if found else 0.0
    print(f"line coverage: {percent}% (by file: {(build / 'coverage.txt').relative_to(ROOT)})")
    enough = percent >= COVERAGE_MIN
    tally.add("coverage", int(enough), int(not enough), done.stdout, 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--thread-build", type=pathlib.Path, help="a build with the thread sanitizer")
    parser.add_argument("--fuzz-build", type=pathlib.Path, help="a build of the fuzz targets")
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    everything = not options.what or options.what == ["all"]
    named = [t for t in options.what if t in TIERS + ["system", "checks", "fuzz"]]
    patterns = [] if everything else [w for w in options.what if w not in named]
    tally = Tally()
    # A shell starts what is to run in the background with these ignored, and what is tested would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    for counts in options.build.rglob("*.gcda"):
        counts.unlink()
    with tempfile.TemporaryDirectory(prefix="obol-", dir="/tmp") as scratch:
        os.chmod(scratch, 0o755)
        os.environ["OBOL_BIN"] = str(options.build / "bin")
        if options.thread_build:  # ./dev test all: what takes longer
            os.environ["OBOL_TEST_THOUSAND"] = "1"
            os.environ["OBOL_TORTURE_ALL"] = "1"
        if everything or "checks" in named:
            run_pytest(tally, "checks", ["tests/checks"], scratch, 300)
        tiers = [tier for tier in TIERS if everything or tier in named or (patterns and not named)]
        run_programs(tally, options.build, tiers, patterns, scratch)
        if everything or "system" in named or (patterns and not named):
            chosen = ["-k", " or ".join(patterns)] if patterns else []
            run_pytest(tally, "system", ["tests/system", "-n", str(SYSTEM_AT_ONCE), "--dist", "loadfile", *chosen], scratch,
                       SYSTEM_ALL_SECONDS_MAX if options.thread_build else SYSTEM_SECONDS_MAX)
        if options.fuzz_build:
            run_fuzz(tally, options.fuzz_build, patterns, scratch)
        if options.thread_build:
            run_thread_programs(tally, options.thread_build, scratch)
            os.environ["OBOL_BIN"] = str(options.thread_build / "bin")
            run_pytest(tally, "system_tsan", [f"tests/system/{name}" for name in THREAD_SYSTEM], scratch, SYSTEM_ALL_SECONDS_MAX)
        if everything:
            report_coverage(tally, options.build)
    for failure in tally.failures:
        print(f"failed: {failure}")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
