"""./dev chaos: faults under load, then an auditor; the last line is the verdict, the exit code 1 when it is not clean."""
import argparse
import json
import pathlib
import random
import sys
import time

from . import plan
from .installation import can_mount
from .run import Run, record, report

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse():
    parser = argparse.ArgumentParser(prog="./dev chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 31), help="what decides all of it")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--rate", type=float, default=20, help="arrivals a second (20)")
    parser.add_argument("--bin", type=lambda name: pathlib.Path(name).resolve(), required=True, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=pathlib.Path, help="where the result goes as JSON (build/chaos/<seed>.json)")
    parser.add_argument("--list", action="store_true", help="print the plan, and do nothing")
    parser.add_argument("--table", type=pathlib.Path, nargs="+", metavar="JSON", help="print results of runs as a table, and do nothing")
    return parser.parse_args()


def table(paths):
    """In Markdown."""
    names = ["seed", "minutes", "requests", "payments", "refunds", "faults", "retries", "slowest recovery", "verdict"]
    rows = [names, ["---"] * len(names)]
    for path in paths:
        told = json.loads(path.read_text())
        counts = told["counts"]
        slowest = max((r for r in told["recovery"] if r["seconds"] is not None), key=lambda r: r["seconds"])
        rows.append([told["seed"], f"{told['seconds'] / 60:g}", counts["requests"], sum(counts["payments"].values()),
                     sum(counts["refunds"].values()), told["faults"], sum(counts["retries"].values()),
                     f"{slowest['seconds']:.1f} s ({slowest['fault']} {slowest['target']})",
                     "clean" if told["verdict"] == "clean" else "**wrong**"])
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def main():
    options = parse()
    if options.table:
        print(table(options.table))
        return 0
    if options.list:
        print("\n".join(map(str, plan.make(options.seed, options.minutes * 60, can_mount()))))
        return 0
    print(f"seed {options.seed}, {options.minutes:g} minutes, {options.rate:g} arrivals a second", flush=True)
    begun = time.monotonic()
    run = Run(options.seed, options.minutes * 60, options.rate, options.bin, lambda text: print(text, flush=True))
    try:
        result = run.go()
        run.leave(result)
    except BaseException:
        print(f"logs are kept in {run.installation.directory}", flush=True)
        run.end()
        raise
    print(f"the whole run took {time.monotonic() - begun:.0f} s")
    report(result)
    record(result, options.out or ROOT / "build" / "chaos" / f"{options.seed}.json")
    return 0 if result.clean else 1


sys.exit(main())
