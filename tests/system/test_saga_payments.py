"""Every failpoint of the payments service, fired during a tour; and a provider without idempotent references."""
import pytest

from client import payment
from conftest import running_stack
from stack import wait_until
from tour import FAST, failpoints, survives


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**FAST)


@pytest.mark.parametrize("service,failpoint,action", failpoints("payments"))
def test_tour_survives(stack, service, failpoint, action):
    survives(stack, service, failpoint, action)


def test_provider_without_idempotent_references_charges_once(stack):
    """What was sent is asked about there, never sent again. A charge that was claimed and never left is not found
    there, for good: it has failed, and nothing was charged."""
    payments = stack.processes["payments"]
    payments.stop()
    stack.sandbox(idempotent=False)
    payments.start(SIMULATOR_IDEMPOTENT="false")
    stack.wait_ready()
    api = stack.demo
    made = [api.insist("POST", "/payments", payment()).ok(201)["id"] for _ in range(20)]
    late = api.pay(vpa="timeout@upi")["id"]
    payments.kill9()
    payments.start(SIMULATOR_IDEMPOTENT="false")
    for payment_id in [*made, late]:
        settled = wait_until(lambda: (r := api.get(f"/payments/{payment_id}")).status == 200
                             and r.json["status"] in ("succeeded", "failed") and r.json, 60)
        if settled["status"] == "failed":
            assert settled["error"]["code"] == "not_processed"
            assert stack.charges_of(payment_id) == []
        else:
            assert stack.charge_of(payment_id)["times_charged"] == 1
    stack.sandbox(idempotent=True)
    payments.stop()
    payments.start()
    stack.wait_ready()
