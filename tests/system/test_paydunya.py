"""PayDunya: an invoice first, then a push, a page or a QR code; refunds are disbursements; its hash proves nothing."""
import hashlib
import json
import secrets
import threading
import urllib.parse

import pytest

from client import send
from middleman import HANG_UP, Middleman
from providers import FIELDS, House, audited_stack, payment
from stack import SETTLED, at_once, wait_until

PROVIDER = "paydunya"
AMOUNT = 5000  # francs: there are no smaller ones
RETURN_URL = "https://shop.example/back?order=7"
HASH = hashlib.sha512(FIELDS[PROVIDER]["master_key"].encode()).hexdigest()
ACTION_S = 8
CREATE, CONFIRM, SOFTPAY = "/checkout-invoice/create", "/checkout-invoice/confirm", "/softpay/"


@pytest.fixture(scope="module")
def stack():
    yield from audited_stack(PROVIDER, ACTION_TTL_S=str(ACTION_S), UNKNOWN_DEADLINE_S="4", PROCESSING_DEADLINE_S="12")


@pytest.fixture
def house(stack):
    return House(stack, PROVIDER)


@pytest.fixture
def tenant(api, house):
    """With a credential at the provider."""
    api.credential = house.credential(api)
    return api


@pytest.fixture
def middleman(stack):
    with Middleman(stack.ports["sandbox"]) as middleman:
        yield middleman


@pytest.fixture
def through(api, house, middleman):
    """A tenant that reaches the provider by way of the middleman only."""
    api.credential = house.credential(api, base_url=middleman.url + "/paydunya/sandbox-api/v1")
    return api


def mtn(ending="01"):
    return {"msisdn": "22505123456" + ending, "operator": "mtn"}


def orange(ending="01"):
    return {"msisdn": "2217712345" + ending, "operator": "orange"}


def wave(ending="01"):
    return {"msisdn": "2217012345" + ending, "operator": "wave"}


def checkout(api, amount=AMOUNT, **more):
    body = {"order_id": f"ref-{secrets.token_hex(6)}", "amount": amount, "currency": "XOF", "method": "checkout",
            "return_url": RETURN_URL, **more}
    return api.post("/payments", body).ok(201)


def reference(paid):
    return paid["attempts"][-1]["reference"]


def moves(house, paid):
    """How often money moved under it, over all its invoices."""
    return sum(e["moved"] for e in house.entries("charge", reference=reference(paid)))


def page(house, url, outcome, status=200):
    """What the payer does on the page: pay, cancel or fail."""
    path = urllib.parse.urlsplit(url).path
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = send(house.stack.ports["sandbox"], "POST", path, f"outcome={outcome}".encode(), form)
    assert reply.status == status, reply
    return reply


def invoice(house, paid):
    return house.wait_entry("charge", reference=reference(paid))


def page_of(entry):
    return f"/paydunya/sandbox-checkout/invoice/{entry['id']}"


def asked_to_act(stack, api, paid):
    seen = stack.settle(api, paid["id"], "requires_action")
    assert seen["next_action"]["type"] == "redirect_to_url", seen
    return seen


def failed(stack, api, paid, code):
    seen = stack.settle(api, paid["id"], "failed")
    assert seen["error"]["code"] == code and seen["error"]["message"] and not seen["captured"], seen
    assert seen["attempts"][-1]["status"] == "failed", seen
    return seen


def refunded(stack, api, paid, **more):
    refund = api.post(f"/payments/{paid['id']}/refunds", more).ok(201)
    return stack.settle_refund(api, refund["id"])


def callback(entry, status="completed", **more):
    fields = {"data[response_code]": "00", "data[status]": status, "data[invoice][token]": entry["id"],
              "data[invoice][total_amount]": str(entry["amount"]), "data[custom_data][reference]": entry["reference"], **more}
    return urllib.parse.urlencode(fields).encode()


def tell(stack, credential, body):
    path = f"/api/v1/webhooks/{PROVIDER}/{credential['id']}"
    return send(stack.ports["gateway"], "POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})


def counted(house, api, outcome, n=1):
    wait_until(lambda: house.counts(api).get(outcome, 0) >= n, 15, lambda: f"{n} {outcome}: {house.counts(api)}")


# --- Mobile money

def test_a_push_is_paid_and_told(stack, tenant, house):
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn())
    assert paid["captured"] and paid["amount_captured"] == AMOUNT and paid["next_action"] is None, paid
    [entry] = house.entries("charge", reference=reference(paid))
    assert (entry["moved"], entry["amount"], entry["currency"], entry["payer"]) == (1, AMOUNT, "XOF", "0512345601"), entry
    assert [a["status"] for a in paid["attempts"]] == ["succeeded"]
    counted(house, tenant, "accepted")
    assert tenant.get(f"/webhooks/{PROVIDER}/status").ok()["last_at"]


