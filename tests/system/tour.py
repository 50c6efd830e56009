"""A tour of all that a payment can go through, on which a service stops or fails at a failpoint."""
import pathlib
import re
import secrets

from client import payment
from stack import SERVICES, sequences_whole, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
CRASHED = 137
FAST = {"SANDBOX_TIMEOUT_RESOLVES_MS": "1500", "PROVIDER_TIMEOUT_MS": "700", "POLL_FIRST_MS": "200"}
HIT = re.compile(r'(\(void\))?\s*failpoint_hit\("([a-z_.]+)"\)')


def failpoints(*services):
    """(service, failpoint, action): all crash; where the code looks at the answer, they fail too."""
    found = set()
    for service in services:
        for void, name in HIT.findall("".join(path.read_text() for path in ROOT.glob(f"services/{service}/**/*.c"))):
            found.add((service, name, "crash"))
            if not void:
                found.add((service, name, "fail"))
        assert any(row[0] == service for row in found)
        found |= {(service, name, "fail:7") for name in ["db.commit.lost", "db.commit.fail", "db.query.broken"]}
    return sorted(found)


class Tour:
    """Charges, a capture, a cancel, refunds and refusals; every call repeated under its key until it is answered."""

    def __init__(self, stack):
        self.stack = stack
        self.api = stack.demo
        self.run = secrets.token_hex(6)
        self.step = 0
        self.made = []

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

    def pay(self, **more):
        made = self.act("/payments", payment(**more)).ok(201)
        self.made.append(made["id"])
        return made["id"]

    def becomes(self, payment_id, wanted):
        return self.status(f"/payments/{payment_id}", wanted)

    def go(self):
        ids = {name: self.pay(**more) for name, more in [
            ("late", {"vpa": "timeout@upi"}), ("paid", {}), ("manual", {"capture": "manual"}), ("dropped", {"capture": "manual"}),
            ("failed", {"vpa": "fail@upi"})]}
        self.becomes(ids["paid"], "succeeded")
        refunds = f"/payments/{ids['paid']}/refunds"
        one = self.act(refunds, {"amount": 20000}).ok(201)
        # Refused either way; where a refusal was interrupted, its reason may be the general one.
        over = self.act(refunds, {"amount": 30001})
        assert (over.status, over.json["code"]) in [(422, "refund_exceeds_captured"), (409, "payment_not_refundable")], over
        rest = self.act(refunds, {}).ok(201)
        assert rest["amount"] == 30000
        self.becomes(ids["manual"], "authorized")
        assert self.act(f"/payments/{ids['manual']}/capture", {"amount": 20000}).status == 200
        self.becomes(ids["dropped"], "authorized")
        assert self.act(f"/payments/{ids['dropped']}/cancel", {}).status == 200
        assert self.becomes(ids["manual"], "succeeded")["amount_captured"] == 20000
        self.becomes(ids["dropped"], "canceled")
        self.becomes(ids["failed"], "failed")
        for refund in [one, rest]:
            self.status(f"/refunds/{refund['id']}", "processed")
        self.patient(lambda: self.api.get(f"/payments/{ids['paid']}").ok()["amount_refunded"] == 50000)
        self.becomes(ids["late"], "succeeded")
        self.patient(self.delivered)
        self.check(ids, {one["id"], rest["id"]})

    def check(self, ids, refunds):
        """What the provider says it did: each charge and each refund once."""
        charges = {name: self.stack.charge_of(payment_id) for name, payment_id in ids.items()}
        assert {name: (c["times_charged"], c["captured"], c["refunded"]) for name, c in charges.items() if name != "failed"} == {
            "paid": (1, 50000, 50000), "manual": (1, 20000, 0), "dropped": (1, 0, 0), "late": (1, 50000, 0)}
        assert charges["failed"]["captured"] == 0
        ledger = self.stack.ledger(charges["paid"]["reference"])["refunds"]
        assert sorted(r["amount"] for r in ledger) == [20000, 30000]
        assert {r["id"] for r in self.api.all(f"/payments/{ids['paid']}/refunds")} == refunds

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


def survives(stack, service, failpoint, action):
    """A tour with the failpoint armed: the service stops or fails there, and nothing is lost or done twice."""
    process = stack.processes[service]
    process.stop()
    process.start(OBOL_FAILPOINTS=f"{failpoint}={action}")
    armed = process.child
    Tour(stack).go()
    if action == "crash":
        assert armed.poll() == CRASHED, f"{failpoint} was never reached"
    if process.child is armed:
        process.stop()
        process.start()
    stack.wait_ready()
