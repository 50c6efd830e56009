"""A short run of ./dev chaos with a fixed seed; and the auditor finds what is wrong when something is."""
import copy
import json
import pathlib
import sys

import pytest

from processes import Ports

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from chaos import auditor, plan  # noqa: E402
from chaos.run import Run, report  # noqa: E402
from chaos.settling import WORKING, query  # noqa: E402

SEED, SECONDS, RATE = 5, 75, 6
KINDS = {(kind[0], target) for families in [plan.INSIDE, plan.OUTSIDE] for family in families for kind in family
         for target in kind[1]}


@pytest.fixture(scope="module")
def result():
    run = Run(SEED, SECONDS, RATE)
    try:
        result = run.go()
        report(result)
        yield result
        run.leave(result)
    except BaseException:
        run.end()
        raise
    assert result.clean, result.wrong["programs_whole"]


def test_nothing_is_lost_and_nothing_is_doubled(result):
    assert result.clean and result.settled_s is not None, result.wrong
    assert {strike.fault for strike in result.strikes} >= {"kill", "pause", "answers", "callbacks", "receivers"}
    assert result.counts["retries"] and result.counts["unknown seen"] and result.counts["refunds"].get("processed")
    assert result.recovery and None not in [took for _, _, took in result.recovery]


def test_runs_side_by_side_have_ports_of_their_own():
    one, other = Ports(), Ports()
    other.next = one.next
    assert not {one.take() for _ in range(20)} & {other.take() for _ in range(20)}


# --- The plan

def test_a_plan_comes_of_its_seed_alone():
    assert plan.make(7, 300) == plan.make(7, 300) != plan.make(8, 300)
    without = plan.make(7, 300, disk=False)
    assert not [strike for strike in without if "fill" in strike.fault] and len(without) > 30


@pytest.mark.parametrize("seed", range(1, 11))
def test_five_minutes_have_every_fault(seed):
    struck = plan.make(seed, 300)
    real = {"trouble at", "outage of", "silence of"}  # each at one of the real providers
    assert {(s.fault, s.target) for s in struck if s.fault not in real} == {("receivers", "away"), *(
        kind for kind in KINDS if kind[0] not in real)}
    assert {s.fault for s in struck} >= real
    assert all(plan.CALM_S <= s.second and s.second + s.lasts <= 300 - plan.CALM_S / 2 for s in struck)


@pytest.mark.parametrize("seconds", [45, 90, 300, 900])
def test_of_each_side_one_fault_at_a_time(seconds):
    for seed in range(20):
        struck = [s for s in plan.make(seed, seconds) if s.target != "away"]
        for families in [plan.INSIDE, plan.OUTSIDE]:
            names = {kind[0] for family in families for kind in family}
            own = [s for s in struck if s.fault in names and (s.fault != "pause" or (s.target == "sandbox") == (
                families is plan.OUTSIDE))]
            assert all(a.second + a.lasts <= b.second for a, b in zip(own, own[1:]))


# --- The auditor. Each of these does something to the books of a clean run, and a promise must be found broken.

def first(rows, **fields):
    return next(row for row in rows if all(row[name] == value for name, value in fields.items()))


def accepted(books, kind):
    return next(request for request, _ in auditor.accepted(books) if request.kind == kind)


def told(books, kind):
    return json.loads(accepted(books, kind).answered.raw)["id"]


def lost_payment(books):
    del books.shown[told(books, "pay")]


def changed_payment(books):
    books.shown[told(books, "pay")]["amount"] += 1


def answered_otherwise(books):
    request, again = books.repeats[0]
    again.raw = again.raw.replace(b'"object"', b'"subject"')


def answered_anew(books):
    books.repeats[0][1].replayed = False


def answered_in_two_ways(books):
    request = accepted(books, "pay")
    request.answers.append(copy.copy(request.answers[0]))
    request.answers[-1].raw += b" "


def accepted_and_refused(books):
    request = accepted(books, "pay")
    request.answers.append(copy.copy(request.answers[0]))
    request.answers[-1].status = 422


def key_of_another(books):
    request = accepted(books, "refund")
    first(books.keys, key=request.key)["object_id"] = "rfnd_other"


def key_lost(books):
    books.keys.remove(first(books.keys, key=accepted(books, "pay").key))


def two_keys_one_object(books):
    books.keys.append({**first(books.keys, key=accepted(books, "pay").key), "key": "another"})


def capture_not_done(books):
    books.operations.remove(first(books.operations, kind="capture", payment_id=told(books, "capture")))