def test_operators_have_ways_of_their_own(stack, house):
    """Orange pushes where the credential says so, and leads to a QR code otherwise; Wave leads to its page."""
    pushed, shown = stack.tenant(), stack.tenant()
    house.credential(pushed, orange_senegal="orange-money-senegal")
    house.credential(shown)
    by_push = house.pay(pushed, AMOUNT, mobile_money=orange())
    by_code, by_wave = (house.pay(shown, AMOUNT, mobile_money=who, return_url=RETURN_URL) for who in (orange(), wave()))
    assert stack.settle(pushed, by_push["id"])["status"] == "succeeded"
    for paid in (by_code, by_wave):
        seen = asked_to_act(stack, shown, paid)
        assert seen["next_action"]["return_url"] == RETURN_URL and not seen["captured"], seen
        assert moves(house, seen) == 0
        page(house, seen["next_action"]["url"], "pay")
        done = stack.settle(shown, paid["id"], "succeeded")
        assert done["next_action"] is None and moves(house, done) == 1, done
    states = {row["reference"]: row["payer"] for row in house.entries("charge")}
    assert states[reference(by_push)] == "771234501" and states[reference(by_wave)] == "701234501"


def test_what_the_payer_does_is_what_becomes_of_it(stack, house):
    ends = {"50": "insufficient_funds", "51": "canceled", "55": "declined", "52": "expired"}
    tenants = {ending: stack.tenant() for ending in [*ends, "54"]}
    for api in tenants.values():
        house.credential(api)
    paid = {ending: house.pay(api, AMOUNT, mobile_money=mtn(ending)) for ending, api in tenants.items()}
    for ending, code in ends.items():
        assert moves(house, failed(stack, tenants[ending], paid[ending], code)) == 0
    assert moves(house, stack.settle(tenants["54"], paid["54"]["id"], "succeeded")) == 1
    # On a page there is somebody to expire.
    on_page = house.pay(tenants["52"], AMOUNT, mobile_money=wave("52"))
    seen = stack.settle(tenants["52"], on_page["id"], "expired")
    assert seen["error"]["code"] == "expired" and moves(house, seen) == 0, seen


def test_operators_elsewhere_and_other_money_are_refused(tenant):
    tenant.post("/payments", payment(PROVIDER, mobile_money={"msisdn": "260971234501", "operator": "mtn"})).refused(422, "phone_invalid")
    tenant.post("/payments", payment(PROVIDER, mobile_money={"msisdn": "2250512345601", "operator": "wave"})).refused(422, "phone_invalid")
    tenant.post("/payments", payment(PROVIDER, currency="EUR")).refused(422, "method_unsupported")
    no_return = {"order_id": "r", "amount": 1000, "currency": "XOF", "method": "checkout"}
    tenant.post("/payments", no_return).refused(400, "invalid_request", "return_url")


# --- Hosted pages

def test_a_page_is_paid_left_or_fails(stack, tenant, house):
    ends = {"pay": ("succeeded", None), "cancel": ("failed", "canceled"), "fail": ("failed", "insufficient_funds")}
    made = {outcome: checkout(tenant) for outcome in ends}
    for outcome, (status, code) in ends.items():
        seen = asked_to_act(stack, tenant, made[outcome])
        assert seen["next_action"]["return_url"] == RETURN_URL, seen
        assert seen["next_action"]["url"].startswith(house.url), seen
        page(house, seen["next_action"]["url"], outcome)
        done = stack.settle(tenant, seen["id"], status)
        assert (done["error"] or {}).get("code") == code, done
        assert moves(house, done) == (outcome == "pay") and done["captured"] == (outcome == "pay"), done
        page(house, seen["next_action"]["url"], "pay", 409)


def test_a_page_that_is_left_expires_and_a_late_payer_is_seen(stack, tenant, house):
    left, late = checkout(tenant), checkout(tenant)
    for each in (left, late):
        seen = stack.settle(tenant, each["id"], "expired", seconds=ACTION_S + 20)
        assert seen["error"]["code"] == "action_expired" and not seen["captured"], seen
        assert moves(house, seen) == 0
    page(house, page_of(invoice(house, late)), "pay")
    seen = stack.settle(tenant, late["id"], "succeeded")
    assert seen["captured"] and moves(house, seen) == 1, seen
    # The other's invoice ends at the provider, too: nothing more comes of it.
    page(house, page_of(invoice(house, left)), "cancel")
    counted(house, tenant, "accepted", 2)
    assert tenant.get(f"/payments/{left['id']}").ok()["status"] == "expired"


