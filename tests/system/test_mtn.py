"""MTN MoMo: its published numbers, a reference that may come twice, callbacks that are sent once."""
import base64
import concurrent.futures
import json
import secrets
import uuid

import pytest

from client import send
from middleman import HANG_UP, HOP, Middleman
from providers import FIELDS, House, audited_stack, callback_path, forms
from stack import at_once, wait_until

PROVIDER = "mtn"
AMOUNT = 1250
ONGOING, DELAYED, INTERNAL, UNAVAILABLE = "53", "54", "61", "62"
# Those that end at once or soon: the payment's status, its error, and whether MTN has it in its book.
DECLINES = {
    "50": ("failed", "provider_unavailable", True), "51": ("failed", "payer_refused", True),
    "52": ("failed", "expired", True), "55": ("failed", "payer_not_found", False),
    "56": ("failed", "payee_not_allowed", False), "57": ("failed", "provider_setup", False),
    "58": ("failed", "provider_setup", False), "59": ("failed", "provider_setup", False),
    "60": ("failed", "currency_unsupported", False), "63": ("failed", "expired", True),
    "64": ("failed", "provider_setup", True),
}
CHARGE, TOKEN, REFUND = "/collection/v1_0/requesttopay", "/collection/token/", "/disbursement/v1_0/refund"


@pytest.fixture(scope="module")
def stack():
    # Polls come late, so that it is callbacks that are seen to work.
    yield from audited_stack(PROVIDER, POLL_FIRST_MS="1500")


@pytest.fixture(scope="module")
def hurried():
    """Where patience is short: what is not done soon is unknown, and then a person's."""
    yield from audited_stack(PROVIDER, PROCESSING_DEADLINE_S="3", UNKNOWN_DEADLINE_S="13")


@pytest.fixture
def house(stack):
    house = House(stack, PROVIDER)
    yield house
    house.control(answering="normal", settle_ms=100, slow_ms=3000, webhook_secret="",
                  faults={name: 0 for name in ["error", "malformed"]})


@pytest.fixture
def tenant(api, house):
    """With a credential at MTN."""
    api.credential = house.credential(api)
    return api


@pytest.fixture
def middleman(stack):
    with Middleman(stack.ports["sandbox"]) as between:
        yield between


def through(house, middleman, api):
    """A tenant whose requests to MTN are seen."""
    api.credential = house.credential(api, base_url=f"{middleman.url}/mtn")
    return api


def number(ending):
    return "467331234" + ending


def asked(middleman, verb, path):
    return [a for a in list(middleman.asked) if a.verb == verb and a.path.startswith("/mtn" + path)]


def told(payment, status):
    """MTN's words about a payment, whoever speaks them."""
    return {"externalId": payment["attempts"][-1]["reference"], "amount": "12.50", "currency": "EUR", "status": status,
            "financialTransactionId": "1"}


def uuid_of(payment):
    [form] = [form for form in forms(payment["attempts"][-1]["reference"]) if "-" in form]
    return form


def paid_once(house, payment, amount=AMOUNT):
    [entry] = house.charges(payment)
    assert (entry["status"], entry["moved"], entry["amount"], entry["currency"]) == ("succeeded", 1, amount, "EUR"), entry


# --- Ends

def test_payment_succeeds_by_its_callback(stack, house, tenant):
    paid = house.settled(tenant, AMOUNT, "succeeded")
    reference = paid["attempts"][0]["reference"]
    assert paid["attempts"] == [{"provider": "mtn", "reference": reference, "status": "succeeded", "error": None}]
    assert paid["captured"] and paid["amount_captured"] == AMOUNT and paid["provider"] == "mtn"
    assert house.events(tenant, paid) == ["created", "processing", "captured", "succeeded"]
    paid_once(house, paid)
    assert house.charges(paid)[0]["payer"] == paid["mobile_money"]["msisdn"]
    house.wait_counts(tenant, accepted=1)


def test_published_numbers_end_as_mtn_has_it(stack, house, tenant):
    endings = list(DECLINES)
    payments = at_once(len(endings), lambda i: house.settled(tenant, AMOUNT, DECLINES[endings[i]][0],
                                                             msisdn=number(endings[i])))
    for ending, payment in zip(endings, payments):
        status, code, is_booked = DECLINES[ending]
        assert payment["error"]["code"] == code and payment["error"]["message"], (ending, payment)
        assert not payment["captured"] and payment["amount_captured"] == 0, payment
        [attempt] = payment["attempts"]
        assert (attempt["status"], attempt["error"]["code"]) == (status, code), (ending, payment)
        assert [e["moved"] for e in house.charges(payment)] == [0] * is_booked, (ending, payment)
        assert house.events(tenant, payment) == ["created", "processing", status]
        tenant.post(f"/payments/{payment['id']}/refunds").refused(409, "payment_not_refundable")


