"""Refunds that the provider never answered: a person sees them, looks into the provider's book, and decides."""
import json

import pytest

from middleman import HANG_UP, Middleman
from providers import House, audited_stack
from stack import wait_until

PROVIDER = "zamtel"
AMOUNT, PART = 1500, 600


@pytest.fixture(scope="module")
def stack():
    yield from audited_stack(PROVIDER, PROVIDER_TIMES_PERCENT="4")


@pytest.fixture
def house(stack):
    return House(stack, PROVIDER)


@pytest.fixture
def middleman(stack, api, house):
    """Between the tenant and the provider; it passes on what it is not told to keep."""
    with Middleman(stack.ports["sandbox"]) as middleman:
        house.credential(api, base_url=middleman.url + "/zamtel/ZampayRest")
        yield middleman


def lose_answers(middleman):
    """The money moves, and nobody is told."""
    middleman.alter = lambda asked, reply: HANG_UP if "B2C" in asked.path else reply.raw


def lose_requests(middleman):
    """Nothing arrives, and nobody is told."""
    middleman.answer = lambda asked: HANG_UP if "B2C" in asked.path else None


def lose_nothing(middleman):
    middleman.alter, middleman.answer = lambda asked, reply: reply.raw, lambda asked: None


def doubtful(stack, api, paid, amount=PART):
    """A refund that waits for a person, and says why."""
    refund = api.post(f"/payments/{paid['id']}/refunds", {"amount": amount}).ok(201)
    seen = stack.settle_refund(api, refund["id"])
    assert seen["status"] == "needs_review" and seen["processed_at"] is None, seen
    assert seen["error"]["code"] == "outcome_unknown" and "a person decides" in seen["error"]["message"], seen
    return seen


def reviews(stack, api):
    return stack.obol("payment", "review", "--tenant", api.tenant_id)["data"]


def resolve(stack, api, refund, status, code=0, **more):
    return stack.obol("refund", "resolve", refund["id"], "--tenant", api.tenant_id, "--as", status, "--reason",
                      "seen in the provider's book", code=code, **more)


def settled(api, refund, status):
    """The refund, once the refunds service has heard of the decision."""
    def there():
        seen = api.get(f"/refunds/{refund['id']}").ok()
        return seen if seen["status"] == status else None
    return wait_until(there, 20, lambda: f"{status}: {api.get('/refunds/' + refund['id'])}")


def operation(stack, refund):
    [[found]] = stack.sql(f"SELECT id FROM payments.operations WHERE refund_id = '{refund['id']}'")
    return found


def moved(stack, house, refund):
    return sum(e["moved"] for e in house.entries("refund", reference=operation(stack, refund).replace("_", "")))


def assert_reviewed(stack, api, paid, refund):
    """It is the one that waits; and neither given back nor there to be given back again."""
    [review] = reviews(stack, api)
    assert (review["payment_id"], review["refund_id"]) == (paid["id"], refund["id"]), review
    assert (review["reason"], review["unknown_operation"]) == ("outcome_unknown", "refund"), review
    assert (review["amount"], review["currency"], review["provider"]) == (PART, "ZMW", PROVIDER), review
    assert review["reference"] == operation(stack, refund) and review["since"], review
    table = stack.obol("payment", "review", "--tenant", api.tenant_id, parse=False)
    assert refund["id"] in table and "REFUND" in table, table
    assert api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0
    api.post(f"/payments/{paid['id']}/refunds", {"amount": AMOUNT}).refused(422, "refund_exceeds_captured")


def assert_told(receiver, refund, status):
    """The merchant heard of each step, and why."""
    def told():
        heard = [json.loads(request.body) for request in list(receiver.requests)]
        mine = {e["sequence"]: e for e in heard if e["data"]["refund"]["id"] == refund["id"]}
        return [mine[number] for number in sorted(mine)] if len(mine) == 4 else None
    events = wait_until(told, 20, f"four events of {refund['id']} are told")
    assert [e["event"] for e in events] == [f"refund.{name}" for name in ("created", "unknown", "needs_review", status)]
    errors = [e["data"]["refund"]["error"] for e in events]
    codes = [error and error["code"] for error in errors]
    assert codes == [None, "outcome_unknown", "outcome_unknown", "resolved" if status == "failed" else None], events


