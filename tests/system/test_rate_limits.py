"""How much a tenant may ask for, how often an address may fail, how often a payer may try."""
import contextlib
import secrets
import time

import pytest

from client import at_once, card_payment, payment, send
from conftest import running_stack
from processes import PORTS, Process
from stack import wait_until

FAILURES, CARDS, ATTEMPTS, DECLINED, BLOCK_S = 60, 20, 20, 5, 4


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(
        GATEWAY_LOOPS="2", TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8", TENANT_RATE_PER_MIN="60000",
        ADDRESS_FAILURES_PER_MIN=str(FAILURES), ADDRESS_CARDS_PER_MIN=str(CARDS), PAYER_ATTEMPTS_PER_MIN=str(ATTEMPTS),
        PAYER_FAILURES_BLOCK=str(DECLINED), PAYER_BLOCK_S=str(BLOCK_S))


@contextlib.contextmanager
def second_gateway(stack, **environment):
    """Another replica; its port."""
    port, ops = PORTS.take(), PORTS.take()
    listening = {"GATEWAY_LISTEN": f"127.0.0.1:{port}", "GATEWAY_OPS_LISTEN": f"127.0.0.1:{ops}"}
    gateway = Process("gateway-2", [stack.programs / "obol-gateway"], {**stack.environment, **listening, **environment},
                      stack.directory / "gateway-2.log")
    gateway.start()
    try:
        wait_until(lambda: gateway.running() and ready(port), 30, "the second gateway is ready")
        yield port
    finally:
        gateway.stop()


def ready(port):
    try:
        return send(port, "GET", "/health/ready").status == 200
    except OSError:
        return False


def address():
    """An address that nobody has had yet: TEST-NET-3 and its like are too small."""
    return f"100.{64 + secrets.randbelow(64)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


def from_(*addresses):
    return {"X-Forwarded-For": ", ".join(addresses)}


def guess(stack, *addresses, port=None):
    """A request with a key that nobody has."""
    headers = {"X-Api-Key": f"key_{secrets.token_hex(8)}", "X-Api-Secret": "guessed-wrongly-again"}
    headers |= from_(*addresses) if addresses else {}
    return send(port or stack.ports["gateway"], "GET", "/api/v1/payments", None, headers)


def refused_by(stack, limit):
    text = send(stack.ports["gateway_ops"], "GET", "/metrics").raw.decode()
    lines = [line for line in text.splitlines() if line.startswith(f'obol_gateway_limited_total{{limit="{limit}"}}')]
    return int(lines[0].rsplit(" ", 1)[1]) if lines else 0


def flood(api, ports, seconds, threads=8):
    """As much as they can, for so long: how many were let through, how many refused."""
    deadline = time.monotonic() + seconds

    def one(i):
        statuses = []
        while time.monotonic() < deadline:
            statuses.append(send(ports[i % len(ports)], "GET", "/api/v1/payments?limit=1", None, api.headers()).status)
        return statuses
    statuses = [status for part in at_once(threads, one) for status in part]
    assert set(statuses) <= {200, 429}, set(statuses)
    return statuses.count(200), statuses.count(429)


def test_replicas_share_a_tenants_rate(stack):
    api = stack.tenant("Shared", "--rate", "600")
    with second_gateway(stack) as port:
        began = time.monotonic()
        granted, refused = flood(api, [stack.ports["gateway"], port], 5)
        took = time.monotonic() - began
    assert refused > 0
    # Ten a second, and what ten seconds give at once; a part of that may lie in four loops unspent.
    assert 90 + 10 * (took - 1) * 0.7 <= granted <= 100 + 10 * took, (granted, took)


def test_answers_tell_of_the_limit(stack):
    api = stack.tenant("Told", "--rate", "120")
    answer = api.get("/payments")
    assert answer.headers["RateLimit-Limit"] == "120"
    assert int(answer.headers["RateLimit-Remaining"]) == 17 and int(answer.headers["RateLimit-Reset"]) == 1
    again = api.get("/payments/pay_none")
    assert again.status == 404 and int(again.headers["RateLimit-Remaining"]) in (16, 17)
    unlimited = stack.tenant("Free", "--rate", "0")
    assert not [name for name in unlimited.get("/payments").headers if name.lower().startswith("ratelimit")]


def test_who_waits_as_told_is_let_in(stack):
    api = stack.tenant("Waiting", "--rate", "30")  # four at once, then one every two seconds
    before, began = refused_by(stack, "tenant"), time.monotonic()
    answers = at_once(12, lambda i: api.post("/payments", payment(vpa=f"waits{i}@upi")))
    took = time.monotonic() - began
    made = [answer for answer in answers if answer.status == 201]
    refused = [answer for answer in answers if answer.status != 201]
    assert 4 <= len(made) <= 4 + took / 2, (took, answers)
    for answer in refused:
        answer.refused(429, "rate_limited")
        assert answer.headers["RateLimit-Remaining"] == "0" and answer.headers["RateLimit-Limit"] == "30"
    assert refused_by(stack, "tenant") == before + len(refused)
    assert stack.sql(f"SELECT count(*) FROM payments.payments WHERE tenant_id = '{api.tenant_id}'") == [[str(len(made))]]
    time.sleep(int(refused[0].headers["Retry-After"]))
    api.get("/payments").ok()


