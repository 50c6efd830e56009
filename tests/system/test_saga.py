"""Every failpoint of the services, fired during a tour of all that a payment can go through."""
import pathlib
import re
import secrets

import pytest

from client import payment
from stack import SERVICES, sequences_whole, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRASHED = 137
HIT = re.compile(r'(\(void\))?\s*failpoint_hit\("([a-z_.]+)"\)')


def failpoints():
    """(service, failpoint, action): all crash; where the code looks at the answer, they fail too."""
    found = set()
    for path in sorted(ROOT.glob("services/**/*.c")):
        for void, name in HIT.findall(path.read_text()):
            service = path.relative_to(ROOT).parts[1]
            found.add((service, name, "crash"))
            if not void:
                found.add((service, name, "fail"))
    assert found
    for service in SERVICES[1:]:
        for name in ["db.commit.lost", "db.commit.fail", "db.query.broken"]:
            found.add((service, name, "fail:7"))
    return sorted(found)


class Tour:
    """Charges, a capture, a cancel, refunds and refusals; every call repeated under its key until it is answered."""

    def __init__(self, stack):
        self.stack = stack
        self.api = stack.demo
        self.run = secrets.token_hex(6)
        self.step = 0
        self.made = {}

    def revive(self):
        """The service that stopped at its failpoint comes back without it."""
        for name in SERVICES:
            process = self.stack.processes[name]
            if not process.running():
                assert process.child.returncode == CRASHED, f"{name} ended with {process.child.returncode}\n{process.tail()}"
                process.start()
                return True
        return False

    def patient(self, ask, seconds=60):
        def there():
            self.revive()
            return ask()
        return wait_until(there, seconds, lambda: f"step {self.step}")

    def act(self, path, value):
        self.step += 1
        key = f"{self.run}-{self.step}"

        def answered():
            reply = self.api.call("POST", path, value, key=key)
            if reply.status in (429, 503, 504) or reply.status == 409 and reply.json["code"] == "idempotency_key_in_use":
                return None
            return reply
        return self.patient(answered)

    def status(self, path, wanted):
        def there():
            reply = self.api.get(path)
            return reply.status == 200 and reply.json["status"] == wanted and reply.json
        return self.patient(there)

    def pay(self, wanted, **more):
        body = payment(**more)
        made = self.act("/payments", body).ok(201)
        self.made[made["id"]] = 1
        return self.status(f"/payments/{made['id']}", wanted)

    def go(self):
        paid = self.pay("succeeded")
        refunds = f"/payments/{paid['id']}/refunds"
        one = self.act(refunds, {"amount": 20000}).ok(201)
        self.act(refunds, {"amount": 30001}).refused(422, "refund_exceeds_captured")
        rest = self.act(refunds, {}).ok(201)
        assert rest["amount"] == 30000
        for refund in [one, rest]:
            self.status(f"/refunds/{refund['id']}", "processed")
        self.patient(lambda: self.api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 50000)
        manual = self.pay("authorized", capture="manual")
        assert self.act(f"/payments/{manual['id']}/capture", {"amount": 20000}).status == 200
        captured = self.status(f"/payments/{manual['id']}", "succeeded")
        assert captured["amount_captured"] == 20000
        dropped = self.pay("authorized", capture="manual")
        assert self.act(f"/payments/{dropped['id']}/cancel", {}).status == 200
        self.status(f"/payments/{dropped['id']}", "canceled")
        self.pay("failed", vpa="fail@upi")
        late = self.pay("succeeded", vpa="timeout@upi")
        self.patient(lambda: self.delivered())
        return paid, manual, dropped, late, [one["id"], rest["id"]]

    def delivered(self):
        """All that the journals hold of this tour has reached the merchant, each object's numbers whole."""
        quoted = ",".join(f"'{i}'" for i in self.made)
        events = [row for schema in ["payments", "refunds"] for row in self.stack.sql(
            f"SELECT id, object_id, sequence FROM {schema}.events WHERE body <> '' AND payment_id IN ({quoted})")]
        received = {r["id"] for r in self.stack.received() if r["verified"]}
        if {row[0] for row in events} - received:
            return False
        numbers = sequences_whole((row[1], row[2]) for row in events)
        assert len(events) == sum(len(found) for found in numbers.values())
        return len(numbers) == len(self.made) + 2


@pytest.mark.parametrize("service,failpoint,action", failpoints())
def test_tour_survives(stack, service, failpoint, action):
    process = stack.processes[service]
    process.stop()
    process.start(OBOL_FAILPOINTS=f"{failpoint}={action}")
    first = process.child
    tour = Tour(stack)
    paid, manual, dropped, late, refunds = tour.go()
    if action == "crash":
        assert first.poll() == CRASHED, f"{failpoint} was never reached"

    charge = stack.charge_of(paid["id"])
    assert (charge["times_charged"], charge["captured"], charge["refunded"]) == (1, 50000, 50000)
    ledger = stack.ledger(charge["reference"])["refunds"]
    assert sorted(r["amount"] for r in ledger) == [20000, 30000]  # each once
    assert {r["id"] for r in tour.api.all(f"/payments/{paid['id']}/refunds")} == set(refunds)
    assert stack.charge_of(manual["id"])["captured"] == 20000
    assert stack.charge_of(dropped["id"])["captured"] == 0
    for payment_id in tour.made:
        assert stack.charge_of(payment_id)["times_charged"] <= 1
    assert stack.charge_of(late["id"])["times_charged"] == 1
    if process.child is first:
        process.stop()
        process.start()
        stack.wait_ready()


def test_provider_without_idempotent_references_charges_once(stack):
    """What was sent is asked about there, never sent again."""
    payments = stack.processes["payments"]
    payments.stop()
    stack.sandbox(idempotent=False)
    payments.start(SIMULATOR_IDEMPOTENT="false")
    stack.wait_ready()
    api = stack.demo
    made = [api.insist("POST", "/payments", payment()).ok(201)["id"] for _ in range(20)]
    late = api.pay(vpa="timeout@upi")["id"]
    payments.kill9()
    payments.start(SIMULATOR_IDEMPOTENT="false")
    for payment_id in [*made, late]:
        wait_until(lambda: (r := api.get(f"/payments/{payment_id}")).status == 200 and r.json["status"] == "succeeded", 60)
        assert stack.charge_of(payment_id)["times_charged"] == 1
    stack.sandbox(idempotent=True)
    payments.stop()
    payments.start()
    stack.wait_ready()
