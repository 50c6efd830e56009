"""Tenants at the mimicked providers: credentials, payments, and what the providers' own books say."""
import hashlib
import json
import secrets
import urllib.parse
import uuid

from client import send
from conftest import running_stack
from processes import wait_until
from stack import sequences_whole

# A provider's own times pass a hundred times as fast; its timeouts are a fifth.
PACE = {"SANDBOX_TIME_PERCENT": "1", "PROVIDER_DELAYS_PERCENT": "1", "PROVIDER_TIMES_PERCENT": "20",
        "PROVIDER_ALLOW_HTTP": "true"}
# What `obol-sandbox --help` has as defaults, under the names of the providers' fields.
FIELDS = {
    "mtn": {"api_user": "3c9f2a5e-8d14-4b6f-9a07-5e1d2c3b4a59", "api_key": "mtn-sandbox-key",
            "subscription_key": "mtn-sandbox-subscription", "target_environment": "sandbox"},
    "airtel": {"client_id": "airtel-sandbox-client", "client_secret": "airtel-sandbox-secret", "country": "ZM",
               "callback_hash_key": "airtel-sandbox-hash-key"},
    "zamtel": {"third_party_id": "zamtel-sandbox", "password": "zamtel-sandbox-password", "shortcode": "000000",
               "identifier": "zamtel-sandbox-identifier", "credential": "zamtel-sandbox-credential"},
    "blumon": {"username": "blumon-sandbox-user", "password": "blumon-sandbox-password",
               "client_id": "blumon-sandbox-client", "client_secret": "blumon-sandbox-secret"},
    "paydunya": {"master_key": "paydunya-sandbox-master", "private_key": "paydunya-sandbox-private",
                 "token": "paydunya-sandbox-token", "store_name": "Test"},
}
PATHS = {"zamtel": "/zamtel/ZampayRest", "paydunya": "/paydunya/sandbox-api/v1"}
# A payment that succeeds. 45, 46 …: the last digits decide, so these are ones that mean nothing.
PAYMENTS = {
    "mtn": {"currency": "EUR", "method": "mobile_money", "mobile_money": {"msisdn": "46733123001", "operator": "mtn"}},
    "airtel": {"currency": "ZMW", "method": "mobile_money",
               "mobile_money": {"msisdn": "260971234501", "operator": "airtel"}},
    "zamtel": {"currency": "ZMW", "method": "mobile_money",
               "mobile_money": {"msisdn": "260951234501", "operator": "zamtel"}},
    "blumon": {"currency": "MXN", "method": "card"},
    "paydunya": {"currency": "XOF", "method": "mobile_money",
                 "mobile_money": {"msisdn": "2250512345601", "operator": "mtn"}},
}


def payment(provider, amount=1000, msisdn=None, **more):
    """The body of a payment that goes to this provider."""
    body = {"order_id": f"ref-{secrets.token_hex(6)}", "amount": amount, **json.loads(json.dumps(PAYMENTS[provider])), **more}
    if msisdn:
        body["mobile_money"]["msisdn"] = msisdn
    if body["method"] == "card" and "card" not in body:
        body["card"] = card()
    return body


def card(number="4242424242424242", cvv="123"):
    return {"number": number, "expiry_month": 12, "expiry_year": 2030, "cvv": cvv, "holder_name": "A Payer"}


def forms(reference):
    """What providers know our reference as: itself, a UUID made of it, without its underscore."""
    digest = hashlib.sha256(reference.encode()).digest()
    return {reference, str(uuid.UUID(bytes=digest[:16], version=4)), reference.replace("_", "", 1)}


def callback_path(api):
    return urllib.parse.urlsplit(api.credential["callback_url"]).path


def audited_stack(*providers, **environment):
    """For a fixture: a stack at the tests' pace, whose books equal the providers' when its tests are done."""
    running = running_stack(**{**PACE, **environment})
    stack = next(running)
    yield stack
    try:
        for provider in providers or FIELDS:
            House(stack, provider).audit()
    finally:
        next(running, None)


