"""What mutual TLS between the programs costs: accepting payments with it and without, in turns."""
import contextlib

import traffic
from figures import Line, Result, figure, rounds, warm

CONNECTIONS = 64


def run(context):
    with contextlib.ExitStack() as both:
        sides = {}
        for name, tls in [("plaintext", False), ("mutual TLS", True)]:
            obol = both.enter_context(context.installation(tls=tls, **traffic.ACCEPT_ONLY))
            sides[name] = (obol, obol.tenant())

        def accepting(obol, api):
            figures = traffic.create(obol, api, CONNECTIONS, context.seconds)
            obol.settle()
            return figures
        works = {name: lambda side=side: accepting(*side) for name, side in sides.items()}
        warm(context, works)
        measured = rounds(context, works)
    plain, tls = (figure("rate", "/s", measured[name], "rate") for name in sides)
    made = [Line(f"mutual TLS, {CONNECTIONS} connections", tls, "/s", "plaintext", tls.over(plain)),
            Line(f"yardstick: plaintext, {CONNECTIONS} connections", plain, "/s")]
    for name in sides:
        made += [Line(f"{name}, {unit}", figure(unit, "ms", measured[name], key), "ms")
                 for key, unit in [("p50_ms", "p50"), ("p99_ms", "p99")]]
    return Result("mtls", made, ["two installations side by side, each idle while the other is measured"])