# --- Callbacks

def test_a_lost_callback_is_made_up_for(stack, tenant, house):
    house.control(next="callback_lost")
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn())
    assert moves(house, paid) == 1
    stack.quiet()
    assert house.counts(tenant).get("accepted", 0) == 0


def test_a_doubled_callback_counts_once(stack, tenant, house):
    seen = asked_to_act(stack, tenant, checkout(tenant))
    house.control(next="callback_double")
    page(house, seen["next_action"]["url"], "pay")
    done = stack.settle(tenant, seen["id"], "succeeded")
    counted(house, tenant, "duplicate")
    assert moves(house, done) == 1 and done["amount_captured"] == AMOUNT
    names = [e["event"] for e in tenant.all(f"/events?object_id={done['id']}")]
    assert names.count("payment.succeeded") <= 1


def test_a_forged_callback_changes_nothing(stack, tenant, house):
    seen = asked_to_act(stack, tenant, checkout(tenant))
    entry, before = invoice(house, seen), tenant.get(f"/payments/{seen['id']}").ok()
    for lie in (callback(entry, **{"data[hash]": "00" * 64}), callback(entry, **{"data[hash]": "nonsense"}),
                json.dumps({"data": {"hash": "00", "status": "completed", "custom_data": {"reference": entry["reference"]}}}).encode()):
        tell(stack, tenant.credential, lie).refused(401, "signature_invalid")
    house.control(forge={"url": tenant.credential["callback_url"], "reference": reference(seen)})
    counted(house, tenant, "refused", 4)
    assert tenant.get(f"/payments/{seen['id']}").ok() == before
    # The right hash is a constant that anybody has who ever saw one: the provider is asked, and says otherwise.

    def queries():
        [[number]] = stack.sql(f"SELECT queries FROM payments.operations_queue WHERE id = '{reference(seen)}'")
        return int(number)
    asked = queries()
    assert tell(stack, tenant.credential, callback(entry, **{"data[hash]": HASH})).status == 200
    wait_until(lambda: queries() > asked, 15, "the provider is asked")
    assert tenant.get(f"/payments/{seen['id']}").ok() == before and moves(house, seen) == 0
    # Without a credential in the path it is a trigger at most.
    assert stack.open("POST", f"/api/v1/webhooks/{PROVIDER}", {"data": {"status": "completed", "custom_data": {
        "reference": entry["reference"]}}}).status == 200
    page(house, seen["next_action"]["url"], "cancel")
    failed(stack, tenant, seen, "canceled")


def test_the_probe_and_unknown_references_are_answered(stack, tenant, house):
    assert tell(stack, tenant.credential, b"").status == 200
    path = f"/api/v1/webhooks/{PROVIDER}/{tenant.credential['id']}"
    assert send(stack.ports["gateway"], "POST", path).status == 200
    unknown = {"id": "test_x", "amount": 1, "reference": "op_01m7zzzzzzzzzzzzzzzzzzzzzz"}
    assert tell(stack, tenant.credential, callback(unknown, **{"data[hash]": HASH})).status == 200
    counted(house, tenant, "unknown")
    counted(house, tenant, "probe", 2)
    assert stack.sql(f"SELECT count(*) FROM payments.unknown_callbacks WHERE tenant_id = '{tenant.tenant_id}'") == [["1"]]


# --- Faults

def slow(gate):
    def answer(asked):
        gate.wait(5)
        return HANG_UP
    return answer


@pytest.mark.parametrize("fault", ["silence", "refusal", "lost", "malformed"])
def test_an_invoice_that_could_not_be_made_is_made_again(stack, through, house, middleman, fault):
    """Harmless: nobody was asked to pay."""
    gate, first = threading.Event(), []

    def once(asked):
        if CREATE not in asked.path or first:
            return None
        first.append(asked)
        return {"silence": lambda: slow(gate)(asked), "refusal": lambda: (500, b"{}"), "lost": lambda: None,
                "malformed": lambda: (200, b'{"response_code":"00"')}[fault]()
    middleman.answer = once
    if fault == "lost":
        middleman.alter = lambda asked, reply: HANG_UP if CREATE in asked.path and asked is first[0] else reply.raw
    paid = house.settled(through, AMOUNT, "succeeded", mobile_money=mtn())
    gate.set()
    assert len([a for a in middleman.asked if CREATE in a.path]) == 2
    assert len([a for a in middleman.asked if SOFTPAY in a.path]) == 1
    assert moves(house, paid) == 1
    assert len(house.entries("charge", reference=reference(paid))) == (2 if fault == "lost" else 1)


