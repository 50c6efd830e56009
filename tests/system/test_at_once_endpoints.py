"""Keys that die and endpoints whose secrets change, stop and go, each while hundreds of requests or deliveries run."""
import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections import Counter

import pytest

from client import payment
from conftest import running_stack
from crowd import Request, crowd
from stack import wait_until

N = 1000
DEAD_AFTER_S = 1.0


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(replicas=["gateway", "auth"])


class Use(threading.Thread):
    """A key in use at both gateways: a thousand payments at once, then smaller crowds until it is over."""

    def __init__(self, stack, api):
        super().__init__()
        self.stack, self.api = stack, api
        self.replies, self.over, self.first = [], threading.Event(), threading.Event()
        self.numbers = itertools.count()

    def wave(self, n):
        gateways = [self.stack.ports["gateway"], self.stack.ports["gateway_2"]]
        return [Request(self.api, "POST", "/payments", payment(), f"use-{next(self.numbers)}", gateways[i % 2]) for i in range(n)]

    def run(self):
        self.replies += crowd(self.wave(100))
        self.first.set()
        self.replies += crowd(self.wave(N))
        while not self.over.is_set():
            self.replies += crowd(self.wave(100))

    def __enter__(self):
        self.start()
        assert self.first.wait(30)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def go_on_after(self, moment):
        wait_until(lambda: len([r for r in self.replies if r and r.began > moment]) >= 100, 30, "the key is used on")

    def dead_since(self, moment):
        """All that began from then on was refused, and there was some; what was accepted before is whole."""
        assert all(self.replies) and {r.status for r in self.replies} <= {201, 401, 503}, Counter(
            r and r.status for r in self.replies)
        late = Counter(r.status for r in self.replies if r.began > moment)
        assert set(late) == {401}, late
        accepted = {r.json["id"] for r in self.replies if r.status == 201}
        assert len(accepted) >= 100
        tenant = self.api.tenant_id

        def settled():
            rows = dict(self.stack.sql(f"SELECT id, status FROM payments.payments WHERE tenant_id = '{tenant}'"))
            assert set(rows) == accepted
            return set(rows.values()) == {"succeeded"}
        wait_until(settled, 60, "what was accepted has been charged")


def revoke(stack, use):
    """When the answer to the revocation came."""
    stack.obol("key", "revoke", use.api.key)
    return time.monotonic()


def test_revoked_key_is_dead_at_every_edge_within_a_second(stack, api):
    with Use(stack, api) as use:
        answered = revoke(stack, use)
        use.go_on_after(answered + DEAD_AFTER_S)
    use.dead_since(answered + DEAD_AFTER_S)


@pytest.mark.parametrize("victim", ["auth", "auth_2"])
def test_revoked_key_is_dead_though_an_auth_service_is_killed(stack, api, victim):
    with Use(stack, api) as use:
        answered = revoke(stack, use)
        stack.kill9(victim)
        stack.restart(victim)
        use.go_on_after(answered + DEAD_AFTER_S)
    use.dead_since(answered + DEAD_AFTER_S)


def test_revoked_key_is_dead_once_the_auth_services_are_back(stack, api):
    """With none of them there, what was verified in the last minute goes on; not longer than that."""
    with Use(stack, api) as use:
        revoke(stack, use)
        for act in (stack.kill9, stack.restart):
            for name in ("auth", "auth_2"):
                act(name)
        stack.wait_ready()
        back = time.monotonic()
        use.go_on_after(back + DEAD_AFTER_S)
    use.dead_since(back + DEAD_AFTER_S)


# --- Endpoints

def flow(api, n, port=None):
    """Payments at once, an event each for endpoints that want payment.created."""
    replies = crowd([Request(api, "POST", "/payments", payment(), None, port) for _ in range(n)])
    assert {r.status for r in replies if r} == {201} and all(replies)
    return [r.json["id"] for r in replies]


def endpoint(api, receiver, events=("payment.created",)):
    return api.post("/webhook_endpoints", {"url": receiver.url, "events": list(events)}).ok(201)


def standard(secret, request):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = b".".join([request.headers["webhook-id"].encode(), request.headers["webhook-timestamp"].encode(), request.body])
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def signed_with(secrets, request):
    """The number of the secret behind both headers; asserts that the older one stands beside it, as long as it may."""
    signatures = request.headers["webhook-signature"].split(" ")
    [which] = [i for i, (secret, _) in enumerate(secrets) if standard(secret, request) == signatures[0]]
    secret, overlap = secrets[which]
    assert request.headers["X-Webhook-Signature"] == hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert signatures[1:] == ([standard(secrets[which - 1][0], request)] if overlap else []), (which, overlap, signatures)
    return which


