"""Airtel Money: a push that is no payment yet, an end that may be asked for after three minutes, refunds of the whole."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import time

import pytest

from client import send
from middleman import HANG_UP, HOP, Middleman
from providers import FIELDS, House, audited_stack, callback_path, payment
from stack import at_once, wait_until

PROVIDER = "airtel"
AMOUNT = 12300
UGANDAN = {"msisdn": "256701234501", "operator": "airtel"}
EARLIEST_S = 1.8  # 180 s, a hundred times as fast
AMBIGUOUS_PAID, FOR_EVER = "60", "62"  # the last two digits of the sandbox's numbers decide
REFUND_REFUSED, REFUND_UNHEARD, REFUND_LOST = "64", "65", "66"
PUSH, ENQUIRY, TOKEN = "/merchant/", "/standard/v1/payments/op", "/auth/oauth2/token"


@pytest.fixture(scope="module")
def stack():
    yield from audited_stack(PROVIDER)


@pytest.fixture(scope="module")
def doubtful():
    """Where requests don't arrive, and there is time to make sure."""
    yield from audited_stack(PROVIDER)


@pytest.fixture
def house(stack):
    """Nobody is called back unless a test says where."""
    house = House(stack, PROVIDER)
    house.control(callback_url="")
    yield house
    house.control(callback_url="", answering="normal", settle_ms=100, slow_ms=3000,
                  faults={name: 0 for name in ["error", "malformed"]})


@pytest.fixture
def tenant(api, house):
    """With a credential at Airtel."""
    api.credential = house.credential(api)
    return api


@pytest.fixture
def called_back(tenant, house):
    """The portal names its callback path."""
    house.control(callback_url=tenant.credential["callback_url"])
    return tenant


@pytest.fixture
def middleman(stack):
    with Middleman(stack.ports["sandbox"]) as between:
        between.times = []
        between.answer = lambda a: between.times.append((time.monotonic(), a))
        yield between


def through(house, middleman, api, **fields):
    """A tenant whose requests to Airtel are seen."""
    api.credential = house.credential(api, base_url=f"{middleman.url}/airtel", **fields)
    return api


def number(ending):
    return "2609712345" + ending


def asked(middleman, verb, path):
    return [a for a in list(middleman.asked) if a.verb == verb and a.path.startswith("/airtel" + path)]


def compact(payment):
    return payment["attempts"][-1]["reference"].replace("_", "")


def told(payment, status, key=None, **more):
    """Airtel's words about a payment, whoever speaks them."""
    transaction = {"id": compact(payment), "message": "told", "status_code": status, "airtel_money_id": "MP1", **more}
    text = json.dumps(transaction, separators=(",", ":"))
    mac = base64.b64encode(hmac.digest((key or "wrong").encode(), text.encode(), hashlib.sha256)).decode()
    return {"transaction": transaction, **({"hash": mac} if key is not None else {})}


def tell(stack, api, body):
    """With the bytes that the hash is over."""
    return send(stack.ports["gateway"], "POST", callback_path(api), json.dumps(body, separators=(",", ":")).encode(),
                {"Content-Type": "application/json"})


def paid_once(house, payment, amount=AMOUNT, currency="ZMW"):
    [entry] = house.charges(payment)
    assert (entry["status"], entry["moved"], entry["amount"], entry["currency"]) == ("succeeded", 1, amount, currency), entry


def refunds_there(house, payment):
    return house.entries("refund", related=compact(payment))


# --- Ends

def test_payment_succeeds_by_its_callback(house, called_back):
    paid = house.settled(called_back, AMOUNT, "succeeded")
    reference = paid["attempts"][0]["reference"]
    assert paid["attempts"] == [{"provider": "airtel", "reference": reference, "status": "succeeded", "error": None}]
    assert paid["captured"] and paid["amount_captured"] == AMOUNT and paid["provider"] == "airtel"
    assert house.events(called_back, paid) == ["created", "processing", "captured", "succeeded"]
    paid_once(house, paid)
    assert house.charges(paid)[0]["payer"] == "971234501", "without the country's code"
    house.wait_counts(called_back, accepted=1)