def capture_of_more(books):
    first(books.operations, kind="capture", payment_id=told(books, "capture"))["amount"] += 1


def made_twice(books):
    books.payments.append({**first(books.payments, order_id=accepted(books, "pay").mark), "id": "pay_twice"})


def refund_made_twice(books):
    books.refunds.append({**first(books.refunds, reason=accepted(books, "refund").mark), "id": "rfnd_twice"})


def refused_and_there(books):
    request = accepted(books, "pay")
    request.answers[0].status = 422


def captured_less_there(books):
    next(row for row in books.ledger["charges"] if row["captured"])["captured"] -= 1


def charged_for_nobody(books):
    books.ledger["charges"].append({**books.ledger["charges"][0], "reference": "op_nobody"})


def charged_twice_there(books):
    books.ledger["charges"].append(copy.copy(next(row for row in books.ledger["charges"] if row["captured"])))


def refund_not_there(books):
    books.ledger["refunds"].remove(first(books.ledger["refunds"], status="succeeded"))


def refund_there_only(books):
    first(books.operations, kind="refund", provider="simulator", status="succeeded")["status"] = "failed"


def entry_moved_less(books):
    first(books.entries["mtn"], kind="charge", moved=1)["moved"] = 0


def counted_twice(books):
    next(row for row in books.ledger["charges"] if row["captured"])["times_charged"] = 2


def moved_twice(books):
    first(books.entries["mtn"], kind="charge", moved=1)["moved"] = 2


def two_charges(books):
    books.operations.append({**first(books.operations, kind="charge", status="succeeded"), "id": "op_twice"})


def refunded_more_than_said(books):
    next(p for p in books.payments if p["amount_refunded"])["amount_refunded"] -= 1


def refunded_too_much(books):
    payment = next(p for p in books.payments if p["amount_refunded"])
    payment["amount_refunded"] = payment["amount_captured"] + 1


def refunded_too_much_there(books):
    row = next(row for row in books.ledger["charges"] if row["refunded"])
    row["refunded"] = row["captured"] + 1


def came_at(books, kind="steady"):
    """What came to an endpoint of a tenant that has events."""
    return next(events for path, events in books.letters.items() if f"/{kind}/" in path and len(events) > 10)


def event_never_came(books):
    events = came_at(books)
    events.pop(next(iter(events)))


def event_never_came_to_the_fragile(books):
    events = came_at(books, "fragile")
    events.pop(next(iter(events)))


def wrongly_signed(books):
    next(iter(came_at(books).values()))[0].signed = False


def changed_on_the_way(books):
    next(iter(came_at(books).values()))[0].digest = "0" * 64


def event_row_deleted(books):
    books.events.remove(first(books.events, type="payment.processing"))


def number_twice(books):
    first(books.events, type="payment.processing")["sequence"] = 1


def endpoint_disabled(books):
    next(e for e in books.endpoints if "/fragile/" in e["url"])["enabled"] = "f"


def letter_of_another_number(books):
    next(letters for letters in came_at(books).values() if letters[0].object_id)[0].sequence += 100


def row_at_work(books):
    books.working.append(["refund", "rfnd_stuck", "pending"])


def status_without_event(books):
    first(books.payments, status="succeeded")["status"] = "failed"


def wrong_order_of_events(books):
    first(books.events, type="payment.processing")["type"] = "payment.refunded"


def sequence_ahead(books):
    books.payments[0]["sequence"] += 1


def refund_without_event(books):
    first(books.refunds, status="processed")["status"] = "failed"


def events_of_nobody(books):
    books.events.append({**books.events[0], "object_id": "pay_nobody"})


def reviewed_at_the_simulator(books):
    books.reviewed.append(("pay_x", "simulator", "failed"))


def audit_row_removed(books):
    books.audit.remove(first(books.audit, action="payment.create", object_id=told(books, "pay")))


def audit_of_another(books):
    first(books.audit, action="refund.create", object_id=told(books, "refund"))["actor"] = "key_other"


def audit_without_request(books):
    first(books.audit, action="payment.create", object_id=told(books, "pay"))["request_id"] = ""


def audit_row_doubled(books):
    books.audit.append(first(books.audit, action="order.create"))


def order_paid_by_nobody(books):
    first(books.orders, status="paid")["status"] = "created"


def order_paid_twice(books):
    books.payments.append({**first(books.payments, order_own="t", status="succeeded"), "id": "pay_twice"})


