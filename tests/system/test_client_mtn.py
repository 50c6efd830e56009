"""A published client of MTN MoMo (npm's mtn-momo), as it stands, against the sandbox's MTN."""
import json
import pathlib
import subprocess
import uuid

import pytest

from processes import wait_until
from sandbox import running_sandbox

HERE = pathlib.Path(__file__).resolve().parent
SUBSCRIPTION = "a-subscription-of-the-test"
PAYER = "260961234567"


class Momo:
    def __init__(self, sandbox, key=SUBSCRIPTION):
        self.config = {"baseUrl": f"{sandbox.url}/mtn", "callbackHost": "127.0.0.1"}
        self.credentials = {"primaryKey": key}

    def calls(self, *calls):
        asked = {"config": self.config, "credentials": self.credentials, "calls": calls}
        done = subprocess.run(["node", HERE / "client_mtn.mjs"], input=json.dumps(asked), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd=HERE, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def call(self, *call):
        return self.calls(call)[0]

    def provision(self):
        user = self.call("Users", "create", self.config["callbackHost"])["value"]
        key = self.call("Users", "login", user)["value"]["apiKey"]
        self.credentials |= {"userId": user, "userSecret": key}
        return self

    def settled(self, product, reference):
        def there():
            result = self.call(product, "getTransaction", reference)
            return result if result.get("value", {}).get("status") not in ("PENDING", "CREATED") else None
        return wait_until(there, 20)


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox(SANDBOX_MTN_SUBSCRIPTION_KEY=SUBSCRIPTION, SANDBOX_TIME_PERCENT="1") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def momo(sandbox):
    return Momo(sandbox).provision()


def request(payer=PAYER, **more):
    return {"amount": "50", "currency": "EUR", "externalId": "order 7", "payerMessage": "Thanks", "payeeNote": "Note",
            "payer": {"partyIdType": "MSISDN", "partyId": payer}, **more}


def transfer(payee=PAYER, **more):
    return {"amount": "20", "currency": "EUR", "externalId": "payout 7", "payerMessage": "Thanks", "payeeNote": "Note",
            "referenceId": str(uuid.uuid4()), "payee": {"partyIdType": "MSISDN", "partyId": payee}, **more}


def test_payment_is_asked_for_and_paid(sandbox, momo):
    reference = momo.call("Collections", "requestToPay", request())["value"]
    paid = momo.settled("Collections", reference)["value"]
    assert paid["status"] == "SUCCESSFUL" and paid["amount"] == "50" and paid["externalId"] == "order 7"
    assert paid["payer"] == {"partyIdType": "MSISDN", "partyId": PAYER} and paid["financialTransactionId"]
    [entry] = sandbox.entries("mtn", reference)
    assert (entry["status"], entry["moved"], entry["amount"]) == ("succeeded", 1, 5000)


def test_payment_is_told_of(momo, receiver):
    reference = momo.call("Collections", "requestToPay", request(callbackUrl=receiver.url))["value"]
    [told] = wait_until(lambda: receiver.requests, 20)
    assert json.loads(told.body) == momo.settled("Collections", reference)["value"]


@pytest.mark.parametrize("payer,error", [
    ("46733123451", "ApprovalRejectedError"), ("46733123452", "ExpiredError"), ("46733123450", "InternalProcessingError")])
def test_payment_fails_as_its_number_says(momo, payer, error):
    reference = momo.call("Collections", "requestToPay", request(payer))["value"]
    assert momo.settled("Collections", reference)["error"] == error


@pytest.mark.parametrize("changed,error", [
    ({"payer": "46733123455"}, "PayerNotFoundError"),
    ({"payer": "46733123462"}, "ServiceUnavailableError"),
    ({"currency": "ZMW"}, "InvalidCurrencyError"),
    ({"callbackUrl": "http://elsewhere.example/"}, "InvalidCallbackUrlHostError")])
def test_payment_is_refused(sandbox, momo, changed, error):
    before = sandbox.entries("mtn")
    assert momo.call("Collections", "requestToPay", request(**changed))["error"] == error
    assert sandbox.entries("mtn") == before


def test_transfer_is_made_once(sandbox, momo):
    order = transfer()
    first, second = momo.calls(("Disbursements", "transfer", order), ("Disbursements", "transfer", order))
    assert first == {"value": order["referenceId"]}
    assert second["error"] == "ResourceAlreadyExistError"
    paid = momo.settled("Disbursements", order["referenceId"])["value"]
    assert paid["status"] == "SUCCESSFUL" and paid["payee"]["partyId"] == PAYER
    assert [entry["moved"] for entry in sandbox.entries("mtn", order["referenceId"])] == [1]


def test_transfer_is_refused(momo):
    assert momo.call("Disbursements", "transfer", transfer("46733123455"))["error"] == "NotEnoughFundsError"
    assert momo.call("Disbursements", "transfer", transfer("46733123457"))["error"] == "PayeeNotFoundError"


def test_account_is_looked_at(momo):
    balance, active, absent = momo.calls(
        ("Collections", "getBalance"), ("Collections", "isPayerActive", PAYER), ("Disbursements", "isPayerActive", "46733123457"))
    assert balance["value"]["currency"] == "EUR" and int(balance["value"]["availableBalance"]) > 0
    assert active["value"] == {"result": True} and absent["value"] is False


def test_wrong_keys_are_refused(sandbox, momo):
    assert "error" in Momo(sandbox, "wrong").call("Users", "create", "127.0.0.1")
    stranger = Momo(sandbox)
    stranger.credentials |= {**momo.credentials, "userSecret": "wrong"}
    assert "error" in stranger.call("Collections", "getBalance")


def test_fault_leaves_no_payment(sandbox, momo):
    sandbox.control("mtn", next="error")
    assert momo.call("Collections", "requestToPay", request())["error"] == "UnspecifiedError"
    assert momo.call("Collections", "requestToPay", request()).get("value")
