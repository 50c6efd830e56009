"""Where payments go, and where they don't: routes, failover, circuits, limits, live mode."""
import json
import re
import time
from collections import Counter

import pytest

from client import at_once, card_payment
from client import payment as upi
from conftest import running_stack
from processes import PORTS
from protocol import Protocol, channel_to
from providers import FIELDS, PACE, House, card, forms, moves, payment
from stack import sequences_whole, wait_until

# Francs by MTN in Côte d'Ivoire are taken by MTN and by PayDunya.
COTE_D_IVOIRE = {"target_environment": "mtnivorycoast"}
NOTHING_THERE = "http://127.0.0.1:{closed}"
BROKEN = [
    ("paydunya", {"base_url": NOTHING_THERE}), ("paydunya", {"master_key": "not-the-key"}),
    ("mtn", {"api_key": "not-the-key"}), ("mtn", {"subscription_key": "not-the-key"}),
]


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**PACE)


@pytest.fixture(scope="module")
def mtn(stack):
    return House(stack, "mtn")


@pytest.fixture(scope="module")
def paydunya(stack):
    return House(stack, "paydunya")


@pytest.fixture(scope="module")
def circuits(stack, tmp_path_factory):
    """Circuits that are not closed, by credential: from gRPC."""
    protocol = Protocol(tmp_path_factory.mktemp("protocol"))
    channel = channel_to(stack.ports["payments"])
    method, request = protocol.method(channel, "/obol.payments.v1.ProviderService/ListBreakers")
    yield lambda: {b.credential_id: b for b in method(request(), timeout=20).data}
    channel.close()


def routes(stack, api, *words):
    return stack.obol("route", "set", "--tenant", api.tenant_id, *words)["data"]


def in_order(stack, api, *credentials):
    """All francs go to these, in their order."""
    return routes(stack, api, *(f"mobile_money:XOF={credential['id']}" for credential in credentials))


def francs(amount=5000, msisdn="2250512345601", **more):
    return payment("paydunya", amount, msisdn, **more)


def charged(house, made):
    """What moved at a provider for any attempt of a payment."""
    known = set().union(*(forms(a["reference"]) for a in made["attempts"]))
    return [e["amount"] for e in house.entries("charge") if e["reference"] in known for _ in range(moves(e))]


def attempts(made):
    return [(a["provider"], a["status"], (a["error"] or {}).get("code")) for a in made["attempts"]]


def expect_attempts_in_events(api, made):
    """The last event shows the payment with its attempts, and the sequence is whole."""
    def there():
        events = api.all(f"/events?object_id={made['id']}")
        last = json.loads(max(events, key=lambda e: e["sequence"])["body"])["data"]["payment"]
        return (events, last) if last["status"] == made["status"] else None
    events, last = wait_until(there, 20)
    sequences_whole((e["object_id"], e["sequence"]) for e in events)
    assert last["attempts"] == made["attempts"]


# --- Routes

def test_routes_choose_by_method_currency_operator_and_amount(stack, api, mtn, paydunya):
    own = {name: House(stack, name).credential(api) for name in ["mtn", "airtel", "zamtel", "blumon", "paydunya"]}
    ivory = mtn.credential(api, **COTE_D_IVOIRE)
    made = routes(stack, api, f"mobile_money:XOF:mtn={own['paydunya']['id']},max=5000",
                  f"mobile_money:XOF:mtn={ivory['id']},min=5001,max=9000", f"mobile_money:ZMW:airtel={own['airtel']['id']}",
                  f"card:MXN={own['blumon']['id']}")
    assert [r["credential_id"] for r in made] == [own["paydunya"]["id"], ivory["id"], own["airtel"]["id"], own["blumon"]["id"]]
    listed = stack.obol("route", "list", "--tenant", api.tenant_id)["data"]
    assert listed == made and sorted(r["place"] for r in listed) == [r["place"] for r in listed]

    def goes_to(body):
        return api.post("/payments", body).ok(201)["provider"]
    assert [goes_to(francs(amount)) for amount in [5000, 5001, 9000]] == ["paydunya", "mtn", "mtn"]
    assert goes_to(payment("airtel")) == "airtel" and goes_to(payment("blumon")) == "blumon"
    assert goes_to(payment("mtn")) == "mtn"  # no route is about euros
    assert goes_to(card_payment()) == "simulator"  # nor about rupees
    for body in [francs(9001), payment("zamtel"), francs(mobile_money={"msisdn": "221771234501", "operator": "orange"})]:
        api.post("/payments", body).refused(422, "method_unsupported", "method")
    stack.obol("route", "set", "--tenant", api.tenant_id, "--none")
    assert not stack.obol("route", "list", "--tenant", api.tenant_id).get("data")
    assert goes_to(payment("zamtel")) == "zamtel"


