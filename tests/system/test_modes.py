"""Test mode and live mode of a tenant, and the switch that stops new payments: switched while payments pour in."""
import json
import secrets
import threading
import time

import pytest

from client import card_payment
from client import payment as upi
from conftest import running_stack
from postgres import fingerprint
from processes import PORTS
from providers import FIELDS, PACE, House, payment
from stack import wait_until

WITHIN_S = 1.0  # as it is promised
REPLICAS = ["payments", "payments_2"]


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(replicas=["payments"], **PACE)


def live(stack, api, provider="airtel", **fields):
    """A credential for real money, where nothing listens."""
    words = {**FIELDS[provider], "base_url": f"https://127.0.0.1:{PORTS.take()}", **fields}
    return stack.obol("provider", "set", provider, "--tenant", api.tenant_id, "--live", *(f"{k}={v}" for k, v in words.items()))


def mode(stack, api, word, *more, code=0):
    return stack.obol("tenant", "mode", api.tenant_id, word, *more, code=code, parse=code == 0)


def after(seconds=WITHIN_S):
    """What is promised within a time holds from here on."""
    time.sleep(seconds)


def audited(stack, object_id):
    """(action, before, after) of what operators did to it, the oldest first."""
    entries = stack.obol("audit", "--service", "payments", "--object", object_id)["payments"]["entries"]
    assert all(e["actor"].startswith("operator:") for e in entries)
    return [(e["action"], json.loads(e["before"]), json.loads(e["after"])) for e in reversed(entries)]


class Flood:
    """Payments from several merchants' threads until it is ended: (when it was sent, when it was answered, reply)."""

    def __init__(self, api, body, threads=4):
        self.api, self.body, self.replies = api, body, []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]

    def run(self):
        while not self.ending.is_set():
            began = time.monotonic()
            reply = self.api.post("/payments", self.body(), key=secrets.token_hex(8))
            self.replies.append((began, time.monotonic(), reply))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)

    def more(self, n=30):
        """So many more have been answered."""
        until = len(self.replies) + n
        wait_until(lambda: len(self.replies) >= until, 30, "the flood goes on")


# --- Modes

def test_a_tenant_in_test_mode_never_moves_real_money(stack, api):
    credential = live(stack, api)
    assert credential["enabled"]
    api.post("/payments", payment("airtel")).refused(422, "method_unsupported")
    assert api.pay()["test_mode"] and api.post("/payments", card_payment()).ok(201)["provider"] == "simulator"
    told = stack.obol("provider", "test", credential["id"], "--tenant", api.tenant_id, code=1, parse=False)
    assert "test mode: no new payment goes by this credential" in told
    assert House(stack, "airtel").credential(api)["enabled"]  # both kinds beside each other: the mode chooses
    after()
    made = api.post("/payments", payment("airtel")).ok(201)
    assert made["provider"] == "airtel" and made["test_mode"]
    assert stack.settle(api, made["id"])["status"] == "succeeded"
    [[n]] = stack.sql(f"SELECT count(*) FROM payments.operations WHERE credential_id = '{credential['id']}'")
    assert n == "0"


def test_a_tenant_in_live_mode_never_succeeds_at_a_sandbox(stack, api):
    own = House(stack, "airtel").credential(api)
    assert "no_live_credential" in mode(stack, api, "live", code=1)
    assert stack.obol("tenant", "show", api.tenant_id)["test_mode"]
    mode(stack, api, "live", "--force")
    assert "live, no credential" in stack.obol("tenant", "show", api.tenant_id, parse=False)
    after()
    rows = fingerprint(stack.database.url, api.tenant_id)
    for body in [upi(), card_payment(), payment("airtel")]:
        api.post("/payments", body, key=secrets.token_hex(8)).refused(422, "no_live_credential")
    assert fingerprint(stack.database.url, api.tenant_id) == rows
    credential = live(stack, api)
    after()
    for body in [upi(), card_payment()]:
        api.post("/payments", body).refused(422, "method_unsupported")
    made = api.post("/payments", payment("airtel")).ok(201)
    assert made["provider"] == "airtel" and not made["test_mode"]
    [[by]] = stack.sql(f"SELECT credential_id FROM payments.payments WHERE id = '{made['id']}'")
    assert by == credential["id"] != own["id"]


