"""What Obol promises, each promise a function over the books: what it returns is what is wrong.

Nothing here asks the installation: the books were read when all was quiet, from the journals and tables of the services, from
the providers' own ledgers, from the receivers, and from what merchants wrote down when they were answered.
"""
import collections
import json

from .money import at_real_providers, at_the_simulator, sums
from .states import payment_paths, refund_paths

SHOWN = {"pay": ["id", "amount", "currency", "method", "order_id", "capture", "created_at"],
         "pay an order": ["id", "amount", "currency", "method", "order_id", "capture", "created_at"],
         "order": ["id", "amount", "currency", "receipt", "notes", "created_at"],
         "refund": ["id", "payment_id", "amount", "currency", "reason", "created_at"]}
FINDS = {"pay": ("payments", "order_id"), "order": ("orders", "receipt"), "refund": ("refunds", "reason")}
ACTIONS = {"pay": "payment.create", "pay an order": "payment.create", "order": "order.create", "refund": "refund.create",
           "capture": "payment.capture", "cancel": "payment.cancel"}


def body_of(answer):
    return json.loads(answer.raw)


def accepted(books):
    return [(request, request.answered) for request in books.requests
            if request.method == "POST" and request.answered and request.answered.status in (200, 201)]


# --- 1. Each acknowledged request exists exactly once

def acknowledged_exist_once(books):
    wrong = []
    for request, answer in accepted(books):
        told = body_of(answer)
        now = books.shown.get(told["id"])
        if not now:
            wrong.append(f"{request.key}: {told['id']} was acknowledged and is not there")
            continue
        for name in SHOWN.get(request.kind, []):
            if now.get(name) != told.get(name):
                wrong.append(f"{request.key}: {told['id']} was told with {name} {told.get(name)!r}, it has {now.get(name)!r}")
    return wrong + answers_agree(books) + one_object_a_key(books) + captures_done_once(books)


def answers_agree(books):
    """All answers under one key, at the time and when asked once more at the end, are the same bytes."""
    wrong = []
    for request in books.requests:
        told = {answer.raw for answer in request.answers if answer.status in (200, 201)}
        if request.method == "POST" and len(told) > 1:
            wrong.append(f"{request.key} was answered in {len(told)} ways: {told}")
        if told and request.method == "POST" and any(answer.status >= 400 for answer in request.answers):
            wrong.append(f"{request.key} was accepted and refused: {request.answers}")
    for request, again in books.repeats:
        if not again or again.raw != request.answered.raw or again.status != request.answered.status or not again.replayed:
            wrong.append(f"{request.key} was answered {request.answered}, and now {again}")
    return wrong


def one_object_a_key(books):
    """A key has made one object, the one that was told; no object stands under two keys."""
    told = {(books.tenants[request.tenant]["tenant_id"], request.key): body_of(answer)["id"]
            for request, answer in accepted(books)}
    wrong = []
    makers = collections.Counter()
    for row in books.keys:
        known = told.get((row["tenant_id"], row["key"]))
        if known and known != row["object_id"]:
            wrong.append(f"{row['key']} made {row['object_id']}, its merchant was told {known}")
        if not row["method"].endswith(("CapturePayment", "CancelPayment")):
            makers[row["object_id"]] += 1
    missing = told.keys() - {(row["tenant_id"], row["key"]) for row in books.keys}
    return wrong + [f"{name} was made under {n} keys" for name, n in makers.items() if n > 1] + [
        f"the key {key} of an acknowledged request is not kept" for _, key in missing]


def captures_done_once(books):
    """A capture that was acknowledged is one operation, of the amount that was asked for."""
    wrong = []
    for request, answer in accepted(books):
        if request.kind != "capture":
            continue
        told = body_of(answer)
        done = [o["amount"] for o in books.operations if o["kind"] == "capture" and o["payment_id"] == told["id"]
                and o["request_id"] in request.tries]
        if done != [request.body.get("amount", told["amount"])]:
            wrong.append(f"{request.key} captures {request.body or 'all'} of {told['id']}, its operations: {done}")
    return wrong


# --- 2. What was not acknowledged exists at most once, what was refused not at all

def marks_are_unique(books):
    wrong = []
    for kind, (table, column) in FINDS.items():
        found = collections.Counter((row["tenant_id"], row[column]) for row in getattr(books, table) if row[column])
        for request in books.requests:
            if request.kind != kind:
                continue
            n = found[(books.tenants[request.tenant]["tenant_id"], request.mark)]
            status = request.answered.status if request.answered else None
            if n > 1 or (status == 201) > n or (n and status and status >= 400):
                wrong.append(f"{request.key}, answered {status}, exists {n} times in {table}")
    return wrong


# --- 3, 4, 5. Money

def ledgers_agree(books):
    return at_the_simulator(books) + [line for provider in books.entries for line in at_real_providers(books, provider)]


