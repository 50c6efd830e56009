"""Webhooks: signatures that others verify, rotation, the delivery log, endpoints that fail, move and go."""
import datetime
import hashlib
import hmac
import json
import re

import pytest

from client import payment
from javascript import verify
from stack import wait_until

GOOD = {"standard": True, "reserialised": True}


def endpoint(api, receiver, events=("payment.created",), **more):
    return api.post("/webhook_endpoints", {"url": receiver.url, "events": list(events), **more}).ok(201)


def first(receiver, n=1, seconds=30):
    wait_until(lambda: len(receiver.requests) >= n, seconds, f"{n} webhooks")
    return receiver.requests[:n]


def delivery_of(api, endpoint_id, status=None, seconds=30):
    def there():
        found = api.get(f"/webhooks?endpoint_id={endpoint_id}").ok()["data"]
        return found[0] if found and (not status or found[0]["status"] == status) else None
    return api.get(f"/webhooks/{wait_until(there, seconds, f'a delivery that is {status}')['id']}").ok()


def test_both_signatures_verify_with_independent_code(stack, api, receiver):
    made = endpoint(api, receiver, ["*"])
    api.post("/payments", payment(
        vpa="success@upi", description="tab\there, newline\n, “quotes”, \\ / \" and \U0001f600 \u2028",
        customer={"name": "Zoë <b>&", "email": "zoe@example.com"},
        metadata={"zeta": "1", "alpha": "\u007e\u00ff", "1a": "2", "01x": "3", "-": "4", "1.5": "5"})).ok(201)
    requests = first(receiver, 4)
    assert [json.loads(r.body)["event"] for r in sorted(requests, key=lambda r: json.loads(r.body)["sequence"])] == [
        "payment.created", "payment.processing", "payment.captured", "payment.succeeded"]
    assert verify(made["secret"], requests) == [GOOD] * 4
    for r in requests:
        assert r.headers["X-Webhook-Signature"] == hmac.new(made["secret"].encode(), r.body, hashlib.sha256).hexdigest()
        assert r.headers["webhook-id"] == json.loads(r.body)["id"]
        assert re.match(r"Obol/\d", r.headers["User-Agent"]) and r.headers["Content-Type"].startswith("application/json")
        assert r.headers["traceparent"] and r.headers["X-Request-Id"]
    requests[0].body += b" "
    assert verify(made["secret"], requests[:1])[0]["standard"] is False


def test_body_says_what_the_payment_was(stack, api, receiver):
    endpoint(api, receiver)
    made = api.pay(metadata={"b": "1", "a": "2"})
    [request] = first(receiver)
    body = json.loads(request.body)
    assert body["data"]["payment"] == made and list(body["data"]["payment"]["metadata"]) == ["b", "a"]
    assert set(body) == {"id", "event", "created_at", "sequence", "data"}


def test_rotation_signs_with_both_for_a_while(stack, api, receiver):
    made = endpoint(api, receiver)
    rotated = api.post(f"/webhook_endpoints/{made['id']}/rotate_secret", {"overlap_seconds": 3600}).ok()
    assert rotated["secret"] != made["secret"]
    api.pay()
    [request] = first(receiver)
    assert len(re.findall(r"v1,\S+", request.headers["webhook-signature"])) == 2
    assert verify(rotated["secret"], [request]) == [GOOD]
    assert verify(made["secret"], [request])[0]["standard"] is True
    at_once = api.post(f"/webhook_endpoints/{made['id']}/rotate_secret", {"overlap_seconds": 0}).ok()
    api.pay()
    request = first(receiver, 2)[1]
    assert len(re.findall(r"v1,\S+", request.headers["webhook-signature"])) == 1
    assert verify(at_once["secret"], [request]) == [GOOD]
    assert verify(rotated["secret"], [request])[0]["standard"] is False


@pytest.mark.parametrize("overlap", [-1, 604801, "1", 1.5])
def test_rotation_overlap_has_limits(stack, api, receiver, overlap):
    made = endpoint(api, receiver)
    api.post(f"/webhook_endpoints/{made['id']}/rotate_secret", {"overlap_seconds": overlap}
             ).refused(400, "invalid_request", "overlap_seconds")


def test_events_are_filtered(stack, api, receiver):
    made = endpoint(api, receiver, ["payment.succeeded", "refund.*"])
    paid = stack.paid(api)
    refund = api.post(f"/payments/{paid['id']}/refunds", {"amount": 5}).ok(201)
    stack.settle_refund(api, refund["id"])
    requests = first(receiver, 3)
    stack.quiet()
    assert sorted(json.loads(r.body)["event"] for r in receiver.requests) == [
        "payment.succeeded", "refund.created", "refund.processed"]
    assert verify(made["secret"], requests) == [GOOD] * 3


