"""A payment's whole way: created, settled at the provider, its webhook delivered."""
import traffic
import webhooks
from figures import Line, Result, at_least, at_most, figure, rounds
from processes import PORTS

PAYMENTS, PAYMENTS_QUICK = 20000, 50
CONNECTIONS = 64
AT_ONCE_S = 0.001  # all fall due in so short a time that the connections, not the clock, set the pace
DRAIN_MAX_S = 300
RATIO_MIN, RATIO_AMBITION = 0.12, 0.25
P99_MAX_MS = 250


def run(context):
    with context.installation(**traffic.ACCEPT_ONLY) as accepting, context.installation() as obol:
        accept_api, api, port = accepting.tenant(), obol.tenant(), PORTS.take()
        webhooks.endpoint(api, port)
        n = PAYMENTS_QUICK if context.quick else PAYMENTS

        def accept():
            figures = traffic.create(accepting, accept_api, CONNECTIONS, context.seconds)
            webhooks.calm(accepting)
            return figures
        accept()  # both are warm when it counts
        settled(context, obol, api, port, n // 10)

        def lifecycle():
            drained = settled(context, obol, api, port, n)
            half = webhooks.arrive(context, obol, api, max(1, drained["rate"] / 2), context.seconds, port)
            webhooks.calm(obol)
            return {"rate": drained["rate"], "half_rate": half["rate"], "half_p50_ms": half["webhook_p50_ms"],
                    "half_p99_ms": half["webhook_p99_ms"], "errors": drained["errors"] + half["errors"],
                    "told": f"{drained.get('told', '')} {half.get('told', '')}"}
        measured = rounds(context, {"accept": accept, "lifecycle": lifecycle})
    return Result("lifecycle", lines(measured), [
        f"sustained: {n:,} payments from {CONNECTIONS} connections, counted until the last webhook has come",
        "accept is measured on a second installation that does not process, so that it leaves nothing to do"])


def settled(context, obol, api, port, n):
    """Creates n payments as fast as they are accepted; the rate of their webhooks, counted from the first POST on."""
    drained = webhooks.arrive(context, obol, api, n / AT_ONCE_S, AT_ONCE_S, port, CONNECTIONS, DRAIN_MAX_S)
    webhooks.calm(obol)
    return {**drained, "rate": drained["webhook_rate"]}


def lines(measured):
    rate, accepted = (figure(name, "/s", measured[name], "rate") for name in ("lifecycle", "accept"))
    p50, p99 = (figure(key, "ms", measured["lifecycle"], f"half_{key}_ms") for key in ("p50", "p99"))
    ratio = rate.over(accepted)
    return [
        Line("payments settled and delivered", rate, "/s", "accept, 64 connections", ratio,
             **at_least(ratio, RATIO_MIN, RATIO_AMBITION)),
        Line("POST to webhook at half that load, p50", p50, "ms"),
        Line("POST to webhook at half that load, p99", p99, "ms", **at_most(p99, P99_MAX_MS)),
        Line("yardstick: accept, 64 connections", accepted, "/s")]
