"""kill -9 of anything while 200 payments are under way: each is settled, charged once, told whole."""
import secrets
import threading

import pytest

from books import delivered
from client import at_once, payment
from conftest import running_stack
from stack import SETTLED, sequences_whole, wait_until

PAYMENTS = 200
REFUNDS = 20


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(own_cluster=True)


@pytest.mark.parametrize("victim", ["gateway", "auth", "payments", "refunds", "webhooks", "nats", "postgres"])
def test_kill_9_loses_and_repeats_nothing(stack, victim):
    api = stack.demo
    paid = stack.paid(api, REFUNDS * 1000)
    begun = threading.Semaphore(0)
    run = secrets.token_hex(4)

    def work(i):
        key = f"{victim}-{run}-{i}"
        begun.release()
        if i % (PAYMENTS // REFUNDS) == 5:
            refund = api.insist("POST", f"/payments/{paid['id']}/refunds", {"amount": 1000}, key=f"{key}-refund")
            refund.ok(201)
        return api.insist("POST", "/payments", payment(1000 + i), key=key).ok(201)["id"]

    made = []
    clients = threading.Thread(target=lambda: made.extend(at_once(PAYMENTS, work, 24)))
    clients.start()
    for _ in range(PAYMENTS // 3):
        begun.acquire()
    stack.kill9(victim)
    stack.restart(victim)
    clients.join(240)
    assert not clients.is_alive() and len(made) == PAYMENTS
    assert len(set(made)) == PAYMENTS

    pending = set(made)

    def all_settled():
        listed = stack.sql("SELECT id, status FROM payments.payments WHERE id IN (%s)" % ",".join(f"'{i}'" for i in pending))
        pending.difference_update(row[0] for row in listed if row[1] in SETTLED)
        return not pending
    wait_until(all_settled, 90, lambda: f"{len(pending)} payments are not settled")
    for payment_id in made[::40]:
        assert api.get(f"/payments/{payment_id}").ok()["status"] == "succeeded"

    charges = {row["reference"]: row for row in stack.ledger()["charges"]}
    operations = stack.sql("SELECT payment_id, id FROM payments.operations WHERE kind = 'charge' AND payment_id IN (%s)"
                           % ",".join(f"'{i}'" for i in made))
    assert len(operations) == PAYMENTS
    for payment_id, reference in operations:
        assert charges[reference]["times_charged"] == 1, (payment_id, charges[reference])

    def refunded():
        return len(api.all(f"/payments/{paid['id']}/refunds")) == REFUNDS and \
            api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == REFUNDS * 1000
    wait_until(refunded, 90, "the refunds are processed")
    assert stack.charge_of(paid["id"])["refunded"] == REFUNDS * 1000

    refunds = [r["id"] for r in api.all(f"/payments/{paid['id']}/refunds")]
    events = wait_until(lambda: delivered(stack, [*made, paid["id"], *refunds]), 120, "every event is delivered")
    numbers = sequences_whole(events.values())
    assert set(numbers) == {*made, paid["id"], *refunds}
    assert len(events) == sum(len(found) for found in numbers.values())  # no number twice
