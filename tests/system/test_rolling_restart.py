"""Zero downtime: two of everything behind a balancer, each restarted in turn under load, and nobody notices."""
import signal
import time

import pytest

from balancer import Balancer
from client import send
from conftest import running_stack
from processes import PORTS
from shoppers import Shoppers
from stack import LONG, SERVICES, Stack, sequences_whole, wait_until

ROUNDS, PER_S, DELAY_MS = (4, 10, 3000) if LONG else (1, 5, 1600)
PROGRAMS = ["auth", "payments", "refunds", "webhooks", "gateway"]


@pytest.fixture(scope="module")
def front():
    return PORTS.take()


@pytest.fixture(scope="module", params=[False, *([True] if LONG else [])], ids=lambda tls: "mutual_tls" if tls else "plain")
def stack(request, front):
    made = Stack(tls=request.param, replicas=[*SERVICES, "gateway"], DRAIN_DELAY_MS=str(DELAY_MS), RPC_CONNECTION_AGE_S="4",
                 RPC_TLS_CONNECTION_AGE_S="4", CALLBACK_BASE_URL=f"http://127.0.0.1:{front}")
    running = running_stack(made)
    yield next(running)
    leave_together(made)
    next(running, None)


def leave_together(stack):
    """Their delays side by side."""
    programs = [stack.processes[name] for name in [*PROGRAMS, *stack.replicas]]
    for program in programs:
        program.child.send_signal(signal.SIGTERM)
    for program in programs:
        program.stop()
        program.child = None


@pytest.fixture
def balancer(stack, front):
    ports = stack.ports
    balancer = Balancer(front, {ports[name]: ports[f"{name}_ops"] for name in ("gateway", "gateway_2")})
    yield balancer
    balancer.close()


def roll(stack, name):
    """As a rollout does: told to leave, waited for, started anew, waited for; seconds."""
    began = time.monotonic()
    stack.processes[name].stop()
    stack.restart(name)
    wait_until(lambda: send(stack.ports[f"{name}_ops"], "GET", "/health/ready").status == 200, 30, f"{name} is ready again")
    return time.monotonic() - began


def told_once(stack, api, receiver, ids):
    """Every event of these objects came to the endpoint, and came once; how many there are."""
    quoted = ",".join(f"'{i}'" for i in ids)
    events = {row[0]: (row[1], row[2]) for schema in ["payments", "refunds"] for row in stack.sql(
        f"SELECT id, object_id, sequence FROM {schema}.events WHERE body <> '' AND object_id IN ({quoted})")}

    def come():
        with receiver.lock:
            seen = [request.headers["webhook-id"] for request in receiver.requests]
        assert set(events) <= set(seen), f"{len(set(events) - set(seen))} of {len(events)} events are missing"
        return seen
    seen = wait_until(come, 60)
    twice = {i for i in seen if seen.count(i) > 1}
    assert not twice, f"{len(twice)} events came twice: {[events.get(i) for i in twice][:5]}"
    sequences_whole(events.values())
    return len(events)


def books_agree(stack, shoppers):
    """What the provider has moved is what we say it has."""
    charges = {row["reference"]: row for row in stack.ledger()["charges"]}
    quoted = ",".join(f"'{i}'" for i in shoppers.payments)
    rows = stack.sql(f"""SELECT o.id, p.amount_captured, p.amount_refunded FROM payments.operations o
                         JOIN payments.payments p ON p.id = o.payment_id WHERE o.kind = 'charge' AND p.id IN ({quoted})""")
    assert len(rows) == len(shoppers.payments) == len(set(shoppers.payments))
    for reference, captured, refunded in rows:
        charge = charges[reference]
        assert charge["times_charged"] == 1, charge
        assert (charge["captured"], charge["refunded"]) == (int(captured), int(refunded)), charge
    known = {row[0] for row in stack.sql("SELECT id FROM payments.operations")}
    assert set(charges) <= known
    return len(rows)


def test_a_rolling_restart_of_everything_is_not_noticed(stack, front, balancer, receiver):
    api = stack.tenant()
    api.post("/webhook_endpoints", {"url": receiver.url}).ok(201)
    took = {}
    with Shoppers(api, front, PER_S) as shoppers:
        wait_until(lambda: len(shoppers.payments) >= PER_S, 30, "there is load")
        for _ in range(ROUNDS):
            balancer.fewest = 2
            for name in PROGRAMS:
                if name == "gateway":
                    assert balancer.fewest == 2, "a gateway is ready while one replica of a service leaves"
                took[name] = round(roll(stack, name) + roll(stack, f"{name}_2"), 1)
        time_of_last = len(shoppers.payments)
        wait_until(lambda: len(shoppers.payments) >= time_of_last + PER_S, 30, "there is load still")
    stack.quiet()
    events = told_once(stack, api, receiver, [*shoppers.payments, *shoppers.refunds])
    print(f"\nrestarts {ROUNDS * 2 * len(PROGRAMS)}, seconds {took}; answers {shoppers.answers}, slowest {shoppers.slowest_s:.2f} s, "
          f"latest start {shoppers.late_s:.2f} s; payments {len(shoppers.payments)}, refunds {len(shoppers.refunds)}, "
          f"events {events}, each once; connections {shoppers.line.connections}, to each gateway {list(balancer.taken.values())}, "
          f"asked again after an idle close {shoppers.line.again}; failed {len(shoppers.faults)}")
    assert not shoppers.faults, "\n".join([f"{len(shoppers.faults)} failed", *map(str, shoppers.faults[:12])])
    assert not balancer.refused, balancer.refused[:5]
    books_agree(stack, shoppers)
