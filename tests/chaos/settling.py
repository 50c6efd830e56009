"""After the faults: payers act, persons decide, merchants ask for what was not delivered; until nothing is under way."""
import time

from providers import House, forms, moves
from stack import SERVICES

from .load import visit

SECONDS_MAX = 120
TURN_S = 0.5
# What is under way, as (what, the query that names it). Auditors look again at the end: nothing may be left of it.
WORKING = {
    "operation": """SELECT id, kind || ' ' || status || ' ' || provider FROM payments.operations
        WHERE status IN ('ready', 'sent', 'unknown') OR finished_at IS NULL""",
    "queue of operations": "SELECT id, 'due ' || due_at FROM payments.operations_queue",
    "payment": """SELECT id, status || ' ' || provider FROM payments.payments
        WHERE status NOT IN ('authorized', 'succeeded', 'failed', 'canceled', 'expired') OR refund_reserved > 0""",
    "refund": "SELECT id, status FROM refunds.refunds WHERE status NOT IN ('processed', 'failed')",
    "queue of deliveries": "SELECT delivery_id, 'attempts ' || attempts FROM webhooks.delivery_queue",
    "delivery": "SELECT id, status || ' ' || coalesce(last_error, '') FROM webhooks.deliveries WHERE status = 'pending'",
    "review": "SELECT payment_id, refund_id FROM payments.reviews",
    "access token": "SELECT credential_id, name FROM payments.provider_sessions WHERE fetching_until > now()",
    "event that webhooks has not": """SELECT id, type FROM payments.events e WHERE body <> ''
        AND NOT EXISTS (SELECT 1 FROM webhooks.stored_events s WHERE s.id = e.id)
        UNION ALL SELECT id, type FROM refunds.events e WHERE body <> ''
        AND NOT EXISTS (SELECT 1 FROM webhooks.stored_events s WHERE s.id = e.id)""",
    **{f"outbox of {schema}": f"SELECT event_id, '' FROM {schema}.outbox" for schema in SERVICES},
    **{f"idempotency key of {schema}": f"SELECT key, method FROM {schema}.idempotency_keys WHERE answer IS NULL"
       for schema in SERVICES},
}


def query():
    """(what, id, where it stands) of all that is under way."""
    return " UNION ALL ".join(f"SELECT '{what}', a.* FROM ({rows}) a" for what, rows in WORKING.items())


def working(installation):
    return installation.sql(query())


class Settling:
    def __init__(self, installation, tenants):
        self.installation = installation
        self.tenants = tenants
        self.reviewed = []   # (payment or refund, provider, decided as)
        self.retried = set()  # deliveries
        self.open = []

    def settle(self, seconds=SECONDS_MAX):
        """How long it took; None: it was not all done within the time."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            self.payers_act()
            self.persons_decide()
            self.merchants_ask_again()
            self.open = working(self.installation)
            if not self.open and not self.failed():
                return round(time.monotonic() - begun, 1)
            time.sleep(TURN_S)
        return None

    def payers_act(self):
        for url, in self.installation.sql("SELECT action_url FROM payments.payments WHERE status = 'requires_action'"):
            visit(self.installation.ports["sandbox"], url, "approve")

    # --- Persons

    def persons_decide(self):
        """What nobody can be asked about is looked up in the provider's book."""
        if not self.installation.sql("SELECT 1 FROM payments.reviews LIMIT 1"):
            return
        for api in self.tenants:
            for row in self.installation.obol("payment", "review", "--tenant", api.tenant_id)["data"]:
                self.decide(api, row)

    def decide(self, api, row):
        reference = row["reference"]
        kind, recent = self.installation.sql(f"""SELECT kind, sent_at > now() - interval '3 seconds' FROM payments.operations
            WHERE id = '{reference}'""")[0]
        if recent == "t":
            return  # its request may still arrive
        moved = self.moved(row["provider"], reference)
        if row["refund_id"]:
            noun, name, decided = "refund", row["refund_id"], "processed" if moved else "failed"
        else:
            noun, name, decided = "payment", row["payment_id"], "succeeded" if moved else "failed"
            if kind != "charge":
                return  # a capture or a cancel can always be asked about: what waits here is found by the auditor
        self.installation.obol(noun, "resolve", name, "--tenant", api.tenant_id, "--as", decided, "--reason",
                               "looked up in the provider's book")
        self.reviewed.append((name, row["provider"], decided))

    def moved(self, provider, reference):
        if provider == "simulator":
            book = self.installation.ledger(reference)
            return any(row["times_charged"] for row in book["charges"] if row["reference"] == reference) or any(
                row["status"] == "succeeded" for row in book["refunds"] if row["reference"] == reference)
        return any(moves(e) for e in House(self.installation, provider).entries() if e["reference"] in forms(reference))

    # --- Merchants

    def failed(self):
        """Deliveries that were given up, of events that their endpoint has not got otherwise."""
        return self.installation.sql("""SELECT d.id, d.tenant_id FROM webhooks.deliveries d
            JOIN webhooks.endpoints e ON e.tenant_id = d.tenant_id AND e.id = d.endpoint_id AND e.enabled
            WHERE d.status = 'failed' AND e.deleted_at IS NULL""")

    def merchants_ask_again(self):
        by_tenant = {api.tenant_id: api for api in self.tenants}
        for delivery_id, tenant_id in self.failed():
            by_tenant[tenant_id].post(f"/webhooks/{delivery_id}/retry").ok(200)
            self.retried.add(delivery_id)