@pytest.mark.parametrize("fault", ["timeout_after", "malformed"])
def test_a_push_whose_answer_is_lost_is_asked_about(stack, tenant, house, fault):
    house.control(next=fault)
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn())
    assert moves(house, paid) == 1 and len(house.entries("charge", reference=reference(paid))) == 1


@pytest.mark.parametrize("fault", ["timeout_before", "error"])
def test_a_push_that_never_arrived_is_asked_about_and_not_repeated(stack, tenant, house, fault):
    house.control(next=fault)
    paid = house.pay(tenant, AMOUNT, mobile_money=mtn())
    seen = stack.settle(tenant, paid["id"], "unknown")
    assert seen["unknown_operation"] == "charge" and not seen["captured"], seen
    if fault == "error":
        # Nobody was asked, so nobody pays: past its deadline it is for a person, and the invoice's end is still heard.
        seen = stack.settle(tenant, paid["id"], "needs_review")
        assert seen["error"]["code"] == "outcome_unknown", seen
        [review] = stack.obol("payment", "review", "--tenant", tenant.tenant_id)["data"]
        assert review["payment_id"] == paid["id"]
    entry = invoice(house, paid)
    assert entry["payer"] == "" and entry["status"] == "pending", entry
    page(house, page_of(entry), "cancel")
    failed(stack, tenant, paid, "canceled")
    assert moves(house, seen) == 0 and len(house.entries("charge", reference=reference(seen))) == 1


def test_an_outage_is_waited_out(stack, tenant, house):
    paid = house.pay(tenant, AMOUNT, mobile_money=mtn("54"))
    wait_until(lambda: invoice(house, paid)["payer"], 10, "the payer is asked")
    house.control(answering="error", next="callback_lost")
    try:
        wait_until(lambda: invoice(house, paid)["moved"] == 1, 10, "the payer has paid")
        assert tenant.get(f"/payments/{paid['id']}").ok()["status"] in ("processing", "unknown")
    finally:
        house.control(answering="normal")
    assert moves(house, stack.settle(tenant, paid["id"], "succeeded")) == 1


def test_a_slow_answer_is_waited_for(stack, tenant, house):
    house.control(next="slow", slow_ms=600)
    assert moves(house, house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn())) == 1


def test_another_amount_than_ours_is_not_believed(stack, through, house, middleman):
    asked = []

    def less(request, reply):
        if CONFIRM not in request.path:
            return reply.raw
        told = reply.json
        told["invoice"]["total_amount"] = AMOUNT - 1
        asked.append(told["status"])
        return json.dumps(told).encode()
    middleman.alter = less
    paid = house.pay(through, AMOUNT, mobile_money=mtn())
    wait_until(lambda: asked.count("completed") >= 3, 30, lambda: f"it is asked about: {asked}")
    seen = through.get(f"/payments/{paid['id']}").ok()
    assert seen["status"] in ("processing", "unknown") and not seen["captured"], seen
    middleman.alter = lambda request, reply: reply.raw
    assert moves(house, stack.settle(through, paid["id"], "succeeded")) == 1


def test_wrong_keys_fail_and_are_explained(stack, api, house):
    credential = house.credential(api, master_key="wrong")
    failed(stack, api, house.pay(api, AMOUNT, mobile_money=mtn()), "provider_setup")
    finding = stack.obol("provider", "test", credential["id"], "--tenant", api.tenant_id, parse=False, code=1)
    assert "does not accept the keys" in finding, finding


def test_one_key_charges_once(stack, tenant, house):
    key, body = secrets.token_hex(8), payment(PROVIDER, AMOUNT, mobile_money=mtn())
    [paid] = {reply.ok(201)["id"] for reply in at_once(6, lambda _: tenant.insist("POST", "/payments", body, key))}
    seen = stack.settle(tenant, paid, "succeeded")
    assert moves(house, seen) == 1 and len(house.entries("charge", reference=reference(seen))) == 1


# --- Refunds

