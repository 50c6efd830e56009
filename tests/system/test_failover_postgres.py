"""Two PostgreSQL servers, one URL that names both: what was acknowledged outlives the loss of either."""
import signal
import time

import pytest

from books import Load, audit
from client import payment
from conftest import running_stack
from stack import LONG, wait_until

# The services' own wait for an answer: statement_timeout 15 s and 5 s beyond it, then a new connection.
GIVEN_UP_S = 20
LOSSES = [signal.SIGKILL, *([signal.SIGSTOP] if LONG else [])]


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(standby=True, REQUEST_TIMEOUT_MS="5000")


def lose_primary(stack, number):
    """The old primary is gone for good (an operator makes sure of that), the standby takes over; when that was."""
    pair = stack.database
    lost = time.monotonic()
    pair.primary.process.child.send_signal(number)
    if number == signal.SIGKILL:
        pair.primary.process.child.wait(20)
    pair.promote()
    promoted = time.monotonic()
    print(f"\nPostgreSQL {number.name}, promoted after {promoted - lost:.2f} s")
    return promoted, pair.standby.process


@pytest.mark.parametrize("number", LOSSES, ids=lambda number: number.name)
def test_standby_takes_over_with_all_that_was_acknowledged(stack, number):
    """Killed, its connections end at once; stopped (by ./dev test all), as when the machine hangs, they say nothing."""
    with Load(stack.demo) as load:
        load.wait_for(60)
        promoted, lost = lose_primary(stack, number)
        recovery = load.first_after(promoted)
        print(f"{recovery:.2f} s from promotion to the first accepted payment")
        if number == signal.SIGSTOP:
            lost.kill9()
        load.wait_for(60)
    events = audit(stack, load)
    print(f"{len(load.accepted)} payments, {events} events, answers {load.statuses}")
    assert recovery < (10 if number == signal.SIGKILL else GIVEN_UP_S + 15)
    stack.database.rejoin()
    stack.wait_ready()


def test_without_its_standby_a_commit_waits_and_is_never_called_refused(stack):
    """No COMMIT is acknowledged that one server alone has. Callers learn that the outcome isn't known."""
    pair = stack.database
    with Load(stack.demo, threads=4, timeout=30) as load:
        load.wait_for(20)
        pair.standby.process.kill9()
        lost = time.monotonic()
        waiting = wait_until(lambda: pair.waiting() or None, 20, "a commit waits for the standby")
        key = f"load-{load.run}-alone"
        value = payment(777, order_id=key)
        stack.demo.call("POST", "/payments", value, key=key, timeout=30).refused(504, "outcome_unknown")
        assert not [at for _, at in load.accepted.values() if at > lost + 1], "acknowledged by one server alone"
        pair.standby.start()
        back = time.monotonic()
        wait_until(pair.in_step, 30, "the standby is back")
        recovery = load.first_after(back)
        load.one(key, value)
        load.wait_for(20)
    print(f"\nstandby away: {waiting} commits waited; {recovery:.2f} s from its return to the first accepted payment; "
          f"answers {load.statuses}")
    audit(stack, load)
