"""Zamtel Kwacha: a call that blocks until the PIN is entered, and nothing to ask or to hear afterwards."""
import secrets

import pytest

from middleman import HANG_UP, Middleman
from providers import FIELDS, House, audited_stack, payment
from stack import SETTLED, at_once, wait_until

PROVIDER = "zamtel"
AMOUNT = 1500
# By the last two digits of the number; those of the mimic.
DECLINES = {"50": "wrong_pin", "51": "insufficient_funds", "52": "amount_invalid", "53": "limit_exceeded",
            "54": "payer_not_found", "55": "provider_setup", "56": "declined", "60": "declined"}
AT_ONCE = {"55", "57"}  # answered before anything is in the provider's book
INTERNAL, INTERNAL_PAID, MUTE, MUTE_PAID = "57", "58", "61", "62"


@pytest.fixture(scope="module")
def stack():
    # 120 s for the PIN become 4.8 s. Logs say all that they ever say: a password has to be in none of it.
    yield from audited_stack(PROVIDER, PROVIDER_TIMES_PERCENT="4", LOG_LEVEL="debug")


@pytest.fixture
def house(stack):
    return House(stack, PROVIDER)


@pytest.fixture
def tenant(api, house):
    """With a credential at the provider."""
    api.credential = house.credential(api)
    return api


def msisdn(ending):
    return "2609512345" + ending


def reference(payment):
    """What the provider knows the payment by: our reference, without what it would not take."""
    return payment["attempts"][-1]["reference"].replace("_", "")


def pay(house, api, ending="01", amount=AMOUNT, **more):
    return house.pay(api, amount, msisdn=msisdn(ending), **more)


def reviewed(stack, api, paid):
    """The payment, once a person has to look at it; and how it got there."""
    seen = stack.settle(api, paid["id"], "needs_review")
    assert seen["error"]["code"] == "outcome_unknown" and seen["unknown_operation"] == "charge", seen
    assert [a["status"] for a in seen["attempts"]] == ["needs_review"], seen
    assert not seen["captured"] and seen["amount_captured"] == 0, seen
    return seen


def events(api, paid):
    """What happened to it, in its order."""
    def whole():
        found = sorted(api.all(f"/events?object_id={paid['id']}"), key=lambda event: event["sequence"])
        return [e["event"] for e in found] if len(found) == paid["sequence"] else None
    return wait_until(whole, 20, f"every event of {paid['id']}")


def resolve(stack, api, paid, status):
    stack.obol("payment", "resolve", paid["id"], "--tenant", api.tenant_id, "--as", status, "--reason",
               "seen in the provider's book")
    return stack.settle(api, paid["id"], status)


def resolve_by_book(stack, house, api, paid):
    """What a person does: looks whether the money moved."""
    moved = sum(e["moved"] for e in house.entries("charge", reference=reference(paid)))
    assert moved in (0, 1), house.entries(reference=reference(paid))
    return resolve(stack, api, paid, "succeeded" if moved else "failed"), moved


def refunded(stack, api, paid, **more):
    refund = api.post(f"/payments/{paid['id']}/refunds", more).ok(201)
    return stack.settle_refund(api, refund["id"])


# --- Payments

def test_a_payment_waits_for_the_pin(stack, tenant, house):
    house.control(settle_ms=1500)
    try:
        paid = pay(house, tenant)
        house.wait_entry("charge", reference=reference(paid), status="pending")
        assert tenant.get(f"/payments/{paid['id']}").ok()["status"] == "processing"
        seen = stack.settle(tenant, paid["id"])
    finally:
        house.control(settle_ms=100)
    assert seen["status"] == "succeeded" and seen["captured"] and seen["amount_captured"] == AMOUNT, seen
    assert seen["attempts"] == [{"provider": PROVIDER, "reference": seen["attempts"][0]["reference"],
                                 "status": "succeeded", "error": None}], seen
    [entry] = house.entries("charge", reference=reference(seen))
    assert (entry["moved"], entry["amount"], entry["currency"], entry["payer"]) == (1, AMOUNT, "ZMW", msisdn("01"))


def test_only_zambian_numbers_and_money_are_taken(stack, tenant, house):
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money={"msisdn": "+260751234501", "operator": "zamtel"})
    assert house.entries("charge", reference=reference(paid))[0]["payer"] == "260751234501"
    tenant.post("/payments", payment(PROVIDER, mobile_money={"msisdn": "447911123456", "operator": "zamtel"})).refused(422)
    tenant.post("/payments", payment(PROVIDER, currency="EUR")).refused(422, "method_unsupported")