def test_a_route_to_nowhere_is_refused(stack, api, mtn):
    foreign = mtn.credential(stack.tenant())
    own = mtn.credential(api)
    for word in [f"mobile_money:EUR={foreign['id']}", "mobile_money:EUR=cred_none", f"nothing:EUR={own['id']}",
                 f"mobile_money:EURO={own['id']}", f"mobile_money:EUR={own['id']},min=9,max=3"]:
        told = stack.obol("route", "set", "--tenant", api.tenant_id, word, code=1, parse=False)
        assert told.startswith("obol: "), told
    assert not stack.obol("route", "list", "--tenant", api.tenant_id).get("data")


def test_a_disabled_credential_gets_nothing_new(stack, api, mtn, paydunya):
    first, second = mtn.credential(api, **COTE_D_IVOIRE), paydunya.credential(api)
    in_order(stack, api, first, second)
    stack.obol("provider", "set", "mtn", "--tenant", api.tenant_id, "--id", first["id"], "--disable")
    assert api.post("/payments", francs()).ok(201)["provider"] == "paydunya"


# --- Failover

@pytest.mark.parametrize("broken,fields", BROKEN)
def test_what_certainly_was_not_charged_goes_elsewhere(stack, api, mtn, paydunya, broken, fields):
    first, second = (mtn, paydunya) if broken == "mtn" else (paydunya, mtn)
    fields = {name: value.format(closed=PORTS.take()) for name, value in fields.items()}
    own = {house: house.credential(api, **(COTE_D_IVOIRE if house == mtn else {}), **(fields if house == first else {}))
           for house in [first, second]}
    in_order(stack, api, own[first], own[second])
    made = stack.settle(api, api.post("/payments", francs()).ok(201)["id"], "succeeded")
    assert made["provider"] == second.provider
    assert [a[:2] for a in attempts(made)] == [(first.provider, "failed"), (second.provider, "succeeded")], made
    assert made["attempts"][0]["error"]["code"] and made["attempts"][0]["error"]["message"]
    assert made["attempts"][0]["reference"] != made["attempts"][1]["reference"]
    assert charged(first, made) == [] and charged(second, made) == [5000]
    expect_attempts_in_events(api, made)
    refund = stack.settle_refund(api, api.post(f"/payments/{made['id']}/refunds").ok(201)["id"])
    assert refund["status"] == "processed"


def test_what_a_provider_can_not_take_goes_to_the_next_at_once(stack, api, mtn, paydunya):
    """MTN's sandbox takes euros only: known before anything is sent, so it is no attempt."""
    in_order(stack, api, mtn.credential(api), paydunya.credential(api))
    made = api.post("/payments", francs()).ok(201)
    assert made["provider"] == "paydunya"
    assert attempts(stack.settle(api, made["id"], "succeeded")) == [("paydunya", "succeeded", None)]


def test_what_no_provider_can_take_is_refused_with_the_first_reason(stack, api, mtn):
    in_order(stack, api, mtn.credential(api), mtn.credential(api, target_environment="mtnzambia"))
    problem = api.post("/payments", francs()).refused(422, "currency_unsupported")
    assert "EUR" in problem["detail"]


def test_a_refusal_by_setup_goes_through_all_and_fails_in_the_end(stack, api, mtn):
    """MTN's published number for a wrong environment, at two credentials."""
    one, other = mtn.credential(api), mtn.credential(api)
    routes(stack, api, *(f"mobile_money:EUR={c['id']}" for c in [one, other]))
    made = stack.settle(api, mtn.pay(api, msisdn="46733123458")["id"])
    assert made["status"] == "failed" and [a[:2] for a in attempts(made)] == [("mtn", "failed")] * 2
    assert made["error"]["code"] == made["attempts"][-1]["error"]["code"] and charged(mtn, made) == []


