"""The keys of an installation are rotated under it: all stays readable, and in the end nothing needs the old key."""
import secrets

import pytest

from client import payment
from conftest import running_stack
from javascript import verify
from processes import wait_until
from providers import PACE, House
from stack import SERVICES

SEALED = {  # every sealed column that outlives a day
    "payments.events": "body", "refunds.events": "body", "webhooks.events": "body", "payments.payments": "personal",
    "payments.card_tokens": "provider_token", "payments.operations": "provider_token",
    "payments.provider_credentials": "fields", "payments.unknown_callbacks": "body", "webhooks.stored_events": "body",
    "webhooks.endpoints": "secret_sealed", "webhooks.endpoints ": "old_secret_sealed"}


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**PACE)


def under(stack, key_id):
    """How many values of each sealed column this key has sealed."""
    parts = [f"SELECT '{table}', count(*) FROM {table} WHERE {column} <> '' AND get_byte({column}, 1) = {key_id}"
             for table, column in SEALED.items()]
    return {table: int(n) for table, n in stack.sql(" UNION ALL ".join(parts)) if int(n)}


def start_with(stack, keys):
    stack.environment["OBOL_KEYS"] = keys
    for name in SERVICES:
        stack.processes[name].environment["OBOL_KEYS"] = keys
        stack.processes[name].stop()
        stack.restart(name)
    stack.wait_ready()


def test_keys_are_rotated_under_an_installation(stack, api, receiver):
    old, new = stack.environment["OBOL_KEYS"], f"2:{secrets.token_hex(32)}"
    house = House(stack, "mtn")
    house.credential(api)
    customer = {"email": "payer@example.com", "phone": "+4915112345678", "name": "A Payer"}
    endpoint = api.post("/webhook_endpoints", {"url": receiver.url}, key="made").ok(201)
    rotated = api.post(f"/webhook_endpoints/{endpoint['id']}/rotate_secret", {"overlap_seconds": 3600}).ok()
    body = payment(customer=customer)
    first = api.post("/payments", body, key="first").ok(201)
    by_card = api.post("/payments", {**payment(), "method": "card", "vpa": "", "card": {
        "number": "4242424242424242", "expiry_month": 12, "expiry_year": 2030, "cvv": "123"}}).ok(201)
    stack.settle(api, first["id"], "succeeded")
    stack.settle(api, by_card["id"], "succeeded")
    # A row of an earlier version: plain.
    stack.sql(f"""UPDATE payments.payments SET personal = NULL, vpa = 'old@upi', customer_name = 'Old'
                  WHERE id = '{by_card["id"]}'""")
    stack.quiet()
    assert api.get(f"/payments/{by_card['id']}").ok()["customer"]["name"] == "Old"
    before = under(stack, 1)
    assert {"payments.events", "payments.payments", "webhooks.stored_events", "webhooks.endpoints",
            "payments.provider_credentials", "payments.card_tokens"} <= before.keys(), before

    start_with(stack, f"{old},{new}")  # every replica can read the new one's ...
    assert not under(stack, 2)
    start_with(stack, f"{new},{old}")  # ... before any writes with it
    wait_until(lambda: not under(stack, 1), 40, lambda: f"nothing is under the old key: {under(stack, 1)}")
    assert all(under(stack, 2).get(table, 0) >= n for table, n in before.items())
    assert stack.sql("SELECT count(*) FROM payments.payments WHERE vpa IS NOT NULL OR customer_name IS NOT NULL") == [["0"]]
    wait_until(lambda: all(row["key"] == 2 and row["done"] for row in stack.obol("keys", "status")["columns"]), 20, "keys status")

    # The old key goes; what digests are made with stays by itself.
    digests = stack.obol("keys", "mac", parse=False).strip()
    assert digests.startswith("mac:") and old.partition(":")[2] not in digests
    replayed = api.post("/payments", body, key="first").ok(201)
    start_with(stack, f"{new},{digests}")
    assert replayed == first
    # An answer of the last day is under the old key: without it nobody repeats the act, and nobody gets the answer.
    api.post("/payments", body, key="first").refused(409, "idempotency_key_in_use")
    assert api.get(f"/payments/{first['id']}").ok()["customer"] == customer
    assert api.get(f"/payments/{by_card['id']}").ok()["vpa"] == "old@upi"
    assert house.settled(api, 1000, "succeeded")
    seen = len(receiver.requests)
    api.post(f"/webhook_endpoints/{endpoint['id']}/test")
    wait_until(lambda: len(receiver.requests) > seen, 20, "the test event comes")
    assert verify(rotated["secret"], receiver.requests[-1:]) == [{"standard": True, "reserialised": True}]
