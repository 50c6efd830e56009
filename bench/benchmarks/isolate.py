"""What one tenant notices of another that floods the API, or whose receiver hangs."""
import contextlib
import threading

import load
import traffic
import webhooks
from figures import Line, Result, at_most, figure, rounds
from processes import PORTS

RATE = 100  # of B, a second
FLOOD_CONNECTIONS = 64
LEAD_S = 1  # the flood is there before B comes, and when B has gone
HANGING, HANGING_QUICK = 4000, 100
SETTLE_S = 120
RATIO_MAX = 2


def run(context):
    """Each measurement on an installation of its own: what A leaves behind must not meet the next one."""
    measured = rounds(context, {
        "alone": lambda: alone(context), "flood": lambda: flooded(context), "hang": lambda: hung(context)})
    return Result("isolate", lines(measured), [
        f"B's payments come at {RATE} a second and are counted from when each was due",
        f"flood: A creates payments from {FLOOD_CONNECTIONS} connections as fast as they are accepted",
        "hang: A's receiver takes requests and never answers; thousands of A's deliveries wait for it"])


@contextlib.contextmanager
def tenants(context):
    """An installation with A and B; `measure` times B's payments and their webhooks."""
    with context.installation() as obol:
        a, b, port = obol.tenant("A"), obol.tenant("B"), PORTS.take()
        webhooks.endpoint(b, port)

        def measure(seconds):
            return webhooks.arrive(context, obol, b, RATE, seconds, port, settle_s=SETTLE_S)
        measure(min(1, context.seconds))
        yield obol, a, measure


def alone(context):
    with tenants(context) as (_, _, measure):
        return measure(2 * context.seconds)


def flooded(context):
    with tenants(context) as (obol, a, measure):
        flood = Flood(obol, a, 2 * context.seconds + 2 * LEAD_S)
        flood.start()
        threading.Event().wait(LEAD_S)
        figures = measure(2 * context.seconds)
        flood.join()
        flooding = flood.figures
        return {**figures, "flood_rate": flooding["rate"], "errors": figures["errors"] + flooding["errors"],
                "told": f"B {figures.get('told', '')} A {flooding.get('told', '')}"}


class Flood(threading.Thread):
    def __init__(self, obol, api, seconds):
        super().__init__(daemon=True)
        self.work = lambda: traffic.create(obol, api, FLOOD_CONNECTIONS, load.whole(seconds))
        self.figures = {"rate": 0, "errors": 1, "told": "the flood ended early"}

    def run(self):
        self.figures = self.work()


def hung(context):
    with tenants(context) as (obol, a, measure), webhooks.Hanging() as hanging:
        webhooks.pend(obol, [(a, *one_delivered(context, obol, a, hanging.port))], 1, HANGING_QUICK if context.quick else HANGING)
        threading.Event().wait(LEAD_S)
        return measure(2 * context.seconds)


def one_delivered(context, obol, api, hanging_port):
    """A's endpoint, which took one webhook before it was moved to where nobody answers, and that webhook's body."""
    with webhooks.Receiver(context, PORTS.take()) as receiver:
        endpoint_id = webhooks.endpoint(api, receiver.port)
        _, body = webhooks.deliver_one(obol, api, endpoint_id)
    api.patch(f"/webhook_endpoints/{endpoint_id}", {"url": f"http://127.0.0.1:{hanging_port}/webhook"}).ok()
    return endpoint_id, body


def lines(measured):
    made = []
    for key, what in [("p99_ms", "p99"), ("webhook_p99_ms", "POST to webhook, p99")]:
        base = figure(key, "ms", measured["alone"], key)
        made.append(Line(f"B alone, {what}", base, "ms"))
        for name, told in [("flood", "A floods"), ("hang", "A's receiver hangs")]:
            value = figure(key, "ms", measured[name], key)
            ratio = value.over(base)
            judged = at_most(ratio, RATIO_MAX) if (name, key) != ("flood", "webhook_p99_ms") else {}
            made.append(Line(f"{told}: B's {what}", value, "ms", "B alone", ratio, **judged))
    made.append(Line("A's flood", figure("flood", "/s", measured["flood"], "flood_rate"), "/s"))
    return made
