"""What has to agree when all is over: payments, the provider's ledger, events."""
import http.client
import secrets
import threading
import time

from client import payment
from stack import SETTLED, sequences_whole, wait_until


def delivered(stack, ids):
    """The merchant has every event of these objects that the services' own journals hold."""
    quoted = ",".join(f"'{i}'" for i in ids)
    events = {row[0]: (row[1], row[2]) for schema in ["payments", "refunds"] for row in stack.sql(
        f"SELECT id, object_id, sequence FROM {schema}.events WHERE body <> '' AND object_id IN ({quoted})")}
    received = {r["id"] for r in stack.received() if r["verified"]}
    missing = set(events) - received
    assert not missing, f"{len(missing)} of {len(events)} events are missing: {[(m, events[m]) for m in list(missing)[:5]]}"
    return events


class Load:
    """Clients that pay one payment after another, each with its key until there is an answer."""

    def __init__(self, api, threads=8, timeout=15, pause=0.05):
        self.api = api
        self.timeout = timeout
        self.pause = pause
        self.run = secrets.token_hex(4)
        self.accepted = {}  # key: (payment id, the moment of the first 201)
        self.statuses = {}  # of all that was answered, refusals too
        self.faults = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(240)
        assert not any(thread.is_alive() for thread in self.threads)
        assert not self.faults, self.faults[:3]

    def work(self, n):
        i = 0
        while not self.over.is_set():
            key = f"load-{self.run}-{n}-{i}"
            self.one(key, payment(1000 + i, order_id=key))
            i += 1
            time.sleep(self.pause)

    def one(self, key, value, seconds=120):
        """Until it is accepted, also after the others have stopped: what was asked for is not left open."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                reply = self.api.call("POST", "/payments", value, key=key, timeout=self.timeout)
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
                continue
            self.statuses[reply.status] = self.statuses.get(reply.status, 0) + 1
            if reply.status == 201:
                self.accepted[key] = (reply.json["id"], time.monotonic())
                return
            if reply.status not in (409, 429, 503, 504):
                self.faults.append(reply)
                return
            time.sleep(0.1)
        self.faults.append(f"{key} got no answer")

    def wait_for(self, n, seconds=60):
        """Until n more are accepted than at this moment."""
        before = len(self.accepted)
        wait_until(lambda: len(self.accepted) >= before + n, seconds, f"{n} more payments are accepted")

    def first_after(self, moment, seconds=90):
        """When the first payment was accepted after a moment; seconds from it."""
        def found():
            return [at for _, at in list(self.accepted.values()) if at > moment]
        return min(wait_until(found, seconds, "a payment is accepted again")) - moment

    @property
    def payments(self):
        return [payment_id for payment_id, _ in list(self.accepted.values())]


def audit(stack, load, seconds=120):
    """Each accepted payment is there once, charged once, settled, and told whole; the number of events."""
    ids = load.payments
    assert len(ids) == len(set(ids)) > 0
    quoted = ",".join(f"'{i}'" for i in ids)
    pending = set(ids)

    def all_settled():
        listed = stack.sql(f"SELECT id, status FROM payments.payments WHERE id IN ({quoted})")
        assert len(listed) == len(ids), f"{len(ids) - len(listed)} acknowledged payments are missing"
        pending.difference_update(row[0] for row in listed if row[1] in SETTLED)
        return not pending
    wait_until(all_settled, seconds, lambda: f"{len(pending)} payments are not settled")
    made = stack.sql(f"SELECT id FROM payments.payments WHERE order_id LIKE 'load-{load.run}-%'")
    assert sorted(row[0] for row in made) == sorted(ids), "a payment was made twice"

    charges = {row["reference"]: row for row in stack.ledger()["charges"]}
    operations = stack.sql(f"SELECT payment_id, id FROM payments.operations WHERE kind = 'charge' AND payment_id IN ({quoted})")
    assert len(operations) == len(ids)
    for payment_id, reference in operations:
        assert charges[reference]["times_charged"] == 1, (payment_id, charges[reference])
    known = {row[0] for row in stack.sql("SELECT id FROM payments.operations")}
    assert set(charges) <= known, f"charged and not in the books: {list(set(charges) - known)[:5]}"

    events = wait_until(lambda: delivered(stack, ids), seconds, "every event is delivered")
    numbers = sequences_whole(events.values())
    assert set(numbers) == set(ids)
    assert len(events) == sum(len(found) for found in numbers.values())  # no number twice
    return len(events)
