"""Everything that was written down anywhere, read once when all is quiet: what the auditor audits.

Plain lists of dictionaries, so that an auditor, or a test of the auditor, can hold them in hand.
"""
import dataclasses
import hashlib
import json
import tempfile

from processes import wait_until
from protocol import Protocol, channel_to
from providers import House

from .settling import working

PAYMENTS = ["tenant_id", "id", "order_id", "order_own", "amount", "currency", "capture", "status", "amount_captured",
            "amount_refunded", "refund_reserved", "provider", "sequence"]
OPERATIONS = ["tenant_id", "id", "payment_id", "refund_id", "kind", "status", "amount", "currency", "provider",
              "provider_reference", "charge", "request_id"]
REFUNDS = ["tenant_id", "id", "payment_id", "amount", "status", "reason", "sequence"]
ORDERS = ["tenant_id", "id", "status", "receipt", "amount", "active_payment_id"]
EVENTS = ["tenant_id", "id", "type", "object_id", "payment_id", "sequence", "status", "digest"]
AUDIT = ["tenant_id", "actor", "action", "object_id", "request_id"]
DELIVERIES = ["tenant_id", "endpoint_id", "event_id", "status"]
ENDPOINTS = ["tenant_id", "id", "url", "enabled", "disabled_reason"]
KEYS = ["tenant_id", "key", "object_id", "method"]
JOURNALS = {"payments": "payment", "refunds": "refund", "webhooks": "webhook_endpoint"}  # and what its events are about
NUMBERS = {"amount", "amount_captured", "amount_refunded", "refund_reserved", "sequence"}


@dataclasses.dataclass
class Books:
    requests: list       # what merchants asked for, and were told (customers.Request)
    tenants: list        # tenant id and key id by a request's tenant number
    payments: list
    operations: list
    refunds: list
    orders: list
    events: list         # the journals
    audit: list
    deliveries: list
    endpoints: list
    keys: list
    letters: dict        # what receivers got: by path and event id
    ledger: dict         # the simulator's
    entries: dict        # the other providers', by name
    shown: dict          # objects as the API shows them, by id
    repeats: list        # (request, what its key answers now)
    working: list        # (what, id, where it stands) of all that is under way
    reviewed: list
    strange: list        # answers that nobody should get
    ended: list          # programs that ended by themselves, left badly or reported something


def rows(installation, names, query):
    return [{name: int(value) if name in NUMBERS and value else value for name, value in zip(names, row)}
            for row in installation.sql(query)]


def listed(protocol, port):
    """A journal as its service tells it: what lies in the tables is sealed."""
    channel = channel_to(port)
    method, request = protocol.method(channel, "/obol.journal.v1.JournalService/ListEvents")
    found, cursor = [], ""
    while True:
        page = method(request(cursor=cursor, limit=1000), timeout=60)
        if not page.events:
            channel.close()
            return [event for event in found if event.body]
        found += page.events
        cursor = page.cursor


def whole_journal(installation, protocol, name):
    """The list ends at the oldest transaction that is open anywhere in the server (autovacuum's too): it is
    asked again until it has no less than the table."""
    def all_listed():
        [[n]] = installation.sql(f"SELECT count(*) FROM {name}.events WHERE body <> ''")
        found = listed(protocol, installation.ports[name])
        return (found,) if len(found) >= int(n) else None
    [found] = wait_until(all_listed, 60, f"the whole journal of {name} is listed")
    return found


def events(installation):
    with tempfile.TemporaryDirectory() as directory:
        protocol = Protocol(directory)
    return [dict(zip(EVENTS, [e.tenant_id, e.id, e.type, e.object_id, e.payment_id, e.sequence,
                              json.loads(e.body)["data"].get(noun, {}).get("status") or "", hashlib.sha256(e.body).hexdigest()]))
            for name, noun in JOURNALS.items()
            for e in sorted(whole_journal(installation, protocol, name), key=lambda e: (e.object_id, e.sequence, e.id))]


def journals(installation, names, table):
    columns = ", ".join(names)
    return rows(installation, names, " UNION ALL ".join(
        f"SELECT {columns} FROM {schema}.{table}" for schema in ["auth", "payments", "refunds", "webhooks"]))


def shown(tenants):
    return {o["id"]: o for api in tenants for path in ["/payments", "/refunds", "/orders"] for o in api.all(path)}


def read(installation, tenants, providers, receivers, customers, repeats, reviewed):
    def table(names, where, **expressions):
        columns = ", ".join(expressions.get(name, name) for name in names)
        return rows(installation, names, f"SELECT {columns} FROM {where}")
    return Books(
        requests=customers.requests,
        tenants=[{"tenant_id": api.tenant_id, "key_id": api.key} for api in tenants],
        payments=table(PAYMENTS, "payments.payments"),
        operations=table(OPERATIONS, """payments.operations o JOIN payments.payments p
            ON p.tenant_id = o.tenant_id AND p.id = o.payment_id""",
                         **{name: f"o.{name}" for name in OPERATIONS if name != "charge"}, charge="p.charge_operation_id"),
        refunds=table(REFUNDS, "refunds.refunds"),
        orders=table(ORDERS, "payments.orders"),
        events=events(installation),
        audit=journals(installation, AUDIT, "audit_log"),
        deliveries=table(DELIVERIES, "webhooks.deliveries"),
        endpoints=table(ENDPOINTS, "webhooks.endpoints WHERE deleted_at IS NULL"),
        keys=journals(installation, KEYS, "idempotency_keys"),
        letters=receivers.copy(),
        ledger=installation.ledger(),
        entries={provider: House(installation, provider).entries() for provider in providers},
        shown=shown(tenants),
        repeats=repeats,
        working=working(installation),
        reviewed=list(reviewed),
        strange=list(customers.strange),
        ended=[],
    )


def body_of(answer):
    return json.loads(answer.raw)
