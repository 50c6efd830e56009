"""What the programs count, after a day in small: everything equals what was done, and nothing that a client invents gets in."""
import pathlib
import re
import secrets
import subprocess
import time
import types

import pytest

from client import at_once, card_payment, payment, send_bytes
from conftest import running_stack
from exposition import page
from processes import wait_until
from receiver import Receiver
from stack import SERVICES

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = [*SERVICES, "gateway"]
UNKNOWN_MS = 4000  # so long does timeout@upi stay so: the gauges are read every second
ROW = re.compile(r"^\| `([a-z0-9_]+)`(?: \*)? \| \w+ \| [a-z_, ]*? ?\| ([a-z, ]+) \| ", re.M)
OF = {"all": PROGRAMS, "services": SERVICES}
# Seen only where something has happened that doesn't here: mutual TLS, a credential of one's own, a day's reconciliation.
ELSEWHERE = {"obol_provider_sessions_total", "obol_reconciliation_differences", "obol_spans_exported_total", "obol_spans_dropped_total",
             "obol_errors_reported_total"}


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(own_cluster=True, MEASURE_EVERY_S="1", LOG_LEVEL="info", SANDBOX_TIMEOUT_RESOLVES_MS=str(UNKNOWN_MS))


def shown(stack, program, name, **labels):
    return page(stack, program).value(name, **labels)


def settles(stack, program, name, value, seconds=20, **labels):
    seen = []

    def there():
        seen.append(shown(stack, program, name, **labels))
        return seen[-1] == value
    wait_until(there, seconds, lambda: f"{name} {labels} becomes {value}, is {seen[-1]}")


@pytest.fixture(scope="module")
def day(stack):
    """3 UPI payments and one by card that succeed, one that fails, one that is unknown and then succeeds, a refund; a key
    replayed and one reused; an endpoint that takes its events and one that is gone."""
    api = stack.tenant()
    good, gone = Receiver(), Receiver()
    gone.answer = lambda request: (410, {}, b"")
    events = {"events": ["payment.succeeded"]}
    api.post("/webhook_endpoints", {"url": good.url, **events}).ok(201)
    unknown = api.pay(60000, "timeout@upi")
    key = secrets.token_hex(8)
    body = payment(50000)
    paid = [api.post("/payments", body, key=key).ok(201)["id"], api.pay(50000)["id"], api.pay(50000, key="other")["id"]]
    assert api.post("/payments", body, key=key).ok(201)["id"] == paid[0]
    api.post("/payments", payment(1), key=key).refused(422, "idempotency_key_reused")
    failed = api.pay(7000, "fail@upi")["id"]
    paid.append(api.post("/payments", card_payment(amount=30000)).ok(201)["id"])
    settles(stack, "payments", "obol_payments_unknown", 1)
    age = shown(stack, "payments", "obol_payments_unknown_oldest_age_seconds")
    wait_until(lambda: shown(stack, "payments", "obol_payments_unknown_oldest_age_seconds") > age > 0, 10, "it grows older")
    for payment_id in paid:
        stack.settle(api, payment_id, "succeeded")
    stack.settle(api, failed, "failed")
    refund = api.post(f"/payments/{paid[0]}/refunds", {"amount": 20000}, key="a refund").ok(201)
    stack.settle_refund(api, refund["id"])
    stack.settle(api, unknown["id"], "succeeded")
    wait_until(lambda: len(good.requests) == 5, 30, "five webhooks")
    other = stack.tenant()
    lost = other.post("/webhook_endpoints", {"url": gone.url, **events}).ok(201)
    stack.paid(other, 100)
    wait_until(lambda: not other.get(f"/webhook_endpoints/{lost['id']}").ok()["enabled"], 30, "the gone endpoint is disabled")
    stack.quiet()
    yield types.SimpleNamespace(api=api, created=7, succeeded=6, taken=3 * 50000 + 30000 + 60000 + 100)
    good.close()
    gone.close()


def test_payments_are_counted_once_each(stack, day):
    seen = page(stack, "payments")
    upi = {"provider": "simulator", "method": "upi"}
    counted = {outcome: seen.value("obol_payments_total", outcome=outcome, **upi) for outcome in
               ["created", "succeeded", "failed", "unknown", "authorized", "canceled", "expired", "needs_review"]}
    assert counted == {"created": 6, "succeeded": 5, "failed": 1, "unknown": 1, "authorized": 0, "canceled": 0, "expired": 0,
                       "needs_review": 0}
    assert seen.value("obol_payments_total", provider="simulator", method="card", outcome="succeeded") == 1
    amounts = {labels["outcome"]: value for labels, value in seen.series("obol_payment_amount_minor_units_total", currency="INR")}
    assert amounts == {"created": day.taken + 7000, "succeeded": day.taken, "failed": 7000, "refunded": 20000}
    settles(stack, "payments", "obol_payments_unknown", 0)
    seen = page(stack, "payments")
    zero = ["obol_payments_unknown_oldest_age_seconds", "obol_payments_needs_review", "obol_refunds_needs_review",
            "obol_operations_due", "obol_operations_due_oldest_age_seconds", "obol_operations_in_flight"]
    assert {name: seen.value(name) for name in zero} == dict.fromkeys(zero, 0)


