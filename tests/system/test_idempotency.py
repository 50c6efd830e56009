"""One key, one effect, one answer."""
import pytest

from client import at_once, payment
from stack import wait_until


def equal_answers(replies, status):
    assert {r.status for r in replies} == {status}, {(r.status, r.raw[:200]) for r in replies}
    assert len({r.raw for r in replies}) == 1, {r.raw for r in replies}
    replayed = [r.headers["Idempotency-Replayed"] for r in replies]
    assert replayed.count(None) == 1 and set(replayed) <= {None, "true"}, replayed
    return replies[0].json


def test_same_key_200_times_at_once_makes_one_payment(stack, api):
    body = payment()
    made = equal_answers(at_once(200, lambda i: api.post("/payments", body, key="only-once")), 201)
    assert [p["id"] for p in api.get("/payments").ok()["data"]] == [made["id"]]
    stack.settle(api, made["id"], "succeeded")
    assert stack.charge_of(made["id"])["times_charged"] == 1
    again = api.post("/payments", body, key="only-once")
    assert again.status == 201 and again.headers["Idempotency-Replayed"] == "true" and again.json == made


def test_same_key_at_once_makes_one_refund(stack, api):
    paid = stack.paid(api)
    path = f"/payments/{paid['id']}/refunds"
    made = equal_answers(at_once(40, lambda i: api.insist("POST", path, {"amount": 700}, key="one-refund"), 20), 201)
    assert stack.settle_refund(api, made["id"])["amount"] == 700
    wait_until(lambda: api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 700, 30)
    assert len(api.get(path).ok()["data"]) == 1


def test_other_body_method_or_path_is_refused(stack, api):
    made = api.pay(key="reused")
    api.post("/payments", payment(), key="reused").refused(422, "idempotency_key_reused")
    api.post(f"/payments/{made['id']}/cancel", key="reused").refused(422, "idempotency_key_reused")
    api.post("/orders", {"amount": 1, "currency": "INR"}, key="reused").refused(422, "idempotency_key_reused")
    assert len(api.get("/payments").ok()["data"]) == 1


def test_quotes_are_stripped(stack, api):
    body = payment()
    first = api.post("/payments", body, key='"quoted"')
    second = api.post("/payments", body, key="quoted")
    assert first.status == 201 and second.raw == first.raw and second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", '""', "k" * 256, "k\u00e9y", "tab\tkey"], ids=["empty", "quotes", "long", "latin", "tab"])
def test_key_has_limits(stack, api, key):
    api.post("/payments", payment(), key=key.encode("latin-1")).refused(400, "invalid_request", "Idempotency-Key")
    assert api.get("/payments").ok()["data"] == []


def test_longest_key_is_taken(stack, api):
    body = payment()
    assert api.post("/payments", body, key="k" * 255).raw == api.post("/payments", body, key="k" * 255).raw


def test_key_belongs_to_its_tenant(stack, api):
    other = stack.tenant("Another")
    body = payment()
    mine, theirs = api.post("/payments", body, key="shared").ok(201), other.post("/payments", body, key="shared").ok(201)
    assert mine["id"] != theirs["id"]
    other.get("/idempotency_keys/shared").ok()
    assert api.get("/idempotency_keys/shared").ok()["uses"][0]["object_id"] == mine["id"]


def test_refusal_is_not_remembered(stack, api):
    api.post("/payments", payment(-1), key="second-try").refused(400)
    api.post("/payments", {**payment(), "currency": "ZZZ"}, key="second-try").refused(422)
    api.get("/idempotency_keys/second-try").refused(404)
    made = api.post("/payments", payment(), key="second-try")
    assert made.status == 201 and "Idempotency-Replayed" not in made.headers


def test_refused_refund_is_not_remembered(stack, api):
    paid = stack.paid(api)
    path = f"/payments/{paid['id']}/refunds"
    api.post(path, {"amount": 50001}, key="r").refused(422, "refund_exceeds_captured")
    made = api.post(path, {"amount": 50000}, key="r")
    assert made.status == 201 and "Idempotency-Replayed" not in made.headers


