"""A thousand at once, through two gateways and two payments services: one effect, one answer, no unit too many."""
import threading
import time
from collections import Counter

import pytest

from client import card_payment, payment
from conftest import running_stack
from crowd import Request, crowd
from stack import sequences_whole, wait_until

N = 1000
COME_AGAIN = (429, 503)
PATIENCE_S = 240  # of a thousand in the slow lane, on a machine that does much else


@pytest.fixture(scope="module")
def stack():
    # Nobody is to be told "perhaps" only because the machine does much else.
    yield from running_stack(replicas=["gateway", "payments"], REQUEST_TIMEOUT_MS="60000", SLOW_REQUEST_TIMEOUT_MS="60000")


def at_once(stack, api, asked):
    """asked: (path, value, key) each, posted by turns through both gateways."""
    gateways = [stack.ports["gateway"], stack.ports["gateway_2"]]
    return crowd([Request(api, "POST", path, value, key, gateways[i % 2]) for i, (path, value, key) in enumerate(asked)])


def until_answered(stack, api, asked):
    """Whoever is told to come again does, under the same key; all who were still in the queue at once, each time."""
    replies, left = [None] * len(asked), list(range(len(asked)))
    deadline = time.monotonic() + PATIENCE_S
    while left:
        for i, reply in zip(left, at_once(stack, api, [asked[i] for i in left])):
            replies[i] = reply
        assert all(replies) and time.monotonic() < deadline, outcomes(replies)
        left = [i for i in left if replies[i].status in COME_AGAIN]
        assert all(int(replies[i].headers["Retry-After"]) >= 1 for i in left)
    return replies


def outcomes(replies):
    assert all(replies), f"{replies.count(None)} connections broke"
    return Counter((r.status, r.json["code"] if r.status >= 400 else None) for r in replies)


def one_answer(replies, status=201):
    assert outcomes(replies) == {(status, None): len(replies)}, outcomes(replies)
    assert len({r.raw for r in replies}) == 1
    assert Counter(r.headers["Idempotency-Replayed"] for r in replies) == {None: 1, "true": len(replies) - 1}
    return replies[0].json


def charged_once(stack, payment_id):
    charge = stack.charge_of(payment_id)
    assert charge["times_charged"] == 1, charge
    return charge


# --- One idempotency key

def test_one_key_makes_one_payment_and_one_answer(stack, api):
    body = payment()
    made = one_answer(at_once(stack, api, [("/payments", body, "only")] * N))
    assert [p["id"] for p in api.get("/payments").ok()["data"]] == [made["id"]]
    stack.settle(api, made["id"], "succeeded")
    charged_once(stack, made["id"])