# --- Markets

def test_zambia_is_signed(house, middleman, api):
    through(house, middleman, api)
    house.control(callback_url=api.credential["callback_url"])
    paid_once(house, house.settled(api, AMOUNT, "succeeded"))
    [push] = asked(middleman, "POST", PUSH)
    assert push.path == "/airtel/merchant/v2/payments/" and push.headers["x-signature"] and push.headers["x-key"]
    assert (push.headers["X-Country"], push.headers["X-Currency"]) == ("ZM", "ZMW")
    assert json.loads(push.body)["transaction"]["amount"] == AMOUNT / 100
    assert 1 <= len(asked(middleman, "GET", "/v1/rsa/encryption-keys")) <= len(asked(middleman, "POST", TOKEN))


@pytest.mark.parametrize("version", [None, "v2"])
def test_uganda_is_signed_where_it_is_said(house, middleman, api, version):
    through(house, middleman, api, country="UG", version=version)
    house.control(callback_url=api.credential["callback_url"])
    paid = house.settled(api, 5000, "succeeded", currency="UGX", mobile_money=UGANDAN)
    paid_once(house, paid, 5000, "UGX")
    [push] = asked(middleman, "POST", PUSH)
    assert push.path == f"/airtel/merchant/{version or 'v1'}/payments/"
    assert bool(push.headers["x-signature"]) == (version == "v2")
    body = json.loads(push.body)
    assert (body["transaction"]["amount"], body["subscriber"]["msisdn"]) == (5000, "701234501")
    refund = house.refunded(api, paid)
    assert refund["status"] == "processed" and refunds_there(house, paid)[0]["amount"] == 5000


def test_numbers_and_money_of_elsewhere_are_refused_before_anything_is_sent(house, middleman, api):
    through(house, middleman, api)
    body = {"order_id": "ref-1", "amount": AMOUNT, "currency": "ZMW", "method": "mobile_money"}
    api.post("/payments", {**body, "mobile_money": UGANDAN}).refused(422, "phone_invalid")
    api.post("/payments", {**body, "currency": "UGX", "mobile_money": {"msisdn": number("01"), "operator": "airtel"}}
             ).refused(422, "currency_unsupported")
    assert not middleman.asked


# --- Asking

def test_nobody_asks_before_airtel_wants_to_be_asked(stack, house, middleman, api):
    """Whoever looks at the payment, and however the push was answered."""
    through(house, middleman, api)
    endings = ["01", "70", "78", AMBIGUOUS_PAID]
    payments = at_once(len(endings), lambda i: house.settled(api, AMOUNT, "succeeded", msisdn=number(endings[i])))
    for payment in payments:
        pushed = [at for at, a in middleman.times if PUSH in a.path and compact(payment) in a.body.decode()]
        asked_at = [at for at, a in middleman.times if a.verb == "GET" and a.path.endswith(compact(payment))]
        assert len(pushed) >= 1 and min(asked_at) - pushed[-1] >= EARLIEST_S, (pushed, asked_at)
        paid_once(house, payment)


def test_lost_callback_is_made_up_for_by_asking(house, called_back):
    house.control(next="callback_lost")
    started = time.monotonic()
    paid_once(house, house.settled(called_back, AMOUNT, "succeeded"))
    assert time.monotonic() - started >= EARLIEST_S
    assert house.counts(called_back) == {}


# --- Callbacks

def test_doubled_callback_does_nothing_the_second_time(house, called_back):
    house.control(next="callback_double")
    paid = house.settled(called_back, AMOUNT, "succeeded")
    house.wait_counts(called_back, accepted=1, duplicate=1)
    assert house.events(called_back, paid) == ["created", "processing", "captured", "succeeded"]
    paid_once(house, paid)