def test_operator_sets_a_tenants_rate(stack):
    api = stack.tenant("Set")
    shown = stack.obol("tenant", "show", api.tenant_id)
    assert shown.get("rate_per_min") is None and "60000" == api.get("/payments").headers["RateLimit-Limit"]
    assert stack.obol("tenant", "rate", api.tenant_id, "1200")["rate_per_min"] == 1200
    wait_until(lambda: api.get("/payments").headers["RateLimit-Limit"] == "1200", 5, "the new rate is in force")
    assert stack.obol("tenant", "rate", api.tenant_id, "0")["rate_per_min"] == 0
    wait_until(lambda: api.get("/payments").headers.get("RateLimit-Limit") is None, 5, "there is no limit")
    assert stack.obol("tenant", "rate", api.tenant_id, "default").get("rate_per_min") is None
    stack.obol("tenant", "rate", api.tenant_id, "-1", code=2)
    assert "tenant.set_rate" in stack.sql(f"SELECT string_agg(action, ' ') FROM auth.audit_log WHERE object_id = '{api.tenant_id}'")[0][0]


def test_a_flood_leaves_others_alone(stack):
    loud, quiet = stack.tenant("Loud", "--rate", "60"), stack.tenant("Quiet", "--rate", "6000")
    deadline = time.monotonic() + 2

    def one(i):
        if i:
            return flood(loud, [stack.ports["gateway"]], 2, threads=2)
        statuses = []
        while time.monotonic() < deadline:
            statuses.append(quiet.get("/payments").status)
            time.sleep(0.02)
        return set(statuses)
    assert at_once(4, one)[0] == {200}


def test_tenants_go_on_while_auth_is_away(stack):
    api = stack.tenant("Alone", "--rate", "600")
    assert {api.get("/payments").status for _ in range(30)} == {200}  # each loop has met the key
    stack.kill9("auth")
    try:
        began = time.monotonic()
        granted, refused = flood(api, [stack.ports["gateway"]], 4)
        took = time.monotonic() - began
        # Each of the two loops by itself: half the rate, half the burst; and what they had leased.
        assert refused > 0 and 20 <= granted <= 100 + 10 * took, (granted, refused, took)
    finally:
        stack.restart("auth")
        stack.wait_ready()


def test_guessing_is_refused_by_address(stack):
    here, api = address(), stack.tenant("Neighbour")
    fresh = stack.key(api.tenant_id, "fresh")
    assert {api.get("/payments", headers=from_(here)).status for _ in range(30)} == {200}
    before, began = refused_by(stack, "failures"), time.monotonic()
    answers = at_once(2 * FAILURES, lambda i: guess(stack, here), threads=20)
    wrong = [answer for answer in answers if answer.status == 401]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(wrong) + len(refused) == 2 * FAILURES
    assert FAILURES <= len(wrong) <= FAILURES + 1 + FAILURES / 60 * (time.monotonic() - began), len(wrong)
    assert refused[0].refused(429, "rate_limited") and int(refused[0].headers["Retry-After"]) >= 1
    assert refused_by(stack, "failures") == before + len(refused)
    # Who was known before goes on; who was not has to wait; and elsewhere nothing has happened.
    assert {api.get("/payments", headers=from_(here)).status for _ in range(10)} == {200}
    fresh.get("/payments", headers=from_(here)).refused(429, "rate_limited")
    fresh.get("/payments", headers=from_(address())).ok()
    stack.open("GET", "/api/v1/payments", headers=from_(here)).refused(429, "rate_limited")  # no key at all
    time.sleep(int(refused[-1].headers["Retry-After"]))
    assert guess(stack, here).status == 401


def test_good_keys_cost_nothing(stack):
    here, api = address(), stack.tenant("Good")
    keys = [stack.key(api.tenant_id, f"key {i}") for i in range(3)]
    for _ in range(FAILURES):
        assert keys[0].get("/payments", headers=from_(here)).status == 200
        assert keys[1].get("/payments", headers=from_(here)).status == 200
    keys[2].get("/payments", headers=from_(here)).ok()
    assert guess(stack, here).status == 401


def test_a_crowd_with_one_new_key_is_no_guesser(stack):
    here, api = address(), stack.tenant("Crowd")
    answers = at_once(3 * FAILURES, lambda i: api.get("/payments", headers=from_(here)), threads=3 * FAILURES)
    assert {answer.status for answer in answers} == {200}


def exhaust(stack, *addresses, port=None):
    statuses = {answer.status for answer in at_once(FAILURES + 30, lambda i: guess(stack, *addresses, port=port), threads=20)}
    assert statuses == {401, 429}, statuses


