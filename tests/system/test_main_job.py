"""A merchant's day: payments, their webhooks, refunds, and everything that can be looked at afterwards."""
import json
import pathlib
import re
import shutil
import subprocess
import urllib.parse

import pytest

from client import card_payment, payment, send
from postgres import PG_BIN
from stack import sequences_whole, wait_until

CURL = """curl -sS -i -X POST http://localhost:{port}/api/v1/payments -H "X-Api-Key: key_test_abc123" \
-H "X-Api-Secret: secret_test_xyz789" -H "Content-Type: application/json" \
-d '{{"order_id": "order_123", "method": "upi", "vpa": "user@paytm"}}'"""


def events_of(api, object_id):
    """In the order of their sequence: two of one moment stand in the list in either order."""
    events = sorted(api.all(f"/events?object_id={object_id}"), key=lambda event: event["sequence"])
    return [event["event"] for event in events] or [None]


def test_curl_of_the_guide_pays_and_is_told(stack):
    done = subprocess.run(CURL.format(port=stack.ports["gateway"]), shell=True, check=True, stdout=subprocess.PIPE, text=True)
    head, body = done.stdout.replace("\r", "").split("\n\n", 1)
    assert head.startswith("HTTP/1.1 201"), done.stdout
    made = json.loads(body)
    assert made["id"].startswith("pay_") and made["status"] == "pending" and made["sequence"] == 1
    assert (made["amount"], made["currency"], made["captured"], made["order_id"]) == (50000, "INR", False, "order_123")
    assert (made["amount_captured"], made["amount_refunded"], made["error"]) == (0, 0, None)
    settled = stack.settle(stack.demo, made["id"], "succeeded")
    assert settled["captured"] and settled["amount_captured"] == 50000
    line = f"Webhook verified: payment.succeeded {made['id']}"
    wait_until(lambda: line in stack.processes["merchant"].text(), 30, line)


def test_refund_is_processed_and_told(stack):
    api = stack.demo
    paid = stack.settle(api, api.post("/payments", {"order_id": "order_123", "method": "upi", "vpa": "a@paytm"}).ok(201)["id"])
    made = api.post(f"/payments/{paid['id']}/refunds", {"amount": 20000, "reason": "broken"}).ok(201)
    assert (made["object"], made["payment_id"], made["amount"], made["currency"]) == ("refund", paid["id"], 20000, "INR")
    assert made["status"] == "pending" and made["reason"] == "broken"
    refund = stack.settle_refund(api, made["id"])
    assert refund["status"] == "processed" and refund["processed_at"]
    line = f"Webhook verified: refund.processed {made['id']}"
    wait_until(lambda: line in stack.processes["merchant"].text(), 30, line)
    wait_until(lambda: api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 20000, 30)
    assert [r["id"] for r in api.get(f"/payments/{paid['id']}/refunds").ok()["data"]] == [made["id"]]
    assert [r["id"] for r in api.get(f"/refunds?payment_id={paid['id']}").ok()["data"]] == [made["id"]]


def test_deliveries_and_events_tell_the_whole_story(stack):
    api = stack.demo
    paid = stack.paid(api)
    names = ["payment.created", "payment.processing", "payment.captured", "payment.succeeded"]

    def delivered():
        log = api.all(f"/webhooks?payment_id={paid['id']}")
        return log if len(log) == 4 and all(d["status"] == "delivered" for d in log) else None
    log = wait_until(delivered, 30, "four deliveries")
    assert sorted(d["event"] for d in log) == sorted(names)
    one = api.get(f"/webhooks/{log[0]['id']}").ok()
    assert (one["attempts"], one["max_attempts"], one["response_code"]) == (1, 5, 200)
    [attempt] = one["attempt_log"]
    assert attempt["number"] == 1 and attempt["response_code"] == 200 and "received" in attempt["response_body"]
    assert {"x-webhook-signature", "webhook-id", "webhook-timestamp", "webhook-signature"} <= {
        h["name"].lower() for h in attempt["request_headers"]}
    events = sorted(api.all(f"/events?object_id={paid['id']}"), key=lambda event: -event["sequence"])
    assert [e["event"] for e in reversed(events)] == names
    assert [e["sequence"] for e in reversed(events)] == [1, 2, 3, 4] and paid["sequence"] == 4
    assert attempt["request_body"] == api.get(f"/events/{one['event_id']}").ok()["body"]
    body = json.loads(events[0]["body"])
    assert body["id"] == events[0]["id"] and body["event"] == "payment.succeeded" and body["sequence"] == 4
    assert body["data"]["payment"]["id"] == paid["id"] and body["data"]["payment"]["status"] == "succeeded"
    got = stack.received(object=paid["id"])
    assert all(r["verified"] for r in got)
    sequences_whole((r["object_id"], r["sequence"]) for r in got)