def test_what_stands_goes_on_under_its_own_credential(stack, api):
    """A capture, a cancellation, refunds, a lost answer and a replay of payments in test mode, the tenant being live."""
    paid = stack.paid(api)
    held = [stack.settle(api, api.pay(capture="manual")["id"], "authorized") for _ in range(2)]
    house = House(stack, "airtel")
    house.credential(api)
    after()
    sandbox = house.settled(api, status="succeeded")
    lost = api.pay(vpa="timeout@upi", key="before")
    live(stack, api)
    mode(stack, api, "live")
    after()
    api.post(f"/payments/{held[0]['id']}/capture").ok()
    api.post(f"/payments/{held[1]['id']}/cancel").ok()
    refunds = [api.post(f"/payments/{p['id']}/refunds", {}).ok(201) for p in [paid, sandbox]]
    assert stack.settle(api, held[0]["id"], "succeeded")["test_mode"]
    assert stack.settle(api, held[1]["id"], "canceled")["test_mode"]
    assert stack.settle(api, lost["id"], "succeeded")["test_mode"]
    assert [stack.settle_refund(api, refund["id"])["status"] for refund in refunds] == ["processed"] * 2
    assert api.post("/payments", {**upi(vpa="timeout@upi"), "order_id": lost["order_id"]}, key="before").ok(201)["id"] == lost["id"]


def test_no_payment_is_rerouted_into_the_other_mode(stack, api):
    """It waits for a person, its tenant goes live, and its own credential leads nowhere."""
    dead = House(stack, "airtel").credential(api, base_url=f"http://127.0.0.1:{PORTS.take()}")
    stack.obol("limit", "set", "--tenant", api.tenant_id, "ZMW", "--review-above", 500)
    after()
    made = api.post("/payments", payment("airtel", 1000)).ok(201)
    stack.settle(api, made["id"], "needs_review")
    live(stack, api)
    mode(stack, api, "live")
    after()
    stack.obol("payment", "resolve", made["id"], "--tenant", api.tenant_id, "--as", "pending", "--reason", "as tested")

    def tried():
        [[n]] = stack.sql(f"""SELECT count(*) FROM payments.operation_attempts a JOIN payments.operations o
            ON o.tenant_id = a.tenant_id AND o.id = a.operation_id WHERE o.payment_id = '{made['id']}'""")
        return int(n) >= 5
    wait_until(tried, 30, "it is tried again where it is")
    assert stack.sql(f"SELECT DISTINCT credential_id FROM payments.operations WHERE payment_id = '{made['id']}'") == [[dead["id"]]]
    assert len(api.get(f"/payments/{made['id']}").ok()["attempts"]) == 1


def test_a_mode_switched_while_payments_pour_in(stack, api):
    House(stack, "airtel").credential(api)
    live(stack, api)
    switches = []
    with Flood(api, lambda: payment("airtel")) as flood:
        for word in ["live", "test", "live"]:
            flood.more()
            began = time.monotonic()
            mode(stack, api, word)
            switches.append((began, time.monotonic(), word))
            wait_until(lambda: flood.replies[-1][0] > switches[-1][1] + WITHIN_S, 30)
        flood.more()
    assert {reply.status for *_, reply in flood.replies} == {201}

    def expected(sent, answered):
        """The mode of a payment of that time; None while a switch is coming into force."""
        word = "test"
        for began, ended, to in switches:
            word = word if answered < began else None if sent < ended + WITHIN_S else to
        return word
    seen = [(expected(sent, answered), "test" if reply.json["test_mode"] else "live") for sent, answered, reply in flood.replies]
    assert not [pair for pair in seen if pair[0] and pair[0] != pair[1]]
    assert {word for word, _ in seen} >= {"test", "live"}
    mixed = stack.sql(f"""SELECT p.id FROM payments.payments p JOIN payments.provider_credentials c ON c.id = p.credential_id
        WHERE p.tenant_id = '{api.tenant_id}' AND c.live = p.test_mode""")
    assert not mixed
    for word in ["true", "false"]:
        listed = {p["id"] for p in api.all(f"/payments?test_mode={word}")}
        assert listed == {r.json["id"] for *_, r in flood.replies if r.json["test_mode"] == (word == "true")} and listed
    turns = [(before["test_mode"], behind["test_mode"]) for _, before, behind in audited(stack, api.tenant_id)]
    assert turns == [(True, True), (True, False), (False, True), (True, False)]


def test_modes_are_told_and_audited(stack):
    made = stack.obol("tenant", "create", "Of tests")
    assert made["test_mode"] and made["mode_settled"]
    real = stack.obol("tenant", "create", "--live", "For real")
    assert not real["test_mode"] and real["mode_settled"] and not real.get("live_credentials")
    assert "--test or --live" in stack.obol("tenant", "create", "--live", "--test", "Both", code=2, parse=False)
    api = stack.key(real["id"])
    api.post("/payments", upi()).refused(422, "no_live_credential")
    listed = {t["id"]: t for t in stack.obol("tenant", "list")["data"]}
    assert listed[made["id"]]["test_mode"] and not listed[real["id"]]["test_mode"]
    mode(stack, api, "test")
    action, before, behind = audited(stack, real["id"])[-1]
    assert action == "tenant.mode" and not before["test_mode"] and behind["test_mode"]
    assert "No such tenant" in stack.obol("tenant", "mode", "ten_nobody", "test", code=1, parse=False)
    stack.obol("tenant", "mode", made["id"], "perhaps", code=2, parse=False)
    stack.sql(f"DELETE FROM payments.tenant_modes WHERE tenant_id = '{made['id']}'")  # as one of an earlier version
    assert "test, not set" in stack.obol("tenant", "show", made["id"], parse=False)
    assert not stack.obol("tenant", "show", made["id"])["mode_settled"]