@pytest.mark.parametrize("fault", ["timeout_after", "malformed"])
def test_what_may_have_been_charged_goes_nowhere_else(stack, api, mtn, paydunya, fault):
    in_order(stack, api, mtn.credential(api, **COTE_D_IVOIRE), paydunya.credential(api))
    mtn.control(next=fault)
    made = stack.settle(api, api.post("/payments", francs()).ok(201)["id"], "succeeded")
    assert attempts(made) == [("mtn", "succeeded", None)]
    assert charged(mtn, made) == [5000] and charged(paydunya, made) == []


def test_a_payers_decline_goes_nowhere_else(stack, api, mtn, paydunya):
    in_order(stack, api, paydunya.credential(api), mtn.credential(api, **COTE_D_IVOIRE))
    before = len(mtn.entries())
    made = stack.settle(api, api.post("/payments", francs(msisdn="2250512345650")).ok(201)["id"])
    assert made["status"] == "failed" and [a[:2] for a in attempts(made)] == [("paydunya", "failed")]
    assert len(mtn.entries()) == before


# --- Circuits

def not_closed(stack, provider):
    """How many of its circuits the metrics show open or half-open."""
    text = stack.open("GET", "/metrics", port="payments_ops").raw.decode()
    found = re.findall(rf'^obol_provider_circuits\{{provider="{provider}",state="(?:open|half_open)"\}} (\d+)', text, re.M)
    assert len(found) == 2, found
    return sum(map(int, found))


def expect_open(stack, circuits, credential):
    """It is seen open, or half-open, wherever that is shown, and stays so."""
    seen = wait_until(lambda: circuits().get(credential["id"]), 20, "the circuit opens")
    assert seen.provider == credential["provider"] and seen.state in ("open", "half_open"), seen
    until = time.monotonic() + 2
    while time.monotonic() < until:
        assert credential["id"] in circuits(), "the circuit has closed, and the provider is still out"
        time.sleep(0.05)
    assert not_closed(stack, credential["provider"]) >= 1
    shown = stack.open("GET", "/health", port="payments_ops").ok()["circuits"]
    assert [c["provider"] for c in shown if c["credential"] == credential["id"]] == [credential["provider"]], shown


@pytest.mark.parametrize("answering", ["error", "hang"])
def test_payments_wait_while_a_provider_is_out(stack, api, mtn, circuits, answering):
    credential = mtn.credential(api)
    mtn.settled(api, status="succeeded")  # its access token is there
    mtn.control(answering=answering)
    try:
        made = at_once(20, lambda i: mtn.pay(api, 1000 + i))
        expect_open(stack, circuits, credential)
        waiting = Counter(api.get(f"/payments/{p['id']}").ok()["status"] for p in made)
        assert not waiting.keys() - {"pending", "processing", "unknown"}, waiting
        # Whoever comes now isn't tried in vain.
        late = mtn.pay(api, 2000)
        assert api.get(f"/payments/{late['id']}").ok()["status"] in ("pending", "processing")
    finally:
        mtn.control(answering="normal")
    for one in [*made, late]:
        settled = stack.settle(api, one["id"], "succeeded", 60)
        assert charged(mtn, settled) == [one["amount"]]
    wait_until(lambda: credential["id"] not in circuits(), 20, "the circuit closes")
    assert not_closed(stack, credential["provider"]) == 0


def test_an_open_circuit_sends_payments_elsewhere_and_is_the_credentials_own(stack, api, mtn, paydunya, circuits):
    broken = paydunya.credential(api, base_url=NOTHING_THERE.format(closed=PORTS.take()))
    in_order(stack, api, broken, mtn.credential(api, **COTE_D_IVOIRE))
    other = stack.tenant()
    untouched = paydunya.credential(other)
    made = at_once(15, lambda i: api.post("/payments", francs(3000 + i)).ok(201))
    expect_open(stack, circuits, broken)
    late = api.post("/payments", francs(4000)).ok(201)
    for one in [*made, late]:
        settled = stack.settle(api, one["id"], "succeeded")
        assert [a[:2] for a in attempts(settled)] == [("paydunya", "failed"), ("mtn", "succeeded")]
        assert settled["attempts"][0]["error"]["code"] == "provider_unavailable"
        assert charged(mtn, settled) == [one["amount"]]
    assert stack.settle(other, other.post("/payments", francs()).ok(201)["id"], "succeeded")["provider"] == "paydunya"
    assert untouched["id"] not in circuits()