def test_each_code_is_a_decline_of_its_own(stack, tenant, house):
    paid = {ending: pay(house, tenant, ending) for ending in DECLINES}
    for ending, code in DECLINES.items():
        seen = stack.settle(tenant, paid[ending]["id"], "failed")
        assert seen["error"]["code"] == code and seen["error"]["message"], (ending, seen)
        assert not seen["captured"], seen
        [attempt] = seen["attempts"]
        assert (attempt["status"], attempt["error"]["code"]) == ("failed", code), seen
        entries = house.entries(reference=reference(seen))
        assert [e["moved"] for e in entries] == ([] if ending in AT_ONCE else [0]), entries
        tenant.post(f"/payments/{seen['id']}/refunds", {}).refused(409, "payment_not_refundable")


def test_what_is_not_answered_waits_for_a_person_and_is_never_guessed(stack, house):
    endings = {MUTE: 0, MUTE_PAID: 1, INTERNAL: 0, INTERNAL_PAID: 1}
    tenants = {ending: stack.tenant() for ending in endings}
    for api in tenants.values():
        house.credential(api)
    paid = {ending: pay(house, tenants[ending], ending) for ending in endings}
    for ending, moved in endings.items():
        api = tenants[ending]
        seen = reviewed(stack, api, paid[ending])
        told = events(api, seen)
        assert told == [f"payment.{name}" for name in ("created", "processing", "unknown", "needs_review")], told
        [review] = stack.obol("payment", "review", "--tenant", api.tenant_id)["data"]
        assert review["payment_id"] == seen["id"] and review["reason"] == "outcome_unknown", review
        assert review["reference"] == seen["attempts"][0]["reference"] and review["provider"] == PROVIDER, review
        assert review["unknown_operation"] == "charge" and review["amount"] == AMOUNT, review
        api.post(f"/payments/{seen['id']}/refunds", {}).refused(409)
        entries = house.entries("charge", reference=reference(seen))
        assert [e["moved"] for e in entries] == ([] if ending in AT_ONCE else [moved]), entries
        decided, found = resolve_by_book(stack, house, api, seen)
        assert found == moved and decided["captured"] == bool(moved), decided
        assert decided["amount_captured"] == moved * AMOUNT, decided
        assert stack.obol("payment", "review", "--tenant", api.tenant_id)["data"] == []
        # Decided is decided; and it was asked for once.
        stack.obol("payment", "resolve", seen["id"], "--tenant", api.tenant_id, "--as", "succeeded", "--reason", "again", code=1)
        assert house.entries("charge", reference=reference(seen)) == entries


@pytest.mark.parametrize("fault, moved", [("error", None), ("malformed", 1)])
def test_a_fault_is_sent_once_and_ends_with_a_person(stack, tenant, house, fault, moved):
    house.control(next=fault)
    seen = reviewed(stack, tenant, pay(house, tenant))
    assert [e["moved"] for e in house.entries(reference=reference(seen))] == ([moved] if moved else []), fault
    assert stack.sql(f"SELECT attempts FROM payments.operations WHERE payment_id = '{seen['id']}'") == [["1"]]
    resolve_by_book(stack, house, tenant, seen)


def test_a_slow_answer_is_waited_for(stack, tenant, house):
    house.control(next="slow", slow_ms=2500)
    seen = house.settled(tenant, AMOUNT, "succeeded")
    assert [e["moved"] for e in house.entries(reference=reference(seen))] == [1]


def test_one_key_charges_once(stack, tenant, house):
    key, body = secrets.token_hex(8), payment(PROVIDER, AMOUNT)
    answers = at_once(6, lambda _: tenant.insist("POST", "/payments", body, key))
    [paid] = {reply.ok(201)["id"] for reply in answers}
    seen = stack.settle(tenant, paid, "succeeded")
    assert [e["moved"] for e in house.entries(reference=reference(seen))] == [1]
    assert len(house.entries(payer=msisdn("01"), reference=reference(seen))) == 1


def test_wrong_credentials_fail_and_are_explained(stack, api, house):
    credential = house.credential(api, password="wrong")
    seen = house.settled(api, AMOUNT, "failed")
    assert seen["error"]["code"] == "provider_setup", seen
    assert "does not accept" in stack.obol("provider", "test", credential["id"], "--tenant", api.tenant_id, parse=False, code=1)
    house.credential(api, **{"base_url": house.url + "/zamtel/ZampayRestProd"})
    stack.obol("provider", "set", PROVIDER, "--tenant", api.tenant_id, "--id", credential["id"], "--disable")
    refusal = api.post("/payments", payment(PROVIDER)).refused(422, "provider_setup")
    assert "ZampayRest" in refusal["detail"], refusal