def test_payments_are_listed_by_filter_and_page(stack, api):
    declined = api.pay(vpa="fail@upi")["id"]
    made = sorted([declined, *(api.pay(100 + i)["id"] for i in range(4))])  # by id, where two share a millisecond
    for payment_id in made:
        stack.settle(api, payment_id)
    newest = made[::-1]
    whole = api.get("/payments").ok()
    assert whole["object"] == "list" and not whole["has_more"] and whole["url"].startswith("/api/v1/payments")
    assert [p["id"] for p in whole["data"]] == newest
    first = api.get("/payments?limit=2").ok()
    assert [p["id"] for p in first["data"]] == newest[:2] and first["has_more"]
    second = api.get(f"/payments?limit=2&starting_after={newest[1]}").ok()
    assert [p["id"] for p in second["data"]] == newest[2:4] and second["has_more"]
    last = api.get(f"/payments?limit=2&starting_after={newest[3]}").ok()
    assert [p["id"] for p in last["data"]] == newest[4:] and not last["has_more"]
    back = api.get(f"/payments?limit=2&ending_before={newest[3]}").ok()
    assert [p["id"] for p in back["data"]] == newest[1:3] and back["has_more"]
    assert [p["id"] for p in api.get("/payments?status=failed").ok()["data"]] == [declined]
    order = api.get(f"/payments/{made[2]}").ok()["order_id"]
    assert [p["id"] for p in api.get(f"/payments?order_id={order}").ok()["data"]] == [made[2]]
    assert api.get("/payments?method=card").ok()["data"] == []
    middle = urllib.parse.quote(api.get(f"/payments/{made[2]}").ok()["created_at"])
    assert {p["id"] for p in api.get(f"/payments?created_gte={middle}").ok()["data"]} >= set(made[3:])
    assert made[4] not in {p["id"] for p in api.get(f"/payments?created_lt={middle}").ok()["data"]}


def test_order_goes_from_created_to_paid(stack, api):
    order = api.post("/orders", {"amount": 1200, "currency": "JPY", "receipt": "r-1", "notes": {"shelf": "ü"}}).ok(201)
    assert order["id"].startswith("order_") and order["status"] == "created" and order["notes"] == {"shelf": "ü"}
    failed = api.post("/payments", {"order_id": order["id"], "method": "upi", "vpa": "fail@upi"}).ok(201)
    assert (failed["amount"], failed["currency"]) == (1200, "JPY")
    stack.settle(api, failed["id"], "failed")
    assert api.get(f"/orders/{order['id']}").ok()["status"] == "attempted"
    slow = api.post("/payments", {"order_id": order["id"], "amount": 1200, "currency": "JPY", "method": "upi", "vpa": "slow@upi"}).ok(201)
    api.post("/payments", {"order_id": order["id"], "method": "upi", "vpa": "a@upi"}).refused(409, "order_in_progress")
    stack.settle(api, slow["id"], "succeeded")
    assert api.get(f"/orders/{order['id']}").ok()["status"] == "paid"
    api.post("/payments", {"order_id": order["id"], "method": "upi", "vpa": "a@upi"}).refused(409, "order_already_paid")
    other = api.post("/orders", {"amount": 5, "currency": "INR"}).ok(201)
    assert [o["id"] for o in api.get("/orders").ok()["data"]] == [other["id"], order["id"]]
    assert [o["id"] for o in api.get("/orders?status=paid").ok()["data"]] == [order["id"]]
    api.post("/payments", {"order_id": other["id"], "amount": 6, "currency": "INR", "method": "upi", "vpa": "a@upi"}
             ).refused(422, "order_amount_mismatch")


def test_declined_payment_names_the_reason(stack, api):
    failed = stack.settle(api, api.pay(vpa="fail@upi")["id"])
    assert failed["status"] == "failed" and failed["error"]["code"] == "payment_declined" and failed["error"]["message"]
    assert not failed["captured"]
    wait_until(lambda: events_of(api, failed["id"])[-1] == "payment.failed", 20)