def test_refund_is_replayed_as_it_was(stack, api):
    paid = stack.paid(api)
    path = f"/payments/{paid['id']}/refunds"
    first = api.post(path, {"amount": 100}, key="refund")
    stack.settle_refund(api, first.ok(201)["id"])
    again = api.post(path, {"amount": 100}, key="refund")
    assert (again.status, again.raw, again.headers["Idempotency-Replayed"]) == (201, first.raw, "true")
    api.post(path, {"amount": 101}, key="refund").refused(422, "idempotency_key_reused")


def test_capture_is_replayed_as_it_was(stack, api):
    made = api.pay(capture="manual")
    stack.settle(api, made["id"], "authorized")
    path = f"/payments/{made['id']}/capture"
    replies = at_once(10, lambda i: api.post(path, {"amount": 30000}, key="capture"))
    equal_answers(replies, 200)
    stack.settle(api, made["id"], "succeeded")
    assert api.post(path, {"amount": 30000}, key="capture").raw == replies[0].raw
    api.post(path, {"amount": 30001}, key="capture").refused(422, "idempotency_key_reused")
    assert stack.charge_of(made["id"])["captured"] == 30000


def test_cancel_is_replayed_as_it_was(stack, api):
    made = api.pay(capture="manual")
    stack.settle(api, made["id"], "authorized")
    first = api.post(f"/payments/{made['id']}/cancel", key="cancel")
    stack.settle(api, made["id"], "canceled")
    again = api.post(f"/payments/{made['id']}/cancel", key="cancel")
    assert (again.status, again.raw) == (200, first.raw) and again.headers["Idempotency-Replayed"] == "true"


def test_order_is_replayed_as_it_was(stack, api):
    body = {"amount": 700, "currency": "INR", "notes": {"b": "2", "a": "1"}}
    made = equal_answers(at_once(30, lambda i: api.post("/orders", body, key="order")), 201)
    assert [o["id"] for o in api.get("/orders").ok()["data"]] == [made["id"]]
    assert list(made["notes"].items()) == [("b", "2"), ("a", "1")]


def test_endpoint_is_replayed_with_its_secret(stack, api):
    body = {"url": "http://127.0.0.1:9/hook", "events": ["payment.*"]}
    made = equal_answers(at_once(10, lambda i: api.post("/webhook_endpoints", body, key="endpoint")), 201)
    assert made["secret"].startswith("whsec_")
    assert len(api.get("/webhook_endpoints").ok()["data"]) == 1
    dump = stack.sql("SELECT string_agg(encode(answer, 'escape'), ' ') FROM webhooks.idempotency_keys")
    assert made["secret"] not in dump[0][0]
    first = api.post(f"/webhook_endpoints/{made['id']}/rotate_secret", key="rotate")
    again = api.post(f"/webhook_endpoints/{made['id']}/rotate_secret", key="rotate")
    assert first.ok()["secret"] != made["secret"] and first.raw == again.raw


def test_many_keys_at_once_make_many_payments(stack, api):
    bodies = [payment(1000 + i) for i in range(20)]
    replies = at_once(200, lambda i: api.post("/payments", bodies[i % 20], key=f"key-{i % 20}"))
    assert {r.status for r in replies} == {201}
    made = {}
    for i, reply in enumerate(replies):
        made.setdefault(i % 20, set()).add(reply.raw)
    assert all(len(answers) == 1 for answers in made.values())
    assert sorted(p["amount"] for p in api.all("/payments")) == [1000 + i for i in range(20)]


def test_card_replay_makes_no_second_charge(stack, api):
    from client import card_payment
    body = card_payment()
    replies = at_once(20, lambda i: api.insist("POST", "/payments", body, key="card"), 10)
    made = equal_answers(replies, 201)
    stack.settle(api, made["id"], "succeeded")
    assert len(api.get("/payments").ok()["data"]) == 1 and stack.charge_of(made["id"])["times_charged"] == 1
    other = {**body, "amount": 1}
    api.post("/payments", other, key="card").refused(422, "idempotency_key_reused")
