"""Accepting payments over HTTP, against PostgreSQL writing the same rows one payment at a time."""
import load
import traffic
from figures import Figure, Line, Result, at_least, at_most, figure, rounds, warm

CONNECTIONS = [1, 16, 64, 256, 1000]
CLIENTS = [1, 16]
FORMS = {"statements": "accept_statements", "one statement": "accept_one_statement"}
WARM_S = 3
RATE_MIN, RATE_AMBITION = 1.5, 2.5
SINGLE_MAX, P99_64_MAX_MS, SPREAD_1000_MAX = 4, 15, 5


def run(context):
    with context.installation(**traffic.ACCEPT_ONLY) as obol:
        api = obol.tenant()
        traffic.create(obol, api, 64, min(WARM_S, context.seconds))
        obol.settle()
        widths = traffic.row_widths(obol)
        warm(context, {form: lambda script=script: traffic.write_rows(obol, widths, script, 16, WARM_S)
                       for form, script in FORMS.items()})
        for url in (obol.database_url, obol.yardstick_url):
            load.analyze(url)
        measured = rounds(context, works(context, obol, api, widths))
    return Result("accept", lines(measured), [
        f"rows as wide as Obol's own: event {len(widths['body'])} bytes, answer {len(widths['answer'])} bytes",
        "pgbench writes constants and need not publish, render or verify anything; its keys are as random as ours",
        "throughput is held against both of pgbench's forms, latency against the faster one in the same round"])


def works(context, obol, api, widths):
    def accepting(connections):
        def work():
            figures = traffic.create(obol, api, connections, context.seconds)
            obol.settle()
            return figures
        return work

    def writing(script, clients):
        return lambda: traffic.write_rows(obol, widths, script, clients, context.seconds)
    ours = {f"{n} connections": accepting(n) for n in CONNECTIONS}
    theirs = {f"pgbench {n}, {form}": writing(script, n) for n in CLIENTS for form, script in FORMS.items()}
    return {**ours, **theirs}


def strongest(measured, clients, key, better):
    """The better of pgbench's forms, round by round."""
    forms = [figure(key, "", measured[f"pgbench {clients}, {form}"], key) for form in FORMS]
    return Figure(f"pgbench {clients}", forms[0].unit, [better(pair) for pair in zip(*(form.values for form in forms))])


def lines(measured):
    rates_16 = {form: figure("rate", "/s", measured[f"pgbench 16, {form}"], "rate") for form in FORMS}
    p50_1 = strongest(measured, 1, "p50_ms", min)
    made = []
    for n in CONNECTIONS:
        made += connection_lines(n, measured[f"{n} connections"], rates_16, p50_1)
    for n in CLIENTS:
        for form in FORMS:
            one = measured[f"pgbench {n}, {form}"]
            named = f"yardstick: pgbench {n} client{'s' if n > 1 else ''}, {form}"
            made.append(Line(named, figure("rate", "/s", one, "rate"), "/s"))
            if n == 1:
                made.append(Line(f"{named}, p50", figure("p50", "ms", one, "p50_ms"), "ms"))
    return made


def connection_lines(n, ours, rates_16, p50_1):
    rate = figure("rate", "/s", ours, "rate")
    p50, p99 = (figure(key, "ms", ours, key) for key in ("p50_ms", "p99_ms"))
    named = f"{n:,} connection{'s' if n > 1 else ''}"
    made = []
    for form, rate_16 in rates_16.items():
        ratio = rate.over(rate_16)
        bound = at_least(ratio, RATE_MIN, RATE_AMBITION) if n == 64 else {}
        made.append(Line(f"{named}, over {form}", rate, "/s", f"pgbench 16 clients, {form}", ratio, **bound))
    if n == 1:
        single = p50.over(p50_1)
        return made + [Line(f"{named}, p50", p50, "ms", "pgbench 1 client, p50", single, **at_most(single, SINGLE_MAX)),
                       Line(f"{named}, p99", p99, "ms")]
    made.append(Line(f"{named}, p50", p50, "ms"))
    if n == 1000:
        tail = p99.over(p50)
        return made + [Line(f"{named}, p99", p99, "ms", "its own p50", tail, **at_most(tail, SPREAD_1000_MAX))]
    return made + [Line(f"{named}, p99", p99, "ms", **(at_most(p99, P99_64_MAX_MS) if n == 64 else {}))]