def test_callback_must_carry_its_hash_where_there_is_a_key(stack, house, tenant):
    key = FIELDS[PROVIDER]["callback_hash_key"]
    payment = house.open_charge(tenant, msisdn=number(FOR_EVER))
    house.control(forge={"url": tenant.credential["callback_url"], "reference": compact(payment)})
    house.wait_counts(tenant, refused=3)  # Airtel tries thrice
    for body in [told(payment, "TS"), told(payment, "TS", "another key"), {**told(payment, "TS", key), "hash": ""},
                 {**told(payment, "TS", key), "transaction": told(payment, "TF")["transaction"]}, {"hash": "x"}]:
        tell(stack, tenant, body).refused(401, "signature_invalid")
    house.wait_counts(tenant, refused=8)
    tell(stack, tenant, told(payment, "TS", key)).ok()
    house.wait_counts(tenant, refused=8, accepted=1)
    payment = tenant.get(f"/payments/{payment['id']}").ok()
    assert payment["status"] == "processing" and not payment["captured"], payment


def test_callback_that_is_a_lie_only_makes_us_ask(stack, house, middleman, api):
    through(house, middleman, api, callback_hash_key=None)
    payment = house.open_charge(api, msisdn=number(FOR_EVER))
    before = len(asked(middleman, "GET", ENQUIRY))
    house.control(forge={"url": api.credential["callback_url"], "reference": compact(payment)})
    house.wait_counts(api, accepted=1)
    wait_until(lambda: len(asked(middleman, "GET", ENQUIRY)) > before, 20, "Airtel is asked")
    tell(stack, api, told(payment, "TF")).ok()
    house.wait_counts(api, accepted=2)
    payment = api.get(f"/payments/{payment['id']}").ok()
    assert payment["status"] == "processing" and not payment["captured"], payment


def test_callback_on_the_path_of_another_tenant_is_nothing_to_us(stack, house, tenant):
    key = FIELDS[PROVIDER]["callback_hash_key"]
    payment = house.open_charge(tenant, msisdn=number(FOR_EVER))
    other = stack.tenant()
    other.credential = house.credential(other)
    tell(stack, other, told(payment, "TS", key)).ok()
    house.wait_counts(other, unknown=1)
    assert house.counts(tenant) == {}
    assert tenant.get(f"/payments/{payment['id']}").ok()["status"] == "processing"


def test_callbacks_in_any_order_change_nothing(stack, house, called_back):
    """One comes before the answer that it is about; others tell what was true before, or never."""
    key = FIELDS[PROVIDER]["callback_hash_key"]
    house.control(next="slow", slow_ms=900)
    paid = house.settled(called_back, AMOUNT, "succeeded")
    house.wait_counts(called_back, accepted=1)
    for status in ["TIP", "TF", "TS"]:
        tell(stack, called_back, told(paid, status, key)).ok()
    tell(stack, called_back, told(paid, "TS", key, id="probe0000000")).ok()
    house.wait_counts(called_back, accepted=1, unmatched=3, malformed=1)
    assert called_back.get(f"/payments/{paid['id']}").ok() == paid
    assert house.events(called_back, paid) == ["created", "processing", "captured", "succeeded"]


# --- Tokens

def test_expired_token_is_renewed_once_for_all(house, middleman, api):
    """Airtel's live three minutes, here 1.8 s, while it says 180: what holds is told by a 401 alone."""
    through(house, middleman, api)
    house.control(callback_url=api.credential["callback_url"])
    answers = []
    middleman.alter = lambda a, reply: answers.append((a, reply)) or reply.raw
    paid_once(house, house.settled(api, AMOUNT, "succeeded"))
    house.control(expire_tokens=True)
    payments = at_once(8, lambda i: house.settled(api, AMOUNT, "succeeded"))
    granted = [reply.json["access_token"] for a, reply in answers if TOKEN in a.path]
    shown = [a.headers["Authorization"].removeprefix("Bearer ") for a, _ in answers if TOKEN not in a.path]
    assert len(granted) >= 2 and set(granted) == set(shown), "each was fetched to be used"
    for payment in payments:
        paid_once(house, payment)
        tries = [reply.status for a, reply in answers if PUSH in a.path and compact(payment) in a.body.decode()]
        assert tries in ([200], [401, 200]), tries
    assert 401 in [reply.status for a, reply in answers if PUSH in a.path]


# --- Faults

