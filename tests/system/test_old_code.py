"""The version before this one on the schema of this one: alone, beside this one, and after it (a rollback).

Builds that version's programs, so it runs with ./dev test all. OBOL_PREVIOUS_BIN names programs of it that stand already.
"""
import json
import os
import pathlib
import secrets
import time

import pytest

import previous
from client import card_payment
from client import payment as upi
from processes import PORTS, Process
from providers import FIELDS, PACE, payment
from receiver import Receiver
from stack import BIN, LONG, SERVICES, Stack, wait_until

ALL = [*SERVICES, "payments_2", "gateway"]
OUTCOMES = {"payment.succeeded", "payment.failed", "payment.authorized"}
pytestmark = pytest.mark.skipif(not LONG, reason="builds the version before: ./dev test all")


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """Where the previous version's programs lie."""
    if os.environ.get("OBOL_PREVIOUS_BIN"):
        return pathlib.Path(os.environ["OBOL_PREVIOUS_BIN"])
    if not previous.history():
        pytest.skip(f"the history is not here (a shallow checkout?): {previous.version()} of tests/system/previous_version")
    return previous.build(tmp_path_factory.mktemp("previous"))


class Versions(Stack):
    """A stack whose programs change between versions, on one database that this version has migrated."""

    def __init__(self, old_programs):
        super().__init__(replicas=["payments"], OBOL_MIGRATE="false", **PACE)
        self.of = {"old": pathlib.Path(old_programs), "new": BIN}
        self.running = {}

    def run(self, **versions):
        """These programs, each of a version; the others stay. A new one of the same name starts when the old one has left."""
        changed = [name for name, version in versions.items() if self.running.get(name) != version]
        for name in sorted(changed, key=lambda name: name != "gateway"):
            if name in self.running:
                self.processes[name].stop()
        for name in changed:
            old = self.processes[name]
            program = self.of[versions[name]] / f"obol-{self.replicas.get(name, name)}"
            self.processes[name] = Process(name, [program], old.environment, old.log)
            self.processes[name].start()
        self.running.update(versions)
        self.wait_ready()

    def with_obol(self, version):
        """Administration by a version's own program: its services know its methods."""
        self.programs = self.of[version]
        return self

    def began(self):
        for name in [*self.buses, "sandbox", "merchant"]:
            self.processes[name].start()
        self.obol("migrate", "up", parse=False)
        self.run(**{name: "old" for name in ALL})
        self.with_obol("old").seed()
        return self


@pytest.fixture(scope="module")
def stack(old):
    stack = Versions(old)
    try:
        yield stack.began()
    except BaseException:
        print("\n".join(f"--- {name}\n{tail}" for name, tail in stack.logs().items()))
        raise
    finally:
        stack.close()


def known(made):
    """What every version says of a payment in its answer."""
    return {name: value for name, value in made.items() if name != "test_mode"}


class Books:
    """A merchant whose objects live through all versions."""

    def __init__(self, stack):
        self.stack, self.receiver = stack, Receiver()
        self.api = stack.tenant("Of all versions")
        self.api.post("/webhook_endpoints", {"url": self.receiver.url, "events": ["*"]}).ok(201)
        self.keys = []     # (body, key, answer)
        self.held = []     # authorized
        self.paid = []     # captured
        self.refunded = [] # ids of refunds

    def create(self, body):
        key = secrets.token_hex(8)
        reply = self.api.post("/payments", body, key=key)
        self.keys.append((body, key, reply.raw, reply.ok(201)["id"]))
        return reply.json

    def job(self):
        """The main job, and everything that was left by the versions before."""
        api, stack = self.api, self.stack
        order = api.post("/orders", {"amount": 700, "currency": "INR"}).ok(201)
        made = [self.create(upi(vpa="success@upi")), self.create(card_payment()), self.create(payment("airtel")),
                self.create({"order_id": order["id"], "method": "upi", "vpa": "success@upi"}),
                self.create(upi(vpa="success@upi", capture="manual")), self.create(upi(vpa="success@upi", capture="manual"))]
        for one in made[:4]:
            self.paid.append(stack.settle(api, one["id"], "succeeded")["id"])
        for one in made[4:]:
            stack.settle(api, one["id"], "authorized")
            self.held.append(one["id"])
        lost = self.create(upi(vpa="timeout@upi"))
        failed = self.create(upi(vpa="fail@upi"))
        # What stands from before: the oldest authorized one is captured, the oldest paid one refunded, in part, twice.
        captured = self.held.pop(0)
        api.post(f"/payments/{captured}/capture").ok()
        self.paid.append(stack.settle(api, captured, "succeeded")["id"])
        oldest = self.paid[0]
        self.refunded.append(api.post(f"/payments/{oldest}/refunds", {"amount": 5}, key=secrets.token_hex(8)).ok(201)["id"])
        self.refunded.append(api.post(f"/payments/{self.paid.pop()}/refunds", {}).ok(201)["id"])
        assert stack.settle(api, failed["id"])["status"] == "failed"
        assert stack.settle(api, lost["id"])["status"] == "succeeded"
        for refund in self.refunded:
            assert stack.settle_refund(api, refund)["status"] == "processed"
        self.read()

    def read(self):
        """Everything that any version has written is read, answered again as it was, and told."""
        api = self.api
        for body, key, raw, payment_id in self.keys:
            again = api.post("/payments", body, key=key)
            assert again.headers["Idempotency-Replayed"] == "true", again
            assert known(again.ok(201)) == known(json.loads(raw))
            assert api.get(f"/payments/{payment_id}").ok()["id"] == payment_id
        listed = {p["id"] for p in api.all("/payments")}
        assert listed == {payment_id for *_, payment_id in self.keys}
        assert {r["id"] for r in api.all("/refunds")} == set(self.refunded)
        assert len(api.all("/events")) > 3 * len(listed) and api.all("/webhooks")

        def told():
            events = [json.loads(r.body) for r in self.receiver.requests]
            return {payment_id for *_, payment_id in self.keys} <= {e["data"]["payment"]["id"] for e in events if e["event"] in OUTCOMES}
        wait_until(told, 40, "each payment's outcome is delivered")