def test_delayed_payment_succeeds_in_the_end(house, tenant):
    paid_once(house, house.settled(tenant, AMOUNT, "succeeded", msisdn=number(DELAYED)))


@pytest.mark.parametrize("currency", ["ZMW", "UGX"])
def test_currency_of_another_market_is_refused_before_anything_is_sent(house, middleman, api, currency):
    through(house, middleman, api)
    refused = api.post("/payments", {"order_id": "ref-1", "amount": AMOUNT, "currency": currency, "method": "mobile_money",
                                     "mobile_money": {"msisdn": "46733123001", "operator": "mtn"}})
    refused.refused(422, "currency_unsupported")
    assert not asked(middleman, "POST", CHARGE)


# --- Callbacks

def test_lost_callback_is_made_up_for_by_asking(stack, house, tenant):
    house.control(next="callback_lost")
    paid_once(house, house.settled(tenant, AMOUNT, "succeeded"))
    assert house.counts(tenant) == {}


def test_doubled_callback_does_nothing_the_second_time(stack, house, tenant):
    house.control(next="callback_double")
    paid = house.settled(tenant, AMOUNT, "succeeded")
    house.wait_counts(tenant, accepted=1, duplicate=1)
    assert house.events(tenant, paid) == ["created", "processing", "captured", "succeeded"]
    paid_once(house, paid)


def test_callback_that_is_a_lie_only_makes_us_ask(stack, house, middleman, api):
    through(house, middleman, api)
    payment = house.open_charge(api, msisdn=number(ONGOING))
    before = len(asked(middleman, "GET", CHARGE))
    house.control(forge={"url": api.credential["callback_url"], "reference": uuid_of(payment)})
    house.wait_counts(api, accepted=1)
    wait_until(lambda: len(asked(middleman, "GET", CHARGE)) > before, 20, "MTN is asked")
    stack.open("PUT", callback_path(api), told(payment, "FAILED")).ok()
    house.wait_counts(api, accepted=2)
    before = len(asked(middleman, "GET", CHARGE))
    stack.open("PUT", "/api/v1/webhooks/mtn", told(payment, "SUCCESSFUL")).ok()  # nobody's path
    wait_until(lambda: len(asked(middleman, "GET", CHARGE)) > before, 20, "MTN is asked")
    payment = api.get(f"/payments/{payment['id']}").ok()
    assert payment["status"] == "processing" and not payment["captured"], payment


def test_callback_must_be_signed_where_there_is_a_secret(stack, house, api):
    secret = secrets.token_hex(16)
    api.credential = house.credential(api, webhook_secret=secret)
    house.control(webhook_secret=secret)
    paid_once(house, house.settled(api, AMOUNT, "succeeded"))
    house.wait_counts(api, accepted=1)
    payment = house.open_charge(api, msisdn=number(ONGOING))
    house.control(forge={"url": api.credential["callback_url"], "reference": uuid_of(payment)})
    house.wait_counts(api, accepted=1, refused=1)
    lie = told(payment, "SUCCESSFUL")
    for headers in [{}, {"X-Signature-256": "sha256=" + "0" * 64}, {"X-Signature-256": ""}]:
        stack.open("PUT", callback_path(api), lie, headers=headers).refused(401, "signature_invalid")
    house.wait_counts(api, accepted=1, refused=4)
    assert api.get(f"/payments/{payment['id']}").ok()["status"] == "processing"


def test_callbacks_come_from_listed_addresses_only(stack, house, api):
    api.credential = house.credential(api, callback_addresses="203.0.113.0/24 2001:db8::/32")
    paid = house.settled(api, AMOUNT, "succeeded")
    paid_once(house, paid)
    house.wait_counts(api, refused=1)
    spoofed = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
    stack.open("PUT", callback_path(api), told(paid, "SUCCESSFUL"), headers=spoofed).refused(401, "signature_invalid")
    house.wait_counts(api, refused=2)
    other = stack.tenant()
    other.credential = house.credential(other, callback_addresses="203.0.113.0/24 127.0.0.0/8")
    house.settled(other, AMOUNT, "succeeded")
    house.wait_counts(other, accepted=1)


