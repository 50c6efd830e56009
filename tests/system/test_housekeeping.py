"""What is past its time goes by itself."""
from client import payment
from conftest import running_stack
from stack import wait_until

import pytest


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(UNKNOWN_DEADLINE_S="2", SANDBOX_TIMEOUT_RESOLVES_MS="600000")


def expire(stack, schema, tenant_id):
    stack.sql(f"""UPDATE {schema}.idempotency_keys SET created_at = created_at - interval '2 days',
                  expires_at = expires_at - interval '2 days' WHERE tenant_id = '{tenant_id}'""")


def test_expired_key_counts_as_new_before_it_is_swept(stack, api):
    body = payment()
    first = api.post("/payments", body, key="again").ok(201)
    expire(stack, "payments", api.tenant_id)
    api.get("/idempotency_keys/again").refused(404)
    second = api.post("/payments", body, key="again")
    assert second.status == 201 and second.json["id"] != first["id"] and "Idempotency-Replayed" not in second.headers


@pytest.mark.parametrize("service", ["payments", "refunds", "webhooks"])
def test_expired_keys_are_swept(stack, api, service):
    if service == "payments":
        for i in range(20):
            api.post("/payments", payment(), key=f"swept-{i}").ok(201)
    elif service == "refunds":
        paid = stack.paid(api)
        api.post(f"/payments/{paid['id']}/refunds", {"amount": 5}, key="swept").ok(201)
    else:
        api.post("/webhook_endpoints", {"url": "http://127.0.0.1:9/"}, key="swept").ok(201)
    expire(stack, service, api.tenant_id)
    count = f"SELECT count(*) FROM {service}.idempotency_keys WHERE tenant_id = '{api.tenant_id}'"
    assert stack.sql(count) != [["0"]]
    stack.processes[service].stop()
    stack.restart(service)  # its loop begins with a turn
    wait_until(lambda: stack.sql(count) == [["0"]], 90, "the keys are swept")
    stack.wait_ready()


def test_outbox_is_emptied(stack, api):
    stack.paid(api)
    wait_until(lambda: stack.sql("SELECT count(*) FROM payments.outbox") == [["0"]], 30)


def test_unknown_past_its_deadline_waits_for_a_person(stack, api):
    made = api.pay(vpa="timeout@upi")
    waiting = stack.settle(api, made["id"], "needs_review")
    assert not waiting["captured"]
    api.post(f"/payments/{made['id']}/cancel").refused(409)
    decided = stack.obol("payment", "resolve", made["id"], "--tenant", api.tenant_id, "--as", "succeeded", "--reason", "seen at the bank")
    assert decided["status"] == "succeeded"
    assert api.get(f"/payments/{made['id']}").ok()["amount_captured"] == 50000
    names = {"payment.unknown", "payment.needs_review", "payment.captured", "payment.succeeded"}
    wait_until(lambda: names <= {event["event"] for event in api.all(f"/events?object_id={made['id']}")}, 20)
    audit = stack.obol("audit", "--object", made["id"])["payments"]["entries"]
    assert any(e["actor"].startswith("operator:") for e in audit)