def test_test_delivery_answers_with_its_outcome(stack, api, receiver):
    made = endpoint(api, receiver)
    delivery = api.post(f"/webhook_endpoints/{made['id']}/test").ok()
    assert (delivery["status"], delivery["event"], delivery["response_code"]) == ("delivered", "webhook.test", 200)
    [request] = receiver.requests
    assert json.loads(request.body)["event"] == "webhook.test" and verify(made["secret"], [request]) == [GOOD]
    receiver.answer = lambda request: (503, {}, b"closed for lunch")
    failed = api.post(f"/webhook_endpoints/{made['id']}/test").ok()
    assert failed["status"] != "delivered" and failed["response_code"] == 503 and failed["response_body"] == "closed for lunch"


def test_retry_by_hand_delivers_again(stack, api, receiver):
    made = endpoint(api, receiver)
    api.pay()
    delivered = delivery_of(api, made["id"], "delivered")
    api.post(f"/webhooks/{delivered['id']}/retry").ok()
    requests = first(receiver, 2)
    assert requests[0].body == requests[1].body and requests[0].headers["webhook-id"] == requests[1].headers["webhook-id"]
    again = delivery_of(api, made["id"], "delivered")
    assert [a["number"] for a in again["attempt_log"]] == [1, 2]


def test_failure_is_retried_and_the_log_shows_both(stack, api, receiver):
    made = endpoint(api, receiver)
    answers = [(500, {"X-Why": "no"}, b"x" * 10000)]
    receiver.answer = lambda request: answers.pop() if answers else (204, {}, b"")
    api.pay()
    waiting = wait_until(lambda: (d := delivery_of(api, made["id"]))["attempts"] == 1 and d["last_error"] and d, 20)
    assert waiting["status"] == "pending" and waiting["next_retry_at"]
    done = delivery_of(api, made["id"], "delivered")
    assert [a["response_code"] for a in done["attempt_log"]] == [500, 204] and done["attempts"] == 2
    assert done["attempt_log"][0]["response_body"] == "x" * 4096
    assert done["delivered_at"] and done["next_retry_at"] is None
    apart = [datetime.datetime.fromisoformat(a["started_at"].replace("Z", "+00:00")[:26].rstrip("+") + "+00:00"
             if len(a["started_at"]) > 27 else a["started_at"].replace("Z", "+00:00")) for a in done["attempt_log"]]
    assert (apart[1] - apart[0]).total_seconds() >= 4.5


def test_redirect_is_a_failure(stack, api, receiver):
    made = endpoint(api, receiver)
    receiver.answer = lambda request: (302, {"Location": receiver.url + "/elsewhere"}, b"")
    delivery = api.post(f"/webhook_endpoints/{made['id']}/test").ok()
    assert delivery["status"] != "delivered" and delivery["response_code"] == 302
    assert [r.path for r in receiver.requests] == ["/hook"]


def test_silent_and_absent_receivers_fail(stack, api, receiver):
    made = endpoint(api, receiver)
    receiver.answer = lambda request: None
    silent = api.post(f"/webhook_endpoints/{made['id']}/test").ok()
    assert silent["status"] != "delivered" and silent["response_code"] is None and silent["last_error"]
    api.patch(f"/webhook_endpoints/{made['id']}", {"url": "http://127.0.0.1:9/hook"}).ok()
    absent = api.post(f"/webhook_endpoints/{made['id']}/test").ok()
    assert absent["status"] != "delivered" and absent["last_error"]


def test_gone_disables_the_endpoint(stack, api, receiver):
    told = api.post("/webhook_endpoints", {"url": receiver.url + "/told", "events": ["webhook_endpoint.disabled"]}).ok(201)
    made = endpoint(api, receiver)
    receiver.answer = lambda request: (410 if request.path == "/hook" else 200, {}, b"")
    api.pay()
    gone = wait_until(lambda: (e := api.get(f"/webhook_endpoints/{made['id']}").ok())["enabled"] is False and e, 30)
    assert gone["disabled_reason"]
    assert delivery_of(api, made["id"])["status"] == "failed"
    wait_until(lambda: any(r.path == "/hook/told" for r in receiver.requests), 30)
    body = json.loads([r for r in receiver.requests if r.path == "/hook/told"][0].body)
    assert body["event"] == "webhook_endpoint.disabled" and made["id"] in json.dumps(body["data"])
    n = len([r for r in receiver.requests if r.path == "/hook"])
    api.pay()
    stack.quiet()
    assert len([r for r in receiver.requests if r.path == "/hook"]) == n
    receiver.answer = lambda request: (200, {}, b"")
    back = api.patch(f"/webhook_endpoints/{made['id']}", {"enabled": True}).ok()
    assert back["enabled"] and back["disabled_reason"] is None
    api.pay()
    wait_until(lambda: len([r for r in receiver.requests if r.path == "/hook"]) > n, 30)
    assert told["enabled"]


