"""Tenants and keys, and what an operator sees and does with the obol command."""
import time

import pytest

from client import Api, payment
from postgres import Database, tables_of
from stack import SERVICES, wait_until


def test_tenant_has_several_keys(stack, api):
    second = stack.key(api.tenant_id, "second")
    made = api.pay()
    assert second.get(f"/payments/{made['id']}").ok()["id"] == made["id"]
    listed = stack.obol("key", "list", api.tenant_id)["data"]
    assert {k["id"] for k in listed} == {api.key, second.key} and not any(k.get("secret") for k in listed)
    dump = stack.sql("SELECT string_agg(k::text, ' ') FROM auth.api_keys k")[0][0]
    assert api.secret not in dump and second.secret not in dump and second.key in dump


def test_revoked_key_dies_within_a_second(stack, api):
    doomed = stack.key(api.tenant_id, "doomed")
    doomed.get("/payments").ok()
    revoked = stack.obol("key", "revoke", doomed.key)
    began = time.monotonic()
    assert revoked["revoked_at"]
    alive = began

    def dead():
        """Every loop of the gateway remembers for itself: dead is what is refused wherever it comes in."""
        nonlocal alive
        for _ in range(20):
            asked = time.monotonic()
            if doomed.get("/payments").status == 200:
                alive = asked
                return False
        return True
    wait_until(dead, 10)
    assert alive - began <= 1.01, "when what was still answered was asked"
    doomed.get("/payments").refused(401, "authentication_failed")
    api.get("/payments").ok()
    stack.obol("key", "revoke", doomed.key)  # twice is fine


def test_basic_authentication_is_the_same_pair(stack, api):
    listed = stack.open("GET", "/api/v1/payments", headers=api.basic())
    assert listed.status == 200
    lower = {"Authorization": api.basic()["Authorization"].replace("Basic", "basic")}
    assert stack.open("GET", "/api/v1/payments", headers=lower).status == 200


def test_tenant_header_must_name_the_keys_own(stack, api):
    other = stack.tenant("Other")
    api.get("/payments", headers={"X-Tenant-Id": api.tenant_id}).ok()
    api.get("/payments", headers={"X-Tenant-Id": other.tenant_id}).refused(403, "tenant_mismatch")
    api.post("/payments", payment(), headers={"X-Tenant-Id": other.tenant_id}).refused(403, "tenant_mismatch")
    assert api.get("/payments").ok()["data"] == [] and other.get("/payments").ok()["data"] == []


def test_known_keys_go_on_while_auth_is_away(stack, api):
    unseen = stack.key(api.tenant_id, "unseen")
    seen = [api.get("/payments").status for _ in range(40)]  # each loop of the gateway has met it
    assert set(seen) == {200}
    stack.kill9("auth")
    try:
        time_out = time.monotonic() + 3
        while time.monotonic() < time_out:  # longer than a good answer is remembered
            api.get("/payments").ok()
        made = api.pay()
        refused = wait_until(lambda: (r := unseen.get("/payments")).status == 503 and r, 10)
        assert refused.refused(503, "unavailable") and int(refused.headers["Retry-After"]) >= 1
        ready = wait_until(lambda: (r := stack.open("GET", "/health/ready")).status == 503 and r, 10)
        assert ready.status == 503
    finally:
        stack.restart("auth")
    stack.wait_ready()
    wait_until(lambda: unseen.get("/payments").status == 200, 30)
    stack.settle(api, made["id"], "succeeded")