def test_slow_answer_is_waited_for(house, called_back):
    house.control(next="slow", slow_ms=900)
    paid = house.settled(called_back, AMOUNT, "succeeded")
    paid_once(house, paid)
    assert house.sent(paid) == 1 and "unknown" not in house.events(called_back, paid)


@pytest.mark.parametrize("fault", ["timeout_after", "malformed"])
def test_answer_that_tells_nothing_is_asked_about(stack, house, tenant, fault):
    house.control(next=fault)
    made = house.pay(tenant, AMOUNT)
    unknown = stack.settle(tenant, made["id"], "unknown")
    assert unknown["unknown_operation"] == "charge" and unknown["attempts"][0]["status"] == "unknown"
    paid = stack.settle(tenant, made["id"], "succeeded")
    paid_once(house, paid)
    assert house.sent(paid) == 1
    assert house.events(tenant, paid) == ["created", "processing", "unknown", "captured", "succeeded"]


def test_enquiry_without_sense_proves_nothing(stack, house, middleman, api):
    """Nor does the callback that made us ask."""
    through(house, middleman, api)
    house.control(settle_ms=2500)
    payment = house.open_charge(api, amount=AMOUNT)
    for n, fault in enumerate(["malformed", "error"], 1):
        house.control(faults={"malformed": 0, "error": 0, fault: 100})
        tell(stack, api, told(payment, "TS", FIELDS[PROVIDER]["callback_hash_key"], message=fault)).ok()
        wait_until(lambda: len(asked(middleman, "GET", ENQUIRY)) >= n, 30, "Airtel is asked")
        house.wait_counts(api, accepted=n)
    assert api.get(f"/payments/{payment['id']}").ok()["status"] == "processing"
    house.control(faults={"malformed": 0, "error": 0})
    paid_once(house, stack.settle(api, payment["id"], "succeeded"))


def test_outage_is_waited_for(stack, house, middleman, api):
    through(house, middleman, api)
    house.control(answering="error")
    made = house.pay(api, AMOUNT)
    wait_until(lambda: len(asked(middleman, "POST", TOKEN)) >= 2, 30, "a token is asked for again")
    assert api.get(f"/payments/{made['id']}").ok()["status"] in ("pending", "processing")
    house.control(answering="normal")
    paid_once(house, stack.settle(api, made["id"], "succeeded"))


class SentAgain:
    """What certainly is not there is sent again, under its id: all of these wait for that certainty together, beside the
    tests of the other stacks."""

    def __init__(self, stack, middleman, pool):
        self.house = House(stack, PROVIDER)
        self.middleman = middleman
        self.answers = []
        self.api = stack.tenant()
        self.house.credential(self.api)
        self.ending = pool.submit(self.end, stack)

    @property
    def payments(self):
        return self.ending.result()

    def end(self, stack):
        made = {fault: self.ordered(stack, fault) for fault in ["timeout_before", "error"]}
        made["duplicate"] = self.twice(stack)
        return {name: stack.settle(api, payment["id"], "succeeded") for name, (api, payment) in made.items()}

    def ordered(self, stack, fault):
        """The next request meets with this."""
        self.house.control(next=fault)
        made = self.house.pay(self.api, AMOUNT)
        stack.settle(self.api, made["id"], "unknown")
        return self.api, made

    def twice(self, stack):
        """Airtel takes it and the answer is lost; then it takes a while until Airtel finds it."""
        api = stack.tenant()
        self.house.credential(api, base_url=f"{self.middleman.url}/airtel")

        def answer(a):
            is_push = PUSH in a.path
            if not is_push and not (ENQUIRY in a.path and self.pushes() < 2):
                return None
            if not is_push:
                return 200, b'{"status":{"code":"200","result_code":"ESB000045","success":false}}'
            reply = send(stack.ports["sandbox"], a.verb, a.target, a.body,
                         {name: value for name, value in a.headers.items() if name.lower() not in HOP})
            if reply.status == 200:
                self.answers.append(reply.json["status"]["result_code"])
            return HANG_UP if reply.status == 200 and self.pushes() == 1 else (reply.status, reply.raw)
        self.middleman.answer = answer
        made = self.house.pay(api, AMOUNT)
        wait_until(lambda: self.answers, 20, "Airtel has taken it")
        return api, made

    def pushes(self):
        return len(self.answers)


