"""What the programs tell of themselves: one trace of a payment through all of them, errors, lines of the log."""
import json
import re
import secrets
import socket
import time

import pytest

from client import payment, send
from collector import Collector, Sentry
from conftest import running_stack
from processes import wait_until
from receiver import Receiver
from stack import SERVICES

PROGRAMS = [*SERVICES, "gateway", "sandbox"]
CLIENTS_SPAN = "00f067aa0ba902b7"
LEVELS = ("debug", "info", "warn", "error")


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    collector = Collector(tmp_path_factory.mktemp("otlp"))
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def sentry():
    sentry = Sentry()
    yield sentry
    sentry.close()


@pytest.fixture(scope="module")
def stack(collector, sentry):
    yield from running_stack(LOG_LEVEL="debug", OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, SENTRY_DSN=sentry.dsn,
                             SENTRY_ENVIRONMENT="rehearsal", CATCH_UP_S="600")  # events come by the bus


def traceparent(sampled=True):
    return f"00-{secrets.token_hex(16)}-{CLIENTS_SPAN}-{'01' if sampled else '00'}"


def pay(api, parent, **headers):
    return api.post("/payments", payment(), headers={"traceparent": parent, **headers}).ok(201)


def listening(api, receiver, events):
    api.post("/webhook_endpoints", {"url": receiver.url, "events": events}).ok(201)


def metric(port, name):
    """The sum of its series."""
    text = send(port, "GET", "/metrics").raw.decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))


def line_of(spans, span):
    """From a span up to the first whose parent is not among them."""
    by_id = {s.id: s for s in spans}
    line = [span]
    while line[-1].parent in by_id:
        line.append(by_id[line[-1].parent])
    return [(s.service.removeprefix("obol-"), s.kind, s.name) for s in line]


def only(spans, service, kind, name):
    [span] = [s for s in spans if (s.service, s.kind, s.name) == (f"obol-{service}", kind, name)]
    return span


EDGE = [("payments", "SERVER", "obol.payments.v1.PaymentService/CreatePayment"),
        ("gateway", "CLIENT", "obol.payments.v1.PaymentService/CreatePayment"),
        ("gateway", "SERVER", "POST /api/v1/payments")]
CHARGE = [("sandbox", "SERVER", "sandbox"), ("payments", "CLIENT", "provider charge"), *EDGE]
DELIVERY = [("webhooks", "CLIENT", "POST webhook"), ("webhooks", "CONSUMER", "process payment.succeeded"),
            ("payments", "PRODUCER", "send payment.succeeded"), *EDGE]


def test_one_payment_is_one_trace(stack, api, receiver, collector):
    listening(api, receiver, ["payment.succeeded"])
    parent = traceparent()
    trace = parent.split("-")[1]
    made = pay(api, parent, **{"X-Request-Id": "traced-1"})
    [delivered] = wait_until(lambda: receiver.requests, 30)

    def there():
        spans = collector.spans(trace)
        ids = {span.id for span in spans}
        _, of_trace, span_id, flags = delivered.headers["traceparent"].split("-")
        assert (of_trace, flags) == (trace, "01")
        lines = [line_of(spans, span) for span in spans]
        return spans if span_id in ids and DELIVERY in lines and CHARGE in lines else None
    spans = wait_until(there, 20, lambda: collector.tree(trace))
    print("\n" + collector.tree(trace))

    ids = [span.id for span in spans]
    assert len(set(ids)) == len(ids)
    assert {span.parent for span in spans} - set(ids) == {CLIENTS_SPAN}  # no part of it hangs in the air
    assert all(re.fullmatch("[0-9a-f]{16}", span.id) and span.start <= span.end and not span.failed for span in spans)
    by_id = {span.id: span for span in spans}
    assert all(span.start >= by_id[span.parent].start - 1_000_000 for span in spans if span.parent in by_id)
    server = only(spans, "gateway", "SERVER", "POST /api/v1/payments")
    assert server.attributes["http.response.status_code"] == 201 and server.attributes["obol.request_id"] == "traced-1"
    assert server.attributes["http.route"] == "/api/v1/payments" and server.attributes["obol.tenant_id"] == api.tenant_id
    delivery = next(s for s in spans if s.id == delivered.headers["traceparent"].split("-")[2])
    assert line_of(spans, delivery) == DELIVERY and delivery.attributes["http.response.status_code"] == 200
    event = next(s for s in spans if s.name == "send payment.succeeded")
    assert event.attributes["obol.payment_id"] == made["id"]
    resource = collector.resources["obol-payments"]
    assert resource["service.version"] and resource["service.instance.id"]
    assert metric(stack.ports["payments_ops"], "obol_spans_exported_total") > 0