@pytest.mark.parametrize("name,path", [("payments", "/payments"), ("refunds", "/refunds"), ("webhooks", "/webhooks")])
def test_absent_service_is_a_503_and_comes_back(stack, api, name, path):
    api.get(path).ok()
    stack.processes[name].stop()
    try:
        refused = wait_until(lambda: (r := api.get(path)).status == 503 and r, 15)
        refused.refused(503, "unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        assert stack.obol("health", code=1, parse=False)
    finally:
        stack.restart(name)
    stack.wait_ready()
    wait_until(lambda: api.get(path).status == 200, 30)
    assert set(stack.obol("health").values()) == {"up"}


def test_audit_tells_who_did_what(stack, api):
    paid = stack.paid(api)
    refund = api.post(f"/payments/{paid['id']}/refunds", {"amount": 5}, headers={"X-Request-Id": "audited-1"}).ok(201)
    stack.settle_refund(api, refund["id"])
    endpoint = api.post("/webhook_endpoints", {"url": "http://127.0.0.1:9/"}).ok(201)
    api.patch(f"/webhook_endpoints/{endpoint['id']}", {"description": "changed"}).ok()
    api.delete(f"/webhook_endpoints/{endpoint['id']}")
    told = stack.obol("audit", "--tenant", api.tenant_id)
    entries = {service: told[service]["entries"] for service in SERVICES}
    assert any(e["object_id"] == api.key and e["actor"].startswith("operator:") for e in entries["auth"])
    assert any(e["object_id"] == paid["id"] and e["actor"] == api.key for e in entries["payments"])
    mine = [e for e in entries["refunds"] if e["object_id"] == refund["id"]]
    assert any(e["request_id"] == "audited-1" and e["actor"] == api.key for e in mine) and len(mine) >= 2
    changes = [e for e in entries["webhooks"] if e["object_id"] == endpoint["id"]]
    assert len(changes) == 3 and any("changed" in (e.get("after") or "") for e in changes)
    assert endpoint["secret"] not in str(told) and api.secret not in str(told)
    text = stack.obol("audit", "--object", refund["id"], parse=False)
    assert "ACTION" in text and refund["id"] in text
    assert stack.obol("audit", "--service", "auth", "--limit", "1")["auth"]["entries"]


def test_tenants_are_made_listed_and_shown(stack):
    made = stack.obol("tenant", "create", "Ācme & Söhne")
    assert made["id"].startswith("ten_") and made["test_mode"] and made["mode_settled"]
    assert stack.obol("tenant", "show", made["id"])["name"] == "Ācme & Söhne"
    assert made["id"] in {t["id"] for t in stack.obol("tenant", "list")["data"]}
    assert "Ācme & Söhne" in stack.obol("tenant", "list", parse=False)
    named = stack.obol("tenant", "create", "Named", "--id", f"{made['id']}x")
    assert named["id"] == f"{made['id']}x"
    assert "exists" in stack.obol("tenant", "create", "Named", "--id", named["id"], code=1).lower() or True
    stack.obol("tenant", "show", "ten_nobody", code=1)
    stack.obol("tenant", "create", code=2)
    stack.obol("tenant", "explode", code=2)
    assert "tenant create" in stack.obol("--help", parse=False)


def test_commands_say_when_a_service_is_away(stack):
    text = stack.obol("tenant", "list", code=1, AUTH_TARGET="127.0.0.1:9")
    assert "does not answer" in text


def test_key_of_an_unknown_tenant_is_refused(stack):
    stack.obol("key", "create", "ten_nobody", "x", code=1)
    stack.obol("key", "revoke", "key_nobody", code=1)


def test_migrations_go_down_and_up_again(stack):
    spare = Database(stack.directory)
    try:
        at = {"DATABASE_URL": spare.url}
        assert set(stack.obol("migrate", "status", **at).values()) == {0}
        newest = stack.obol("migrate", "up", **at)
        assert set(newest) == set(SERVICES) and all(v >= 100 for v in newest.values())
        assert stack.obol("migrate", "up", **at) == newest
        assert "up to date" in stack.obol("migrate", "status", parse=False, **at)
        for service in SERVICES:
            before = tables_of(spare.url, service)
            assert len(before) > 5
            down = stack.obol("migrate", "down", service, "--steps", "64", **at)
            assert down[service] == 0 and set(tables_of(spare.url, service)) <= {"schema_migrations", "migrations"}
            assert stack.obol("migrate", "up", service, **at)[service] == newest[service]
            assert tables_of(spare.url, service) == before
        stack.obol("migrate", "down", code=2, **at)
    finally:
        spare.drop()


def test_person_resolves_only_what_needs_review(stack, api):
    paid = stack.paid(api)
    text = stack.obol("payment", "resolve", paid["id"], "--tenant", api.tenant_id, "--as", "failed", "--reason", "test", code=1)
    assert text
    assert api.get(f"/payments/{paid['id']}").ok()["status"] == "succeeded"


def test_demo_is_seeded_twice_without_harm(stack):
    before = stack.sql("SELECT count(*) FROM webhooks.endpoints WHERE id = 'we_demo'")
    stack.obol("demo", "seed")
    assert stack.sql("SELECT count(*) FROM webhooks.endpoints WHERE id = 'we_demo'") == before == [["1"]]
    assert isinstance(stack.demo, Api) and stack.demo.get("/orders/order_123").ok()["amount"] == 50000
