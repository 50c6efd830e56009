"""Accepting, reading and listing as the tables grow, against the same when they are empty."""
import shutil
import time

import load
import traffic
from figures import Line, Result, at_least, at_most, figure, rounds, warm
from filling import fill
from installation import PLACE

SIZES, SIZES_QUICK = [1_000, 1_000_000, 5_000_000], [1_000]
BYTES_A_PAYMENT = 6_000  # all tables with their indexes, and the log of writing them
WEEKS_S = 3 * 7 * 24 * 3600
IDS_MAX = 200_000
CONNECTIONS = 64
WARM_S = 3
TABLES = ["payments", "operations", "operations_queue", "idempotency_keys", "events", "outbox", "audit_log"]
KEPT_MIN, LIST_P50_MAX_MS = 0.85, 2


def run(context):
    sizes = SIZES_QUICK if context.quick else SIZES
    needed, free = sizes[-1] * BYTES_A_PAYMENT, shutil.disk_usage(PLACE).free
    assert free > needed, f"{PLACE} has {free >> 30} GiB free; {needed >> 30} are needed"
    with context.installation(**traffic.ACCEPT_ONLY) as empty, context.installation(**traffic.ACCEPT_ONLY) as full:
        sides = {"empty": Side(context, empty), "full": Side(context, full)}
        widths = traffic.row_widths(full)
        now_s, step_s = time.time(), WEEKS_S / sizes[-1]
        measured = {}
        for below, size in zip([0, *sizes], sizes):
            began = time.monotonic()
            fill(full, sides["full"].api.tenant_id, widths, below + 1, size,
                 begin_s=now_s - step_s * (sizes[-1] - below), end_s=now_s - step_s * (sizes[-1] - size))
            context.say(f"{size:,} payments, with all that goes with them: {time.monotonic() - began:.0f} s")
            sides["empty"].clear()
            measured[size] = measure(context, sides, size)
    return Result("growth", [line for size in sizes for line in lines(measured[size], size, size == sizes[-1])], [
        "the yardstick is a second installation that runs beside it and is emptied before each size; it holds what "
        "warming up and measuring accepted",
        "filled in are payments, operations, idempotency keys, events and audit rows, as many of each; then VACUUM "
        "ANALYZE and a checkpoint, on both sides",
        "list asks for 20 from one connection, so its time is the request's and not a queue's"])


class Side:
    """One of the two installations, with a tenant who has paid a little."""

    def __init__(self, context, obol):
        self.context = context
        self.obol = obol
        self.api = obol.tenant()
        self.ids = obol.directory / "ids"
        self.accept_some()

    def accept_some(self):
        traffic.create(self.obol, self.api, CONNECTIONS, min(WARM_S, self.context.seconds))
        self.obol.settle()

    def clear(self):
        self.obol.sql(f"TRUNCATE {', '.join(f'payments.{table}' for table in TABLES)}")
        self.accept_some()

    def rest(self):
        """Nothing is under way any more, neither events nor what PostgreSQL does for itself."""
        load.analyze(self.obol.database_url)
        self.obol.sql("CHECKPOINT")
        traffic.write_ids(self.obol, self.ids, self.api.tenant_id, IDS_MAX)

    def accept(self):
        figures = traffic.create(self.obol, self.api, CONNECTIONS, self.context.seconds)
        self.obol.settle()
        return figures

    def read(self):
        return traffic.get(self.obol, self.api, self.ids, CONNECTIONS, self.context.seconds)

    def list(self):
        return traffic.lists(self.obol, self.api, self.context.seconds)


def measure(context, sides, size):
    for side in sides.values():
        side.rest()
    works = {f"{work}, {size if name == 'full' else 0:,}": getattr(side, work)
             for work in ("accept", "read", "list") for name, side in sides.items()}
    warm(context, works)
    return rounds(context, works)


def lines(measured, size, largest):
    made = []
    for work in ("accept", "read"):
        full, empty = (figure("rate", "/s", measured[f"{work}, {n:,}"], "rate") for n in (size, 0))
        ratio = full.over(empty)
        made += [Line(f"{work}, {size:,} payments", full, "/s", "itself, empty", ratio,
                      **(at_least(ratio, KEPT_MIN) if largest else {})),
                 Line(f"yardstick: {work}, empty beside {size:,}", empty, "/s")]
    full, empty = (figure("p50", "ms", measured[f"list, {n:,}"], "p50_ms") for n in (size, 0))
    bound = at_most(full, LIST_P50_MAX_MS) if largest else {}
    return made + [Line(f"list, {size:,} payments, p50", full, "ms", **bound),
                   Line(f"yardstick: list, empty beside {size:,}, p50", empty, "ms")]