def test_refund_is_in_the_trace_of_its_request(stack, api, collector):
    paid = stack.paid(api)
    parent = traceparent()
    refund = api.post(f"/payments/{paid['id']}/refunds", {"amount": 100}, headers={"traceparent": parent}).ok(201)
    stack.settle_refund(api, refund["id"])

    def there():
        spans = collector.spans(parent.split("-")[1])
        found = {(s.service, s.kind, s.name) for s in spans}
        return {("obol-refunds", "SERVER", "obol.refunds.v1.RefundService/CreateRefund"),
                ("obol-refunds", "CLIENT", "obol.payments.v1.PaymentService/ReserveRefund"),
                ("obol-payments", "CLIENT", "provider refund"), ("obol-sandbox", "SERVER", "sandbox")} <= found
    wait_until(there, 20, lambda: collector.tree(parent.split("-")[1]))


def test_what_is_not_sampled_is_not_exported(stack, api, receiver, collector):
    listening(api, receiver, ["payment.succeeded"])
    quiet, loud = traceparent(sampled=False), traceparent()
    pay(api, quiet)
    wait_until(lambda: receiver.requests, 30)
    assert receiver.requests[0].headers["traceparent"].endswith("-00")
    pay(api, loud)  # what came before it is exported before it
    wait_until(lambda: {"obol-webhooks", "obol-sandbox", "obol-gateway"} <=
               {s.service for s in collector.spans(loud.split("-")[1]) if s.kind == "CLIENT" or s.service == "obol-sandbox"}, 20)
    assert not collector.spans(quiet.split("-")[1])


def test_new_traces_are_sampled_by_ratio(stack, api, receiver):
    listening(api, receiver, ["payment.created"])
    for ratio, flags in [("0", "-00"), ("1.0", "-01")]:
        stack.processes["gateway"].stop()
        stack.restart("gateway", OTEL_TRACES_SAMPLER_ARG=ratio)
        stack.wait_ready()
        before = len(receiver.requests)
        api.pay()
        wait_until(lambda: len(receiver.requests) > before, 30)
        assert receiver.requests[before].headers["traceparent"].endswith(flags)