def test_callback_on_the_path_of_another_tenant_is_nothing_to_us(stack, house, tenant):
    payment = house.open_charge(tenant, msisdn=number(ONGOING))
    other = stack.tenant()
    other.credential = house.credential(other)
    stack.open("PUT", callback_path(other), told(payment, "SUCCESSFUL")).ok()
    house.wait_counts(other, unknown=1)
    assert house.counts(tenant) == {}
    stack.open("PUT", callback_path(tenant) + "0", told(payment, "SUCCESSFUL")).refused(401, "signature_invalid")
    assert tenant.get(f"/payments/{payment['id']}").ok()["status"] == "processing"


def test_callbacks_in_any_order_change_nothing(stack, house, tenant):
    """One comes before the answer that it is about; others tell what was true before."""
    house.control(next="slow", slow_ms=1200)
    paid = house.settled(tenant, AMOUNT, "succeeded")
    house.wait_counts(tenant, accepted=1)
    for status in ["PENDING", "FAILED", "SUCCESSFUL"]:
        stack.open("POST", callback_path(tenant), told(paid, status)).ok()
    house.wait_counts(tenant, accepted=1, unmatched=3)
    stack.open("PUT", callback_path(tenant), {"status": "SUCCESSFUL"}).ok()
    house.wait_counts(tenant, accepted=1, unmatched=3, malformed=1)
    assert tenant.get(f"/payments/{paid['id']}").ok() == paid
    assert house.events(tenant, paid) == ["created", "processing", "captured", "succeeded"]


# --- Tokens

def test_expired_token_is_renewed_once_for_all(stack, house, middleman, api):
    through(house, middleman, api)
    answers = []
    middleman.alter = lambda a, reply: answers.append((a, reply.status)) or reply.raw
    paid_once(house, house.settled(api, AMOUNT, "succeeded"))
    assert len(asked(middleman, "POST", TOKEN)) == 1
    house.control(expire_tokens=True)
    for payment in at_once(8, lambda i: house.settled(api, AMOUNT, "succeeded")):
        paid_once(house, payment)
        tries = [status for a, status in answers if a.headers["X-Reference-Id"] == uuid_of(payment)]
        assert tries in ([202], [401, 202]), tries
    assert 401 in [status for a, status in answers if CHARGE in a.path]
    assert len(asked(middleman, "POST", TOKEN)) == 2


# --- Faults

def test_slow_answer_is_waited_for(house, tenant):
    house.control(next="slow", slow_ms=1000)
    paid = house.settled(tenant, AMOUNT, "succeeded")
    paid_once(house, paid)
    assert house.sent(paid) == 1 and "unknown" not in house.events(tenant, paid)


def test_timeout_after_the_money_was_taken_is_asked_about(stack, house, tenant):
    house.control(next="timeout_after", settle_ms=4000)
    made = house.pay(tenant, AMOUNT)
    unknown = stack.settle(tenant, made["id"], "unknown")
    assert unknown["unknown_operation"] == "charge" and unknown["attempts"][0]["status"] == "unknown"
    tenant.post(f"/payments/{made['id']}/cancel").refused(409)
    paid = stack.settle(tenant, made["id"], "succeeded")
    paid_once(house, paid)
    assert house.sent(paid) == 1
    assert house.events(tenant, paid) == ["created", "processing", "unknown", "captured", "succeeded"]


def test_answers_without_sense_prove_nothing(stack, house, middleman, api):
    through(house, middleman, api)
    house.control(faults={"malformed": 100})
    made = house.pay(api, AMOUNT)
    wait_until(lambda: len(asked(middleman, "GET", CHARGE)) >= 2, 30, "MTN is asked again")
    assert api.get(f"/payments/{made['id']}").ok()["status"] == "processing"
    house.control(faults={"malformed": 0})
    paid_once(house, stack.settle(api, made["id"], "succeeded"))


def test_outage_is_waited_for(stack, house, middleman, api):
    through(house, middleman, api)
    house.control(answering="error")
    made = house.pay(api, AMOUNT)
    wait_until(lambda: len(asked(middleman, "POST", TOKEN)) >= 2, 30, "a token is asked for again")
    assert api.get(f"/payments/{made['id']}").ok()["status"] in ("pending", "processing")
    house.control(answering="normal")
    paid = stack.settle(api, made["id"], "succeeded")
    paid_once(house, paid)


