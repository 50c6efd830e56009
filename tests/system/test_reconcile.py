"""Reconciliation: a day of our books against the providers'."""
import datetime
import json

import pytest

from conftest import running_stack
from processes import wait_until
from providers import FIELDS, PACE, House


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**PACE)


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def reconcile(stack, api, provider, *words, code=0):
    return stack.obol("reconcile", "--tenant", api.tenant_id, "--provider", provider, "--date", today(), *words, code=code)


def books(stack, provider):
    """A tenant alone at this provider, with a payment that was refunded in whole and one that stays."""
    house = House(stack, provider)
    api = stack.tenant(provider)
    credential = house.credential(api, ledger_url=f"{house.url}/ledger")
    house.control(callback_url=credential["callback_url"])
    first, second = (house.settled(api, amount, "succeeded") for amount in (60000, 70000))
    refund = api.post(f"/payments/{first['id']}/refunds", {}).ok(201)
    assert stack.settle_refund(api, refund["id"])["status"] == "processed"
    return house, api, second


@pytest.mark.parametrize("provider", FIELDS)
def test_books_that_agree_match(stack, provider):
    _, api, _ = books(stack, provider)
    found = reconcile(stack, api, provider)
    assert found["source"] == "ledger" and found["matched"] == 3, found
    assert not found["differences"], found


def test_differences_are_told_and_nothing_is_corrected(stack):
    house, api, payment = books(stack, "mtn")
    # Somebody else's money in the same account, and a row of ours that says otherwise.
    stranger = stack.tenant("Stranger")
    house.credential(stranger)
    house.settled(stranger, 1234, "succeeded")
    stack.sql(f"UPDATE payments.operations SET amount = amount + 1 WHERE payment_id = '{payment['id']}'")
    printed = stack.obol("reconcile", "--tenant", api.tenant_id, "--provider", "mtn", "--date", today(), code=1, parse=False)
    assert "missing_here" in printed and "amount" in printed and payment["id"] in printed, printed

    def told():
        return [json.loads(event["body"]) for event in api.all("/events") if event["event"] == "reconciliation.completed"]
    [event] = wait_until(told, 10, "the event")
    assert event["data"]["reconciliation"]["amounts_differ"] == 1, event
    [[status, amount]] = stack.sql(f"SELECT status, amount FROM payments.payments WHERE id = '{payment['id']}'")
    assert (status, amount) == ("succeeded", "70000")
    metrics = stack.open("GET", "/metrics", port="payments_ops").raw.decode()
    assert 'obol_reconciliation_differences{provider="mtn",kind="amount"} 1' in metrics, metrics


def test_a_settlement_file_serves_where_there_is_nothing_to_ask(stack, tmp_path):
    house = House(stack, "zamtel")
    api = stack.tenant("Zamtel by file")
    house.credential(api)
    payment = house.settled(api, 5000, "succeeded")
    refused = reconcile(stack, api, "zamtel", code=1)
    assert "settlement_file_needed" in refused, refused
    [[operation]] = stack.sql(f"SELECT id FROM payments.operations WHERE payment_id = '{payment['id']}'")
    file = tmp_path / "settlement.csv"
    file.write_text(f"reference,amount,currency,status\n{operation.replace('_', '')},50.00,ZMW,success\n")
    found = reconcile(stack, api, "zamtel", "--csv", file)
    assert found["source"] == "csv" and found["matched"] + found.get("left_over", 0) >= 1 and not found["differences"], found
    file.write_text(f"reference,amount,currency,status\n{operation.replace('_', '')},49.00,ZMW,success\n")
    assert "amount" in stack.obol("reconcile", "--tenant", api.tenant_id, "--provider", "zamtel", "--date", today(), "--csv", file,
                                  code=1, parse=False)
