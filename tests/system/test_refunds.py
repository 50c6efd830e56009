"""Never more back than was taken."""
from collections import Counter

from client import at_once
from stack import sequences_whole, wait_until


def test_200_refunds_at_once_leave_exactly_50(stack, api):
    paid = stack.paid(api, 50000)
    path = f"/payments/{paid['id']}/refunds"
    replies = at_once(200, lambda i: api.insist("POST", path, {"amount": 1000}, key=f"refund-{i}"))
    assert Counter(r.status for r in replies) == {201: 50, 422: 150}
    for reply in replies:
        if reply.status == 422:
            reply.refused(422, "refund_exceeds_captured")
    made = {r.json["id"] for r in replies if r.status == 201}
    assert len(made) == 50
    for refund_id in made:
        assert stack.settle_refund(api, refund_id)["status"] == "processed"
    wait_until(lambda: api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 50000, 30)
    charge = stack.charge_of(paid["id"])
    assert (charge["captured"], charge["refunded"], charge["times_charged"]) == (50000, 50000, 1)
    ledger = stack.ledger(charge["reference"])["refunds"]
    assert len(ledger) == 50 and {(r["amount"], r["status"]) for r in ledger} == {(1000, "succeeded")}
    assert {r["id"] for r in api.all(path)} == made
    stack.quiet()
    events = [(e["object_id"], e["sequence"]) for e in api.all(f"/events?payment_id={paid['id']}")]
    assert len(sequences_whole(events)) == 51  # the payment and its refunds


def test_refund_of_more_is_refused(stack, api):
    paid = stack.paid(api)
    path = f"/payments/{paid['id']}/refunds"
    api.post(path, {"amount": 50001}).refused(422, "refund_exceeds_captured")
    api.post(path, {"amount": 30000}).ok(201)
    api.post(path, {"amount": 20001}).refused(422, "refund_exceeds_captured")
    api.post(path, {"amount": 20000}).ok(201)
    refused = api.post(path, {"amount": 1})
    refused.refused(422, "refund_exceeds_captured")
    assert len(api.get(path).ok()["data"]) == 2


def test_refund_without_amount_gives_all_that_is_left(stack, api):
    paid = stack.paid(api)
    path = f"/payments/{paid['id']}/refunds"
    api.post(path, {"amount": 12345}).ok(201)
    rest = api.post(path, {}).ok(201)
    assert rest["amount"] == 50000 - 12345
    assert stack.settle_refund(api, rest["id"])["status"] == "processed"
    assert api.post(path, {}).status in (409, 422)
    wait_until(lambda: stack.charge_of(paid["id"])["refunded"] == 50000, 30)


def test_refund_of_what_was_not_captured_is_refused(stack, api):
    manual = api.pay(capture="manual")
    stack.settle(api, manual["id"], "authorized")
    api.post(f"/payments/{manual['id']}/refunds", {"amount": 1}).refused(409, "payment_not_refundable")
    failed = api.pay(vpa="fail@upi")
    stack.settle(api, failed["id"], "failed")
    api.post(f"/payments/{failed['id']}/refunds", {"amount": 1}).refused(409, "payment_not_refundable")
    api.post("/payments/pay_nothing/refunds", {"amount": 1}).refused(404)
    assert api.get("/refunds").ok()["data"] == []


def test_declined_refund_frees_its_money(stack, api):
    paid = stack.paid(api)
    path = f"/payments/{paid['id']}/refunds"
    stack.sandbox(refund_success=False)
    try:
        failed = stack.settle_refund(api, api.post(path, {}).ok(201)["id"])
    finally:
        stack.sandbox(refund_success=True)
    assert failed["status"] == "failed" and failed["error"]["code"] == "refund_declined"
    again = wait_until(lambda: (r := api.post(path, {})).status == 201 and r, 20).json
    assert stack.settle_refund(api, again["id"])["status"] == "processed"
    charge = stack.charge_of(paid["id"])
    assert charge["refunded"] == 50000


def test_refunds_are_listed_by_filter_and_page(stack, api):
    first, second = stack.paid(api), stack.paid(api)
    made = [api.post(f"/payments/{p['id']}/refunds", {"amount": 10 + i}).ok(201)["id"] for i, p in
            enumerate([first, first, second, first])]
    for refund_id in made:
        stack.settle_refund(api, refund_id)
    newest = sorted([made[0], made[1], made[3]], reverse=True)  # by id, where two share a millisecond
    assert [r["id"] for r in api.get("/refunds").ok()["data"]] == sorted(made, reverse=True)
    assert [r["id"] for r in api.get(f"/refunds?payment_id={second['id']}").ok()["data"]] == [made[2]]
    page = api.get(f"/payments/{first['id']}/refunds?limit=2").ok()
    assert [r["id"] for r in page["data"]] == newest[:2] and page["has_more"]
    page = api.get(f"/payments/{first['id']}/refunds?limit=2&starting_after={newest[1]}").ok()
    assert [r["id"] for r in page["data"]] == newest[2:] and not page["has_more"]
    assert len(api.get("/refunds?status=processed").ok()["data"]) == 4
    assert api.get("/refunds?status=failed").ok()["data"] == []


def test_refund_of_a_card_and_of_a_resolved_timeout(stack, api):
    from client import card_payment
    card = stack.settle(api, api.post("/payments", card_payment()).ok(201)["id"], "succeeded")
    late = stack.settle(api, api.pay(vpa="timeout@upi")["id"], "succeeded")
    for paid in [card, late]:
        refund = api.post(f"/payments/{paid['id']}/refunds").ok(201)
        assert stack.settle_refund(api, refund["id"])["status"] == "processed"
        assert stack.charge_of(paid["id"])["refunded"] == 50000
