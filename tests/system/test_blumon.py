"""Blumon Pay: cards exchanged for its tokens, no way to ask about a charge, and a webhook whose signature is its word."""
import hashlib
import hmac
import json
import re
import secrets
import urllib.parse

import pytest

from client import send
from middleman import HANG_UP, Middleman
from providers import FIELDS, House, audited_stack, card, payment
from stack import SETTLED, at_once, wait_until

PROVIDER = "blumon"
AMOUNT = 12345
SECRET = "blumon-webhook-secret"
RETURN_URL = "https://shop.example/back"
ACTION_S = 6
# Cards of the mimic. Half of the declines come under 200, the others under 4xx.
DECLINES = {
    "4000000000000002": "card_not_supported", "4000000000009995": "insufficient_funds", "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc", "4000000000001018": "expired_card", "4000000000000622": "card_not_supported",
    "4000000000050056": "card_not_supported", "4000000000000614": "limit_exceeded", "4000000000000655": "limit_exceeded",
    "4000000000040040": "limit_exceeded", "4000000000001877": "card_declined", "4000000000080012": "limit_exceeded",
    "4000000000080038": "limit_exceeded", "4000003800000446": "authentication_required",
}
NO_ISSUER, DUPLICATE, CHALLENGED = "4000000000000119", "4000000000000945", "4000003800000446"
TOKENIZE, CHARGE, REGISTER = "/cardToken/add", "/ecommerce/charge", "/mpi/3ds-registry"


@pytest.fixture(scope="module")
def stack():
    yield from audited_stack(PROVIDER, ACTION_TTL_S=str(ACTION_S), UNKNOWN_DEADLINE_S="4", PROCESSING_DEADLINE_S="10",
                             LOG_LEVEL="debug")


@pytest.fixture
def house(stack):
    house = House(stack, PROVIDER)
    house.control(webhook_secret=SECRET)
    return house


@pytest.fixture
def tenant(api, house):
    """With a credential whose webhooks are believed when their signature is right."""
    api.credential = house.credential(api, webhook_secret=SECRET)
    return api


@pytest.fixture
def deaf(house):
    """The provider's webhooks are lost while the test runs."""
    house.control(faults={"callback_lost": 100})
    yield
    house.control(faults={"callback_lost": 0})


@pytest.fixture
def middleman(stack):
    with Middleman(stack.ports["sandbox"]) as middleman:
        yield middleman


@pytest.fixture
def through(api, house, middleman):
    """A tenant that reaches the provider by way of the middleman only."""
    api.credential = house.credential(api, base_url=middleman.url + "/blumon", webhook_secret=SECRET)
    return api


def tenant_with(stack, house, **fields):
    api = stack.tenant()
    api.credential = house.credential(api, **fields)
    return api


def reference(paid):
    return paid["attempts"][-1]["reference"]


def moves(house, paid):
    return sum(e["moved"] for e in house.charges(paid))


def ended(stack, api, paid, status, code):
    seen = stack.settle(api, paid["id"], status)
    assert seen["error"]["code"] == code and seen["error"]["message"] and not seen["captured"], seen
    assert seen["attempts"][-1]["status"] == ("needs_review" if status == "needs_review" else "failed"), seen
    return seen


def resolve_by_book(stack, house, api, paid):
    """What a person does: looks whether the money moved."""
    moved = moves(house, paid)
    status = "succeeded" if moved else "failed"
    stack.obol("payment", "resolve", paid["id"], "--tenant", api.tenant_id, "--as", status, "--reason", "seen in the provider's book")
    return stack.settle(api, paid["id"], status)


def refunded(stack, api, paid, **more):
    refund = api.post(f"/payments/{paid['id']}/refunds", more).ok(201)
    return stack.settle_refund(api, refund["id"])


def refund_entries(stack, house, paid):
    rows = stack.sql(f"SELECT id FROM payments.operations WHERE payment_id = '{paid['id']}' AND kind = 'refund' ORDER BY id")
    return [[(e["kind"], e["amount"], e["status"]) for e in house.entries(reference=row[0])] for row in rows]