def test_timeout_is_unknown_and_then_resolved(stack, api):
    made = api.pay(vpa="timeout@upi")
    unknown = stack.settle(api, made["id"], "unknown")
    assert unknown["unknown_operation"] == "charge" and not unknown["captured"]
    settled = stack.settle(api, made["id"], "succeeded")
    assert settled["amount_captured"] == 50000 and settled["unknown_operation"] is None
    assert stack.charge_of(made["id"])["times_charged"] == 1
    wait_until(lambda: "payment.succeeded" in events_of(api, made["id"]), 20)
    assert "payment.unknown" in events_of(api, made["id"])


@pytest.mark.parametrize("part", [None, 20000], ids=["whole", "part"])
def test_manual_capture_takes_whole_or_part(stack, api, part):
    made = api.pay(capture="manual")
    authorized = stack.settle(api, made["id"], "authorized")
    assert not authorized["captured"] and authorized["amount_captured"] == 0
    api.post(f"/payments/{made['id']}/capture", {"amount": 50001}).refused(422)
    api.post(f"/payments/{made['id']}/capture", {"amount": 0}).refused(400, "invalid_request", "amount")
    capturing = api.post(f"/payments/{made['id']}/capture", {"amount": part} if part else {}).ok()
    assert capturing["status"] in ("capturing", "succeeded")
    captured = stack.settle(api, made["id"], "succeeded")
    assert captured["amount_captured"] == (part or 50000) and captured["captured"]
    assert stack.charge_of(made["id"])["captured"] == (part or 50000)
    api.post(f"/payments/{made['id']}/capture").refused(409)
    api.post(f"/payments/{made['id']}/cancel").refused(409)
    api.post(f"/payments/{made['id']}/refunds", {"amount": (part or 50000) + 1}).refused(422, "refund_exceeds_captured")


def test_authorized_payment_is_canceled(stack, api):
    made = api.pay(capture="manual")
    stack.settle(api, made["id"], "authorized")
    assert api.post(f"/payments/{made['id']}/cancel").ok()["status"] in ("canceling", "canceled")
    canceled = stack.settle(api, made["id"], "canceled")
    assert canceled["amount_captured"] == 0 and stack.charge_of(made["id"])["captured"] == 0
    wait_until(lambda: events_of(api, made["id"])[-1] == "payment.canceled", 20)


def test_refused_capture_and_cancel_leave_it_authorized(stack, api):
    made = api.pay(capture="manual")
    stack.settle(api, made["id"], "authorized")
    stack.sandbox(capture_success=False, cancel_success=False)
    try:
        for act in ["capture", "cancel"]:
            api.post(f"/payments/{made['id']}/{act}").ok()
            refused = wait_until(lambda: (p := api.get(f"/payments/{made['id']}").ok())["status"] == "authorized" and p, 30)
            assert refused["error"]["code"] == f"{act}_declined"
            wait_until(lambda: events_of(api, made["id"])[-1] == f"payment.{act}_failed", 20)
    finally:
        stack.sandbox(capture_success=True, cancel_success=True)


def test_card_is_charged_and_shown_without_its_number(stack, api):
    made = api.post("/payments", card_payment()).ok(201)
    assert made["card"] == {"brand": "visa", "last4": "4242", "expiry_month": 12, "expiry_year": 2030}
    assert stack.settle(api, made["id"])["status"] == "succeeded"


@pytest.mark.parametrize("number,code", [
    ("4000000000000002", "card_declined"), ("4000000000009995", "insufficient_funds"),
    ("4000000000000069", "expired_card"), ("4000000000000127", "incorrect_cvc"), ("4000000000000119", "processing_error")])
def test_card_is_declined_with_its_code(stack, api, number, code):
    failed = stack.settle(api, api.post("/payments", card_payment(number)).ok(201)["id"])
    assert failed["status"] == "failed" and failed["error"]["code"] == code


@pytest.mark.parametrize("number,outcome,status", [
    ("4000003800000446", "approve", "succeeded"), ("4000002760003184", "decline", "failed")])
def test_card_waits_for_its_payer(stack, api, number, outcome, status):
    made = api.post("/payments", card_payment(number)).ok(201)
    waiting = stack.settle(api, made["id"], "requires_action")
    page = urllib.parse.urlsplit(waiting["next_action"]["url"])
    assert waiting["next_action"]["type"] == "redirect_to_url"
    shown = send(page.port, "GET", page.path)
    assert shown.status == 200 and b"Approve" in shown.raw
    answered = send(page.port, "POST", page.path, f"outcome={outcome}", {"Content-Type": "application/x-www-form-urlencoded"})
    assert answered.status == 200, answered
    assert stack.settle(api, made["id"], status)["next_action"] is None
    wait_until(lambda: "payment.requires_action" in events_of(api, made["id"]), 20)