# --- The switch

def creation(stack, *words, code=0):
    return stack.obol("payments", *words, code=code, parse=code == 0)


def gauges(stack):
    lines = [stack.open("GET", "/metrics", port=f"{name}_ops").raw.decode().splitlines() for name in REPLICAS]
    return [line.split()[1] for text in lines for line in text if line.startswith("obol_payment_creation_stopped ")]


def test_new_payments_stop_under_load_and_all_else_goes_on(stack, api):
    assert creation(stack, "stop", code=2)  # without a reason
    held = [stack.settle(api, api.pay(capture="manual")["id"], "authorized") for _ in range(2)]
    paid = stack.paid(api)
    first = api.post("/payments", upi(), key="first").ok(201)
    body = card_payment()
    card = api.post("/payments", body, key="card").ok(201)
    with Flood(api, upi, threads=6) as flood:
        flood.more(60)
        stopped = creation(stack, "stop", "--reason", "INC-42: ünclear")
        since = time.monotonic()
        assert stopped["stopped"] and stopped["reason"] == "INC-42: ünclear" and stopped["changed_by"].startswith("operator:")
        after()
        [[rows]] = stack.sql("SELECT count(*) FROM payments.payments")
        flood.more(60)
        late = [reply for sent, _, reply in flood.replies if sent > since + WITHIN_S]
        assert len(late) >= 30
        for reply in late:
            reply.refused(503, "payments_stopped")
            assert reply.headers["Retry-After"] == "30"
        assert {reply.status for *_, reply in flood.replies} == {201, 503}
        # What stands is answered, and goes on.
        again = api.post("/payments", {**upi(), "order_id": first["order_id"]}, key="first")
        assert again.ok(201)["id"] == first["id"] and again.headers["Idempotency-Replayed"] == "true"
        assert api.post("/payments", body, key="card").ok(201)["id"] == card["id"]
        api.post("/payments", card_payment(), key="new card").refused(503, "payments_stopped")
        api.post(f"/payments/{held[0]['id']}/capture").ok()
        api.post(f"/payments/{held[1]['id']}/cancel").ok()
        refund = api.post(f"/payments/{paid['id']}/refunds", {"amount": 5}).ok(201)
        api.post("/orders", {"amount": 700, "currency": "INR"}).ok(201)
        assert stack.settle(api, held[0]["id"], "succeeded") and stack.settle(api, held[1]["id"], "canceled")
        assert stack.settle_refund(api, refund["id"])["status"] == "processed"
    accepted = [reply.json["id"] for *_, reply in flood.replies if reply.status == 201]
    for payment_id in accepted[-20:]:
        assert stack.settle(api, payment_id)["status"] == "succeeded"
    assert stack.sql("SELECT count(*) FROM payments.payments") == [[rows]]
    [[tokens]] = stack.sql(f"SELECT count(*) FROM payments.card_tokens WHERE tenant_id = '{api.tenant_id}'")
    assert tokens == "1"  # the card that was refused went nowhere
    assert gauges(stack) == ["1", "1"]
    for name in REPLICAS:
        page = stack.open("GET", "/health", port=f"{name}_ops").ok()
        assert page["payment_creation"]["stopped"] and page["payment_creation"]["reason"] == "INC-42: ünclear", page
        assert page["status"] == "up"
    assert creation(stack, "status")["stopped"] and "INC-42" in stack.obol("payments", "status", parse=False)
    creation(stack, "start", "--reason", "over")
    after()
    for _ in range(4):
        assert api.post("/payments", upi()).ok(201)["status"] == "pending"
    assert api.post("/payments", card_payment(), key="new card").ok(201)  # what was refused was not remembered
    assert wait_until(lambda: gauges(stack) == ["0", "0"], 5)
    turns = [(action, before["stopped"], behind["stopped"]) for action, before, behind in audited(stack, "payment_creation")]
    assert turns == [("payments.stop", False, True), ("payments.start", True, False)]


def test_the_switch_outlives_everything(stack, api):
    """It stands in the database: replicas that start while it is thrown obey it from their first call on."""
    creation(stack, "stop", "--reason", "night")
    try:
        for name in REPLICAS:
            stack.processes[name].stop()
            stack.restart(name)
        stack.wait_ready()
        for _ in range(6):
            api.post("/payments", upi()).refused(503, "payments_stopped")
    finally:
        creation(stack, "start")
    after()
    assert api.pay()["status"] == "pending"