class SentAgain:
    """What certainly is not there is sent again, under its reference: all of these wait for that certainty together."""

    def __init__(self, stack, middleman):
        self.house = House(stack, PROVIDER)
        self.middleman = middleman
        self.answers = []
        self.api = stack.tenant()
        self.house.credential(self.api)
        paid = self.house.settled(self.api, AMOUNT, "succeeded")
        made = {fault: self.ordered(stack, fault) for fault in ["timeout_before", "error"]}
        made["duplicate"] = self.twice(stack)
        self.house.control(next="timeout_before")
        given_back = self.api.post(f"/payments/{paid['id']}/refunds", {"amount": 250}).ok(201)
        self.payments = {name: stack.settle(api, payment["id"], "succeeded") for name, (api, payment) in made.items()}
        self.refund = stack.settle_refund(self.api, given_back["id"])

    def ordered(self, stack, fault):
        """The next request meets with this."""
        self.house.control(next=fault)
        made = self.house.pay(self.api, AMOUNT)
        stack.settle(self.api, made["id"], "unknown")
        return self.api, made

    def twice(self, stack):
        """MTN takes it and the answer is lost; then it takes a while until MTN finds it."""
        api = stack.tenant()
        self.house.credential(api, base_url=f"{self.middleman.url}/mtn")

        def answer(a):
            if CHARGE not in a.path or self.answers.count(("GET", 200)):
                return None
            reply = send(stack.ports["sandbox"], a.verb, a.target, a.body or None,
                         {name: value for name, value in a.headers.items() if name.lower() not in HOP})
            posts = [status for verb, status in self.answers if verb == "POST"]
            if a.verb == "GET" and len(posts) < 2:
                return 404, b'{"code":"RESOURCE_NOT_FOUND","message":"Requested resource was not found."}'
            self.answers.append((a.verb, reply.status))
            return (reply.status, reply.raw) if a.verb == "GET" or posts else HANG_UP
        self.middleman.answer = answer
        made = self.house.pay(api, AMOUNT)
        wait_until(lambda: self.answers, 20, "MTN has taken it")
        return api, made


@pytest.fixture(scope="module")
def sent_again(stack):
    with Middleman(stack.ports["sandbox"]) as between:
        yield SentAgain(stack, between)


@pytest.mark.parametrize("fault", ["timeout_before", "error"])
def test_request_that_did_not_arrive_is_sent_again(sent_again, fault):
    paid = sent_again.payments[fault]
    paid_once(sent_again.house, paid)
    assert sent_again.house.sent(paid) == 2
    assert "unknown" in sent_again.house.events(sent_again.api, paid)


def test_reference_that_mtn_has_already_is_taken_for_ours(sent_again):
    """409 RESOURCE_ALREADY_EXIST"""
    paid = sent_again.payments["duplicate"]
    paid_once(sent_again.house, paid)
    assert [status for verb, status in sent_again.answers if verb == "POST"] == [202, 409]
    assert sent_again.house.sent(paid) == 2
    references = {a.headers["X-Reference-Id"] for a in asked(sent_again.middleman, "POST", CHARGE)}
    assert references == {uuid_of(paid)}


def test_refund_that_did_not_arrive_is_sent_again(sent_again):
    assert sent_again.refund["status"] == "processed", sent_again.refund
    assert [e["moved"] for e in sent_again.house.entries("refund", amount=250)] == [1]


# --- Refunds

def test_refunds_in_parts_up_to_what_was_paid(stack, house, tenant):
    paid = house.settled(tenant, AMOUNT, "succeeded")
    assert house.refunded(tenant, paid, amount=450)["status"] == "processed"
    tenant.post(f"/payments/{paid['id']}/refunds", {"amount": 801}).refused(422, "refund_exceeds_captured")
    rest = house.refunded(tenant, paid)
    assert (rest["status"], rest["amount"]) == ("processed", 800), rest
    assert tenant.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == AMOUNT
    tenant.post(f"/payments/{paid['id']}/refunds", {"amount": 1}).refused(422, "refund_exceeds_captured")
    entries = house.entries("refund", related=uuid_of(paid))
    assert [(e["amount"], e["moved"]) for e in entries] == [(450, 1), (800, 1)], entries


def test_refund_that_mtn_refuses_fails(stack, house, tenant):
    """Somebody has given the money back at MTN already."""
    paid = house.settled(tenant, AMOUNT, "succeeded")
    fields = FIELDS[PROVIDER]
    basic = base64.b64encode(f"{fields['api_user']}:{fields['api_key']}".encode()).decode()
    keys = {"Ocp-Apim-Subscription-Key": fields["subscription_key"], "Authorization": "Basic " + basic}
    token = stack.open("POST", "/mtn/disbursement/token/", port="sandbox", headers=keys).ok()
    order = {"amount": "12.50", "currency": "EUR", "externalId": "by hand", "referenceIdToRefund": uuid_of(paid),
             "payerMessage": "", "payeeNote": ""}
    headers = {**keys, "X-Target-Environment": "sandbox", "Authorization": "Bearer " + token["access_token"],
               "X-Reference-Id": str(uuid.uuid4())}
    taken = stack.open("POST", "/mtn" + REFUND, order, port="sandbox", headers=headers)
    assert taken.status == 202, taken
    house.by_hand.add(house.wait_entry("refund", reference=headers["X-Reference-Id"], status="succeeded")["id"])
    refused = house.refunded(tenant, paid)
    assert (refused["status"], refused["error"]["code"]) == ("failed", "provider_setup"), refused
    assert tenant.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0


