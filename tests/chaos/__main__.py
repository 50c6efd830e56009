"""./dev chaos: faults under load, then an auditor; the last line is the verdict, the exit code 1 when it is not clean."""
import argparse
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
    return parser.parse_args()


def main():
    options = parse()
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