def test_who_can_not_take_it_is_no_way_out_and_a_mended_credential_is(stack, api, mtn, paydunya, circuits):
    broken = paydunya.credential(api, base_url=NOTHING_THERE.format(closed=PORTS.take()))
    in_order(stack, api, broken, mtn.credential(api))  # MTN's sandbox takes euros only
    made = at_once(15, lambda i: api.post("/payments", francs(3000 + i)).ok(201))
    expect_open(stack, circuits, broken)
    for one in made:
        seen = api.get(f"/payments/{one['id']}").ok()
        assert [a["provider"] for a in seen["attempts"]] == ["paydunya"] and seen["status"] in ("pending", "processing"), seen
    stack.obol("provider", "set", "paydunya", "--tenant", api.tenant_id, "--id", broken["id"], f"base_url={paydunya.base_url()}")
    for one in made:
        settled = stack.settle(api, one["id"], "succeeded", 60)
        assert charged(paydunya, settled) == [one["amount"]]


# --- Limits

def limit(stack, api, currency, **bounds):
    words = [word for name, value in bounds.items() for word in [f"--{name.replace('_', '-')}", value]]
    return stack.obol("limit", "set", currency, "--tenant", api.tenant_id, *words)


def test_amounts_have_bounds_by_currency(stack, api, mtn, paydunya):
    mtn.credential(api), paydunya.credential(api)
    limit(stack, api, "XOF", minimum=500, maximum=100000)
    for amount, code in [(499, "amount_too_small"), (100001, "amount_too_large")]:
        api.post("/payments", francs(amount), key="bounded").refused(422, code, "amount")
    api.post("/payments", francs(500), key="bounded").ok(201)  # what was refused is not remembered
    api.post("/payments", francs(100000)).ok(201)
    mtn.pay(api, 499), mtn.pay(api, 100001)
    limit(stack, api, "XOF")
    api.post("/payments", francs(499)).ok(201)


def test_a_days_volume_is_exact_when_fifty_come_at_once(stack, api, mtn, paydunya):
    mtn.credential(api), paydunya.credential(api)
    limit(stack, api, "XOF", daily=20500)
    replies = at_once(50, lambda i: api.insist("POST", "/payments", francs(1000), key=f"daily-{i}"))
    assert Counter(r.status for r in replies) == {201: 20, 422: 30}
    for reply in replies:
        if reply.status == 422:
            reply.refused(422, "daily_limit_exceeded", "amount")
    api.post("/payments", francs(501)).refused(422, "daily_limit_exceeded")
    api.post("/payments", francs(500)).ok(201)
    api.post("/payments", francs(1)).refused(422, "daily_limit_exceeded")
    mtn.pay(api, 100000)  # euros are another day's volume
    stack.tenant()
    assert len(api.all("/payments")) == 22


def review_of(stack, api, made):
    [row] = [r for r in stack.obol("payment", "review", "--tenant", api.tenant_id).get("data") or [] if r["payment_id"] == made["id"]]
    return row


def resolve(stack, api, made, status):
    return stack.obol("payment", "resolve", made["id"], "--tenant", api.tenant_id, "--as", status, "--reason", "looked at it")


def test_large_amounts_wait_for_a_person_who_lets_them_go(stack, api, paydunya):
    paydunya.credential(api)
    limit(stack, api, "XOF", review_above=5000)
    small = api.post("/payments", francs(5000)).ok(201)
    assert small["status"] == "pending"
    made = api.post("/payments", francs(5001), key="large").ok(201)
    assert made["status"] == "needs_review" and made["error"]["code"] == "amount_above_review_threshold"
    row = review_of(stack, api, made)
    assert row["reason"] == "amount_above_review_threshold" and (row["amount"], row["currency"]) == (5001, "XOF")
    stack.settle(api, small["id"], "succeeded")
    assert not [e for e in paydunya.entries() if e["amount"] == 5001 and e["reference"] in forms(row["reference"])]
    resolve(stack, api, made, "pending")
    settled = stack.settle(api, made["id"], "succeeded")
    assert charged(paydunya, settled) == [5001] and attempts(settled) == [("paydunya", "succeeded", None)]
    names = wait_until(lambda: (own := [e["event"] for e in reversed(api.all(f"/events?object_id={made['id']}"))])
                       and own[-1] == "payment.succeeded" and own, 20)
    assert names[:2] == ["payment.created", "payment.needs_review"]
    assert not stack.obol("payment", "review", "--tenant", api.tenant_id).get("data")


