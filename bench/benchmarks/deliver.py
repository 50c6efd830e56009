"""Deliveries that wait, sent to a fast receiver, each with its attempt on record; against libcurl alone."""
import itertools
import pathlib
import tempfile

import load
import webhooks
from figures import Line, Result, at_least, figure, rounds
from processes import PORTS, wait_until

PENDING, PENDING_QUICK = 50000, 200
AT_ONCE = 64      # of the yardstick; it is no faster with as many as the dispatcher has slots
TENANTS = 4       # an endpoint gets a quarter of the slots at most: so that all of them have work
MAX_S = 300
RATIO_MIN, RATIO_AMBITION = 0.4, 0.6


def run(context):
    n = PENDING_QUICK if context.quick else PENDING
    with context.installation() as obol, tempfile.TemporaryDirectory() as scratch:
        port = PORTS.take()
        apis = [obol.tenant(f"Tenant {number}") for number in range(TENANTS)]
        with webhooks.Receiver(context, port):
            targets = [(api, webhooks.endpoint(api, port)) for api in apis]
            sent = [webhooks.deliver_one(obol, *target) for target in targets]
        headers, body = sent[0]
        targets = [(*target, its_body) for target, (_, its_body) in zip(targets, sent)]
        body_file = pathlib.Path(scratch) / "body"
        body_file.write_text(body)
        firsts = itertools.count(1, n)
        measured = rounds(context, {
            "deliver": lambda: deliver(context, obol, port, targets, next(firsts), n),
            "libcurl": lambda: post(context, port, headers, body_file)})
    rate, bare = (figure(name, "/s", measured[name], "rate") for name in ("deliver", "libcurl"))
    ratio = rate.over(bare)
    return Result("deliver", [
        Line(f"{n:,} pending deliveries", rate, "/s", "libcurl alone", ratio,
             **at_least(ratio, RATIO_MIN, RATIO_AMBITION)),
        Line(f"yardstick: libcurl alone, {AT_ONCE} at once", bare, "/s")], [
        f"the deliveries are of {TENANTS} tenants with one endpoint each: one endpoint alone may hold a quarter of the "
        "dispatcher's slots", "every delivery and its attempt are looked for in the database afterwards"])


def deliver(context, obol, port, targets, first, n):
    """Webhooks finds n deliveries waiting when it starts; the rate from the receiver's first request to its last."""
    obol.stop("webhooks")
    each = n // len(targets)
    webhooks.pend(obol, targets, first, each)
    with webhooks.Receiver(context, port) as receiver:
        obol.start("webhooks")
        receiver.wait(each * len(targets), MAX_S)
        wait_until(lambda: waiting(obol) == 0, 60, "every delivery has its outcome")
        counted = receiver.stats()
    missing = each * len(targets) - recorded(obol, first, each)
    repeated = counted["requests"] - each * len(targets)
    seconds = (counted["last_ns"] - counted["first_ns"]) / 1e9
    return {"rate": (counted["requests"] - 1) / seconds, "errors": missing + repeated,
            "told": f"{missing} without a record of success, {repeated} sent more than once"}


def waiting(obol):
    return int(obol.sql("SELECT count(*) FROM webhooks.delivery_queue")[0][0])


def recorded(obol, first, each):
    """How many of them are delivered, with the one attempt of each on record as answered."""
    number = "right(d.id, 16)::numeric"
    [[n]] = obol.sql(f"""SELECT count(*) FROM webhooks.deliveries d
        JOIN webhooks.delivery_attempts a ON a.tenant_id = d.tenant_id AND a.delivery_id = d.id AND a.number = 1
        WHERE right(d.id, 16) ~ '^[0-9]+$' AND {number} BETWEEN {first} AND {first + each - 1}
          AND d.status = 'delivered' AND d.attempts = 1 AND a.response_code = 200
          AND a.duration_us IS NOT NULL AND a.request_headers <> ''""")
    return int(n)


def post(context, port, headers, body_file):
    words = ["post", "--url", f"http://127.0.0.1:{port}/webhook", "--at-once", AT_ONCE, "--seconds", context.seconds,
             "--body-file", body_file]
    for header in headers:
        words += ["--header", header]
    with webhooks.Receiver(context, port):
        return load.obol_bench(context, *words, seconds=context.seconds)