@pytest.fixture(scope="module", autouse=True)
def sent_again(doubtful):
    with Middleman(doubtful.ports["sandbox"]) as between, concurrent.futures.ThreadPoolExecutor() as pool:
        yield SentAgain(doubtful, between, pool)


@pytest.mark.parametrize("fault", ["timeout_before", "error"])
def test_push_that_did_not_arrive_is_sent_again(sent_again, fault):
    paid = sent_again.payments[fault]
    paid_once(sent_again.house, paid)
    assert sent_again.house.sent(paid) == 2
    assert "unknown" in sent_again.house.events(sent_again.api, paid)


def test_id_that_airtel_has_already_is_taken_for_ours(sent_again):
    paid = sent_again.payments["duplicate"]
    paid_once(sent_again.house, paid)
    assert sent_again.answers == ["ESB000010", "ESB000041"]
    assert sent_again.house.sent(paid) == 2
    ids = {json.loads(a.body)["transaction"]["id"] for a in asked(sent_again.middleman, "POST", PUSH)}
    assert ids == {compact(paid)}


# --- Refunds

def test_refund_is_of_the_whole(house, called_back):
    paid = house.settled(called_back, AMOUNT, "succeeded")
    called_back.post(f"/payments/{paid['id']}/refunds", {"amount": AMOUNT - 1}
                     ).refused(422, "refund_partial_unsupported", "amount")
    called_back.post(f"/payments/{paid['id']}/refunds", {"amount": AMOUNT + 1}).refused(422, "refund_exceeds_captured")
    assert called_back.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0 and refunds_there(house, paid) == []
    refund = house.refunded(called_back, paid)
    assert (refund["status"], refund["amount"]) == ("processed", AMOUNT), refund
    assert [(e["moved"], e["amount"]) for e in refunds_there(house, paid)] == [(1, AMOUNT)]
    assert called_back.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == AMOUNT
    called_back.post(f"/payments/{paid['id']}/refunds").refused(422, "refund_exceeds_captured")


def test_refund_that_airtel_refuses_fails(house, called_back):
    paid = house.settled(called_back, AMOUNT, "succeeded", msisdn=number(REFUND_REFUSED))
    refund = house.refunded(called_back, paid)
    assert (refund["status"], refund["error"]["code"]) == ("failed", "declined"), refund
    assert called_back.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0 and refunds_there(house, paid) == []


@pytest.mark.parametrize("ending, order, moved", [
    (REFUND_UNHEARD, {}, 1), (REFUND_LOST, {}, 0), ("01", {"next": "timeout_after"}, 1), ("01", {"next": "timeout_before"}, 0)],
    ids=["408-done", "408-not", "timeout-done", "timeout-not"])
def test_refund_whose_answer_was_lost_is_a_persons(house, called_back, ending, order, moved):
    """There is nothing to ask with, and a second one might give the money back twice."""
    paid = house.settled(called_back, AMOUNT, "succeeded", msisdn=number(ending))
    house.control(**order)
    refund = house.refunded(called_back, paid)
    assert refund["status"] == "needs_review", refund
    assert [e["moved"] for e in refunds_there(house, paid)] == [1] * moved
    called_back.post(f"/payments/{paid['id']}/refunds").refused(422, "refund_exceeds_captured")
    assert called_back.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0


def test_a_token_that_died_before_its_time_keeps_no_key_away(stack, tenant, house):
    """The key is fetched under the token: who is refused it needs another token, not patience."""
    house.settled(tenant, AMOUNT, "succeeded")
    payments = stack.processes["payments"]
    payments.stop()
    stack.sql("DELETE FROM payments.provider_sessions WHERE name = 'key'")
    house.control(expire_tokens=True)
    payments.start()
    made = tenant.insist("POST", "/payments", payment(PROVIDER, AMOUNT)).ok(201)
    stack.settle(tenant, made["id"], "succeeded", seconds=20)