def test_large_amounts_that_a_person_refuses_free_their_order(stack, api, paydunya):
    paydunya.credential(api)
    limit(stack, api, "XOF", review_above=5000)
    order = api.post("/orders", {"amount": 6000, "currency": "XOF"}).ok(201)
    body = {"order_id": order["id"], "method": "mobile_money", "mobile_money": francs()["mobile_money"]}
    made = api.post("/payments", body).ok(201)
    assert made["status"] == "needs_review"
    api.post("/payments", body).refused(409, "order_in_progress")
    resolve(stack, api, made, "failed")
    assert api.get(f"/payments/{made['id']}").ok()["status"] == "failed"
    again = api.post("/payments", body).ok(201)
    resolve(stack, api, again, "pending")
    stack.settle(api, again["id"], "succeeded")
    assert api.get(f"/orders/{order['id']}").ok()["status"] == "paid"
    assert charged(paydunya, api.get(f"/payments/{made['id']}").ok()) == []


# --- Stopping

def test_the_service_leaves_cleanly_with_a_call_still_out(stack, api):
    """Zamtel blocks until the PIN is entered, for longer than a stopping service waits."""
    zamtel = House(stack, "zamtel")
    zamtel.credential(api)
    made = zamtel.pay(api, msisdn="260951234561")
    zamtel.wait_entry("charge", payer="260951234561")
    stack.processes["payments"].stop()  # with a leak, it would not leave with 0
    stack.restart("payments")
    stack.wait_ready()
    assert api.get(f"/payments/{made['id']}").ok()["status"] == "processing"


# --- Live mode

def live(stack, api, provider, code=0, **fields):
    """A credential for real money."""
    words = {**FIELDS[provider], **fields}
    return stack.obol("provider", "set", provider, "--tenant", api.tenant_id, "--live", *(f"{k}={v}" for k, v in words.items()),
                      code=code, parse=code == 0)


def by_its_credentials(stack, api):
    """As a tenant of before there were modes: none is settled."""
    stack.sql(f"DELETE FROM payments.tenant_modes WHERE tenant_id = '{api.tenant_id}'")


def test_a_live_tenant_takes_no_test_instruments_and_no_simulator(stack, api):
    by_its_credentials(stack, api)
    closed = f"https://127.0.0.1:{PORTS.take()}"
    live(stack, api, "mtn", base_url=closed, target_environment="mtnzambia")
    live(stack, api, "blumon", base_url=closed)
    number = payment("mtn", msisdn="46733123450", currency="ZMW")
    api.post("/payments", number).refused(422, "test_instrument", "mobile_money")
    for known in ["4242424242424242", "4000000000000002"]:
        api.post("/payments", payment("blumon", card=card(known))).refused(422, "test_instrument", "card.number")
    api.post("/payments", card_payment()).refused(422, "method_unsupported")
    api.post("/payments", upi()).refused(422, "method_unsupported")
    assert not api.all("/payments")
    taken = api.post("/payments", payment("mtn", msisdn="260961234567", currency="ZMW")).ok(201)
    assert taken["provider"] == "mtn" and taken["status"] == "pending"


def test_a_tenant_is_live_or_not(stack, api, mtn, paydunya):
    by_its_credentials(stack, api)
    made = paydunya.credential(api)
    closed = {"base_url": "https://127.0.0.1:9", "target_environment": "mtnzambia"}
    assert "mode_mixed" in live(stack, api, "mtn", code=1, **closed)
    stack.obol("provider", "set", "paydunya", "--tenant", api.tenant_id, "--id", made["id"], "--disable")
    live(stack, api, "mtn", **closed)
    assert "mode_mixed" in stack.obol("provider", "set", "paydunya", "--tenant", api.tenant_id, "--id", made["id"], "store_name=A",
                                      code=1, parse=False)
    api.post("/payments", francs()).refused(422, "currency_unsupported")  # by the live one, whose market has others
    api.post("/payments", upi()).refused(422, "method_unsupported")


def test_live_credentials_need_tls(stack, api, mtn):
    told = live(stack, api, "mtn", code=1, base_url=mtn.base_url(), target_environment="mtnzambia")
    assert "https://" in told and "mtn-sandbox-key" not in told


def test_a_test_tenant_takes_no_live_cards(stack, api):
    House(stack, "blumon").credential(api)
    api.post("/payments", payment("blumon", card=card("4532015112830366"))).refused(422, "live_instrument", "card.number")