def test_providers_requests_are_counted(stack, day):
    seen = page(stack, "payments")
    acts = {labels["act"]: seen.sum("obol_provider_requests_total", provider="simulator", act=labels["act"])
            for labels, _ in seen.series("obol_provider_requests_total")}
    assert acts["charge"] == 7 and acts["refund"] == acts["tokenize"] == 1 and acts["query"] >= 1
    assert seen.value("obol_provider_requests_total", provider="simulator", act="charge", outcome="lost") == 1
    for act, n in acts.items():
        assert seen.value("obol_provider_request_duration_seconds_count", provider="simulator", act=act) == n
    assert seen.value("obol_provider_available", provider="simulator") == 1
    assert seen.value("obol_provider_circuits", provider="simulator", state="closed") == 1
    assert seen.sum("obol_provider_callbacks_total", provider="simulator") >= 7


def test_refunds_and_webhooks_are_counted(stack, day):
    seen = page(stack, "refunds")
    counted = {labels["outcome"]: value for labels, value in seen.series("obol_refunds_total")}
    assert counted == {"created": 1, "processed": 1, "failed": 0, "unknown": 0, "needs_review": 0}
    settles(stack, "refunds", "obol_refunds_open", 0)
    assert shown(stack, "refunds", "obol_refunds_open_oldest_age_seconds") == 0
    seen = page(stack, "webhooks")
    attempts = {labels["outcome"]: value for labels, value in seen.series("obol_webhook_attempts_total")}
    deliveries = {labels["outcome"]: value for labels, value in seen.series("obol_webhook_deliveries_total")}
    assert attempts == deliveries == {"delivered": 5, "failed": 1}
    assert seen.value("obol_webhook_attempt_duration_seconds_count") == 6
    assert seen.value("obol_webhook_endpoints_disabled_total") == 1
    settles(stack, "webhooks", "obol_webhook_deliveries_pending", 0)
    assert shown(stack, "webhooks", "obol_webhook_pending_oldest_age_seconds") == 0


def test_idempotency_keys_are_counted_as_they_commit(stack, day):
    for program in ["payments", "refunds"]:
        [[kept]] = stack.sql(f"SELECT count(*) FROM {program}.idempotency_keys")
        counted = {labels["outcome"]: value for labels, value in page(stack, program).series("obol_idempotency_total")}
        conflicts = 1 if program == "payments" else 0
        assert counted == {"new": int(kept), "replayed": conflicts, "conflict": conflicts} and int(kept) >= 1


def test_requests_are_counted_by_route_and_calls_by_method(stack, day):
    gateway, payments = page(stack, "gateway"), page(stack, "payments")
    create = {"method": "POST", "route": "/api/v1/payments"}
    assert gateway.value("obol_http_requests_total", status="201", **create) == day.created + 1  # a replay
    assert gateway.value("obol_http_requests_total", status="422", **create) == 1
    assert gateway.value("obol_http_request_duration_seconds_count", **create) == day.created + 2
    assert gateway.sum("obol_http_requests_total", method="GET", route="/api/v1/payments/{id}", status="200") >= 6
    method = "/obol.payments.v1.PaymentService/CreatePayment"
    assert payments.value("obol_rpc_calls_total", method=method, code="OK") == day.created + 1
    assert payments.value("obol_rpc_calls_total", method=method, code="INVALID_ARGUMENT") == 1
    assert payments.value("obol_rpc_call_duration_seconds_count", method=method) == day.created + 2
    assert payments.value("obol_rpc_batch_calls_sum", method=method) == day.created + 2
    assert gateway.value("obol_bundle_calls_sum") >= day.created + 2


