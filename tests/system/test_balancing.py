"""A service by its name, as a headless Service of Kubernetes gives it: each replica has an address of its own, and callers
share their calls among those that the name has."""
import http.client
import secrets
import threading
import time

import pytest

from client import payment, send
from conftest import running_stack
from own_network import NameServer, OwnNetwork, with_files
from stack import BIN, Stack, wait_until

ADDRESSES = {"payments": "11.22.34.1", "payments_2": "11.22.34.2", "payments_3": "11.22.34.3"}
NAME = "payments.obol.test"
AGE_S = 3
PORT = 50051


@pytest.fixture(scope="module")
def names():
    network = OwnNetwork([f"{address}/24" for address in ADDRESSES.values()])
    try:
        server = NameServer()
        server.names[NAME] = [ADDRESSES["payments"], ADDRESSES["payments_2"]]
        yield server.names
        server.close()
    finally:
        network.leave()


class Named(Stack):
    def obol(self, *words, **options):
        """An operator's machine has other name servers."""
        return super().obol(*words, PAYMENTS_TARGET=f"{ADDRESSES['payments']}:{PORT}", **options)


@pytest.fixture(scope="module")
def stack(names):
    """payments is found by its name alone; a third replica is ready to be started."""
    stack = Named(own_cluster=True, replicas=["payments"], RPC_CONNECTION_AGE_S=str(AGE_S), PAYMENTS_TARGET=f"dns:///{NAME}:{PORT}")
    stack.ports["payments_3_ops"] = stack.ports["payments_2"]  # nothing else listens there now
    for name, address in ADDRESSES.items():
        stack.add(name, [BIN / "obol-payments"], {"PAYMENTS_LISTEN": f"{address}:{PORT}",
                                                  "PAYMENTS_OPS_LISTEN": f"127.0.0.1:{stack.ports[f'{name}_ops']}"})
    for name in ["gateway", "refunds", "webhooks"]:
        stack.add(name, with_files(stack.directory, {"/etc/resolv.conf": "nameserver 127.0.0.1\n"}, [BIN / f"obol-{name}"]))
    running = running_stack(stack)
    yield next(running)
    stack.processes["payments_3"].signal_and_wait()
    next(running, None)


class Callers:
    """Four that read and pay without a pause; what they were told."""

    def __init__(self, api):
        self.api = api
        self.payment = api.pay()["id"]
        self.replies, self.broken = [], []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(4)]

    def work(self):
        while not self.over.is_set():
            try:
                self.replies.append(self.api.get(f"/payments/{self.payment}"))
                key = secrets.token_hex(8)
                self.replies.append(self.api.call("POST", "/payments", payment(order_id=key), key=key))
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(error)
            self.over.wait(0.02)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def statuses(self):
        return {status: sum(r.status == status for r in list(self.replies)) for status in {r.status for r in list(self.replies)}}


def answered(stack):
    """How many calls about payments each replica has answered."""
    counts = {}
    for name in ADDRESSES:
        try:
            page = send(stack.ports[f"{name}_ops"], "GET", "/metrics").raw.decode()
        except OSError:
            page = ""
        counts[name] = sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
                           if line.startswith("obol_rpc_calls_total{") and "PaymentService/" in line)
    return counts


def shares(stack, calls=120):
    """Of the next calls; so many that chance alone makes no share uneven."""
    before = answered(stack)

    def asked():
        return {name: n - before[name] for name, n in answered(stack).items()}
    wait_until(lambda: sum(asked().values()) >= calls, 40, lambda: f"{calls} calls, are {asked()}")
    now = asked()
    return {name: n / sum(now.values()) for name, n in now.items()}


def even(stack, low, high, among):
    """The shares once they are even: callers find a new replica one after another, as their connections age."""
    seen = {}

    def is_even():
        seen.update(shares(stack))
        return all(low < seen[name] < high if name in among else seen[name] == 0 for name in ADDRESSES)
    wait_until(is_even, 60, lambda: f"even shares among {among}, are {seen}")
    return seen


def test_a_new_replica_gets_its_share_and_one_that_is_killed_none(stack, names, api):
    with Callers(api) as callers:
        wait_until(lambda: sum(answered(stack).values()) > 20, 30, "there is load")
        two = even(stack, 0.35, 0.65, ["payments", "payments_2"])

        stack.processes["payments_3"].start()
        wait_until(lambda: send(stack.ports["payments_3_ops"], "GET", "/health/ready").status == 200, 30, "the third is ready")
        began = time.monotonic()
        names[NAME] = list(ADDRESSES.values())
        wait_until(lambda: answered(stack)["payments_3"] > 0, 2 * AGE_S + 5, "the third is asked")
        found_s = time.monotonic() - began
        three = even(stack, 0.2, 0.47, list(ADDRESSES))
        assert set(callers.statuses()) == {200, 201} and not callers.broken, (callers.statuses(), callers.broken)

        stack.kill9("payments_3")
        names[NAME] = list(ADDRESSES.values())[:2]
        killed_at = len(callers.replies)
        wait_until(lambda: len(callers.replies) > killed_at + 100, 30, "the others go on")
        told = callers.replies[killed_at:]
    # What was on its way is answered as what it is; what comes later doesn't notice.
    assert not callers.broken and {r.status for r in told} <= {200, 201, 503, 504}, callers.statuses()
    assert all(r.headers["Retry-After"] for r in told if r.status == 503)
    assert all(r.json["code"] == "outcome_unknown" for r in told if r.status == 504)
    assert {r.status for r in told[-60:]} == {200, 201}
    for reply in told:
        if reply.status == 201:
            stack.settle(api, reply.json["id"], "succeeded")
    print(f"\nshares of two {two}, of three {three}; found after {found_s:.1f} s of {AGE_S}; answers {callers.statuses()}, "
          f"not 200 or 201 after a kill: {sum(r.status > 201 for r in told)} of {len(told)}")
    stack.processes["payments_3"].start()
    wait_until(lambda: send(stack.ports["payments_3_ops"], "GET", "/health/ready").status == 200, 30, "it is back")
