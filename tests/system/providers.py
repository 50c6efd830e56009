"""Tenants at the mimicked providers: credentials, payments, and what the providers' own books say."""
import json
import secrets

from client import send
from processes import wait_until

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
