"""What is built in, as operators see it and as docs/providers.md says."""
import pathlib

import pytest

from conftest import running_stack
from processes import PORTS, wait_until
from providers import House, payment

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "providers.md"


@pytest.fixture(scope="module")
def stack():
    # Times as an installation has them by itself.
    yield from running_stack(PROVIDER_TIMEOUT_MS="5000", POLL_FIRST_MS="2000", PROVIDER_ALLOW_HTTP="true")


def documented():
    """The rows of the first table, by the names of their columns."""
    lines = [line for line in DOCUMENT.read_text().split("## What each supports\n")[1].splitlines()]
    table = lines[:lines.index("")]
    names, _, *rows = [[cell.strip().strip("`") for cell in line.strip().strip("|").split("|")] for line in table]
    return [dict(zip(names, row, strict=True)) for row in rows]


def declared(stack):
    """The same rows, as the installation would write them."""
    return [{"provider": provider["name"], "method": method["method"],
             "currencies": " ".join(method["currencies"]) or "any", "operators": " ".join(method["operators"]),
             "refunds": "part or whole" if provider["partial_refunds"] else "whole",
             "can be asked": "yes" if provider["can_be_asked"] else "it tells" if provider["speaks_by_callback"] else "no",
             "sent again": " ".join(provider["sent_again"]) or "nothing",
             "at most": f"{provider['total_ms'] / 1000:g} s", "asked first after": f"{provider['query_after_ms'] / 1000:g} s"}
            for provider in stack.obol("provider", "available")["data"] for method in provider["methods"]]


def test_the_documents_table_is_what_providers_declare(stack):
    assert documented() == declared(stack)


def test_only_the_simulator_takes_manual_capture(stack):
    takes = {provider["name"] for provider in stack.obol("provider", "available")["data"]
             for method in provider["methods"] if method["manual_capture"]}
    assert takes == {"simulator"}


def test_operators_see_providers_and_the_fields_of_their_credentials(stack):
    table = stack.obol("provider", "available", parse=False)
    assert "PROVIDER" in table and "orange wave mtn" in table and "after 180 s" in table, table
    fields = {row.split()[0]: row.split()[1:3] for row in stack.obol("provider", "fields", "mtn", parse=False).splitlines()}
    assert fields["api_key"] == ["yes", "yes"] and fields["api_user"] == ["yes", "-"] and fields["base_url"] == ["-", "-"]
    named = {field["name"] for field in stack.obol("provider", "fields", "zamtel")["fields"]}
    assert {"third_party_id", "password", "callback_addresses"} <= named
    assert "no provider nobody" in stack.obol("provider", "fields", "nobody", code=1)


def test_operators_see_circuits_that_are_open(stack, api):
    assert stack.obol("provider", "breakers")["data"] == []
    house = House(stack, "mtn")
    credential = house.credential(api, base_url=f"http://127.0.0.1:{PORTS.take()}")  # nobody is there
    for _ in range(12):
        house.pay(api)
    breakers = []

    def opened():
        breakers[:] = stack.obol("provider", "breakers")["data"]
        return [b for b in breakers if b["state"] == "open"]
    [breaker] = wait_until(opened, 30, lambda: f"a circuit opens: {breakers}")
    assert (breaker["provider"], breaker["credential_id"]) == ("mtn", credential["id"])
    table = stack.obol("provider", "breakers", parse=False)
    assert table.split()[:6] == ["PROVIDER", "CREDENTIAL", "STATE", "RETRY", "mtn", credential["id"]], table


def test_without_routes_a_payment_goes_to_whoever_takes_it_as_it_is(stack, api):
    House(stack, "mtn").credential(api, target_environment="mtnzambia")
    House(stack, "mtn").credential(api, target_environment="mtnghana")
    paydunya = House(stack, "paydunya")
    paydunya.credential(api)
    assert paydunya.settled(api, 1000, "succeeded")["provider"] == "paydunya", "though MTN takes francs elsewhere"
    ghana = {"currency": "GHS", "mobile_money": {"msisdn": "233241234501", "operator": "mtn"}}
    assert House(stack, "mtn").settled(api, 1000, "succeeded", **ghana)["attempts"][0]["provider"] == "mtn"
    uganda = {"currency": "UGX", "mobile_money": {"msisdn": "256771234501", "operator": "mtn"}}
    api.post("/payments", payment("mtn", **uganda)).refused(422, "currency_unsupported")