def assert_audited(stack, refund, paid, status):
    entries = stack.obol("audit", "--object", refund["id"])["payments"]["entries"]
    [decision] = [e for e in entries if e["action"] == "refund.resolve"]
    assert decision["actor"].startswith("operator:"), decision
    assert "seen in the provider's book" in json.dumps(decision) and status in json.dumps(decision), decision
    act = {"processed": "payment.refunded", "failed": "payment.refund_give_back"}[status]
    entries = stack.obol("audit", "--object", paid["id"])["payments"]["entries"]
    assert [e["actor"].startswith("operator:") for e in entries if e["action"] == act] == [True], entries


def hear(api, receiver):
    names = [f"refund.{name}" for name in ("created", "unknown", "needs_review", "processed", "failed")]
    api.post("/webhook_endpoints", {"url": receiver.url, "events": names}).ok(201)


def test_what_was_given_back_is_resolved_as_processed(stack, api, house, middleman, receiver):
    hear(api, receiver)
    paid = house.settled(api, AMOUNT, "succeeded")
    lose_answers(middleman)
    refund = doubtful(stack, api, paid)
    assert moved(stack, house, refund) == 1
    assert_reviewed(stack, api, paid, refund)
    decided = resolve(stack, api, refund, "processed")
    assert (decided["refund_id"], decided["status"], decided["amount"]) == (refund["id"], "processed", PART), decided
    seen = settled(api, refund, "processed")
    assert seen["error"] is None and seen["processed_at"], seen
    assert api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == PART
    assert reviews(stack, api) == []
    assert_told(receiver, refund, "processed")
    assert_audited(stack, refund, paid, "processed")
    # Decided is decided; and it was asked for once.
    assert "conflict" in resolve(stack, api, refund, "failed", code=1)
    assert moved(stack, house, refund) == 1
    api.post(f"/payments/{paid['id']}/refunds", {"amount": AMOUNT - PART + 1}).refused(422, "refund_exceeds_captured")


def test_what_was_not_given_back_is_resolved_as_failed_and_can_be_refunded(stack, api, house, middleman, receiver):
    hear(api, receiver)
    paid = house.settled(api, AMOUNT, "succeeded")
    lose_requests(middleman)
    refund = doubtful(stack, api, paid)
    assert moved(stack, house, refund) == 0
    assert_reviewed(stack, api, paid, refund)
    shown = resolve(stack, api, refund, "failed", parse=False)
    assert refund["id"] in shown and "failed" in shown, shown
    seen = settled(api, refund, "failed")
    assert seen["error"] == {"code": "resolved", "message": "Found to have failed, by review."}, seen
    assert api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == 0
    assert reviews(stack, api) == []
    assert_told(receiver, refund, "failed")
    assert_audited(stack, refund, paid, "failed")
    lose_nothing(middleman)
    whole = api.post(f"/payments/{paid['id']}/refunds", {}).ok(201)
    assert stack.settle_refund(api, whole["id"])["status"] == "processed"
    assert api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == AMOUNT


def test_two_refunds_of_a_payment_wait_on_pages_of_their_own(stack, api, house, middleman):
    paid = house.settled(api, AMOUNT, "succeeded")
    lose_requests(middleman)
    waiting = sorted(doubtful(stack, api, paid, amount)["id"] for amount in (100, 200))
    seen, after = [], []
    for more in (True, False):
        page = stack.obol("payment", "review", "--tenant", api.tenant_id, "--limit", "1", *after)
        [review] = page["data"]
        assert page["has_more"] == more, page
        seen.append(review["refund_id"])
        after = ["--after", f"{review['payment_id']}/{review['refund_id']}"]
    assert seen == waiting
    table = stack.obol("payment", "review", "--tenant", api.tenant_id, "--limit", "1", parse=False)
    assert f"--after {paid['id']}/{waiting[0]}" in table, table
    for refund_id in waiting:
        resolve(stack, api, {"id": refund_id}, "failed")
    assert reviews(stack, api) == []


def test_only_what_waits_is_decided(stack, api, house, middleman):
    paid = house.settled(api, AMOUNT, "succeeded")
    refund = house.refunded(api, paid, amount=PART)
    assert refund["status"] == "processed", refund
    assert "conflict" in resolve(stack, api, refund, "failed", code=1)
    assert "not_found" in resolve(stack, api, {"id": "rfnd_01none"}, "failed", code=1)
    resolve(stack, api, refund, "succeeded", code=1)
    stack.obol("refund", "resolve", refund["id"], "--tenant", api.tenant_id, "--as", "failed", code=2, parse=False)
    assert api.get(f"/payments/{paid['id']}").ok()["amount_refunded"] == PART
