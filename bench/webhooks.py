"""Webhooks from both ends: endpoints, receivers, payments timed until their webhook comes, deliveries that wait."""
import json
import pathlib
import socket
import time
import urllib.request

import load
from processes import PORTS, answers, wait_until

HERE = pathlib.Path(__file__).resolve().parent
EVENT = "payment.succeeded"
CALM_EVERY_S, CALM_SHARE = 0.5, 0.15
NEVER = float("inf")  # of what did not happen at all: misses every target, and is an error besides


def endpoint(api, port):
    """The id of a new endpoint that wants one event of each payment."""
    return api.post("/webhook_endpoints", {"url": f"http://127.0.0.1:{port}/webhook", "events": [EVENT]}).ok(201)["id"]


class Receiver(load.Served):
    """A fast receiver that counts."""

    def __init__(self, context, port):
        super().__init__(context, "listen", "--port", port)
        self.port = port

    def __enter__(self):
        super().__enter__()
        wait_until(lambda: answers(self.port), 10, "the receiver listens")
        return self

    def stats(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            return json.load(answer)

    def wait(self, n, seconds):
        """What it has counted, once n requests have come."""
        def there():
            counted = self.stats()
            time.sleep(0.2)
            return counted if counted["requests"] >= n else None
        return wait_until(there, seconds, f"{n} webhooks come")


class Hanging:
    """A receiver that lets connect and send, and never answers: the kernel takes what nobody accepts."""

    def __init__(self):
        self.port = PORTS.take()
        self.socket = socket.socket()

    def __enter__(self):
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(4096)
        return self

    def __exit__(self, kind, error, trace):
        self.socket.close()


def arrive(context, obol, api, rate, seconds, port=None, connections=256, settle_s=60):
    """Payments due at a fixed rate, each timed from when it was due; with a port, until its webhook too."""
    words = ["arrive", "--url", f"{obol.url}/api/v1/payments", "--key", api.key, "--secret", api.secret, "--rate", rate,
             "--seconds", seconds, "--connections-max", connections, "--settle-s", settle_s]
    told = load.obol_bench(context, *words, *(["--webhook-port", port] if port else []), seconds=seconds + settle_s)
    failed = {name: n for name, n in told["errors"].items() if n}
    figures = {"rate": told["rate"] or 0, "p50_ms": told["post"]["p50_ms"], "p99_ms": told["post"]["p99_ms"]}
    if port:
        webhook = told["webhook"]
        failed.update({"webhooks missing": webhook["missing"]} if webhook["missing"] else {})
        figures.update({"webhook_rate": webhook["rate"] or 0, "webhook_p50_ms": webhook["p50_ms"] or NEVER,
                        "webhook_p99_ms": webhook["p99_ms"] or NEVER})
    return {**figures, "errors": sum(failed.values()), **({"told": str(failed)} if failed else {})}


def calm(obol, seconds=300):
    """Waits until an installation has nothing left to do: events are taken, late callbacks too, and nobody computes."""
    obol.settle(seconds)

    def idle():
        before = sum(obol.cpu_seconds().values())
        time.sleep(CALM_EVERY_S)
        return sum(obol.cpu_seconds().values()) - before < CALM_SHARE * CALM_EVERY_S
    wait_until(idle, seconds, "the installation is idle")


def deliver_one(obol, api, endpoint_id):
    """Has an endpoint take the webhook of one payment; the headers and the body that were sent."""
    payment_id = api.pay()["id"]

    def sent():
        return api.get(f"/webhooks?endpoint_id={endpoint_id}&payment_id={payment_id}&status=delivered").ok()["data"]
    delivery = wait_until(sent, 30, "a webhook is delivered")[0]
    attempt = api.get(f"/webhooks/{delivery['id']}").ok()["attempt_log"][0]
    return [f"{header['name']}: {header['value']}" for header in attempt["request_headers"]], attempt["request_body"]


def quoted(text):
    """As psql's \\set wants it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def pend(obol, targets, first, each):
    """Makes more deliveries wait for endpoints that have had one, (api, endpoint id, its body), numbered from `first`."""
    script = (HERE / "sql" / "pending_deliveries.sql").read_text()
    for api, endpoint_id, body in targets:
        values = {"tenant": api.tenant_id, "endpoint": endpoint_id, "first": first, "last": first + each - 1,
                  "body": quoted(body)}
        obol.sql("".join(f"\\set {name} {value}\n" for name, value in values.items()) + script)
    # So many at once call for the server's upkeep: it is done here, not while something is measured.
    tables = ["deliveries", "delivery_queue", "stored_events", "delivery_attempts"]
    obol.sql(f"VACUUM (ANALYZE) {', '.join('webhooks.' + table for table in tables)}")
    obol.sql("CHECKPOINT")