def order_waits(books):
    order = books.orders[0]
    order.update(status="attempted", active_payment_id="pay_x")


def program_ended(books):
    books.ended.append("payments ended by itself")


def strange_answer(books):
    books.strange.append("500")


BROKEN = {
    "acknowledged_exist_once": [lost_payment, changed_payment, answered_otherwise, answered_anew, answered_in_two_ways,
                                accepted_and_refused, key_of_another, key_lost, two_keys_one_object, capture_not_done, capture_of_more],
    "marks_are_unique": [made_twice, refund_made_twice, refused_and_there],
    "ledgers_agree": [captured_less_there, charged_for_nobody, charged_twice_there, refund_not_there, refund_there_only,
                      entry_moved_less],
    "charged_once": [counted_twice, moved_twice, two_charges],
    "refunds_within_captured": [refunded_more_than_said, refunded_too_much, refunded_too_much_there],
    "events_delivered": [event_never_came, event_never_came_to_the_fragile, wrongly_signed, changed_on_the_way,
                         event_row_deleted, number_twice, endpoint_disabled],
    "receivers_whole": [letter_of_another_number],
    "nothing_stuck": [row_at_work],
    "states_legal": [status_without_event, wrong_order_of_events, sequence_ahead, refund_without_event, events_of_nobody],
    "nobody_at_the_simulator_reviewed": [reviewed_at_the_simulator],
    "audit_complete": [audit_row_removed, audit_of_another, audit_without_request, audit_row_doubled],
    "orders_paid": [order_paid_by_nobody, order_paid_twice, order_waits],
    "programs_whole": [program_ended],
    "answers_expected": [strange_answer],
}


def test_each_promise_can_be_found_broken():
    assert BROKEN.keys() == {promise.__name__ for promise in auditor.PROMISES}


@pytest.mark.parametrize("promise, harm", [(promise, harm) for promise, harms in BROKEN.items() for harm in harms],
                         ids=lambda value: value if isinstance(value, str) else value.__name__)
def test_the_auditor_sees(result, promise, harm):
    books = copy.deepcopy(result.books)
    judge = getattr(auditor, promise)
    assert judge(books) == []
    harm(books)
    assert judge(books), f"{harm.__name__} was not seen"


# What makes a row of each kind look as if it were under way still.
STUCK = {
    "operation": """UPDATE payments.operations SET status = 'sent', finished_at = NULL
        WHERE id = (SELECT max(id) FROM payments.operations)""",
    "queue of operations": "INSERT INTO payments.operations_queue (tenant_id, id, due_at) VALUES ('t', 'op_x', now())",
    "payment": "UPDATE payments.payments SET status = 'unknown' WHERE id = (SELECT max(id) FROM payments.payments)",
    "refund": "UPDATE refunds.refunds SET status = 'reserving' WHERE id = (SELECT max(id) FROM refunds.refunds)",
    "queue of deliveries": """INSERT INTO webhooks.delivery_queue (tenant_id, delivery_id, endpoint_id, event_id, max_attempts,
        next_at) VALUES ('t', 'd', 'e', 'v', 5, now())""",
    "delivery": "UPDATE webhooks.deliveries SET status = 'pending' WHERE id = (SELECT max(id) FROM webhooks.deliveries)",
    "review": "INSERT INTO payments.reviews (tenant_id, payment_id, reason, since) VALUES ('t', 'p', 'r', now())",
    "access token": "UPDATE payments.provider_sessions SET fetching_until = now() + interval '1 minute'",
    "event that webhooks has not": "DELETE FROM webhooks.stored_events WHERE id = (SELECT max(id) FROM webhooks.stored_events)",
    **{what: f"INSERT INTO {what.rpartition(' ')[2]}.outbox VALUES ('evt_x')" for what in WORKING if what.startswith("outbox")},
    **{what: f"""INSERT INTO {what.rpartition(' ')[2]}.idempotency_keys (tenant_id, key, hash, method, object_id, http_status,
        sealed, created_at, expires_at) VALUES ('t', 'k', '', 'm', 'o', 0, false, now(), now())"""
       for what in WORKING if what.startswith("idempotency")},
}


@pytest.mark.parametrize("what", WORKING)
def test_the_auditor_sees_what_is_stuck(result, what):
    found = result.installation.sql(f"BEGIN; {STUCK[what]}; {query()}; ROLLBACK")
    assert [row[0] for row in found].count(what) >= 1, found
    assert result.installation.sql(query()) == []