class House:
    """A stack with sandboxes, seen from one provider."""

    def __init__(self, stack, provider):
        self.stack = stack
        self.provider = provider
        self.url = f"http://127.0.0.1:{stack.ports['sandbox']}"

    def base_url(self):
        return self.url + PATHS.get(self.provider, f"/{self.provider}")

    def credential(self, api, **fields):
        """A credential of the tenant at this provider's sandbox."""
        given = {"base_url": self.base_url(), **FIELDS[self.provider], **fields}
        return self.stack.obol("provider", "set", self.provider, "--tenant", api.tenant_id,
                               *(f"{name}={value}" for name, value in given.items() if value is not None))

    def control(self, **order):
        reply = send(self.stack.ports["sandbox"], "POST", "/control", json.dumps({"provider": self.provider, **order}).encode(),
                     {"Content-Type": "application/json"})
        assert reply.status == 200, reply

    def entries(self, kind=None, **fields):
        """The provider's book."""
        reply = send(self.stack.ports["sandbox"], "GET", f"/ledger?provider={self.provider}")
        assert reply.status == 200, reply
        return [e for e in reply.json["entries"] if (kind is None or e["kind"] == kind)
                and all(e[name] == value for name, value in fields.items())]

    def pay(self, api, amount=1000, key=None, **more):
        return api.post("/payments", payment(self.provider, amount, **more), key=key).ok(201)

    def settled(self, api, amount=1000, status=None, seconds=60, **more):
        return self.stack.settle(api, self.pay(api, amount, **more)["id"], status, seconds)

    def moved(self, reference_of):
        """How much money moved under our references, by reference: {reference: (times, amount)}."""
        return {e["reference"]: (e["moved"], e["amount"]) for e in self.entries("charge") if reference_of(e)}

    def wait_entry(self, kind, seconds=20, **fields):
        found = []

        def there():
            found[:] = self.entries(kind, **fields)
            return found
        wait_until(there, seconds, lambda: f"{self.provider} has {kind} {fields}: {self.entries()}")
        return found[-1]

    def charges(self, payment):
        """The provider's entries of a payment's newest charge."""
        return [e for e in self.entries("charge") if e["reference"] in forms(payment["attempts"][-1]["reference"])]

    def open_charge(self, api, **more):
        """A payment that the provider has in its book and that is open there."""
        made = self.pay(api, **more)
        wait_until(lambda: [e["status"] for e in self.charges(made)] == ["pending"], 20)
        return self.stack.settle(api, made["id"], "processing")

    def counts(self, api):
        """What came of the provider's callbacks to this tenant: {outcome: how many}."""
        status = api.get(f"/webhooks/{self.provider}/status").ok()
        assert status["provider"] == self.provider and bool(status["last_at"]) == bool(status["counts"]), status
        return {row["outcome"]: row["count"] for row in status["counts"]}

    def wait_counts(self, api, seconds=15, **expected):
        wait_until(lambda: self.counts(api) == expected, seconds,
                   lambda: f"callbacks of {self.provider} count {expected}, they are {self.counts(api)}")

    def events(self, api, payment):
        """What was told of it, without "payment."."""
        def whole():
            found = api.all(f"/events?object_id={payment['id']}")
            sequences_whole((payment["id"], e["sequence"]) for e in found)
            return [e["event"].partition(".")[2] for e in reversed(found)] if len(found) >= payment["sequence"] else None
        return wait_until(whole, 20, f"every event of {payment['id']}")

    def refunded(self, api, payment, **more):
        refund = api.post(f"/payments/{payment['id']}/refunds", more).ok(201)
        return self.stack.settle_refund(api, refund["id"])

    def sent(self, payment):
        """How often requests of the payment's newest charge left, 401s apart."""
        [[attempts]] = self.stack.sql(
            f"SELECT attempts FROM payments.operations WHERE id = '{payment['attempts'][-1]['reference']}'")
        return int(attempts)

    # --- Our books against the provider's

    @property
    def by_hand(self):
        """The provider's names for what a test moved there itself."""
        if not hasattr(self.stack, "by_hand"):
            self.stack.by_hand = set()
        return self.stack.by_hand

    def operations(self):
        """What we say of every charge, refund and cancelation at this provider."""
        names = ["id", "kind", "status", "amount", "currency", "provider_reference", "charge"]
        rows = self.stack.sql(f"""SELECT o.id, o.kind, o.status, o.amount, o.currency, o.provider_reference,
                p.charge_operation_id
            FROM payments.operations o JOIN payments.payments p ON p.tenant_id = o.tenant_id AND p.id = o.payment_id
            WHERE o.provider = '{self.provider}' AND o.kind <> 'capture' ORDER BY o.id""")
        return [dict(zip(names, row)) for row in rows]

    def audit(self, seconds=20):
        """Money moved at the provider once for each operation that we call succeeded, never for what failed, and for
        nothing else; at most once where the end is open. Gives the ids of those that are open."""
        seen = []

        def agree():
            seen[:] = [self.differences(), self.differences_of_sums()]
            return not any(seen)
        wait_until(agree, seconds, lambda: f"the books of {self.provider} agree; they differ: {seen}")
        return [o["id"] for o in self.operations() if o["status"] not in ("succeeded", "failed", "released")]

    def differences(self):
        operations = self.operations()
        entries = [e for e in self.entries() if moves(e) and e["id"] not in self.by_hand]
        named = {o["provider_reference"] for o in operations} - {""}
        found = [f"nobody asked for {entry}" for entry in entries
                 if not any(self.is_of(entry, o, named) for o in operations)]
        for operation in operations:
            of_it = [e for e in entries if self.is_of(e, operation, named)]
            times = sum(moves(e) for e in of_it)
            expected = {"succeeded": {1}, "failed": {0}, "released": {0}, "ready": {0}}.get(operation["status"], {0, 1})
            sums = {(str(e["amount"]), e["currency"]) for e in of_it}
            if times not in expected or sums - {(operation["amount"], operation["currency"])}:
                found.append(f"{operation}: there {of_it}")
        return found

    def moved(self, operation_id):
        """How often money moved for one operation."""
        operations = self.operations()
        named = {o["provider_reference"] for o in operations} - {""}
        [operation] = [o for o in operations if o["id"] == operation_id]
        return sum(moves(e) for e in self.entries() if self.is_of(e, operation, named))

    def is_of(self, entry, operation, named):
        """named: the provider's own names that we have noted. Airtel's refunds take no reference of ours."""
        kinds = {"charge": ("charge",), "refund": ("refund", "void"), "cancel": ("void",)}
        if entry["kind"] not in kinds[operation["kind"]]:
            return False
        if entry["reference"] in forms(operation["id"]):
            return True
        if self.provider != "airtel" or operation["kind"] != "refund":
            return False
        if entry["id"] in named:
            return entry["id"] == operation["provider_reference"]
        return not operation["provider_reference"] and entry["related"] in forms(operation["charge"])

    def differences_of_sums(self):
        """Payments and refunds say what their operations say."""
        return self.stack.sql(f"""
            SELECT p.id, p.status, p.amount_captured, p.amount_refunded, s.charged, s.refunded
            FROM payments.payments p CROSS JOIN LATERAL (
                SELECT coalesce(sum(o.amount) FILTER (WHERE o.kind = 'charge'), 0) AS charged,
                    coalesce(sum(o.amount) FILTER (WHERE o.kind = 'refund'), 0) AS refunded
                FROM payments.operations o
                WHERE o.tenant_id = p.tenant_id AND o.payment_id = p.id AND o.status = 'succeeded') s
            WHERE p.provider = '{self.provider}' AND p.capture = 'automatic'
                AND (p.amount_captured <> s.charged OR p.amount_refunded <> s.refunded
                    OR (p.status = 'succeeded') <> (s.charged > 0))
            UNION ALL
            SELECT r.id, r.status, r.amount, 0, 0, 0 FROM refunds.refunds r
            LEFT JOIN payments.operations o ON o.tenant_id = r.tenant_id AND o.refund_id = r.id
            WHERE o.provider = '{self.provider}' AND (r.status = 'processed') <> (o.status = 'succeeded')""")


def moves(entry):
    """How often an entry moved money: a void takes the charge back as a refund does."""
    return int(entry["status"] == "succeeded") if entry["kind"] == "void" else entry["moved"]