def test_retry_after_is_honoured(stack, api, receiver):
    made = endpoint(api, receiver)
    receiver.answer = lambda request: (429, {"Retry-After": "600"}, b"")
    api.pay()
    waiting = wait_until(lambda: (d := delivery_of(api, made["id"]))["attempts"] == 1 and d["response_code"] and d, 20)
    seconds = (datetime.datetime.fromisoformat(waiting["next_retry_at"][:19])
               - datetime.datetime.fromisoformat(waiting["created_at"][:19])).total_seconds()
    assert 590 <= seconds <= 620


def test_replay_delivers_a_span_again(stack, api, receiver):
    made = endpoint(api, receiver)
    since = "2026-01-01T00:00:00Z"
    for _ in range(3):
        api.pay()
    before = first(receiver, 3)
    stack.quiet()
    replayed = api.post(f"/webhook_endpoints/{made['id']}/replay", {"since": since}).ok()
    assert replayed["deliveries"] >= 3 and not replayed["has_more"]
    wait_until(lambda: len([r for r in receiver.requests if json.loads(r.body)["event"] == "payment.created"]) >= 6, 30)
    ids = {r.headers["webhook-id"] for r in receiver.requests if json.loads(r.body)["event"] == "payment.created"}
    assert ids == {r.headers["webhook-id"] for r in before}
    stack.quiet()
    only_failed = api.post(f"/webhook_endpoints/{made['id']}/replay", {
        "since": since, "only_failed": True, "events": ["payment.created"]}).ok()
    assert only_failed["deliveries"] == 0
    cli = stack.obol("webhook", "replay", made["id"], "--tenant", api.tenant_id, "--since", since)
    assert cli["deliveries"] == replayed["deliveries"]


def test_endpoint_is_changed_and_removed(stack, api, receiver):
    made = endpoint(api, receiver, description="first")
    path = f"/webhook_endpoints/{made['id']}"
    shown = api.get(path).ok()
    assert shown["description"] == "first" and shown.get("secret") is None and shown["enabled"]
    changed = api.patch(path, {"events": ["refund.*"], "description": "second", "url": receiver.url + "/2"}).ok()
    assert (changed["events"], changed["description"], changed["url"]) == (["refund.*"], "second", receiver.url + "/2")
    assert api.patch(path, {"enabled": False}).ok()["enabled"] is False
    assert [e["id"] for e in api.get("/webhook_endpoints").ok()["data"]] == [made["id"]]
    assert api.delete(path).status == 204
    api.get(path).refused(404)
    assert api.get("/webhook_endpoints").ok()["data"] == []
    api.pay()
    stack.quiet()
    assert receiver.requests == []


def test_removal_fails_what_is_pending(stack, api, receiver):
    made = endpoint(api, receiver)
    receiver.answer = lambda request: (500, {}, b"")
    api.pay()
    wait_until(lambda: delivery_of(api, made["id"])["attempts"] == 1, 20)
    assert api.delete(f"/webhook_endpoints/{made['id']}").status == 204
    assert delivery_of(api, made["id"])["status"] == "failed"


@pytest.mark.parametrize("value,param", [
    ({}, "url"), ({"url": ""}, "url"), ({"url": "ftp://example.com/"}, "url"), ({"url": "not a url"}, "url"),
    ({"url": "http://127.0.0.1/#part"}, "url"), ({"url": "http://127.0.0.1/" + "x" * 2048}, "url"), ({"url": 7}, "url"),
    ({"url": "http://127.0.0.1/", "events": ["payment.exploded"]}, "events[0]"),
    ({"url": "http://127.0.0.1/", "events": ["payment.created"] * 51}, "events"),
    ({"url": "http://127.0.0.1/", "description": "x" * 501}, "description"),
    ({"url": "http://127.0.0.1/", "description": "a\u0001b"}, "description"),
    ({"url": "http://127.0.0.1/", "secret": "whsec_mine"}, "secret")])
def test_endpoint_fields_have_limits(stack, api, value, param):
    api.post("/webhook_endpoints", value).refused(400, "invalid_request", param)
    assert api.get("/webhook_endpoints").ok()["data"] == []


def test_sample_merchant_refuses_a_forged_webhook(stack):
    headers = {"X-Webhook-Signature": "00" * 32, "webhook-id": "evt_x", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    forged = stack.open("POST", "/webhook", {"id": "evt_x", "event": "payment.succeeded"}, port="merchant", headers=headers)
    assert forged.status == 401
    assert "Webhook REFUSED" in stack.processes["merchant"].text()