def test_what_each_knows_of_itself_and_of_others(stack, day):
    [[most]] = stack.sql("SHOW max_connections")
    for program in SERVICES:
        settles(stack, program, "obol_outbox_rows", 0)
        seen = page(stack, program)
        assert seen.value("obol_outbox_oldest_age_seconds") == 0
        assert seen.value("obol_ready") == seen.value("obol_bus_up") == 1
        assert {labels["dependency"]: value for labels, value in seen.series("obol_dependency_up")} == {
            "postgres": 1, "nats": 1, "migrations": 1, "listener": 1}
        assert 0 < seen.value("obol_dependency_latency_seconds", dependency="postgres") < 30
        kept = {labels["state"]: value for labels, value in seen.series("obol_db_connections")}
        assert kept.keys() == {"down", "idle", "busy"} and min(kept.values()) >= 0
        assert sum(kept.values()) == seen.value("obol_db_connections_max") > 3
        assert seen.value("obol_db_server_connections_max") == int(most)
        assert seen.value("obol_db_server_connections") >= kept["idle"] + kept["busy"]
        assert seen.value("obol_db_statement_duration_seconds_count") > 10
        [[published]] = stack.sql(f"SELECT count(*) FROM {program}.events")
        assert seen.value("obol_events_published_total") == int(published)
    for program, peers in {"webhooks": "webhooks", "refunds": "refunds"}.items():
        [[taken]] = stack.sql(f"SELECT count(*) FROM {program}.consumed")
        assert page(stack, program).value("obol_events_consumed_total") == int(taken)
        settles(stack, program, "obol_bus_consumer_pending", 0, consumer=peers)
    for program in PROGRAMS:
        seen = page(stack, program)
        assert re.match(r"\d", seen.series("obol_build_info")[0][0]["version"])
        assert 0 <= time.time() - seen.value("process_start_time_seconds") < 900
        assert 3 < seen.value("process_open_fds") < seen.value("process_max_fds")
        status = pathlib.Path(f"/proc/{stack.processes[program].child.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024
        assert 0.5 < seen.value("process_resident_memory_bytes") / resident < 2
        log = pathlib.Path(stack.directory / f"{program}.log").read_text()
        assert seen.value("obol_log_lines_total", level="info") <= log.count('"level":"info"') + 1
        assert seen.value("obol_log_lines_total", level="info") >= 1


def test_every_metric_of_the_page_is_there(stack, day):
    rows = ROW.findall((ROOT / "docs" / "metrics.md").read_text())
    assert len(rows) > 50
    missing = []
    for name, of in rows:
        programs = [p for word in of.split(", ") for p in OF.get(word, [word]) if word != "tls"]
        missing += [(program, name) for program in programs if name not in page(stack, program).types and name not in ELSEWHERE]
    assert not missing


def test_promtool_finds_no_fault(stack, day):
    for program in PROGRAMS:
        text = page(stack, program).text
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert (done.returncode, done.stdout) == (0, ""), (program, done.stdout)


def test_histograms_hold_together(stack, day):
    n = 0
    for program in PROGRAMS:
        for name, labels, buckets, total, count in page(stack, program).histograms():
            bounds = sorted((float(bound), value) for bound, value in buckets.items())
            assert [value for _, value in bounds] == sorted(value for _, value in bounds), (name, labels)
            assert bounds[-1] == (float("inf"), count), (name, labels)
            at_least = sum(low * (value - before) for (low, before), (_, value) in zip(bounds, bounds[1:]))
            assert at_least <= total and (count == 0) == (bounds[-1][1] == 0), (name, labels, total)
            n += count > 0
    assert n > 30


def test_what_a_client_invents_becomes_no_series(stack, day):
    before = {program: len(page(stack, program).text.splitlines()) for program in PROGRAMS}

    def invent(i):
        day.api.get(f"/{secrets.token_hex(8)}/{i}")
        day.api.get(f"/payments/pay_{secrets.token_hex(13)}")
        day.api.post("/payments", payment(currency="".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(3)),
                                          method=secrets.token_hex(4)))
        day.api.post(f"/webhooks/{secrets.token_hex(4)}/{secrets.token_hex(4)}", {})
        day.api.call("PURGE", f"/payments/{i}")
        send_bytes(stack.ports["gateway"], b"X%d /api/v1/payments HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % i)
    at_once(60, invent, 8)
    after = {program: page(stack, program) for program in PROGRAMS}
    grown = {program: len(seen.text.splitlines()) - before[program] for program, seen in after.items()}
    # New are a few routes, statuses and outcomes of ours: a histogram of a route has 17 lines.
    assert all(n <= 100 for n in grown.values()), grown
    invented = [line for seen in after.values() for line in seen.text.splitlines()
                if re.search(r'route="(?!other|/health|/openapi.json|/api/v1/)|="(pay|ten|rfnd|we|evt|key)_|http://|route="[^"]*[0-9a-f]{8}', line)]
    assert not invented
    assert after["gateway"].sum("obol_http_requests_total", route="other") >= 60


def test_gauges_are_gone_while_the_database_is(stack, day):
    """What nobody can know is not shown, neither as it was nor as 0."""
    gauges = {"auth": [], "payments": ["obol_payments_unknown", "obol_operations_due_oldest_age_seconds"],
              "refunds": ["obol_refunds_open"], "webhooks": ["obol_webhook_deliveries_pending"]}
    everywhere = ["obol_outbox_rows", "obol_outbox_oldest_age_seconds", "obol_db_server_connections"]
    errors = {program: page(stack, program).sum("obol_db_errors_total", **{"class": "08"}) for program in SERVICES}
    stack.kill9("postgres")
    for program, own in gauges.items():
        for name in [*everywhere, *own]:
            settles(stack, program, name, None)
            assert name in page(stack, program).types
        settles(stack, program, "obol_dependency_up", 0, dependency="postgres")
        settles(stack, program, "obol_ready", 0)
        settles(stack, program, "obol_dependency_latency_seconds", None, dependency="postgres")
        seen = page(stack, program)
        assert seen.value("obol_db_connections", state="down") >= 1
        assert seen.sum("obol_db_errors_total", **{"class": "08"}) > errors[program]
    settles(stack, "gateway", "obol_ready", 0)
    stack.restart("postgres")
    stack.wait_ready()
    for program, own in gauges.items():
        for name in ["obol_outbox_rows", *own]:
            settles(stack, program, name, 0)
        settles(stack, program, "obol_ready", 1)
