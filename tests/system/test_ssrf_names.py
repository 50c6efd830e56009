"""Names as merchants choose them, answered by a name server of the test's own in a network of its own.

There 11.22.33.0/24 and 2600:1f00::/64 stand for the world; what a webhook must never reach listens too, and would tell.
"""
import itertools
import pathlib
import socket
import tempfile
import threading
import time

import pytest

from certificates import Authority
from conftest import running_stack
from own_network import NameServer, OwnNetwork, with_files
from receiver import Receiver
from stack import BIN, Stack, wait_until

PUBLIC, PUBLIC6 = "11.22.33.44", "2600:1f00::44"
PRIVATE = ["127.0.0.1", "127.8.9.10", "10.9.8.7", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
           "168.63.129.16", "198.18.0.1", "203.0.113.9", "::1", "fd00:ec2::254", "fe80::1", "::ffff:10.9.8.7",
           "64:ff9b::a09:807", "64:ff9b:1::1", "2002:a09:807::1"]
NOT_BOUND = ("fe80:", "::ffff:")  # needs a device to say; is 10.9.8.7 itself
HERE = [f"{PUBLIC}/24", f"{PUBLIC6}/64",
        *(f"{address}/{128 if ':' in address else 32}" for address in PRIVATE if not address.startswith(("127.", "::", *NOT_BOUND)))]
REFUSED = "The host leads to an address that is not allowed"
SILENT = 20  # endpoints, as many as a tenant may have
SECONDS = 6  # longer than an answer is remembered


class Canary:
    """Listens where nothing may come."""

    def __init__(self, address):
        self.seen = 0
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, 443), family=family)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.seen += 1


class World:
    def __init__(self, directory):
        self.names = NameServer()
        self.authority = Authority(directory)
        self.canaries = [Canary(address) for address in PRIVATE if not address.startswith(NOT_BOUND)]
        tls = {
            "good.shop.test": {"also": ["turning.shop.test"]}, "six.shop.test": {}, "expired.shop.test": {"days": -1}, "alone.shop.test": {"own": False},
            "another.shop.test": {},
        }
        served = {name: self.authority.serving(name, **how) for name, how in tls.items()}
        self.good = self.serve("good.shop.test", PUBLIC, served["good.shop.test"])
        self.six = self.serve("six.shop.test", PUBLIC6, served["six.shop.test"])
        self.expired = self.serve("expired.shop.test", "11.22.33.45", served["expired.shop.test"])
        self.alone = self.serve("alone.shop.test", "11.22.33.46", served["alone.shop.test"])
        self.wrong = self.serve("wrong.shop.test", "11.22.33.47", served["another.shop.test"])
        self.plain = self.serve("plain.shop.test", "11.22.33.48", None)

    def serve(self, name, address, tls):
        self.names.names[name] = [address]
        return Receiver((address, 443), tls)

    def reached(self):
        return sum(canary.seen for canary in self.canaries)

    def close(self):
        self.names.close()
        for receiver in (self.good, self.six, self.expired, self.alone, self.wrong, self.plain):
            receiver.close()
        for canary in self.canaries:
            canary.socket.close()


@pytest.fixture(scope="module")
def world():
    others = ["11.22.33.45/24", "11.22.33.46/24", "11.22.33.47/24", "11.22.33.48/24"]
    network = OwnNetwork([*HERE, *others])
    try:
        with tempfile.TemporaryDirectory(prefix="obol-names-") as directory:
            world = World(pathlib.Path(directory))
            yield world
            world.close()
    finally:
        network.leave()


@pytest.fixture(scope="module")
def stack(world):
    stack = Stack(own_cluster=True, WEBHOOK_ALLOW_PRIVATE="false", DEMO_WEBHOOK_URL="https://good.shop.test/demo",
                  WEBHOOK_TIMEOUT_MS="15000")
    stack.add("webhooks", with_files(stack.directory, {
        "/etc/resolv.conf": "nameserver 127.0.0.1\n",
        "/etc/nsswitch.conf": "hosts: files dns\n",
        "/etc/hosts": "127.0.0.1 localhost\n",
        "/etc/ssl/certs/ca-certificates.crt": world.authority.certificate.read_text(),
    }, [BIN / "obol-webhooks"]))
    yield from running_stack(stack)


@pytest.fixture
def name(world):
    """A name that nobody has asked for yet."""
    return f"n{next(COUNT)}.made.test"


COUNT = itertools.count()


def tried(api, url):
    """The outcome of one delivery to an endpoint of its own."""
    made = api.post("/webhook_endpoints", {"url": url}).ok(201)
    outcome = api.post(f"/webhook_endpoints/{made['id']}/test").ok()
    assert api.delete(f"/webhook_endpoints/{made['id']}").status == 204
    return outcome


def test_public_name_is_delivered_to_over_tls(world, stack, api):
    for receiver, host in [(world.good, "good.shop.test"), (world.six, "six.shop.test"), (world.good, "GOOD.shop.test.")]:
        before = len(receiver.requests)
        outcome = tried(api, f"https://{host}/hook")
        assert outcome["status"] == "delivered" and outcome["response_code"] == 200, outcome
        assert len(receiver.requests) == before + 1 and receiver.requests[-1].headers["webhook-signature"]


