"""One tenant's backlog or dead receiver is its own affair: others go on as if it were not there. (What a flood meets at
the edge: tests/rpc/gateway/test_edge.c, tests/rules/gateway/test_lines.c.)"""
import threading
import time

import pytest

from client import at_once
from conftest import running_stack
from receiver import Receiver
from stack import wait_until

BACKLOG = 1200
SLOTS = 8          # so that a backlog lasts: what is under way at providers at once
HANGING = 200


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(PROCESSOR_SLOTS=str(SLOTS), DISPATCHER_SLOTS=str(SLOTS), TEST_PROCESSING_DELAY="20")


def unsettled(stack, api):
    [[n]] = stack.sql(f"SELECT count(*) FROM payments.payments WHERE tenant_id = '{api.tenant_id}' "
                      "AND status IN ('pending', 'processing')")
    return int(n)


def test_backlog_at_the_provider_is_waited_for_by_its_own_tenant(stack):
    crowd, api = stack.tenant("Crowd"), stack.tenant("Other")  # in this order: by id, the crowd comes first
    at_once(BACKLOG, lambda i: crowd.pay(1000 + i), 24)
    before = unsettled(stack, crowd)
    assert before > BACKLOG / 2, "the backlog is gone before anything was tried"
    made = [api.pay()["id"] for _ in range(3)]
    for payment_id in made:
        stack.settle(api, payment_id, "succeeded")
    # In turn with nobody, they would have come last.
    assert unsettled(stack, crowd) > before / 2, f"{before} waited before"
    wait_until(lambda: unsettled(stack, crowd) == 0, 120)


@pytest.fixture
def hanging():
    """A receiver that takes requests and does not answer."""
    receiver = Receiver()
    over = threading.Event()

    def answer(_):
        receiver.lock.release()
        over.wait(60)
        receiver.lock.acquire()
        return None
    receiver.answer = answer
    yield receiver
    over.set()
    receiver.close()


def test_receiver_that_hangs_holds_up_nobody_elses_webhooks(stack, api, receiver, hanging):
    crowd = stack.tenant("Crowd")
    crowd.post("/webhook_endpoints", {"url": hanging.url}).ok(201)
    api.post("/webhook_endpoints", {"url": receiver.url}).ok(201)
    at_once(HANGING, lambda i: crowd.pay(1000 + i), 16)
    wait_until(lambda: hanging.requests, 20)
    began = time.monotonic()
    made = api.pay()["id"]
    stack.settle(api, made, "succeeded")
    wait_until(lambda: any(b"payment.succeeded" in r.body for r in receiver.requests), 3.5,
               "its webhook, sooner than one attempt of the other's times out")
    assert time.monotonic() - began < 8
    [[waiting]] = stack.sql(f"SELECT count(*) FROM webhooks.delivery_queue WHERE tenant_id = '{crowd.tenant_id}'")
    assert int(waiting) > HANGING
