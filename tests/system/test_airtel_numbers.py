"""Airtel Money: what becomes of a payment, by the sandbox's numbers (tools/sandbox/mimics/airtel_outcome.c)."""
import concurrent.futures
import json
import time

import pytest

from middleman import Middleman
from providers import House, audited_stack

PROVIDER = "airtel"
AMOUNT = 12300
# The sandbox's numbers, by their last two digits: the error, and whether Airtel has the payment in its book.
DECLINES = {
    "50": ("wrong_pin", True), "51": ("limit_exceeded", True), "52": ("amount_invalid", True), "53": ("expired", True),
    "54": ("insufficient_funds", True), "55": ("payer_refused", True), "56": ("declined", True),
    "57": ("payee_not_allowed", True), "58": ("expired", True), "59": ("expired", True), "61": ("declined", True),
    "80": ("provider_setup", False), "81": ("declined", True), "82": ("phone_invalid", False),
    "83": ("phone_invalid", False), "84": ("provider_setup", False), "85": ("currency_unsupported", False),
    "86": ("provider_setup", False), "87": ("payer_not_found", False), "88": ("provider_setup", False),
    "89": ("currency_unsupported", False), "90": ("currency_unsupported", False), "91": ("provider_setup", False),
    "92": ("provider_setup", False),
}
# The answer leaves it open: ESB000001, ESB000004, ESB000014, ROUTER117, HTTP 408, DP00800001000.
UNCLEAR_PAID = ["70", "72", "74", "76", "78", "94"]
UNCLEAR_DECLINED = ["71", "73", "75", "77", "79", "95"]
AMBIGUOUS_PAID, FOR_EVER, NEVER_ARRIVED, NOT_SIGNED = "60", "62", "69", "93"
MUTE = "mute"  # paid, but enquiries are not answered
ENQUIRY = "/standard/v1/payments/op"


def number(ending):
    return "2609712345" + ending


@pytest.fixture(scope="module")
def stack():
    """Nobody is called back. Patience is short: what is not done soon is unknown, and then a person's. Time passes more
    slowly than elsewhere: so many at once need tokens that live longer than 1.8 s."""
    yield from audited_stack(PROVIDER, PROCESSING_DEADLINE_S="16", UNKNOWN_DEADLINE_S="16", SANDBOX_TIME_PERCENT="3",
                             PROVIDER_DELAYS_PERCENT="3")


class Numbers:
    """A payment by each, all side by side."""

    def __init__(self, stack, mute, watching, pool):
        self.stack = stack
        self.house = House(stack, PROVIDER)
        mute.answer = lambda a: (500, b"") if ENQUIRY in a.path else None
        self.times = []  # when enquiries about the one that is for ever were answered
        watching.alter = self.watch
        self.urls = {MUTE: f"{mute.url}/airtel", FOR_EVER: f"{watching.url}/airtel"}
        self.api = stack.tenant()
        self.house.credential(self.api)
        self.ends = {ending: pool.submit(self.end, self.api, ending, "failed") for ending in DECLINES}
        self.ends[AMBIGUOUS_PAID] = pool.submit(self.end, self.api, AMBIGUOUS_PAID, "succeeded")
        # Under tenants of their own, lest Airtel is taken for ill.
        for endings, status in [(UNCLEAR_PAID, "succeeded"), (UNCLEAR_DECLINED, "failed"),
                                ([FOR_EVER, MUTE], "needs_review"), ([NEVER_ARRIVED, NOT_SIGNED], "failed")]:
            self.ends.update({ending: pool.submit(self.end_alone, ending, status) for ending in endings})

    def watch(self, asked_for, reply):
        if ENQUIRY in asked_for.path and reply.status == 200:
            self.times.append(time.monotonic())
        return reply.raw

    def end(self, api, ending, status):
        made = self.house.pay(api, AMOUNT, msisdn=number("01" if ending == MUTE else ending))
        return api, self.stack.settle(api, made["id"], status, seconds=90)

    def end_alone(self, ending, status):
        api = self.stack.tenant()
        self.house.credential(api, base_url=self.urls.get(ending, self.house.base_url()))
        return self.end(api, ending, status)

    def of(self, ending):
        """Its tenant, and the payment at its end."""
        return self.ends[ending].result()


@pytest.fixture(scope="module")
def numbers(stack):
    port = stack.ports["sandbox"]
    with Middleman(port) as mute, Middleman(port) as watching, concurrent.futures.ThreadPoolExecutor(60) as pool:
        yield Numbers(stack, mute, watching, pool)


