"""PayDunya's published client (npm's paydunya), as it stands, against the sandbox's PayDunya."""
import json
import pathlib
import subprocess
import urllib.parse
import urllib.request

import pytest

from processes import wait_until
from sandbox import running_sandbox

HERE = pathlib.Path(__file__).resolve().parent
KEYS = {"masterKey": "a-master-key", "privateKey": "test_private_key", "token": "a-token"}


class Paydunya:
    def __init__(self, sandbox, **keys):
        self.base = f"{sandbox.url}/paydunya/sandbox-api/v1"
        self.keys = {**KEYS, **keys}

    def make(self, kind, *steps, **store):
        """What the object is after the last step."""
        asked = {"baseURL": self.base, "keys": self.keys, "kind": kind, "store": {"name": "Shop", **store}, "steps": steps}
        done = subprocess.run(["node", HERE / "client_paydunya.mjs"], input=json.dumps(asked), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd=HERE, timeout=60)
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout)
        assert not [r for r in results[:-1] if "error" in r], results
        return results[-1]

    def invoice(self, reference, amount=5000, **store):
        made = self.make("CheckoutInvoice", ["set", {"totalAmount": amount, "description": "Shoes"}],
                         ["addItem", "Shoes", 2, 2500, 5000], ["addTax", "TVA", 900], ["addChannel", "wave-senegal"],
                         ["addCustomData", "reference", reference], ["addCustomData", "cart", "7"], ["create"], **store)
        assert made.get("token"), made
        return made

    def confirm(self, token):
        return self.make("CheckoutInvoice", ["confirm", token])


@pytest.fixture(scope="module")
def sandbox():
    with running_sandbox(SANDBOX_PAYDUNYA_MASTER_KEY=KEYS["masterKey"], SANDBOX_PAYDUNYA_PRIVATE_KEY=KEYS["privateKey"],
                         SANDBOX_PAYDUNYA_TOKEN=KEYS["token"], SANDBOX_TIME_PERCENT="1") as sandbox:
        yield sandbox


@pytest.fixture
def paydunya(sandbox):
    return Paydunya(sandbox)


def press(url, outcome):
    with urllib.request.urlopen(url, urllib.parse.urlencode({"outcome": outcome}).encode(), timeout=10) as reply:
        return reply.read().decode()


def test_invoice_is_made_and_pending(sandbox, paydunya):
    made = paydunya.invoice("made")
    assert made["status"] == "pending" and made["totalAmount"] == 5000
    assert made["token"] in made["url"]
    with urllib.request.urlopen(made["url"], timeout=10) as page:
        assert 'value="pay"' in page.read().decode()
    assert [(e["status"], e["moved"]) for e in sandbox.entries("paydunya", "made")] == [("pending", 0)]


@pytest.mark.parametrize("outcome,status,moved", [("pay", "completed", 1), ("cancel", "cancelled", 0), ("fail", "failed", 0)])
def test_invoice_ends_as_the_payer_has_it(sandbox, paydunya, outcome, status, moved):
    made = paydunya.invoice(f"r-{outcome}")
    assert status in press(made["url"], outcome)
    confirmed = paydunya.confirm(made["token"])
    assert confirmed["status"] == status and confirmed["totalAmount"] == 5000
    assert [e["moved"] for e in sandbox.entries("paydunya", f"r-{outcome}")] == [moved]
    if status == "completed":
        assert confirmed["receiptURL"] and confirmed["provider_reference"] and confirmed["receipt_identifier"]
        assert confirmed["customData"] == {"reference": "r-pay", "cart": "7"}
        assert set(confirmed["customer"]) >= {"name", "phone", "email"}


def test_invoice_is_told_of(paydunya, receiver):
    made = paydunya.invoice("told", callbackURL=receiver.url)
    wait_until(lambda: [r.body for r in receiver.requests] == [b""], 20, "an empty body, to see whether we are there")
    press(made["url"], "pay")
    wait_until(lambda: len(receiver.requests) == 2, 20)
    told = dict(urllib.parse.parse_qsl(receiver.requests[1].body.decode(), keep_blank_values=True))
    assert told["data[invoice][token]"] == made["token"] and told["data[status]"] == "completed"
    assert told["data[custom_data][reference]"] == "told" and told["data[invoice][total_amount]"] == "5000"
    assert len(told["data[hash]"]) == 128


def test_unknown_invoice_is_refused(paydunya):
    assert paydunya.confirm("none")["error"] == "Could not confirm invoice status."


@pytest.mark.parametrize("wrong", [{"masterKey": "x"}, {"privateKey": "test_x"}, {"token": "x"}, {"privateKey": "live_private_key"}])
def test_wrong_keys_are_refused(sandbox, wrong):
    refused = Paydunya(sandbox, **wrong).make("CheckoutInvoice", ["set", {"totalAmount": 100}], ["create"])
    assert refused["error"] == "Failed to create invoice." and refused["data"]["response_code"] == "1001"


def onsite(paydunya, reference, account, code):
    made = paydunya.make("OnsiteInvoice", ["set", {"totalAmount": 700}], ["addCustomData", "reference", reference],
                         ["create", account])
    assert made["token"] and made["responseText"], made
    return made, paydunya.make("OnsiteInvoice", ["charge", made["oprToken"], code])


def test_account_is_charged_by_its_owners_code(sandbox, paydunya):
    made, charged = onsite(paydunya, "onsite", "771234567", "4567")
    assert charged["status"] == "completed" and charged["receiptURL"] and charged["customer"]["phone"] == "771234567"
    assert paydunya.confirm(made["token"])["status"] == "completed"
    assert [(e["moved"], e["amount"]) for e in sandbox.entries("paydunya", "onsite")] == [(1, 700)]


def test_wrong_code_charges_nothing(sandbox, paydunya):
    made, refused = onsite(paydunya, "wrong-code", "771234567", "0000")
    assert refused["error"].startswith("Failed to charge invoice.") and refused["data"]["response_code"] == "3002"
    assert paydunya.confirm(made["token"])["status"] == "pending"
    assert [e["moved"] for e in sandbox.entries("paydunya", "wrong-code")] == [0]


def test_account_is_credited(sandbox, paydunya):
    credited = paydunya.make("DirectPay", ["creditAccount", "someone@example.sn", 500])
    assert credited["responseText"] and credited["description"]
    [entry] = sandbox.entries("paydunya", credited["transactionID"])
    assert (entry["kind"], entry["moved"], entry["amount"]) == ("refund", 1, 500)


def test_empty_account_credits_nobody(sandbox, paydunya):
    before = sandbox.entries("paydunya")
    refused = paydunya.make("DirectPay", ["creditAccount", "771234550", 500])
    assert "Failed to credit account" in refused["error"]
    assert refused["data"]["response_code"] == "4002"
    assert sandbox.entries("paydunya") == before


def test_fault_moves_no_money(sandbox, paydunya):
    made = paydunya.make("OnsiteInvoice", ["set", {"totalAmount": 700}], ["addCustomData", "reference", "fault"],
                         ["create", "771234567"])
    sandbox.control("paydunya", next="error")
    assert paydunya.make("OnsiteInvoice", ["charge", made["oprToken"], "4567"])["error"]
    assert [e["moved"] for e in sandbox.entries("paydunya", "fault")] == [0]
    assert paydunya.make("OnsiteInvoice", ["charge", made["oprToken"], "4567"])["status"] == "completed"