# --- Refunds are payouts

def test_refunds_are_paid_out_in_parts(stack, tenant, house):
    paid = house.settled(tenant, AMOUNT, "succeeded")
    first = refunded(stack, tenant, paid, amount=500)
    assert first["status"] == "processed", first
    tenant.post(f"/payments/{paid['id']}/refunds", {"amount": 1001}).refused(422, "refund_exceeds_captured")
    assert refunded(stack, tenant, paid)["amount"] == 1000
    assert tenant.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == AMOUNT
    operations = stack.sql(f"SELECT id FROM payments.operations WHERE payment_id = '{paid['id']}' "
                           "AND kind = 'refund' AND status = 'succeeded' ORDER BY amount")
    entries = [house.entries("refund", reference=row[0].replace("_", "")) for row in operations]
    assert [[(e["moved"], e["amount"], e["payer"]) for e in found] for found in entries] == [
        [(1, 500, msisdn("01"))], [(1, 1000, msisdn("01"))]]


def test_a_refused_payout_is_a_failed_refund(stack, api, house):
    with Middleman(stack.ports["sandbox"]) as middleman:
        credential = house.credential(api, base_url=middleman.url + "/zamtel/ZampayRest")
        paid = house.settled(api, AMOUNT, "succeeded")
        middleman.answer = lambda asked: (200, b'{"status":"E8036","message":"not registered"}') if "B2C" in asked.path else None
        refund = refunded(stack, api, paid)
        assert (refund["status"], refund["error"]["code"]) == ("failed", "payer_not_found"), refund
        middleman.answer = lambda asked: None
        stack.obol("provider", "set", PROVIDER, "--tenant", api.tenant_id, "--id", credential["id"], "credential=wrong")
        refund = refunded(stack, api, paid)
        assert (refund["status"], refund["error"]["code"]) == ("failed", "provider_setup"), refund
        stack.obol("provider", "set", PROVIDER, "--tenant", api.tenant_id, "--id", credential["id"], "credential=")
        api.post(f"/payments/{paid['id']}/refunds", {}).refused(422, "provider_setup")
        assert len([a for a in middleman.asked if "B2C" in a.path]) == 2
        assert api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0
        stack.obol("provider", "set", PROVIDER, "--tenant", api.tenant_id, "--id", credential["id"],
                   f"credential={FIELDS[PROVIDER]['credential']}")
        assert refunded(stack, api, paid)["status"] == "processed"


def test_a_payout_without_an_answer_waits_for_a_person(stack, tenant, house):
    """61 and 62 do as a payee what they do as a payer, but the payment has to be there first."""
    with Middleman(stack.ports["sandbox"]) as middleman:
        stack.obol("provider", "set", PROVIDER, "--tenant", tenant.tenant_id, "--id", tenant.credential["id"],
                   f"base_url={middleman.url}/zamtel/ZampayRest")
        middleman.target = lambda asked: asked.target.replace("Msisdn=" + msisdn(MUTE), "Msisdn=" + msisdn("01")).replace(
            "Msisdn=" + msisdn(MUTE_PAID), "Msisdn=" + msisdn("01")) if "B2C" not in asked.path else asked.target
        paid = {ending: pay(house, tenant, ending) for ending in (MUTE, MUTE_PAID)}
        for each in paid.values():
            stack.settle(tenant, each["id"], "succeeded")
        refunds = {ending: tenant.post(f"/payments/{paid[ending]['id']}/refunds", {}).ok(201) for ending in paid}
        for ending, moved in ((MUTE, 0), (MUTE_PAID, 1)):
            refund = stack.settle_refund(tenant, refunds[ending]["id"])
            assert refund["status"] == "needs_review", refund
            [[operation]] = stack.sql(f"SELECT id FROM payments.operations WHERE payment_id = '{paid[ending]['id']}' AND kind = 'refund'")
            assert [e["moved"] for e in house.entries("refund", reference=operation.replace("_", ""))] == [moved]
            # What may have been given back is not there to be given back again.
            tenant.post(f"/payments/{paid[ending]['id']}/refunds", {"amount": 1}).refused(422, "refund_exceeds_captured")
            assert tenant.get(f"/payments/{paid[ending]['id']}").ok()["amount_refunded"] == 0
        assert len([a for a in middleman.asked if "B2C" in a.path]) == 2


