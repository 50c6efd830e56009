"""`obol provider test` says in a sentence what is wrong with a credential, and never a secret."""
import re

import pytest

from conftest import running_stack
from processes import PORTS
from providers import FIELDS, PACE, PATHS, PAYMENTS, House

WRONG = "not-what-the-provider-has"
# The fields that are secret and what a provider says when one of them is wrong.
WRONG_CREDENTIALS = [
    ("mtn", "api_key", "API user or its key"), ("mtn", "subscription_key", "subscription key"),
    ("mtn", "disbursement_key", "disbursement"), ("airtel", "client_secret", "client id or its secret"),
    ("zamtel", "password", "password"), ("blumon", "password", "username with this password"),
    ("blumon", "client_secret", "client_id with this client_secret"), ("paydunya", "private_key", "private_key"),
    ("paydunya", "master_key", "master_key"), ("paydunya", "token", "token"),
]
# A test credential that points where real money is taken, or was made for another place.
WRONG_ENVIRONMENTS = [
    ("mtn", {"target_environment": "mtnzambia"}, "target_environment"),
    ("mtn", {"base_url": "https://proxy.momoapi.mtn.com"}, "real money"),
    ("airtel", {"base_url": "https://openapi.airtel.africa"}, "real money"),
    ("zamtel", {"base_url": "/zamtel/ZampayRestProd"}, "/ZampayRest (test)|ends in /ZampayRest"),
    ("blumon", {"base_url": "https://ecommerce.blumonpay.net"}, "real money"),
    ("paydunya", {"base_url": "https://app.paydunya.com/api/v1"}, "real money"),
    ("paydunya", {"private_key": "live_paydunya-sandbox-private"}, "live key"),
    ("paydunya", {"base_url": "/paydunya/api/v1"}, "/sandbox-api/v1"),
]
SECRETS = {name for fields in FIELDS.values() for name in fields
           if re.search("key|secret|password|token|^credential$", name)}


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**PACE)


class Asked:
    """A credential, and the one sentence that is said of it."""

    def __init__(self, stack, tenant, provider, **fields):
        self.house = House(stack, provider)
        if fields.get("base_url", "").startswith("/"):
            fields["base_url"] = self.house.url + fields["base_url"]
        self.fields = {**FIELDS[provider], **fields}
        self.changed = {name for name, value in fields.items() if FIELDS[provider].get(name) != value}
        self.credential = self.house.credential(tenant, **fields)
        self.tenant = tenant

    def ask(self, code, currency=None):
        more = ["--currency", currency] if currency else []
        told = self.house.stack.obol("provider", "test", self.credential["id"], "--tenant", self.tenant.tenant_id, *more,
                                     code=code, parse=False).strip()
        assert told and "\n" not in told and told[-1] in ".?", told
        for name in SECRETS & self.fields.keys():
            assert self.fields[name] not in told, f"{name} is in: {told}"
        print(f"{self.house.provider} {sorted(self.changed)} {currency or ''}: {told}")
        return told


@pytest.mark.parametrize("provider", FIELDS)
def test_a_credential_that_works_is_said_to_work(stack, api, provider):
    asked = Asked(stack, api, provider)
    for currency in [None, PAYMENTS[provider]["currency"]]:
        assert "accepts the credential" in asked.ask(0, currency)


@pytest.mark.parametrize("provider,field,named", WRONG_CREDENTIALS)
def test_wrong_credentials_are_named(stack, api, provider, field, named):
    told = Asked(stack, api, provider, **{field: WRONG}).ask(1)
    assert named in told and "not" in told, told


@pytest.mark.parametrize("provider", FIELDS)
def test_an_unreachable_host_is_named(stack, api, provider):
    port = PORTS.take()
    told = Asked(stack, api, provider, base_url=f"http://127.0.0.1:{port}{PATHS.get(provider, '')}").ask(1)
    assert f"127.0.0.1:{port}" in told and "can't be reached" in told, told


@pytest.mark.parametrize("provider", FIELDS)
def test_a_name_that_is_none_is_named(stack, api, provider):
    told = Asked(stack, api, provider, base_url=f"http://nowhere.invalid{PATHS.get(provider, '')}").ask(1)
    assert "nowhere.invalid" in told, told


@pytest.mark.parametrize("provider,fields,named", WRONG_ENVIRONMENTS)
def test_a_wrong_environment_is_named(stack, api, provider, fields, named):
    told = Asked(stack, api, provider, **fields).ask(1)
    assert any(part in told for part in named.split("|")), told


@pytest.mark.parametrize("provider", FIELDS)
@pytest.mark.parametrize("currency", ["JPY", "XAF"])
def test_a_wrong_currency_is_named(stack, api, provider, currency):
    told = Asked(stack, api, provider).ask(1, currency)
    assert currency in told and "tak" in told, told


@pytest.mark.parametrize("provider,currency", [("mtn", "ZMW"), ("airtel", "UGX")])
def test_a_currency_of_another_country_is_named(stack, api, provider, currency):
    """It takes that one too, but not with this credential."""
    told = Asked(stack, api, provider).ask(1, currency)
    assert currency in told and PAYMENTS[provider]["currency"] in told, told


@pytest.mark.parametrize("provider", FIELDS)
def test_what_is_not_the_provider_is_found_out(stack, api, provider):
    """An address where something else answers."""
    other = "mtn" if provider != "mtn" else "airtel"
    told = Asked(stack, api, provider, base_url=f"/{other}{PATHS.get(provider, f'/{provider}')[len(provider) + 1:]}").ask(1)
    assert "base_url" in told, told


@pytest.mark.parametrize("provider", FIELDS)
def test_a_provider_that_is_out_is_said_to_be(stack, api, provider):
    asked = Asked(stack, api, provider)
    asked.house.control(answering="error")
    try:
        assert "503" in asked.ask(1)
    finally:
        asked.house.control(answering="normal")


def test_a_credential_that_is_not_there_is_no_credential(stack, api):
    told = stack.obol("provider", "test", "cred_none", "--tenant", api.tenant_id, code=1, parse=False)
    assert "credential" in told
    other = Asked(stack, stack.tenant(), "mtn").credential
    assert stack.obol("provider", "test", other["id"], "--tenant", api.tenant_id, code=1, parse=False) == told