def test_rotation_during_delivery_signs_with_what_is_valid(stack, api, receiver):
    made = endpoint(api, receiver)
    path = f"/webhook_endpoints/{made['id']}"
    secrets, tested = [(made["secret"], 0)], []
    pays = threading.Thread(target=lambda: [flow(api, 150) for _ in range(4)])
    pays.start()
    while pays.is_alive() or len(secrets) < 20:
        overlap = 3600 if len(secrets) % 3 else 0
        secrets.append((api.post(f"{path}/rotate_secret", {"overlap_seconds": overlap}).ok()["secret"], overlap))
        done = api.post(f"{path}/test").ok()  # begins after the rotation's answer: signed with nothing older
        assert done["status"] == "delivered", done
        tested.append((done["event_id"], len(secrets) - 1))
    pays.join()
    wait_until(lambda: len({r.headers["webhook-id"] for r in receiver.requests}) >= 600 + len(tested), 60)
    used = Counter(signed_with(secrets, r) for r in receiver.requests)
    assert len(used) >= 10 and sum(used.values()) >= 600, used
    for event_id, which in tested:
        assert [signed_with(secrets, r) for r in receiver.of(event_id)] == [which]


def paid_for(receiver):
    with receiver.lock:
        return [json.loads(r.body)["data"]["payment"]["id"] for r in receiver.requests]


def still(stack, api, made, receiver):
    """Nothing is left for an endpoint, and what happens now does not reach it."""
    wait_until(lambda: stack.sql(f"SELECT count(*) FROM webhooks.delivery_queue WHERE endpoint_id = '{made['id']}'") == [["0"]],
               30, "its queue is empty")
    states = dict(stack.sql(f"SELECT status, count(*) FROM webhooks.deliveries WHERE endpoint_id = '{made['id']}' GROUP BY 1"))
    assert set(states) == {"delivered", "failed"}, states
    later = flow(api, 20)
    stack.quiet()
    assert not set(later) & set(paid_for(receiver))
    [[delivered, sent]] = stack.sql(f"""SELECT count(*) FILTER (WHERE status = 'delivered'), sum(attempts)
                                        FROM webhooks.deliveries WHERE endpoint_id = '{made['id']}'""")
    assert int(delivered) <= len(receiver.requests) <= int(sent)


def test_deletion_during_delivery_ends_it(stack, api, receiver):
    made = endpoint(api, receiver, ["*"])
    pays = threading.Thread(target=flow, args=(api, 300))
    pays.start()
    wait_until(lambda: len(receiver.requests) >= 50, 30)
    assert api.delete(f"/webhook_endpoints/{made['id']}").status == 204
    pays.join()
    still(stack, api, made, receiver)
    api.get(f"/webhook_endpoints/{made['id']}").refused(404)


def test_disabling_during_delivery_ends_it_until_enabled(stack, api, receiver):
    made = endpoint(api, receiver, ["*"])
    path = f"/webhook_endpoints/{made['id']}"
    pays = threading.Thread(target=flow, args=(api, 300))
    pays.start()
    for n in (50, 100):  # disabled, enabled and disabled again
        wait_until(lambda: len(receiver.requests) >= n, 30)
        api.patch(path, {"enabled": n == 50}).ok()
    api.patch(path, {"enabled": False}).ok()
    pays.join()
    still(stack, api, made, receiver)
    api.patch(path, {"enabled": True}).ok()
    made = api.pay()
    wait_until(lambda: paid_for(receiver).count(made["id"]) == 4, 30, "the events of a payment")


def test_change_against_deletion_never_brings_an_endpoint_back(stack, api, receiver):
    made = [endpoint(api, receiver) for _ in range(10)]
    asked = [(method, e["id"]) for _ in range(10) for e in made for method in ("PATCH", "DELETE")]
    replies = crowd([Request(api, method, f"/webhook_endpoints/{of}", None if method == "DELETE" else {"enabled": True})
                     for method, of in asked])
    for e in made:
        mine = Counter((method, r.status) for (method, of), r in zip(asked, replies) if of == e["id"])
        assert mine[("DELETE", 204)] == 1 and set(mine) <= {
            ("DELETE", 204), ("DELETE", 404), ("PATCH", 200), ("PATCH", 404)}, mine
    assert api.get("/webhook_endpoints").ok()["data"] == []
    flow(api, 5)
    stack.quiet()
    assert receiver.requests == []
