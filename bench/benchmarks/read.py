"""Reading payments over HTTP, against PostgreSQL reading the same rows by primary key."""
import time

import load
import traffic
from figures import Line, Result, at_least, figure, rounds, warm
from filling import BASE, PAYMENTS, fill

PAYMENTS_N, PAYMENTS_N_QUICK = 1_000_000, 1_000
IDS_MAX = 200_000
CONNECTIONS, CLIENTS = 64, 16
RATIO_MIN, RATIO_AMBITION = 0.3, 0.5


def run(context):
    rows = PAYMENTS_N_QUICK if context.quick else PAYMENTS_N
    with context.installation(**traffic.ACCEPT_ONLY) as obol:
        api = obol.tenant()
        began_s = time.time()
        fill(obol, api.tenant_id, {"traceparent": traffic.TRACEPARENT}, 1, rows, PAYMENTS, end_s=began_s)
        load.analyze(obol.database_url)
        context.say(f"{rows:,} payments filled in")
        ids = obol.directory / "ids"
        traffic.write_ids(obol, ids, api.tenant_id, IDS_MAX)
        variables = {"tenant": api.tenant_id, "stamp": traffic.stamp(began_s), "base": BASE, "n_max": rows}
        works = {"gateway": lambda: traffic.get(obol, api, ids, CONNECTIONS, context.seconds),
                 "pgbench": lambda: load.pgbench(obol.database_url, "read", CLIENTS, context.seconds, **variables)}
        warm(context, works)
        measured = rounds(context, works)
    return Result("read", lines(measured, rows), [f"random payments out of {rows:,}; pgbench reads the same table"])


def lines(measured, rows):
    ours, theirs = (figure("rate", "/s", measured[name], "rate") for name in ("gateway", "pgbench"))
    ratio = ours.over(theirs)
    return [Line(f"{CONNECTIONS} connections", ours, "/s", f"pgbench {CLIENTS} clients", ratio,
                 **at_least(ratio, RATIO_MIN, RATIO_AMBITION)),
            Line(f"{CONNECTIONS} connections, p50", figure("p50", "ms", measured["gateway"], "p50_ms"), "ms"),
            Line(f"{CONNECTIONS} connections, p99", figure("p99", "ms", measured["gateway"], "p99_ms"), "ms"),
            Line(f"yardstick: pgbench {CLIENTS} clients", theirs, "/s")]
