"""Three nats-servers as one cluster, the stream on all three: their leader is killed under load, then two of three."""
import json
import socket
import time

import pytest

from books import Load, audit
from client import send
from conftest import running_stack
from stack import wait_until


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(nats_servers=3)


def stream_seen_by(stack, bus):
    """The stream with its consumers as one server has them."""
    told = send(stack.ports[f"{bus}_monitor"], "GET", "/jsz?accounts=1&streams=1&consumers=1&config=1", timeout=5).ok()
    [stream] = [s for account in told["account_details"] for s in account.get("stream_detail", [])]
    return stream


def jetstream(stack, subject, value=None):
    """One request to the API of JetStream."""
    port = next(stack.ports[bus] for bus in stack.buses if stack.processes[bus].running())
    body = json.dumps(value).encode() if value else b""
    with socket.create_connection(("127.0.0.1", port), 10) as connection, connection.makefile("rb") as lines:
        connection.sendall(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\n'
                           + f"PUB $JS.API.{subject} answer {len(body)}\r\n".encode() + body + b"\r\n")
        for line in lines:
            if line.startswith(b"MSG answer"):
                return json.loads(lines.read(int(line.split()[-1])))
    raise AssertionError("no answer")


def leader(stack):
    for bus in stack.buses:
        if stack.processes[bus].running():
            name = stream_seen_by(stack, bus)["cluster"].get("leader")
            if name in stack.buses and stack.processes[name].running():
                return name
    return None


def replicated(stack):
    """Every server has the stream, and those that follow are current."""
    stream = stream_seen_by(stack, wait_until(lambda: leader(stack), 30, "the stream has a leader"))
    return len(stream["cluster"].get("replicas", [])) == 2 and all(r.get("current") for r in stream["cluster"]["replicas"])


def outbox(stack):
    [[n]] = stack.sql("SELECT count(*) FROM payments.outbox")
    return int(n)


def longest_gap(receiver, since):
    """Between two deliveries in a row."""
    moments = sorted([since, *(r.at for r in receiver.requests if r.at > since)])
    return max(b - a for a, b in zip(moments, moments[1:]))


def test_stream_and_consumers_are_on_three_servers(stack):
    stack.paid(stack.demo)
    stack.quiet()
    wait_until(lambda: replicated(stack), 30, "the stream is replicated")
    assert stream_seen_by(stack, leader(stack))["config"]["num_replicas"] == 3

    def consumers_led():
        """A consumer whose leader is being elected counts all three as its replicas."""
        consumers = stream_seen_by(stack, leader(stack))["consumer_detail"]
        return {consumer["name"] for consumer in consumers} >= {"webhooks", "refunds"} and \
            all(len(consumer["cluster"]["replicas"]) == 2 for consumer in consumers)
    wait_until(consumers_led, 30, "the consumers are on three servers, one of them leading")


def test_stream_of_one_server_grows(stack):
    """As when an installation gets its second and third server: the stream stood before."""
    config = jetstream(stack, "STREAM.INFO.obol")["config"]
    answer = jetstream(stack, "STREAM.UPDATE.obol", {**config, "num_replicas": 1})
    assert answer["config"]["num_replicas"] == 1, answer
    stack.processes["payments"].stop()
    stack.restart("payments")
    stack.wait_ready()
    wait_until(lambda: replicated(stack), 30, "the stream is replicated again")


def test_killed_leader_loses_nothing(stack, receiver):
    stack.demo.post("/webhook_endpoints", {"url": receiver.url}).ok(201)
    with Load(stack.demo) as load:
        load.wait_for(60)
        wait_until(lambda: replicated(stack), 60, "all three have what may be lost with one")
        victim = leader(stack)
        lost = time.monotonic()
        stack.kill9(victim)
        load.wait_for(100)
        successor = wait_until(lambda: leader(stack), 30, "another server leads")
        wait_until(lambda: [r for r in receiver.requests if r.at > lost + 1], 60, "events come again")
        stack.restart(victim)
        load.wait_for(60)
    events = audit(stack, load)
    gap = longest_gap(receiver, lost)
    print(f"\nleader {victim} killed, then {successor}: {len(load.accepted)} payments, {events} events, longest gap "
          f"between deliveries {gap:.2f} s; answers {load.statuses}")
    assert set(load.statuses) == {201}, "a payment needs no bus"
    wait_until(lambda: replicated(stack), 60, "the killed one has caught up")


def test_without_quorum_payments_are_accepted_and_their_events_wait(stack, receiver):
    stack.demo.post("/webhook_endpoints", {"url": receiver.url}).ok(201)
    victims = [bus for bus in stack.buses if bus != leader(stack)]
    for victim in victims:
        stack.kill9(victim)
    with Load(stack.demo, threads=4) as load:
        load.wait_for(60)
        wait_until(lambda: outbox(stack) > 60, 30, "events wait in the outbox")
        assert set(load.statuses) == {201}
        for victim in victims:
            stack.restart(victim)
        back = time.monotonic()
        wait_until(lambda: [r for r in receiver.requests if r.at > back], 60, "events flow again")
        flowing = time.monotonic() - back
    events = audit(stack, load)
    wait_until(lambda: outbox(stack) == 0, 30, "nothing waits any more")
    print(f"\nno quorum: {len(load.accepted)} payments accepted, {events} events, flowing {flowing:.2f} s after quorum")
    assert set(load.statuses) == {201}
    wait_until(lambda: replicated(stack), 60, "all have caught up")