def webhook(entry, **changed):
    said = {"reference": entry["reference"], "amount": f"{entry['amount'] / 100:.2f}", "authorizationCode": "abc123",
            "operationType": "VENTA", "operationNumber": int(entry["id"]), "codeResponse": "00", "descriptionResponse": "APROBADA",
            "lastFour": "4242", "brand": "VISA", "bin": "400000", "dateTransaction": "21/11/2026 10:00:00", **changed}
    return json.dumps(said).encode()


def signed(body, secret=SECRET):
    return {"X-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def tell(stack, credential, body, headers, prefix="/api/v1/webhooks"):
    path = f"{prefix}/{PROVIDER}" + (f"/{credential['id']}" if credential else "")
    return send(stack.ports["gateway"], "POST", path, body, {"Content-Type": "application/json", **headers})


def page(house, url, outcome, status=200, **more):
    """What the payer does on a page of the provider's."""
    path = urllib.parse.urlsplit(url).path
    form = urllib.parse.urlencode({"outcome": outcome, **more}).encode()
    reply = send(house.stack.ports["sandbox"], "POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.status == status, reply


def asked_to_act(stack, api, paid):
    seen = stack.settle(api, paid["id"], "requires_action")
    assert seen["next_action"]["type"] == "redirect_to_url" and not seen["captured"], seen
    return seen


def checkout(api, **more):
    body = {"order_id": f"ref-{secrets.token_hex(6)}", "amount": AMOUNT, "currency": "MXN", "method": "checkout",
            "return_url": RETURN_URL, **more}
    return api.post("/payments", body)


# --- Cards

def test_a_card_is_charged_and_its_number_is_kept_nowhere(stack, through, house, middleman):
    number, cvv = "5555555555554444", "8391"
    paid = house.settled(through, AMOUNT, "succeeded", card=card(number, cvv))
    assert paid["captured"] and paid["card"]["brand"] == "mastercard" and paid["card"]["last4"] == "4444", paid
    [attempt] = paid["attempts"]
    assert (attempt["provider"], attempt["status"], attempt["error"]) == (PROVIDER, "succeeded", None)
    [entry] = house.charges(paid)
    assert (entry["moved"], entry["amount"], entry["currency"], entry["payer"]) == (1, AMOUNT, "MXN", "4444"), entry
    [exchange] = [json.loads(a.body) for a in middleman.asked if TOKENIZE in a.path]
    assert (exchange["pan"], exchange["cvv"]) == (number, cvv)
    [charge] = [a.body.decode() for a in middleman.asked if CHARGE in a.path]
    assert number not in charge and "cvv" not in charge and "cardToken" in charge, charge
    stack.quiet()
    marks = re.compile(rf"{number}|(?<![0-9A-Za-z.]){cvv}(?![0-9A-Za-z])")
    for path in stack.directory.glob("*.log"):
        assert not marks.search(path.read_text(errors="replace")), path.name
    for schema, table in stack.sql("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN "
                                   "('auth', 'payments', 'refunds', 'webhooks')"):
        found = stack.sql(f"SELECT count(*) FROM {schema}.{table} t WHERE t::text ~ '{number}|\\m{cvv}\\M'")
        assert found == [["0"]], table


def test_each_issuers_word_is_a_decline_of_its_own(stack, house):
    tenants = [tenant_with(stack, house, webhook_secret=SECRET) for _ in range(4)]
    cards = [*DECLINES, NO_ISSUER, DUPLICATE]
    made = at_once(len(cards), lambda i: house.pay(tenants[i % 4], AMOUNT, card=card(cards[i])), threads=4)
    of = {number: (tenants[i % 4], made[i]) for i, number in enumerate(cards)}
    for number, code in DECLINES.items():
        api, paid = of[number]
        seen = ended(stack, api, paid, "failed", code)
        assert seen["attempts"][-1]["error"]["code"] == code and moves(house, seen) == 0, seen
    # An earlier charge may stand, and nobody can be asked which.
    api, paid = of[DUPLICATE]
    seen = ended(stack, api, paid, "needs_review", "outcome_unknown")
    assert len(house.charges(seen)) == 1
    assert not resolve_by_book(stack, house, api, seen)["captured"]
    # Nobody was there to ask: tried again for as long as there is time.
    api, paid = of[NO_ISSUER]
    seen = ended(stack, api, paid, "failed", "provider_unavailable")
    assert house.sent(seen) > 3 and len(house.charges(seen)) == house.sent(seen) and moves(house, seen) == 0, seen


def test_an_issuer_that_comes_back_is_asked_again(stack, through, house, middleman):
    refusal = json.dumps({"status": False, "error": {"httpStatusCode": 402, "code": "912", "description": "EMISOR"}}).encode()
    left = [refusal, refusal]
    middleman.answer = lambda asked: (200, left.pop()) if CHARGE in asked.path and left else None
    paid = house.settled(through, AMOUNT, "succeeded")
    assert house.sent(paid) == 3 and moves(house, paid) == 1 and len(house.charges(paid)) == 1


def test_one_key_charges_once(stack, tenant, house):
    key, body = secrets.token_hex(8), payment(PROVIDER, AMOUNT)
    [paid] = {reply.ok(201)["id"] for reply in at_once(4, lambda _: tenant.insist("POST", "/payments", body, key))}
    seen = stack.settle(tenant, paid, "succeeded")
    assert moves(house, seen) == 1 and len(house.charges(seen)) == 1


def test_instruments_are_of_the_mode(stack, tenant, house):
    refusal = tenant.post("/payments", payment(PROVIDER, card=card("4539578763621486")))
    refusal.refused(422, "live_instrument", "card.number")
    live = stack.tenant()
    stack.obol("provider", "set", PROVIDER, "--tenant", live.tenant_id, "--live",
               *(f"{name}={value}" for name, value in FIELDS[PROVIDER].items()))
    stack.obol("tenant", "mode", live.tenant_id, "live")
    live.post("/payments", payment(PROVIDER)).refused(422, "test_instrument", "card.number")
    tenant.post("/payments", payment(PROVIDER, card=card("4242424242424241"))).refused(400, "invalid_request", "card.number")


def test_a_card_that_cannot_be_exchanged_makes_no_payment(stack, through, api, house, middleman):
    middleman.answer = lambda asked: (500, b"{}") if TOKENIZE in asked.path else None
    key = secrets.token_hex(8)
    body = payment(PROVIDER, AMOUNT)
    reply = through.post("/payments", body, key=key)
    reply.refused(503, "unavailable")
    assert reply.headers["Retry-After"]
    assert through.get("/payments").ok()["data"] == []
    middleman.answer = lambda asked: None
    paid = through.post("/payments", body, key=key).ok(201)
    assert moves(house, stack.settle(through, paid["id"], "succeeded")) == 1
    wrong = tenant_with(stack, house, password="wrong")
    wrong.post("/payments", payment(PROVIDER)).refused(503, "unavailable")
    finding = stack.obol("provider", "test", wrong.credential["id"], "--tenant", wrong.tenant_id, parse=False, code=1)
    assert "does not know username" in finding, finding


def test_an_expired_token_is_renewed_on_the_way(stack, through, house, middleman):
    house.settled(through, AMOUNT, "succeeded")
    house.control(expire_tokens=True)  # before the card is exchanged
    assert moves(house, house.settled(through, AMOUNT, "succeeded")) == 1

    def between(asked, reply):
        if TOKENIZE in asked.path:
            house.control(expire_tokens=True)
        return reply.raw
    middleman.alter = between  # and between that and the charge
    grants = len([a for a in middleman.asked if "/oauth/token" in a.path])
    paid = house.settled(through, AMOUNT, "succeeded")
    assert moves(house, paid) == 1 and len(house.charges(paid)) == 1
    assert len([a for a in middleman.asked if "/oauth/token" in a.path]) == grants + 1


# --- What is not answered

@pytest.mark.parametrize("fault", ["timeout_after", "malformed"])
def test_a_charge_without_an_answer_is_known_from_its_webhook(stack, tenant, house, fault):
    house.control(next=fault)
    paid = house.settled(tenant, AMOUNT, "succeeded")
    assert moves(house, paid) == 1 and len(house.charges(paid)) == 1 and house.sent(paid) == 1
    house.wait_counts(tenant, accepted=1)
    assert refunded(stack, tenant, paid)["status"] == "processed"  # the webhook has told its name


def test_only_a_right_signature_is_believed(stack, tenant, house, deaf):
    house.control(next="timeout_after")
    paid = house.pay(tenant, AMOUNT)
    seen = stack.settle(tenant, paid["id"], "unknown")
    assert seen["unknown_operation"] == "charge", seen
    [entry] = house.charges(seen)
    assert entry["moved"] == 1
    good = webhook(entry)
    for body, headers in ((good, {}), (good, {"X-Signature-256": "sha256=" + "0" * 64}), (good, signed(good, "other")),
                          (good, signed(webhook(entry, amount="1.00"))), (good, {"X-Signature-256": "nonsense"})):
        tell(stack, tenant.credential, body, headers).refused(401, "signature_invalid")
    house.control(forge={"url": tenant.credential["callback_url"], "reference": reference(seen)})
    wait_until(lambda: house.counts(tenant).get("refused", 0) >= 6, 15, lambda: house.counts(tenant))
    # Right, but not about this: another amount, a refund, another reference; and without a credential it is a trigger.
    other = tenant_with(stack, house, webhook_secret=SECRET)
    for credential, body in ((tenant.credential, webhook(entry, amount="1.00")),
                             (tenant.credential, webhook(entry, operationType="DEVOLUCION")),
                             (tenant.credential, webhook(entry, reference="op_01m7zzzzzzzzzzzzzzzzzzzzzz")),
                             (other.credential, good), (None, good)):
        assert tell(stack, credential, body, signed(body)).status == 200
    stack.settle(tenant, paid["id"], "needs_review")
    assert not tenant.get(f"/payments/{paid['id']}").ok()["captured"]
    # Late, and by the path that its development kit has: believed, alone.
    assert tell(stack, None, good, {}, "/api/v1/sdk/webhooks").status == 200
    assert tell(stack, tenant.credential, good, signed(good), "/api/v1/sdk/webhooks").status == 200
    done = stack.settle(tenant, paid["id"], "succeeded")
    assert done["captured"] and done["amount_captured"] == AMOUNT and done["error"] is None, done
    assert stack.obol("payment", "review", "--tenant", tenant.tenant_id)["data"] == []
    assert tell(stack, tenant.credential, good, signed(good)).status == 200
    wait_until(lambda: house.counts(tenant).get("duplicate") == 1, 15, lambda: house.counts(tenant))


def test_without_a_believed_webhook_a_person_decides(stack, house):
    plain = tenant_with(stack, house)  # nothing proves its webhooks
    silent = tenant_with(stack, house, webhook_secret=SECRET)
    house.control(next="timeout_after")
    taken = stack.settle(plain, house.pay(plain, AMOUNT)["id"], "unknown")
    house.control(next="error")
    refused = stack.settle(silent, house.pay(silent, AMOUNT)["id"], "unknown")
    house.control(next="timeout_before")
    lost = stack.settle(silent, house.pay(silent, AMOUNT)["id"], "unknown")
    house.control(webhook_secret="", next="timeout_after")
    unsigned = stack.settle(silent, house.pay(silent, AMOUNT)["id"], "unknown")
    house.control(webhook_secret=SECRET)
    house.wait_counts(plain, accepted=1)  # heard, and what it says is not taken
    wait_until(lambda: house.counts(silent).keys() == {"refused"}, 15, lambda: house.counts(silent))
    for api, paid, moved in ((plain, taken, 1), (silent, refused, 0), (silent, lost, 0), (silent, unsigned, 1)):
        seen = ended(stack, api, paid, "needs_review", "outcome_unknown")
        assert moves(house, seen) == moved and house.sent(seen) == 1
        assert seen["id"] in [r["payment_id"] for r in stack.obol("payment", "review", "--tenant", api.tenant_id)["data"]]
        done = resolve_by_book(stack, house, api, seen)
        assert done["captured"] == bool(moved) and len(house.charges(done)) == moved, done


def test_a_slow_answer_and_a_doubled_webhook_are_harmless(stack, tenant, house):
    house.control(next="slow", slow_ms=600)
    assert moves(house, house.settled(tenant, AMOUNT, "succeeded")) == 1
    house.control(next="callback_double")
    assert moves(house, house.settled(tenant, AMOUNT, "succeeded")) == 1
    wait_until(lambda: house.counts(tenant).get("duplicate") == 1, 15, lambda: house.counts(tenant))
    house.control(next="callback_lost")
    assert moves(house, house.settled(tenant, AMOUNT, "succeeded")) == 1


# --- 3-D Secure

def test_three_d_secure_asks_the_payer(stack, house):
    tenants = {mode: tenant_with(stack, house, webhook_secret=SECRET, three_d_secure=mode) for mode in ("always", "on_demand")}
    ends = {"approve": ("succeeded", None), "decline": ("failed", "authentication_failed"), None: ("expired", "action_expired")}
    cases = [(mode, outcome) for mode in tenants for outcome in ends]
    made = at_once(len(cases), lambda i: house.pay(tenants[cases[i][0]], AMOUNT, card=card(CHALLENGED), return_url=RETURN_URL))
    for (mode, outcome), paid in zip(cases, made):
        seen = asked_to_act(stack, tenants[mode], paid)
        assert seen["next_action"]["return_url"] == RETURN_URL and "/mpi/3ds/" in seen["next_action"]["url"], seen
        if outcome:
            page(house, seen["next_action"]["url"], outcome)
    for (mode, outcome), paid in zip(cases, made):
        status, code = ends[outcome]
        seen = stack.settle(tenants[mode], paid["id"], status)
        assert (seen["error"] or {}).get("code") == code and seen["next_action"] is None, seen
        assert moves(house, seen) == (outcome == "approve") and seen["captured"] == (outcome == "approve"), seen
    # Whom nobody has to ask isn't asked.
    for api in tenants.values():
        assert moves(house, house.settled(api, AMOUNT, "succeeded")) == 1


def test_a_registration_that_is_lost_is_made_again(stack, api, house, middleman):
    house.credential(api, base_url=middleman.url + "/blumon", webhook_secret=SECRET, three_d_secure="always")
    lost = []

    def lose(asked, reply):
        if REGISTER in asked.path and asked.verb == "POST" and not lost:
            lost.append(asked)
            return HANG_UP
        return reply.raw
    middleman.alter = lose
    paid = house.settled(api, AMOUNT, "succeeded")
    assert len([a for a in middleman.asked if a.verb == "POST" and REGISTER in a.path]) == 2
    assert len([a for a in middleman.asked if CHARGE in a.path]) == 1 and moves(house, paid) == 1


# --- The hosted page

def test_a_hosted_page_is_known_from_its_webhook(stack, tenant, house):
    ends = {("pay", "4242424242424242"): ("succeeded", None), ("pay", "4000000000009995"): ("failed", "insufficient_funds"),
            ("cancel", ""): ("failed", "canceled")}
    made = {each: checkout(tenant).ok(201) for each in ends}
    for (outcome, number), (status, code) in ends.items():
        seen = asked_to_act(stack, tenant, made[outcome, number])
        assert seen["next_action"]["return_url"] == RETURN_URL, seen
        page(house, seen["next_action"]["url"], outcome, **({"card": number} if number else {}))
        done = stack.settle(tenant, seen["id"], status)
        assert (done["error"] or {}).get("code") == code and moves(house, done) == (status == "succeeded"), done
        if status == "succeeded":
            assert refunded(stack, tenant, done, amount=100)["status"] == "processed"


def test_a_hosted_page_without_a_believed_webhook_is_refused(stack, house):
    refusal = checkout(tenant_with(stack, house)).refused(422, "provider_setup")
    assert "webhook_secret" in refusal["detail"], refusal


def test_a_page_that_nobody_tells_of_is_for_a_person_and_late_news_count(stack, tenant, house, deaf):
    """The payer has paid, and the webhook is late by more than the page's time: nothing is guessed."""
    paid = asked_to_act(stack, tenant, checkout(tenant).ok(201))
    page(house, paid["next_action"]["url"], "pay")
    seen = stack.settle(tenant, paid["id"], "needs_review")
    assert seen["error"]["code"] == "outcome_unknown" and not seen["captured"], seen
    body = webhook(house.charges(seen)[0])
    tell(stack, tenant.credential, body, signed(body, "other")).refused(401, "signature_invalid")
    assert tell(stack, tenant.credential, body, signed(body)).status == 200
    assert stack.settle(tenant, paid["id"], "succeeded")["amount_captured"] == AMOUNT


# --- Refunds

def test_a_whole_refund_is_a_void_and_parts_are_refunds(stack, tenant, house):
    whole, parts = (house.settled(tenant, AMOUNT, "succeeded") for _ in range(2))
    assert refunded(stack, tenant, whole)["status"] == "processed"
    assert refund_entries(stack, house, whole) == [[("void", AMOUNT, "succeeded")]]
    tenant.post(f"/payments/{whole['id']}/refunds", {"amount": 1}).refused(422, "refund_exceeds_captured")
    assert refunded(stack, tenant, parts, amount=345)["status"] == "processed"
    tenant.post(f"/payments/{parts['id']}/refunds", {"amount": AMOUNT}).refused(422, "refund_exceeds_captured")
    assert refunded(stack, tenant, parts)["amount"] == AMOUNT - 345
    assert [e for e in refund_entries(stack, house, parts) if e] == [
        [("refund", 345, "succeeded")], [("refund", AMOUNT - 345, "succeeded")]]
    for paid in (whole, parts):
        assert tenant.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == AMOUNT


def test_a_refund_without_an_answer_is_known_from_its_webhook_or_waits_for_a_person(stack, tenant, house):
    part, whole = (house.settled(tenant, AMOUNT, "succeeded") for _ in range(2))
    house.control(next="timeout_after")
    void = tenant.post(f"/payments/{whole['id']}/refunds", {}).ok(201)
    wait_until(lambda: refund_entries(stack, house, whole) == [[("void", AMOUNT, "succeeded")]], 10, "it is taken back there")
    house.control(next="timeout_after")
    assert refunded(stack, tenant, part, amount=1000)["status"] == "processed"
    assert stack.settle_refund(tenant, void["id"])["status"] == "needs_review"  # nobody tells of a void
    tenant.post(f"/payments/{whole['id']}/refunds", {"amount": 1}).refused(422, "refund_exceeds_captured")


def test_a_refused_refund_fails(stack, through, house, middleman):
    paid = house.settled(through, AMOUNT, "succeeded")
    refusal = json.dumps({"status": False, "error": {"httpStatusCode": 404, "code": "914", "description": "NO"}}).encode()
    middleman.answer = lambda asked: (404, refusal) if "/ecommerce/cancel/" in asked.path else None
    refund = refunded(stack, through, paid)
    assert (refund["status"], refund["error"]["code"]) == ("failed", "not_processed"), refund
    middleman.answer = lambda asked: None
    assert refunded(stack, through, paid)["status"] == "processed"


def test_every_payment_is_settled(stack):
    """Last: nothing is left under way, and no payment for a person."""
    stack.quiet()
    assert stack.sql(f"SELECT id, status FROM payments.payments WHERE status NOT IN {tuple(SETTLED - {'needs_review'})}") == []