def charged_once(books):
    wrong = [f"{row['reference']} was charged {row['times_charged']} times"
             for row in books.ledger["charges"] if row["times_charged"] > 1]
    wrong += [f"{provider}: {entry['reference']} moved {entry['moved']} times"
              for provider, entries in books.entries.items() for entry in entries if entry["moved"] > 1]
    charges = collections.Counter(o["payment_id"] for o in books.operations
                                  if o["kind"] == "charge" and o["status"] == "succeeded")
    return wrong + [f"{payment} has {n} charges that succeeded" for payment, n in charges.items() if n > 1]


def refunds_within_captured(books):
    return sums(books)


# --- 6. Events

def events_delivered(books):
    """Each event at each endpoint that is on, signed, with the journal's bytes; and no numbers missing, here or there."""
    wrong = []
    for endpoint in books.endpoints:
        if endpoint["enabled"] != "t":
            continue
        came = books.letters.get("/" + endpoint["url"].split("/", 3)[3], {})
        for event in books.events:
            if event["tenant_id"] != endpoint["tenant_id"]:
                continue
            letters = came.get(event["id"], [])
            if not letters:
                wrong.append(f"{event['type']} {event['id']} of {event['object_id']} never came to {endpoint['url']}")
            wrong += [f"{event['id']} came to {endpoint['url']} {what}" for letter in letters
                      for what, bad in [("wrongly signed", not letter.signed),
                                        ("changed", letter.digest != event["digest"])] if bad]
    numbers = [(event["object_id"], event["sequence"]) for event in books.events]
    return wrong + numbers_whole("the journal", numbers) + disabled_fairly(books)


def numbers_whole(where, pairs):
    numbers = collections.defaultdict(list)
    for name, number in pairs:
        numbers[name].append(number)
    return [f"{name} has the numbers {sorted(found)} in {where}" for name, found in numbers.items()
            if sorted(found) != list(range(1, len(found) + 1))]


def disabled_fairly(books):
    return [f"{endpoint['url']} was disabled: {endpoint['disabled_reason']}" for endpoint in books.endpoints
            if endpoint["enabled"] != "t" and "/gone/" not in endpoint["url"]]


def receivers_whole(books):
    """What a receiver holds of an object has all numbers from 1."""
    wrong = []
    on = {"/" + endpoint["url"].split("/", 3)[3] for endpoint in books.endpoints if endpoint["enabled"] == "t"}
    for path in on & books.letters.keys():
        seen = {(letters[0].object_id, letters[0].sequence) for letters in books.letters[path].values() if letters[0].object_id}
        wrong += numbers_whole(path, seen)
    return wrong


# --- 7. States

def nothing_stuck(books):
    return [f"{what} {name} is still under way: {where}" for what, name, where in books.working]


def states_legal(books):
    return payment_paths(books) + refund_paths(books)


def nobody_at_the_simulator_reviewed(books):
    """Persons decide only what nobody can be asked about."""
    return [f"{name} of {provider} had to be decided by a person" for name, provider, _ in books.reviewed
            if provider in ("simulator", "mtn")]


# --- 8. The audit log

def audit_complete(books):
    rows = collections.defaultdict(list)
    for row in books.audit:
        rows[row["object_id"], row["action"]].append(row)
    wrong = []
    for request, answer in accepted(books):
        name, action = body_of(answer)["id"], ACTIONS[request.kind]
        tenant = books.tenants[request.tenant]
        own = [row for row in rows[name, action] if row["request_id"] in request.tries]
        if len(own) != 1:
            wrong.append(f"{request.key}: {len(own)} rows of {action} for {name} by its requests; all: {rows[name, action]}")
        wrong += [f"{request.key}: {action} of {name} is {row['actor']}'s in the audit log" for row in own
                  if tenant["key_id"] not in row["actor"] or row["tenant_id"] != tenant["tenant_id"]]
    made = collections.Counter(row["object_id"] for row in books.audit if row["action"].endswith(".create"))
    return wrong + [f"{row['id']} has {made[row['id']]} audit rows of its making"
                    for table in [books.payments, books.refunds, books.orders] for row in table if made[row["id"]] != 1]


# --- 9. Orders

def orders_paid(books):
    """An order is paid exactly when a payment of its own has succeeded, and by one."""
    paid = collections.Counter((p["tenant_id"], p["order_id"]) for p in books.payments
                               if p["order_own"] == "t" and p["status"] == "succeeded")
    wrong = []
    for order in books.orders:
        n = paid[order["tenant_id"], order["id"]]
        if n > 1 or (order["status"] == "paid") != (n == 1):
            wrong.append(f"{order['id']} is {order['status']}, and {n} payments of it succeeded")
        if order["active_payment_id"] and order["status"] != "paid":
            wrong.append(f"{order['id']} still waits for {order['active_payment_id']}")
    return wrong


# --- 10. Programs, and what clients were told on the way

def programs_whole(books):
    return books.ended


def answers_expected(books):
    return books.strange


PROMISES = [acknowledged_exist_once, marks_are_unique, ledgers_agree, charged_once, refunds_within_captured, events_delivered,
            receivers_whole, nothing_stuck, states_legal, nobody_at_the_simulator_reviewed, audit_complete, orders_paid,
            programs_whole, answers_expected]


def audit(books):
    """What is wrong, by promise; empty lists are good news."""
    return {promise.__name__: promise(books) for promise in PROMISES}