@pytest.fixture(scope="module")
def books(stack):
    books = Books(stack)
    stack.obol("provider", "set", "airtel", "--tenant", books.api.tenant_id,
               f"base_url=http://127.0.0.1:{stack.ports['sandbox']}/airtel", *(f"{k}={v}" for k, v in FIELDS["airtel"].items()))
    yield books
    books.receiver.close()


# In this order, as an upgrade and a rollback go.

def test_all_of_it_is_old(books):
    books.job()


@pytest.mark.parametrize("new", [
    ["auth"], ["webhooks"], ["refunds"], ["payments_2"], ["payments"], ["gateway"]], ids=lambda names: "+".join(names))
def test_one_after_the_other_is_new(stack, books, new):
    """An upgrade, program by program: old gateway on new services, old refunds on new payments, both payments side by side."""
    stack.run(**{name: "new" for name in new})
    books.job()


def test_the_gateway_alone_is_new(stack, books):
    stack.run(**{name: "old" for name in SERVICES}, payments_2="old")
    books.job()
    stack.run(**{name: "new" for name in SERVICES}, payments_2="new")


def test_what_this_version_alone_knows_and_a_rollback(stack, books):
    """Modes are obeyed by the version that does not know them, as far as its rows say: a tenant that tests never moves real money."""
    assert set(stack.running.values()) == {"new"}
    stack.with_obol("new")
    tests, real = stack.tenant("Tests"), stack.tenant("Real")
    for api in [tests, real]:
        stack.obol("provider", "set", "airtel", "--tenant", api.tenant_id, "--live", f"base_url=https://127.0.0.1:{PORTS.take()}",
                   *(f"{k}={v}" for k, v in FIELDS["airtel"].items()))
        stack.obol("provider", "set", "airtel", "--tenant", api.tenant_id,
                   f"base_url=http://127.0.0.1:{stack.ports['sandbox']}/airtel", *(f"{k}={v}" for k, v in FIELDS["airtel"].items()))
    stack.obol("tenant", "mode", real.tenant_id, "live")
    only_live = stack.tenant("Tests, with live credentials")
    stack.obol("provider", "set", "airtel", "--tenant", only_live.tenant_id, "--live", f"base_url=https://127.0.0.1:{PORTS.take()}",
               *(f"{k}={v}" for k, v in FIELDS["airtel"].items()))
    books.job()
    stack.run(**{name: "old" for name in ALL})
    stack.with_obol("old")
    books.job()
    assert stack.settle(tests, tests.post("/payments", payment("airtel")).ok(201)["id"])["status"] == "succeeded"
    only_live.post("/payments", payment("airtel")).refused(422, "method_unsupported")
    made = real.post("/payments", payment("airtel")).ok(201)
    [[live]] = stack.sql(f"""SELECT c.live FROM payments.payments p JOIN payments.provider_credentials c ON c.id = p.credential_id
        WHERE p.id = '{made['id']}'""")
    assert live == "t"
    # And forward again: what the old one wrote says its mode.
    stack.run(**{name: "new" for name in ALL})
    time.sleep(1)
    assert not real.get(f"/payments/{made['id']}").ok()["test_mode"]
    assert all(p["test_mode"] for p in books.api.all("/payments"))
    assert {p["id"] for p in books.api.all("/payments?test_mode=true")} == {p["id"] for p in books.api.all("/payments")}
    books.job()