def test_one_key_with_two_bodies_serves_one_of_them(stack, api):
    bodies = [payment(1000), payment(2000)]
    replies = at_once(stack, api, [("/payments", bodies[i // 2 % 2], "mixed") for i in range(N)])
    assert outcomes(replies) == {(201, None): N // 2, (422, "idempotency_key_reused"): N // 2}, outcomes(replies)
    one_answer([r for r in replies if r.status == 201])
    [made] = api.get("/payments").ok()["data"]
    won = [i // 2 % 2 for i, r in enumerate(replies) if r.status == 201]
    assert len(set(won)) == 1 and made["amount"] == bodies[won[0]]["amount"]


def test_one_key_of_two_tenants_makes_a_payment_each(stack, api):
    tenants, body = [api, stack.tenant("Another")], payment()
    gateways = [stack.ports["gateway"], stack.ports["gateway_2"]]
    replies = crowd([Request(tenants[i % 2], "POST", "/payments", body, "shared", gateways[i // 2 % 2]) for i in range(N)])
    made = [one_answer(replies[i::2]) for i in range(2)]
    assert made[0]["id"] != made[1]["id"]
    for tenant, payment_made in zip(tenants, made):
        assert [p["id"] for p in tenant.get("/payments").ok()["data"]] == [payment_made["id"]]


def test_one_key_and_card_is_tokenised_and_charged_once(stack, api):
    body = card_payment()
    served = until_answered(stack, api, [("/payments", body, "card")] * 200)
    one_answer(served)
    [made] = api.get("/payments").ok()["data"]
    stack.settle(api, made["id"], "succeeded")
    charged_once(stack, made["id"])


# --- One order

def test_one_order_is_taken_by_one_payment(stack, api):
    order = api.post("/orders", {"amount": 700, "currency": "INR"}).ok(201)
    body = {"order_id": order["id"], "method": "upi", "vpa": "success@upi"}
    replies = at_once(stack, api, [("/payments", body, f"payer-{i}") for i in range(N)])
    found = outcomes(replies)
    assert found[(201, None)] == 1 and set(found) <= {
        (201, None), (409, "order_in_progress"), (409, "order_already_paid")}, found
    [made] = api.get("/payments").ok()["data"]
    stack.settle(api, made["id"], "succeeded")
    charged_once(stack, made["id"])
    assert api.get(f"/orders/{order['id']}").ok()["status"] == "paid"


# --- Refunds of one payment

class Reader(threading.Thread):
    """Reads a payment again and again: what has been refunded never shrinks and is never above what was captured."""

    def __init__(self, api, payment_id):
        super().__init__()
        self.api, self.payment_id = api, payment_id
        self.seen, self.faults, self.over = [], [], threading.Event()

    def run(self):
        while not self.over.wait(0.01):
            read = self.api.get(f"/payments/{self.payment_id}")
            if read.status != 200 or read.json["amount_refunded"] > read.json["amount_captured"] or (
                    self.seen and read.json["amount_refunded"] < self.seen[-1]):
                self.faults.append(read)
                return
            self.seen.append(read.json["amount_refunded"])

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def refunded(stack, api, paid, amount):
    wait_until(lambda: api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == amount, 60,
               lambda: f"refunded: {api.get('/payments/' + paid['id']).json}")
    charge = charged_once(stack, paid["id"])
    assert (charge["captured"], charge["refunded"]) == (paid["amount"], amount)
    return stack.ledger(charge["reference"])["refunds"]


def test_a_thousand_refunds_give_back_what_was_taken(stack, api):
    paid = stack.paid(api, 100 * 500)
    path = f"/payments/{paid['id']}/refunds"
    with Reader(api, paid["id"]) as reader:
        replies = until_answered(stack, api, [(path, {"amount": 500}, f"refund-{i}") for i in range(N)])
        found = outcomes(replies)
        assert found == {(201, None): 100, (422, "refund_exceeds_captured"): N - 100}, found
        rows = refunded(stack, api, paid, 50000)
    assert not reader.faults and reader.seen[-1] == 50000, reader.faults
    assert len(rows) == 100 and {(r["amount"], r["status"]) for r in rows} == {(500, "succeeded")}
    stack.quiet(60)
    told = sequences_whole((e["object_id"], e["sequence"]) for e in api.all(f"/events?payment_id={paid['id']}"))
    assert len(told) == 101  # the payment, and its refunds


def test_a_thousand_whole_refunds_are_one(stack, api):
    paid = stack.paid(api, 50000)
    replies = until_answered(stack, api, [(f"/payments/{paid['id']}/refunds", {}, f"whole-{i}") for i in range(N)])
    found = outcomes(replies)
    assert found == {(201, None): 1, (422, "refund_exceeds_captured"): N - 1}, found
    [row] = refunded(stack, api, paid, 50000)
    assert (row["amount"], row["status"]) == (50000, "succeeded")


# --- Capture against cancel

def statuses(stack, ids):
    quoted = ",".join(f"'{i}'" for i in ids)
    return dict(stack.sql(f"SELECT id, status FROM payments.payments WHERE id IN ({quoted})"))


def authorized(stack, api, n):
    made = [r.ok(201)["id"] for r in at_once(stack, api, [("/payments", payment(capture="manual"), f"hold-{i}") for i in range(n)])]
    wait_until(lambda: set(statuses(stack, made).values()) == {"authorized"}, 60, "all are authorized")
    return made


def acted(stack, won):
    """won: the act, its amount, of each payment. That one alone was done, here and at the provider."""
    wanted = {of: "succeeded" if kind == "capture" else "canceled" for of, (kind, _) in won.items()}
    wait_until(lambda: statuses(stack, won) == wanted, 60, "every payment is settled by its act")
    quoted = ",".join(f"'{i}'" for i in won)
    rows = stack.sql(f"SELECT payment_id, kind, status, id FROM payments.operations WHERE payment_id IN ({quoted})")
    charges = {row["reference"]: row for row in stack.ledger()["charges"]}
    for of, (kind, amount) in won.items():
        mine = {row[1]: row for row in rows if row[0] == of}
        assert set(mine) == {"charge", kind} and {row[2] for row in mine.values()} == {"succeeded"}, mine
        charge = charges[mine["charge"][3]]
        assert (charge["times_charged"], charge["captured"]) == (1, amount), charge
    assert len(rows) == 2 * len(won)


def test_capture_against_cancel_of_one_payment(stack, api):
    """Whole and partial captures against cancels: one act happens."""
    [payment_id] = authorized(stack, api, 1)
    wanted = [("cancel", 0) if i // 2 % 2 else ("capture", 10000 + i) for i in range(N)]
    replies = at_once(stack, api, [(f"/payments/{payment_id}/{kind}", {"amount": amount} if amount else {}, f"act-{i}")
                                   for i, (kind, amount) in enumerate(wanted)])
    found = outcomes(replies)
    assert found == {(200, None): 1, (409, "conflict"): N - 1}, found
    acted(stack, {payment_id: wanted[[r.status for r in replies].index(200)]})


def test_capture_against_cancel_of_many_payments(stack, api):
    made = authorized(stack, api, N // 2)
    replies = at_once(stack, api, [(f"/payments/{payment_id}/{kind}", {}, None) for payment_id in made
                                   for kind in ("capture", "cancel")])
    found = outcomes(replies)
    assert found == {(200, None): N // 2, (409, "conflict"): N // 2}, found
    acted(stack, {payment_id: ("capture", 50000) if replies[2 * i].status == 200 else ("cancel", 0)
                  for i, payment_id in enumerate(made)})