@pytest.mark.parametrize("server", ["expired", "alone", "wrong", "plain"])
def test_receiver_that_can_not_prove_its_name_gets_nothing(world, stack, api, server):
    """A certificate past its time, signed by itself, for another name; none at all."""
    outcome = tried(api, f"https://{server}.shop.test/hook")
    assert outcome["status"] != "delivered" and outcome["response_code"] is None and outcome["last_error"], outcome
    assert getattr(world, server).requests == []


@pytest.mark.parametrize("address", PRIVATE)
def test_name_of_a_private_address_is_refused(world, stack, api, name, address):
    world.names.names[name] = [address]
    assert tried(api, f"https://{name}/hook")["last_error"] == REFUSED
    assert name in world.names.asked and world.reached() == 0


@pytest.mark.parametrize("addresses", [
    [PUBLIC, "10.9.8.7"], ["10.9.8.7", PUBLIC], [PUBLIC, "fd00:ec2::254"], [PUBLIC6, "10.9.8.7"],
    [*(f"11.22.33.{n}" for n in range(100, 112)), "10.9.8.7"]], ids=["last", "first", "six", "four", "many"])
def test_name_with_one_private_address_is_refused_whole(world, stack, api, name, addresses):
    world.names.names[name] = addresses
    before = len(world.good.requests)
    assert tried(api, f"https://{name}/hook")["last_error"] == REFUSED
    assert len(world.good.requests) == before and world.reached() == 0


def test_name_that_changes_between_check_and_connect_is_asked_once(world, stack, api):
    """The first answer is public, each later one private: what was judged is what is connected to."""
    turn = {}

    def rebinding(kind):
        turn[kind] = turn.get(kind, 0) + 1
        if kind != 1:
            return []
        return [PUBLIC] if turn[kind] == 1 else ["10.9.8.7"]
    world.names.names["turning.shop.test"] = rebinding
    before = len(world.good.requests)
    outcomes = [tried(api, "https://turning.shop.test/hook") for _ in range(3)]
    assert outcomes[0]["status"] == "delivered" and len(world.good.requests) > before

    def refused():
        return tried(api, "https://turning.shop.test/hook")["last_error"] == REFUSED
    wait_until(refused, 20, "the next look-up's answer is refused")
    assert turn[1] == 2 and world.reached() == 0


def test_redirect_is_not_followed(world, stack, api, name):
    world.names.names[name] = ["10.9.8.7"]
    try:
        for target in [f"https://{name}/", "https://10.9.8.7/", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"]:
            world.good.answer = lambda request: (307, {"Location": target}, b"")
            outcome = tried(api, "https://good.shop.test/hook")
            assert outcome["status"] != "delivered" and outcome["response_code"] == 307, outcome
    finally:
        world.good.answer = lambda request: (200, {}, b"ok")
    assert name not in world.names.asked and world.reached() == 0


def test_port_of_another_service_is_refused(world, stack, api):
    for port in (0, 22, 25, 53, 6667):
        api.post("/webhook_endpoints", {"url": f"https://good.shop.test:{port}/"}).refused(400, "invalid_request", "url")


def deliveries(stack, world, api, seconds):
    """Payments at a steady pace: deliveries per second to the good endpoint, and the longest wait for one."""
    ended = time.monotonic() + seconds
    begun, before = time.monotonic(), len(world.good.requests)
    made = []
    while time.monotonic() < ended:
        made.append(api.pay()["id"])
        time.sleep(0.1)
    quoted = ",".join(f"'{i}'" for i in made)

    def all_there():
        events = {row[0] for row in stack.sql(f"SELECT id FROM payments.events WHERE body <> '' AND object_id IN ({quoted})")}
        came = {r.headers["webhook-id"]: r.at for r in world.good.requests[before:]}
        return came if len(events) >= 4 * len(made) and events <= set(came) else None
    came = wait_until(all_there, 60, "every event is delivered")
    moments = sorted([begun, *came.values()])
    return len(came) / (moments[-1] - begun), max(b - a for a, b in zip(moments, moments[1:]))


def test_silent_name_server_slows_nobody_else(world, stack):
    """One tenant's endpoints, each of another domain whose name server never answers, while another's are delivered."""
    other, silent = stack.tenant("Good"), stack.tenant("Silent")
    other.post("/webhook_endpoints", {"url": "https://good.shop.test/hook"}).ok(201)
    deliveries(stack, world, other, 1)  # the first of all are slower
    alone, gap_alone = deliveries(stack, world, other, SECONDS)
    for n in range(SILENT):
        world.names.names[f"hook.silent{n}.test"] = None
        silent.post("/webhook_endpoints", {"url": f"https://hook.silent{n}.test/"}).ok(201)
    silent.pay()
    wait_until(lambda: len({n for n in world.names.asked if "silent" in n}) >= 4, 30, "silent names are asked for")
    beside, gap_beside = deliveries(stack, world, other, SECONDS)
    print(f"\ndeliveries to the good endpoint: {alone:.1f}/s alone (longest gap {gap_alone:.2f} s), {beside:.1f}/s beside "
          f"{SILENT} whose names get no answer (longest gap {gap_beside:.2f} s)")
    assert beside > alone / 2 and gap_beside < gap_alone + 2
    log = silent.all("/webhooks")
    assert log and not [d for d in log if d["status"] == "delivered"]