def test_refunds_are_disbursed(stack, tenant, house):
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn())
    assert refunded(stack, tenant, paid, amount=200)["status"] == "processed"
    tenant.post(f"/payments/{paid['id']}/refunds", {"amount": 199}).refused(422, "refund_unsupported")
    tenant.post(f"/payments/{paid['id']}/refunds", {"amount": AMOUNT - 199}).refused(422, "refund_exceeds_captured")
    assert refunded(stack, tenant, paid)["amount"] == AMOUNT - 200
    assert tenant.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == AMOUNT
    entries = [e for e in house.entries("refund", payer="0512345601") if e["reference"] in operations(stack, paid)]
    assert sorted((e["amount"], e["moved"]) for e in entries) == [(200, 1), (AMOUNT - 200, 1)], entries


def operations(stack, paid, kind="refund"):
    return [row[0] for row in stack.sql(f"SELECT id FROM payments.operations WHERE payment_id = '{paid['id']}' AND kind = '{kind}'")]


@pytest.mark.parametrize("ending", ["56", "57"])
def test_a_balance_that_is_too_small_fails_the_refund(stack, tenant, house, ending):
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn(ending))
    refund = refunded(stack, tenant, paid)
    assert (refund["status"], refund["error"]["code"]) == ("failed", "insufficient_balance"), refund
    assert house.entries("refund", reference=operations(stack, paid)[0]) == []
    assert tenant.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0


def test_a_disbursement_that_could_not_be_prepared_is_prepared_again(stack, through, house, middleman):
    """Preparing moves nothing; only submitting does, and that happens once."""
    paid, lost = house.settled(through, AMOUNT, "succeeded", mobile_money=mtn()), []

    def lose(asked, reply):
        if "/get-invoice" in asked.path and len(lost) < 2:
            lost.append(asked)
            return HANG_UP if len(lost) == 1 else b"{"
        return reply.raw
    middleman.alter = lose
    assert refunded(stack, through, paid)["status"] == "processed"
    asked = [a.path.rsplit("/", 1)[1] for a in middleman.asked if "/disburse/" in a.path]
    assert (asked.count("get-invoice"), asked.count("submit-invoice")) == (3, 1), asked
    assert [e["moved"] for e in house.entries("refund", reference=operations(stack, paid)[0])] == [1]


@pytest.mark.parametrize("fault", ["timeout_after", "malformed"])
def test_a_submission_whose_answer_is_lost_is_asked_about(stack, tenant, house, fault):
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn())
    house.control(next=fault)
    assert refunded(stack, tenant, paid)["status"] == "processed"
    assert [e["moved"] for e in house.entries("refund", reference=operations(stack, paid)[0])] == [1]


def test_a_submission_that_never_arrived_waits_for_a_person(stack, tenant, house):
    """check-status says created for ever: it may still go."""
    paid = house.settled(tenant, AMOUNT, "succeeded", mobile_money=mtn())
    house.control(next="timeout_before")
    assert refunded(stack, tenant, paid)["status"] == "needs_review"
    assert house.entries("refund", reference=operations(stack, paid)[0]) == []
    tenant.post(f"/payments/{paid['id']}/refunds", {"amount": 200}).refused(422, "refund_exceeds_captured")


def test_refunds_of_pages_go_to_the_customer(stack, house):
    plain, named = stack.tenant(), stack.tenant()
    house.credential(plain)
    house.credential(named, withdraw_mode="wave-senegal")
    cases = [(plain, "+221701234501"), (named, None), (named, "+221701234501"), (named, "+221701234550")]
    made = [checkout(api, customer={"phone": phone, "name": "A Payer"} if phone else None) for api, phone in cases]
    for (api, _), paid in zip(cases, made):
        page(house, asked_to_act(stack, api, paid)["next_action"]["url"], "pay")
    for (api, _), paid in zip(cases, made):
        stack.settle(api, paid["id"], "succeeded")
    for (api, _), paid in list(zip(cases, made))[:2]:
        api.post(f"/payments/{paid['id']}/refunds", {}).refused(422, "refund_unsupported")
    assert refunded(stack, named, made[2])["status"] == "processed"
    refund = refunded(stack, named, made[3])
    assert (refund["status"], refund["error"]["code"]) == ("failed", "declined"), refund
    assert [e["payer"] for e in house.entries("refund", reference=operations(stack, made[2])[0])] == ["701234501"]


# --- In the end

def test_every_payment_is_settled(stack):
    """Last: nothing is left under way, and no payment for a person."""
    stack.quiet()
    assert stack.sql(f"SELECT id, status FROM payments.payments WHERE status NOT IN {tuple(SETTLED - {'needs_review'})}") == []
