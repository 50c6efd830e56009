"""The gateway in front of an RPC that does nothing, that RPC by itself, and the bare listener."""
import load
from figures import Line, Result, figure, rounds, warm
from processes import PORTS, answers, wait_until

CONNECTIONS = 64
PAYMENT = "pay_01m7z67wkn2s8765rmyvxqgh29"


def run(context):
    serve_port, listen_port = PORTS.take(), PORTS.take()
    with context.installation() as obol, \
            load.Served(context, "serve", "--listen", f"127.0.0.1:{serve_port}"):
        wait_until(lambda: answers(serve_port), what="the stand-in service listens")
        api = obol.tenant()
        obol.stop("gateway")
        obol.start("gateway", PAYMENTS_TARGET=f"127.0.0.1:{serve_port}")
        body = api.get(f"/payments/{PAYMENT}")
        body.ok()
        with load.Served(context, "listen", "--port", str(listen_port), "--loops", "2", "--body", body.raw.decode()):
            wait_until(lambda: answers(listen_port), what="the bare listener listens")
            def get(url):
                return load.wrk(f"{url}/api/v1/payments/{PAYMENT}", "get", CONNECTIONS, context.seconds,
                                headers=api.headers())
            works = {
                "gateway": lambda: get(obol.url),
                "grpc": lambda: load.obol_bench(context, "call", "--target", f"127.0.0.1:{serve_port}", "--outstanding",
                                                CONNECTIONS, "--seconds", context.seconds),
                "listener": lambda: get(f"http://127.0.0.1:{listen_port}"),
            }
            warm(context, works)
            measured = rounds(context, works)
    return Result("edge", lines(measured), [
        f"GetPayment answers a constant of {len(body.raw)} bytes of JSON; the listener answers those bytes",
        "by gRPC: unary calls, one each, as a service in another language makes them; the gateway bundles its own"])


def lines(measured):
    gateway, grpc, listener = (figure("rate", "/s", measured[name], "rate") for name in ("gateway", "grpc", "listener"))
    made = [Line(f"gateway, {CONNECTIONS} connections", gateway, "/s", "bare listener", gateway.over(listener)),
            Line(f"gRPC directly, {CONNECTIONS} outstanding", grpc, "/s", "bare listener", grpc.over(listener)),
            Line(f"yardstick: bare listener, {CONNECTIONS} connections", listener, "/s")]
    for name, label in [("gateway", "gateway"), ("grpc", "gRPC directly"), ("listener", "bare listener")]:
        for key, unit in [("p50_ms", "p50"), ("p99_ms", "p99")]:
            made.append(Line(f"{label}, {unit}", figure(unit, "ms", measured[name], key), "ms"))
    return made
