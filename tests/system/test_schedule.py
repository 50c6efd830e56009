"""A receiver that fails: five attempts on the test schedule, then failed; a retry by hand delivers."""
import datetime

from javascript import verify
from stack import wait_until


def at(text):
    return datetime.datetime.strptime(text[:26].rstrip("Z").ljust(20, ".").ljust(26, "0")[:26], "%Y-%m-%dT%H:%M:%S.%f")


def test_five_attempts_then_failed_then_delivered_by_hand(stack, api, receiver):
    answers = {"status": 500}
    receiver.answer = lambda request: (answers["status"], {"Content-Type": "text/plain"}, b"out of order")
    made = api.post("/webhook_endpoints", {"url": receiver.url, "events": ["payment.created"]}).ok(201)
    paid = api.pay()

    def delivery(status=None):
        found = api.get(f"/webhooks?payment_id={paid['id']}").ok()["data"]
        return found and (not status or found[0]["status"] == status) and api.get(f"/webhooks/{found[0]['id']}").ok()
    failed = wait_until(lambda: delivery("failed"), 100, lambda: f"failed for good: {delivery()}")
    assert failed["attempts"] == failed["max_attempts"] == 5 and failed["next_retry_at"] is None
    log = failed["attempt_log"]
    assert [a["number"] for a in log] == [1, 2, 3, 4, 5]
    for attempt in log:
        assert attempt["response_code"] == 500 and attempt["response_body"] == "out of order" and attempt["duration_ms"] >= 0
        assert attempt["request_body"] == api.get(f"/events/{failed['event_id']}").ok()["body"]
        assert "webhook-signature" in {h["name"].lower() for h in attempt["request_headers"]}
    starts = [at(a["started_at"]) for a in log]
    for wanted, (earlier, later) in zip([5, 10, 15, 20], zip(starts, starts[1:])):
        assert wanted - 0.5 <= (later - earlier).total_seconds() <= wanted + 4
    assert len(receiver.requests) == 5 and len({r.body for r in receiver.requests}) == 1
    assert all(v["standard"] for v in verify(made["secret"], receiver.requests))

    answers["status"] = 200
    api.post(f"/webhooks/{failed['id']}/retry").ok()
    done = wait_until(lambda: delivery("delivered"), 20)
    assert done["attempts"] == 6 and done["attempt_log"][5]["response_code"] == 200 and done["delivered_at"]
    assert len(receiver.requests) == 6 and receiver.requests[5].body == receiver.requests[0].body


def test_operator_retries_from_the_command_line(stack, api, receiver):
    answers = {"status": 503}
    receiver.answer = lambda request: (answers["status"], {}, b"")
    api.post("/webhook_endpoints", {"url": receiver.url, "events": ["payment.created"]}).ok(201)
    paid = api.pay()
    log = f"/webhooks?payment_id={paid['id']}"
    first = wait_until(lambda: (d := api.get(log).ok()["data"]) and d[0]["response_code"] and d[0], 30)
    assert first["response_code"] == 503
    answers["status"] = 200
    shown = stack.obol("webhook", "retry", first["id"], "--tenant", api.tenant_id)
    assert shown["id"] == first["id"]
    wait_until(lambda: api.get(log).ok()["data"][0]["status"] == "delivered", 20)
