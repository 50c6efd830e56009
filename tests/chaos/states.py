"""Which events may follow which: the table of API.md and services/payments/payment.c, said again by the auditor."""
import collections

NEW = ""
CHARGING = {"processing", "requires_action", "expired", "unknown", "needs_review"}
DOUBTFUL = {"unknown", "needs_review"}
# event: (states that it may leave, the state that it tells of)
PAYMENTS = {
    "payment.created": ({NEW}, "pending"),
    "payment.processing": ({"pending", "requires_action"}, "processing"),
    "payment.requires_action": ({"processing", "unknown"}, "requires_action"),
    "payment.authorized": (CHARGING, "authorized"),
    "payment.captured": (CHARGING | {"capturing"}, "succeeded"),
    "payment.succeeded": ({"captured"}, "succeeded"),
    "payment.failed": ({"processing", "requires_action"} | DOUBTFUL, "failed"),
    "payment.expired": ({"requires_action", "unknown"}, "expired"),
    "payment.canceled": ({"pending", "canceling"} | DOUBTFUL, "canceled"),
    "payment.capture_failed": ({"capturing"} | DOUBTFUL, "authorized"),
    "payment.cancel_failed": ({"canceling"} | DOUBTFUL, "authorized"),
    "payment.unknown": ({"processing", "requires_action", "capturing", "canceling"}, "unknown"),
    "payment.needs_review": ({"unknown", "pending"}, "needs_review"),
    "payment.pending": ({"needs_review"}, "pending"),
    "payment.refunded": ({"succeeded"}, "succeeded"),
}
SILENT = {"authorized": {"capturing", "canceling"}}  # acts that tell nothing
OPEN = {"pending", "unknown", "needs_review"}
REFUNDS = {
    "refund.created": ({NEW}, "pending"),
    "refund.unknown": (OPEN, "unknown"),
    "refund.needs_review": (OPEN, "needs_review"),
    "refund.processed": (OPEN, "processed"),
    "refund.failed": (OPEN, "failed"),
}


def walk(table, events):
    """The states in which an object may be after its events; empty when they are no path."""
    at = {NEW}
    for event in events:
        leaves, to = table.get(event["type"], (set(), None))
        if not at & leaves or event["status"] != to:
            return set()
        # Captured and succeeded are told of in one breath, the one after the other.
        at = {"captured"} if event["type"] == "payment.captured" else {to} | SILENT.get(to, set())
    return at


def paths(books, table, kind, objects):
    told = collections.defaultdict(list)
    for event in sorted(books.events, key=lambda event: event["sequence"]):
        if event["type"].startswith(kind):
            told[event["object_id"]].append(event)
    wrong = []
    for row in objects:
        events = told.pop(row["id"], [])
        story = " ".join(f"{event['type'].partition('.')[2]}({event['status']})" for event in events)
        if row["status"] not in walk(table, events):
            wrong.append(f"{row['id']} is {row['status']} after {story or 'no events'}")
        elif row["sequence"] != len(events):
            wrong.append(f"{row['id']} has the sequence {row['sequence']} after {len(events)} events")
    return wrong + [f"there are events of {name}, which is not there" for name in told]


def payment_paths(books):
    return paths(books, PAYMENTS, "payment.", books.payments)


def refund_paths(books):
    return paths(books, REFUNDS, "refund.", books.refunds)
