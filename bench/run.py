#!/usr/bin/env python3
"""The benchmarks: each on an installation of its own, against yardsticks of the same run.

Called by ./dev bench. The exit code tells of errors; a target that is missed is a figure and no error.
"""
import argparse
import contextlib
import dataclasses
import importlib
import pathlib
import resource
import signal
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from installation import Installation  # noqa: E402
from machine import about  # noqa: E402
from report import document, table, write_chart, write_json  # noqa: E402

NAMES = ["accept", "lifecycle", "deliver", "read", "edge", "growth", "isolate", "cost", "mtls"]
FILES_MIN = 8192  # descriptors: a thousand connections at both ends, and what else is open


@dataclasses.dataclass
class Context:
    bin: pathlib.Path
    quick: bool
    rounds: int
    seconds: float
    failures: list = dataclasses.field(default_factory=list)
    began: float = dataclasses.field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def installation(self, **environment):
        with Installation(self.bin, **environment) as obol:
            if not self.quick:
                obol.season()
            yield obol

    def say(self, text):
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where Obol's programs lie")
    parser.add_argument("--quick", action="store_true", help="see that each runs; the figures mean nothing")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="length of one measurement")
    parser.add_argument("--out", type=pathlib.Path, help="where the results go (bench/results; build/bench with --quick)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=" ".join(NAMES))
    options = parser.parse_args()
    # Figures that mean nothing must not stand where the results are.
    options.out = options.out or (HERE.parent / "build" / "bench" if options.quick else HERE / "results")
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no such benchmark: {' '.join(unknown)}")
    if not (options.bin / "obol-gateway").exists():
        parser.error(f"{options.bin} has no obol-gateway: build first")
    return options


def more_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MIN if hard == resource.RLIM_INFINITY else min(FILES_MIN, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def measure(context, names):
    """The results of those that ran to their end; the others are told and remembered."""
    results = []
    for name in names:
        context.say(f"--- {name}")
        try:
            results.append(importlib.import_module(f"benchmarks.{name}").run(context))
        except Exception:
            traceback.print_exc()
            context.failures.append(f"{name} ended early: {traceback.format_exc().strip().splitlines()[-1]}")
    return results


def write(options, names, value, results):
    """Only what is whole and without errors becomes the latest; anything else goes by its names."""
    whole = names == NAMES and not value["failures"]
    stem = "latest" if whole else names[0] if len(names) == 1 else None
    for name, result in [(stem, results)] if stem else [(result.name, [result]) for result in results]:
        benchmarks = [one for one in value["benchmarks"] if one["name"] in {part.name for part in result}]
        write_json(options.out / f"{name}.json", {**value, "benchmarks": benchmarks})
        print(f"written: {options.out / name}.json")
    if whole:
        machine = value["machine"]
        title = f"Obol {value['commit'][:12]}, {machine['cores']} cores of {machine['cpu']}, {value['date'][:10]}"
        drawn = write_chart(options.out / "latest.svg", results, title)
        print(f"written: {options.out / 'latest.svg'}" if drawn else "no chart: gnuplot is not installed")


def main():
    options = parse()
    options.bin = options.bin.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    more_files()
    names = [name for name in NAMES if name in options.names] or NAMES
    context = Context(options.bin, options.quick, options.rounds or (1 if options.quick else 3),
                      options.seconds or (0.5 if options.quick else 5))
    described = about(context)
    try:
        results = measure(context, names)
    except KeyboardInterrupt:
        print("interrupted; nothing is left behind", file=sys.stderr)
        return 130
    print("\n" + table(results) + "\n")
    for failure in context.failures:
        print(f"ERROR: {failure}")
    write(options, names, document(described, results, context.failures), results)
    return 1 if context.failures else 0


if __name__ == "__main__":
    sys.exit(main())