def test_refund_whose_answer_was_lost_is_asked_about(stack, house, tenant):
    paid = house.settled(tenant, AMOUNT, "succeeded")
    house.control(next="timeout_after", settle_ms=3000)
    made = tenant.post(f"/payments/{paid['id']}/refunds", {}).ok(201)
    wait_until(lambda: tenant.get(f"/refunds/{made['id']}").ok()["status"] == "unknown", 20, "the refund is unknown")
    assert stack.settle_refund(tenant, made["id"])["status"] == "processed"
    [entry] = house.entries("refund", related=uuid_of(paid))
    assert (entry["moved"], entry["amount"]) == (1, AMOUNT)


# --- A person

class Patience:
    """Payments that MTN never ends, each a tenant's own, side by side and beside the other tests."""

    def __init__(self, stack, middleman, pool):
        self.stack = stack
        self.house = House(stack, PROVIDER)
        self.ending = pool.submit(self.end, middleman)

    @property
    def payments(self):
        return self.ending.result()

    def end(self, middleman):
        middleman.answer = lambda a: (500, b"") if a.verb == "GET" and CHARGE in a.path else None
        urls = {"mute": f"{middleman.url}/mtn"}
        names = [ONGOING, "mute", INTERNAL, UNAVAILABLE]
        self.apis = {name: self.stack.tenant() for name in names}
        for name, api in self.apis.items():
            self.house.credential(api, base_url=urls.get(name, self.house.base_url()))
        wanted = {ONGOING: "needs_review", "mute": "needs_review"}
        ended = at_once(len(names), lambda i: self.house.settled(
            self.apis[names[i]], AMOUNT, wanted.get(names[i], "failed"), **(
                {"msisdn": number(names[i])} if names[i] != "mute" else {})))
        return dict(zip(names, ended))


@pytest.fixture(scope="module", autouse=True)
def patience(hurried):
    with Middleman(hurried.ports["sandbox"]) as between, concurrent.futures.ThreadPoolExecutor() as pool:
        yield Patience(hurried, between, pool)


@pytest.mark.parametrize("name, decided", [(ONGOING, "failed"), ("mute", "succeeded")])
def test_what_mtn_never_ends_a_person_does(patience, name, decided):
    stack, payment, api = patience.stack, patience.payments[name], patience.apis[name]
    assert payment["error"]["code"] == "outcome_unknown" and payment["unknown_operation"] == "charge", payment
    assert patience.house.events(api, payment) == ["created", "processing", "unknown", "needs_review"]
    [review] = stack.obol("payment", "review", "--tenant", api.tenant_id)["data"]
    assert (review["payment_id"], review["reason"], review["provider"], int(review["amount"])) == (
        payment["id"], "outcome_unknown", "mtn", AMOUNT), review
    assert review["reference"] == payment["attempts"][0]["reference"] and review["currency"] == "EUR", review
    api.post(f"/payments/{payment['id']}/refunds").refused(409, "payment_not_refundable")
    # The person looks into MTN's book.
    assert sum(e["moved"] for e in patience.house.charges(payment)) == (decided == "succeeded")
    reason = "as MTN's portal has it"
    stack.obol("payment", "resolve", payment["id"], "--tenant", api.tenant_id, "--as", decided, "--reason", reason)
    after = api.get(f"/payments/{payment['id']}").ok()
    assert (after["status"], after["amount_captured"]) == (decided, AMOUNT * (decided == "succeeded")), after
    assert stack.obol("payment", "review", "--tenant", api.tenant_id)["data"] == []
    assert reason in json.dumps(stack.obol("audit", "--tenant", api.tenant_id)), "it is in the audit log"


@pytest.mark.parametrize("ending", [INTERNAL, UNAVAILABLE])
def test_what_mtn_never_takes_fails_when_time_is_up(patience, ending):
    payment = patience.payments[ending]
    assert payment["error"]["code"] == "provider_unavailable", payment
    assert patience.house.charges(payment) == []