def test_card_number_is_nowhere(stack, api):
    """Last in mind, not in time: a card of its own, charged and refunded, then everything written is read."""
    number, cvv = "4532015112830366", "9173"
    body = card_payment(number)
    body["card"]["cvv"] = cvv
    paid = stack.settle(api, api.post("/payments", body, key="card-once").ok(201)["id"], "succeeded")
    assert api.post("/payments", body, key="card-once").headers["Idempotency-Replayed"] == "true"
    api.post("/payments", {**body, "amount": -1}).refused(400)
    stack.settle_refund(api, api.post(f"/payments/{paid['id']}/refunds").ok(201)["id"])
    stack.quiet()
    dump = subprocess.run([PG_BIN / "pg_dump", stack.database.url], check=True, stdout=subprocess.PIPE).stdout.decode()
    assert paid["id"] in dump
    hexed = number.encode().hex()
    spaced = re.compile("[ -]?".join(number))
    for where, text in [("database", dump), *((name, p.text()) for name, p in stack.processes.items()),
                        ("provider's store", pathlib.Path(stack.directory, "sandbox.jsonl").read_text())]:
        assert number not in text and hexed not in text and not spaced.search(text), f"the number is in {where}"
        assert f'"{cvv}"' not in text and f"cvv={cvv}" not in text, f"the CVV is in {where}"


def test_idempotency_key_tells_what_it_did(stack, api):
    made = api.pay(key="told/1 of 2")
    uses = api.get("/idempotency_keys/told%2F1%20of%202").ok()
    assert uses["key"] == "told/1 of 2"
    [use] = uses["uses"]
    assert (use["service"], use["state"], use["object_id"], use["status"]) == ("payments", "completed", made["id"], 201)
    assert use["created_at"] < use["expires_at"]
    api.get("/idempotency_keys/never-used").refused(404, "not_found")


def test_jobs_are_counted_with_and_without_a_key(stack, api):
    stack.paid(api)
    mine = api.get("/test/jobs/status").ok()
    assert mine["worker_status"] == "running" and mine["queues"]["payments"]["completed"] >= 1
    assert mine["completed"] == sum(queue["completed"] for queue in mine["queues"].values())
    everybody = stack.open("GET", "/api/v1/test/jobs/status").ok()
    assert set(everybody["queues"]) == {"payments", "refunds", "webhooks"}
    assert everybody["completed"] >= mine["completed"]
    failed = stack.settle(api, api.pay(vpa="fail@upi")["id"])
    assert failed["status"] == "failed"
    wait_until(lambda: api.get("/test/jobs/status").ok()["queues"]["payments"]["failed"] >= 1, 10)


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_health_needs_no_key(stack, path):
    assert stack.open("GET", path).ok()["status"] == "up"


def test_operations_port_shows_dependencies_and_metrics(stack, api):
    api.pay()
    health = stack.open("GET", "/health", port="gateway_ops").ok()
    text = json.dumps(health)
    assert all(name in text for name in ["auth", "payments", "refunds", "webhooks"])
    for name in ["auth", "payments", "refunds", "webhooks"]:
        inside = json.dumps(stack.open("GET", "/health", port=f"{name}_ops").ok())
        assert "postgres" in inside and "nats" in inside
    metrics = stack.open("GET", "/metrics", port="gateway_ops")
    assert metrics.headers["Content-Type"].startswith("text/plain")
    counted = re.search(r'^obol_http_requests_total\{[^}]*method="POST",route="/api/v1/payments",status="201"\} (\d+)', metrics.raw.decode(), re.M)
    assert counted and int(counted.group(1)) >= 1
    for line in metrics.raw.decode().splitlines():
        assert re.match(r"# (HELP|TYPE) |[a-zA-Z_:][\w:]*(\{.*\})? [-+.\deInfNa]+$", line), line
    assert stack.open("GET", "/metrics").status == 404  # not where the public is


def test_openapi_documents_what_is_there(stack, api):
    document = stack.open("GET", "/openapi.json").ok()
    assert document["openapi"].startswith("3.")
    gets = [path for path, item in document["paths"].items() if "get" in item]
    assert len(gets) >= 14
    for path in gets:
        reply = stack.open("GET", re.sub(r"\{[^}]*\}", "nothing_of_that_name", path), headers=api.headers())
        assert reply.status in (200, 404), (path, reply)
        assert reply.status == 200 or reply.json["code"] == "not_found" and reply.json["detail"] != "No such path.", (path, reply)
    make = document["paths"]["/api/v1/payments"]["post"]
    assert "201" in make["responses"] and "pending" in json.dumps(make)
    for reference in set(re.findall(r'"\$ref": ?"#/([^"]+)"', json.dumps(document))):
        inside = document
        for part in reference.split("/"):
            inside = inside[part]