@pytest.mark.parametrize("ending", DECLINES)
def test_each_code_is_a_decline_of_its_own(numbers, ending):
    house = numbers.house
    code, is_booked = DECLINES[ending]
    api, payment = numbers.of(ending)
    assert payment["error"]["code"] == code and payment["error"]["message"], payment
    assert not payment["captured"] and payment["amount_captured"] == 0, payment
    [attempt] = payment["attempts"]
    assert (attempt["provider"], attempt["status"], attempt["error"]["code"]) == (PROVIDER, "failed", code), payment
    assert [e["moved"] for e in house.charges(payment)] == [0] * is_booked
    assert house.events(api, payment) == ["created", "processing", "failed"]
    assert house.sent(payment) == 1
    api.post(f"/payments/{payment['id']}/refunds").refused(409, "payment_not_refundable")


def test_ambiguous_is_no_end(numbers):
    api, payment = numbers.of(AMBIGUOUS_PAID)
    assert numbers.house.events(api, payment) == ["created", "processing", "captured", "succeeded"]
    assert [e["moved"] for e in numbers.house.charges(payment)] == [1]


@pytest.mark.parametrize("ending", UNCLEAR_PAID + UNCLEAR_DECLINED)
def test_unclear_answer_is_neither_and_is_asked_about(numbers, ending):
    house, is_paid = numbers.house, ending in UNCLEAR_PAID
    api, payment = numbers.of(ending)
    end = ["captured", "succeeded"] if is_paid else ["failed"]
    assert house.events(api, payment) == ["created", "processing", "unknown", *end]
    assert house.sent(payment) == 1
    assert [e["moved"] for e in house.charges(payment)] == [int(is_paid)]
    assert is_paid or payment["error"]["code"] == "declined", payment


@pytest.mark.parametrize("ending, decided", [(FOR_EVER, "failed"), (MUTE, "succeeded")])
def test_what_airtel_never_ends_a_person_does(numbers, ending, decided):
    stack, house = numbers.stack, numbers.house
    api, payment = numbers.of(ending)
    assert payment["error"]["code"] == "outcome_unknown" and payment["unknown_operation"] == "charge", payment
    assert house.events(api, payment) == ["created", "processing", "unknown", "needs_review"]
    [review] = stack.obol("payment", "review", "--tenant", api.tenant_id)["data"]
    assert (review["payment_id"], review["reason"], review["provider"], int(review["amount"])) == (
        payment["id"], "outcome_unknown", PROVIDER, AMOUNT), review
    assert review["reference"] == payment["attempts"][0]["reference"] and review["currency"] == "ZMW", review
    api.post(f"/payments/{payment['id']}/refunds").refused(409, "payment_not_refundable")
    # The person looks into Airtel's book.
    assert sum(e["moved"] for e in house.charges(payment)) == (decided == "succeeded")
    reason = "as Airtel's portal has it"
    named = ["--provider-reference", house.charges(payment)[0]["id"]] if decided == "succeeded" else []
    stack.obol("payment", "resolve", payment["id"], "--tenant", api.tenant_id, "--as", decided, "--reason", reason, *named)
    after = api.get(f"/payments/{payment['id']}").ok()
    assert (after["status"], after["amount_captured"]) == (decided, AMOUNT * (decided == "succeeded")), after
    assert stack.obol("payment", "review", "--tenant", api.tenant_id)["data"] == []
    assert reason in json.dumps(stack.obol("audit", "--tenant", api.tenant_id)), "it is in the audit log"
    if decided == "succeeded":  # by Airtel's name, which the person gave, it can be given back
        refund = api.post(f"/payments/{payment['id']}/refunds").ok(201)
        assert stack.settle_refund(api, refund["id"])["status"] == "processed"


def test_whoever_looks_makes_us_ask_but_not_at_every_look(numbers):
    """30 s without news, and then every 5 s, at a fifth."""
    numbers.of(FOR_EVER)
    times = list(numbers.times)
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert len(gaps) <= sum(gaps) / 0.95 + 2, gaps  # by far more often is it looked at
    late = [gap for before, gap in zip(times, gaps) if before - times[0] > 11]
    assert len([gap for gap in late if gap < 1.7]) >= 2, (gaps, late)


@pytest.mark.parametrize("ending", [NEVER_ARRIVED, NOT_SIGNED])
def test_what_airtel_never_takes_fails_when_time_is_up(numbers, ending):
    _, payment = numbers.of(ending)
    assert payment["error"]["code"] == "provider_unavailable", payment
    assert numbers.house.charges(payment) == []