# --- The wire

def test_a_kept_connection_that_dies_is_not_tried_again(stack, api, house):
    with Middleman(stack.ports["sandbox"]) as middleman:
        house.credential(api, base_url=middleman.url + "/zamtel/ZampayRest")
        # Its first answer leaves the connection open, whatever it was asked.
        middleman.answer = lambda asked: (200, b'{"status":"E8003","message":"wrong PIN"}')
        assert house.settled(api, AMOUNT, "failed")["error"]["code"] == "wrong_pin"
        middleman.answer = lambda asked: HANG_UP
        seen = reviewed(stack, api, house.pay(api, AMOUNT))
        assert [a.query["ConversationId"] for a in middleman.asked].count(reference(seen)) == 1
        resolve_by_book(stack, house, api, seen)


def test_nobody_calls_back(stack, tenant, house):
    credential = tenant.credential
    house.control(settle_ms=1500)
    try:
        paid = pay(house, tenant)
        house.wait_entry("charge", reference=reference(paid), status="pending")
        lie = {"ConversationId": paid["attempts"][0]["reference"], "status": "0"}
        path = f"/api/v1/webhooks/{PROVIDER}/{credential['id']}"
        assert stack.open("POST", path, lie).status == 200
        assert stack.open("POST", path, lie).status == 200
        assert stack.open("POST", f"/api/v1/webhooks/{PROVIDER}", lie).status == 200
        stack.open("POST", f"/api/v1/webhooks/{PROVIDER}/cred_01unknown", lie).refused(401, "signature_invalid")
        assert tenant.get(f"/payments/{paid['id']}").ok()["status"] == "processing"
    finally:
        house.control(settle_ms=100)
    stack.settle(tenant, paid["id"], "succeeded")
    stack.obol("provider", "set", PROVIDER, "--tenant", tenant.tenant_id, "--id", credential["id"], "webhook_secret=s3cret")
    forged = {"X-Signature-256": "sha256=" + "0" * 64}
    wait_until(lambda: stack.open("POST", path, {"status": "0"}, headers=forged).status == 401, 10, "forgeries are refused")

    def counted():
        status = tenant.get(f"/webhooks/{PROVIDER}/status").ok()
        counts = {c["outcome"]: c["count"] for c in status["counts"]}
        return counts.get("malformed") == 1 and counts.get("duplicate") == 1 and counts.get("refused", 0) >= 1 and status["last_at"]
    wait_until(counted, 10, lambda: tenant.get(f"/webhooks/{PROVIDER}/status"))


def test_the_password_is_in_no_log_and_no_row(stack, tenant, house):
    house.control(next="error")
    resolve_by_book(stack, house, tenant, reviewed(stack, tenant, pay(house, tenant)))
    stack.obol("provider", "set", PROVIDER, "--tenant", tenant.tenant_id, "--id", tenant.credential["id"],
               "base_url=http://127.0.0.1:1/zamtel/ZampayRest")
    unreached = pay(house, tenant)
    payments_log = stack.processes["payments"].log
    wait_until(lambda: unreached["attempts"][0]["reference"] in payments_log.read_text(), 20, "what could not be sent is logged")
    secret = [FIELDS[PROVIDER]["password"], FIELDS[PROVIDER]["credential"], "Password="]
    for path in stack.directory.glob("*.log"):
        text = path.read_text(errors="replace")
        assert [word for word in secret if word in text] == [], path.name
    # A restart of this credential, so that nothing is left under way.
    stack.obol("provider", "set", PROVIDER, "--tenant", tenant.tenant_id, "--id", tenant.credential["id"],
               f"base_url={house.base_url()}")
    stack.settle(tenant, unreached["id"], "succeeded")
    for schema, table in stack.sql("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN "
                                   "('auth', 'payments', 'refunds', 'webhooks')"):
        for word in secret:
            assert stack.sql(f"SELECT count(*) FROM {schema}.{table} t WHERE t::text LIKE '%{word}%'") == [["0"]], (table, word)


def test_every_payment_is_settled(stack):
    """Last: nothing is left under way, and no payment for a person."""
    stack.quiet()
    assert stack.sql(f"SELECT id, status FROM payments.payments WHERE status NOT IN {tuple(SETTLED - {'needs_review'})}") == []