def test_settings_that_cannot_be_used_are_refused(stack):
    for name, value in [("OTEL_TRACES_SAMPLER_ARG", "half"), ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
                        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"), ("SENTRY_DSN", "https://hush-hush@host")]:
        for program in ["payments", "gateway", "sandbox"]:
            process = stack.processes[program]
            stack.add("misled", [stack.programs / f"obol-{program}"], {**process.environment, name: value})
            misled = stack.processes.pop("misled")
            misled.start()
            assert misled.child.wait(20) == 2, misled.text()
            assert f"{name}: want" in misled.text() and "hush" not in misled.text()


def silent():
    """Takes connections and says nothing."""
    server = socket.create_server(("127.0.0.1", 0), backlog=100)
    return server, f"http://127.0.0.1:{server.getsockname()[1]}"


def absent():
    holder, url = silent()
    return holder, url.replace("127.0.0.1", "127.0.0.3")


@pytest.mark.parametrize("make", [silent, absent])
def test_collector_that_is_of_no_use_is_in_nobodys_way(stack, api, collector, make):
    """Of no use: payments are as quick as ever, and the program's end waits a second at most."""
    held, url = make()
    dsn = f"http://{Sentry.KEY}@{url.removeprefix('http://')}/7"
    for name in ["gateway", "payments"]:
        stack.processes[name].stop()
        stack.restart(name, OTEL_EXPORTER_OTLP_ENDPOINT=url, SENTRY_DSN=dsn)
    stack.wait_ready()
    try:
        slowest = 0
        for _ in range(20):
            began = time.monotonic()
            pay(api, traceparent())
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 2, f"a payment took {slowest:.1f} s beside {url}"
        if make is not silent:  # there the first request is still out
            wait_until(lambda: "spans not exported" in stack.processes["gateway"].text().rsplit('"serving"', 1)[1], 10)
        began = time.monotonic()
        stack.processes["gateway"].stop()
        assert time.monotonic() - began < 4
    finally:
        for name in ["gateway", "payments"]:
            if stack.processes[name].running():
                stack.processes[name].stop()
            stack.restart(name)
        stack.wait_ready()
        held.close()


def test_collector_that_was_busy_gets_all(stack, api, collector):
    refused = []

    def answer(request):
        if len(refused) < 4:
            refused.append(request)
            return 503, {"Retry-After": "1"}, b""
        return 200, {}, b""
    collector.receiver.answer = answer
    parent = traceparent()
    pay(api, parent)
    wait_until(lambda: len(refused) == 4, 15)
    wait_until(lambda: only(set_of(collector.spans(parent.split("-")[1])), "gateway", "SERVER", "POST /api/v1/payments"), 15)
    collector.receiver.answer = lambda request: (200, {}, b"")


def set_of(spans):
    """Each once: a batch that was sent again came twice."""
    return list({span.id: span for span in spans}.values())


def test_unexpected_error_is_reported_without_secrets(stack, api, receiver, sentry):
    endpoint = api.post("/webhook_endpoints", {"url": receiver.url, "events": ["payment.created"]}).ok(201)
    stack.sql(f"UPDATE webhooks.endpoints SET secret_sealed = overlay(secret_sealed placing '\\x00' from 30) "
              f"WHERE id = '{endpoint['id']}' RETURNING 1")
    payments = [pay(api, traceparent(), **{"X-Request-Id": f"broken-{n}"}) for n in range(9)]
    events = wait_until(lambda: sentry.events("attempt not sent"), 20)
    wait_until(lambda: stack.processes["webhooks"].text().count('"event":"attempt not sent"') >= len(payments), 30)
    event = events[0]
    assert (event["level"], event["logger"], event["environment"]) == ("error", "webhooks", "rehearsal")
    assert event["release"].startswith("obol@") and event["tags"]["service"] == "webhooks"
    assert event["tags"]["tenant"] == api.tenant_id and event["tags"]["request_id"].startswith("broken-")
    assert re.fullmatch("[0-9a-f]{32}", event["contexts"]["trace"]["trace_id"]) and event["extra"]["delivery"].startswith("whd_")
    # A flood of one error is five of them a minute; the rest is counted.
    wait_until(lambda: metric(stack.ports["webhooks_ops"], "obol_errors_reported_total") >= len(payments), 10)
    assert len(sentry.events("attempt not sent")) == 5
    told = b"".join(request.body for request in sentry.receiver.requests).decode()
    kept = [endpoint["secret"], api.secret, Sentry.KEY, *stack.environment["OBOL_KEYS"].split(":")[1:], "user@paytm"]
    assert not [secret for secret in kept if secret in told]


def each_once(pairs):
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def test_every_line_of_a_log_is_an_event(stack, api):
    """All that the programs of this file have written so far."""
    stack.paid(api)
    for name in PROGRAMS:
        lines = stack.processes[name].text().splitlines()
        assert lines
        for line in lines:
            event = json.loads(line, object_pairs_hook=each_once)
            assert event["level"] in LEVELS and event["service"] == name and event["event"], line
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"]), line
            assert all(isinstance(value, (str, int)) for value in event.values()), line
    of_calls = [json.loads(line) for line in stack.processes["webhooks"].text().splitlines() if '"attempt not sent"' in line]
    for event in of_calls:
        assert event["request_id"] and event["tenant"] and len(event["trace_id"]) == 32 and len(event["span_id"]) == 16
