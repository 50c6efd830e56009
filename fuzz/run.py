"""Runs fuzz targets, two at a time, on their committed seeds and what earlier runs kept: ./dev fuzz.

A table: inputs, inputs a second, edges of code reached, verdict. Ends with 1 when one found something,
naming the input and the command that replays it.
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEEDS = ROOT / "fuzz" / "seeds"
INPUT_BYTES_MAX = 4096
INPUT_SECONDS_MAX = 10
MEMORY_MB_MAX = 2048
SECONDS_DEFAULT = 30
SLACK_SECONDS = 120
AT_ONCE = 2


@dataclasses.dataclass
class Result:
    name: str
    code: int
    inputs: int
    per_second: int
    edges: int
    seconds: float
    found: str
    output: str


def targets(build):
    """The names of what is built, without `fuzz_`."""
    return sorted(line.removeprefix("fuzz_") for line in (build / "targets.txt").read_text().split())


def command_of(build, name, limits, corpus, found):
    dictionary = SEEDS / f"{name}.dict"
    command = [str(build / "targets" / f"fuzz_{name}"), *limits, f"-max_len={INPUT_BYTES_MAX}",
               f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MB_MAX}", "-print_final_stats=1",
               f"-artifact_prefix={found}/{name}-"]
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    return command + [str(corpus), str(SEEDS / name)]


def number(pattern, text):
    hits = re.findall(pattern, text, re.M)
    return int(hits[-1]) if hits else 0


def run_target(build, name, limits, corpus, seconds_max):
    """corpus: a folder that new inputs of interest are kept in. What fails lies in <build>/found."""
    found = build / "found"
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    env = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    began = time.monotonic()
    try:
        done = subprocess.run(command_of(build, name, limits, corpus, found), env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=seconds_max)
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        kept = expired.stdout or b""
        code, output = 1, f"{kept.decode(errors='replace')}\nstill running after {seconds_max} s"
    written = re.findall(r"Test unit written to (\S+)", output)
    return Result(name, code, number(r"^stat::number_of_executed_units: (\d+)", output),
                  number(r"^stat::average_exec_per_sec: +(\d+)", output), number(r"\bcov: (\d+)", output),
                  time.monotonic() - began, written[-1] if written else "", output)


def replay_command(build, result):
    program = build / "targets" / f"fuzz_{result.name}"
    return f"{program} {result.found}" if result.found else f"{program} {SEEDS / result.name}"


def report(build, result):
    verdict = "ok" if result.code == 0 else "FOUND"
    print(f"{result.name:12} {result.inputs:>10,} {result.per_second:>9,} {result.edges:>7,} {result.seconds:>7.1f}  {verdict}",
          flush=True)
    if result.code:
        print(result.output[-6000:])
        print(f"  input:  {result.found or '(none written)'}\n  replay: {replay_command(build, result)}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, help=f"for each target (default {SECONDS_DEFAULT})")
    parser.add_argument("--runs", type=int, help="inputs for each target, instead of seconds")
    parser.add_argument("names", nargs="*", help="targets (default: all)")
    options = parser.parse_args()
    known = targets(options.build)
    unknown = [n for n in options.names if n not in known]
    if unknown:
        parser.error(f"no such target: {' '.join(unknown)}; there are {' '.join(known)}")
    seconds = options.seconds or SECONDS_DEFAULT
    limits = [f"-runs={options.runs}"] if options.runs else [f"-max_total_time={seconds}"]
    seconds_max = None if options.runs else seconds + SLACK_SECONDS
    print(f"{'target':12} {'inputs':>10} {'a second':>9} {'edges':>7} {'seconds':>7}", flush=True)
    failed = False
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for result in pool.map(lambda n: run_target(options.build, n, limits, options.build / "corpus" / n, seconds_max),
                               options.names or known):
            report(options.build, result)
            failed = failed or result.code != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
