"""What holds for every provider: a payment, its money, its refund."""
import pytest

from providers import audited_stack
from providers import FIELDS, PACE, House


@pytest.fixture(scope="module")
def stack():
    yield from audited_stack()


@pytest.mark.parametrize("provider", FIELDS)
def test_a_payment_is_charged_once_and_refunded(stack, api, provider):
    house = House(stack, provider)
    credential = house.credential(api)
    house.control(callback_url=credential["callback_url"])
    payment = house.settled(api, 100000, "succeeded")
    assert payment["provider"] == provider and payment["captured"], payment
    assert [a["provider"] for a in payment["attempts"]] == [provider]
    refund = api.post(f"/payments/{payment['id']}/refunds", {}).ok(201)
    refund = stack.settle_refund(api, refund["id"])
    assert refund["status"] == "processed", refund
    assert api.get(f"/payments/{payment['id']}").ok()["amount_refunded"] == 100000