def test_the_header_is_read_from_the_right(stack):
    here = address()
    exhaust(stack, here)
    assert guess(stack, address(), here).status == 429  # what the client wrote itself
    assert guess(stack, address(), here, "10.1.2.3").status == 429  # through another proxy of ours
    assert guess(stack, here, address()).status == 401
    assert guess(stack, "what is this", here).status == 429
    exhaust(stack, "2001:db8:7:7::1")
    assert guess(stack, "2001:db8:7:7:ffff::2").status == 429  # one customer's network
    assert guess(stack, "2001:db8:7:8::1").status == 401


def test_cards_are_counted_by_address(stack):
    here, tenants = address(), [stack.tenant("Cards A"), stack.tenant("Cards B")]
    answers = at_once(CARDS + 10, lambda i: tenants[i % 2].post("/payments", card_payment(), headers=from_(here)), threads=10)
    made = [answer for answer in answers if answer.status == 201]
    refused = [answer for answer in answers if answer.status != 201]
    assert CARDS <= len(made) <= CARDS + 2
    assert all(answer.refused(429, "rate_limited") for answer in refused)
    ids = "', '".join(api.tenant_id for api in tenants)
    assert stack.sql(f"SELECT count(*) FROM payments.card_tokens WHERE tenant_id IN ('{ids}')") == [[str(len(made))]]
    tenants[0].post("/payments", payment(), headers=from_(here)).ok(201)


def test_a_payer_tries_so_often_and_no_more(stack):
    api, other = stack.tenant("Payers"), stack.tenant("Others")
    answers = at_once(200, lambda i: api.post("/payments", payment(vpa=["Mary@upi", "mary@UPI"][i % 2])), threads=40)
    made = [answer for answer in answers if answer.status == 201]
    refused = [answer for answer in answers if answer.status != 201]
    assert len(made) == ATTEMPTS
    for answer in refused:
        answer.refused(429, "rate_limited", "vpa")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert stack.sql(f"SELECT count(*) FROM payments.payments WHERE tenant_id = '{api.tenant_id}'") == [[str(ATTEMPTS)]]
    # What was refused has not used its key, nor taken its order.
    order = api.post("/orders", {"amount": 50000, "currency": "INR"}).ok(201)
    mine = {"order_id": order["id"], "method": "upi", "vpa": "mary@upi"}
    api.post("/payments", mine, key="refused-key").refused(429, "rate_limited", "vpa")
    assert api.get("/idempotency_keys/refused-key").status == 404
    api.post("/payments", {**mine, "vpa": "john@upi"}, key="refused-key").ok(201)
    other.pay(vpa="mary@upi")
    assert "mary" not in stack.sql("SELECT string_agg(p::text, ' ') FROM payments.payers p")[0][0]


def test_a_replay_is_no_attempt(stack):
    api, key, mine = stack.tenant("Replays"), secrets.token_hex(8), payment(vpa="replayed@upi")
    first = api.post("/payments", mine, key=key).ok(201)
    for _ in range(ATTEMPTS):
        again = api.post("/payments", mine, key=key)
        assert again.ok(201)["id"] == first["id"] and again.headers["Idempotency-Replayed"] == "true"
    for _ in range(ATTEMPTS - 1):
        api.pay(vpa="replayed@upi")
    api.post("/payments", payment(vpa="replayed@upi")).refused(429, "rate_limited", "vpa")
    assert api.post("/payments", mine, key=key).ok(201)["id"] == first["id"]


def test_declined_payments_block_their_payer(stack):
    api, other = stack.tenant("Blocks"), stack.tenant("Elsewhere")
    for _ in range(DECLINED):
        stack.settle(api, api.pay(vpa="fail@upi")["id"], "failed")
    refused = api.post("/payments", payment(vpa="fail@upi"))
    refused.refused(429, "payer_blocked", "vpa")
    assert 1 <= int(refused.headers["Retry-After"]) <= BLOCK_S
    assert stack.paid(api)["status"] == "succeeded"
    other.pay(vpa="fail@upi")
    time.sleep(int(refused.headers["Retry-After"]))
    api.pay(vpa="fail@upi")  # begins anew


def test_an_operator_lets_a_payer_in_again(stack):
    api = stack.tenant("Unblocked")
    ids = [api.pay(vpa="fail@upi")["id"] for _ in range(DECLINED)]
    for payment_id in ids:
        stack.settle(api, payment_id, "failed")
    api.post("/payments", payment(vpa="fail@upi")).refused(429, "payer_blocked", "vpa")
    assert stack.obol("payment", "unblock", ids[0], "--tenant", api.tenant_id)["was_blocked"] is True
    api.pay(vpa="fail@upi")
    stack.obol("payment", "unblock", "pay_none", "--tenant", api.tenant_id, code=1)
    assert "payer.unblock" in stack.sql(f"SELECT string_agg(action, ' ') FROM payments.audit_log WHERE object_id = '{ids[0]}'")[0][0]


def test_nobody_is_trusted_unless_told(stack):
    with second_gateway(stack, TRUSTED_PROXIES="") as port:
        answers = at_once(FAILURES + 30, lambda i: guess(stack, address(), port=port), threads=20)
        assert {answer.status for answer in answers} == {401, 429}
        assert guess(stack, address()).status == 401  # there the header counts
        # Both count the one address that they see.
        assert 429 in {guess(stack).status for _ in range(5)}