def test_every_answer_carries_its_headers(stack, api):
    for reply in [api.get("/payments"), api.get("/payments/pay_none"), stack.open("GET", "/api/v1/payments")]:
        assert re.fullmatch(r"req_\w+", reply.headers["X-Request-Id"])
        assert reply.headers["Cache-Control"] == "no-store" and reply.headers["X-Content-Type-Options"] == "nosniff"
    assert api.get("/payments", headers={"X-Request-Id": "mine-42"}).headers["X-Request-Id"] == "mine-42"
    assert api.get("/payments", headers={"X-Request-Id": "not sane\t"}).headers["X-Request-Id"] != "not sane\t"


def test_request_id_and_trace_travel_to_the_webhook(stack, api, receiver):
    api.post("/webhook_endpoints", {"url": receiver.url, "events": ["payment.created"]}).ok(201)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    api.post("/payments", payment(), headers={"X-Request-Id": "trip-7", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}).ok(201)
    wait_until(lambda: receiver.requests, 30)
    assert receiver.requests[0].headers["X-Request-Id"] == "trip-7"
    assert trace in receiver.requests[0].headers["traceparent"]


def test_provider_that_fails_or_stammers_charges_once(stack, api):
    """500s, garbage and repeated callbacks: the payment is charged once in the end."""
    for switches in [{"answer": "error500"}, {"answer": "malformed"}, {"callbacks": "double"}, {"callbacks": "off"}]:
        stack.sandbox(**switches)
        try:
            made = api.pay()
            wait_until(lambda: api.get(f"/payments/{made['id']}").ok()["status"] != "pending", 20)
        finally:
            stack.sandbox(answer="normal", callbacks="on")
        settled = stack.settle(api, made["id"])
        if settled["status"] == "succeeded":
            assert stack.charge_of(made["id"])["times_charged"] == 1
        sequences_whole((made["id"], e["sequence"]) for e in api.all(f"/events?object_id={made['id']}"))


def test_provider_callback_must_be_signed(stack, api):
    body = {"reference": "op_none", "kind": "charge", "status": "succeeded"}
    assert stack.open("POST", "/api/v1/webhooks/simulator/default", body).status == 401
    forged = stack.open("POST", "/api/v1/webhooks/simulator/default", body, headers={"X-Simulator-Signature": "00" * 32})
    assert forged.status == 401
    assert stack.open("POST", "/api/v1/webhooks/simulator", body).status in range(200, 300)  # triggers a read, no more


def test_wrong_environment_is_refused_at_start(stack):
    for name in ["auth", "payments", "refunds", "webhooks", "gateway"]:
        program = stack.processes[name].command[-1]
        assert shutil.which(program)
        helped = subprocess.run([program, "--help"], stdout=subprocess.PIPE, text=True, env=stack.environment)
        assert helped.returncode == 0 and "LISTEN" in helped.stdout
        for variable, wrong in {"DRAIN_MS": "soon", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml", "OBOL_CORE_DUMPS": "perhaps"}.items():
            bad = subprocess.run([program], env={**stack.environment, variable: wrong}, stderr=subprocess.PIPE, text=True, timeout=30)
            assert bad.returncode == 2 and variable in bad.stderr, bad


def test_programs_describe_their_configuration(stack):
    """--configuration is --help for programs, and nothing else than these two is taken."""
    for name in ["obol-auth", "obol-payments", "obol-refunds", "obol-webhooks", "obol-gateway", "obol-sandbox", "obol-merchant", "obol"]:
        said = json.loads(subprocess.run([stack.programs / name, "--configuration"], stdout=subprocess.PIPE, check=True).stdout)
        assert said["program"] == name and said["version"]
        names = [variable["name"] for variable in said["variables"]]
        assert len(set(names)) == len(names) and {"LOG_LEVEL", "LOG_FORMAT"} <= set(names)
        for variable in said["variables"]:
            assert variable["kind"] in ("string", "secret", "int", "bool") and variable["help"]
            assert variable["required"] is False or variable["default"] is None
            assert variable["kind"] != "secret" or variable["default"] is None
        if name != "obol":
            helped = subprocess.run([stack.programs / name, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
            assert re.findall(r"^([A-Z][A-Z_0-9]+) ", helped, re.M) == names
        assert subprocess.run([stack.programs / name, "--nonsense"], stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode == 2
