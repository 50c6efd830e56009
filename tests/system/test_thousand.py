"""Payments over five providers that fail at random: all settle, none is charged twice, and nothing is guessed.

150 of them; a thousand with OBOL_TEST_THOUSAND=1, as ./dev test all has it.
"""
import collections
import random

import pytest

from client import at_once
from conftest import running_stack
from providers import FIELDS, PACE, House, card, forms, moves, payment
from stack import LONG, sequences_whole, wait_until

SEED = 4
PER_PROVIDER = 200 if LONG else 30
TENANTS = 4
CUSTOMERS = 16  # at once
SECONDS_MAX = 60 + PER_PROVIDER // 2
SETTLED = {"succeeded", "failed", "needs_review"}
REFUNDED = {"processed", "failed", "needs_review"}
FAULTS = ["error", "timeout_before", "timeout_after", "callback_double", "callback_lost", "malformed"]
# Two can't be asked, and an invoice of PayDunya's that nobody pays tells nothing until it expires after a day: what was
# not answered is for a person here. Of Airtel it may be so for refunds.
MUTE = {"zamtel", "blumon", "paydunya"}
MUTE_OF_REFUNDS = MUTE | {"airtel"}
WEBHOOK_SECRET = "blumon-webhook-secret"
TIMES = {**PACE, "PROVIDER_TIMES_PERCENT": "6", "UNKNOWN_DEADLINE_S": str(24 + PER_PROVIDER // 10),
         "SANDBOX_BLUMON_WEBHOOK_SECRET": WEBHOOK_SECRET}
DECLINED = {
    "mtn": {"msisdn": "46733123451"}, "airtel": {"msisdn": "260971234554"}, "zamtel": {"msisdn": "260951234551"},
    "blumon": {"card": card("4000000000009995")}, "paydunya": {"msisdn": "2250512345650"},
}


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(**TIMES)


class Market:
    """Tenants with a credential at each provider, and what they sell."""

    def __init__(self, stack):
        self.stack = stack
        self.houses = {provider: House(stack, provider) for provider in FIELDS}
        self.tenants = [self.tenant(i) for i in range(TENANTS)]
        self.plans = self.plan()
        self.paid = {}      # by id: payments as last seen
        self.refunded = {}  # likewise refunds
        self.reviewed = set()
        self.refunds_reviewed = set()

    def tenant(self, i):
        api = self.stack.tenant()
        for provider, house in self.houses.items():
            # Half of Blumon's webhooks are believed, the others can't be.
            house.credential(api, **({"webhook_secret": WEBHOOK_SECRET} if provider == "blumon" and i % 2 else {}))
        return api

    def plan(self):
        chance = random.Random(SEED)
        plans = [{"provider": provider, "tenant": chance.randrange(TENANTS), "amount": 100 * chance.randint(200, 900),
                  "declined": chance.random() < 0.08, "impatient": chance.random() < 0.2}
                 for provider in FIELDS for _ in range(PER_PROVIDER)]
        chance.shuffle(plans)
        return plans

    def fail_at_random(self):
        gateway = self.stack.environment["CALLBACK_BASE_URL"]
        for provider, house in self.houses.items():
            portal = {"callback_url": f"{gateway}/api/v1/webhooks/airtel"} if provider == "airtel" else {}
            house.control(faults={fault: 5 for fault in FAULTS}, **portal)

    def entries(self, provider):
        return [e for e in self.houses[provider].entries() if moves(e) or e["status"] == "pending"]

    def faults(self):
        total = collections.Counter()
        for provider in FIELDS:
            counts = self.stack.open("GET", f"/ledger?provider={provider}", port="sandbox").ok()["faults"]
            total.update({fault: counts[fault] for fault in FAULTS})
        return total

    # --- Buying and giving back

    def insist(self, api, path, body, key, impatient=False):
        """The answer; whoever has no patience asks twice, and is told the same."""
        made = api.insist("POST", path, body, key=key, seconds=SECONDS_MAX).ok(201)
        if impatient:
            again = api.insist("POST", path, body, key=key, seconds=SECONDS_MAX)
            assert again.ok(201) == made and again.headers["Idempotency-Replayed"] == "true"
        return made

    def buy(self, i):
        plan = self.plans[i]
        body = payment(plan["provider"], plan["amount"], **(DECLINED[plan["provider"]] if plan["declined"] else {}))
        made = self.insist(self.tenants[plan["tenant"]], "/payments", body, f"buy-{i}", plan["impatient"])
        assert made["provider"] == plan["provider"]
        plan["id"] = made["id"]

    def settle(self):
        def there():
            self.paid = {p["id"]: p for api in self.tenants for p in api.all("/payments")}
            return all(p["status"] in SETTLED for p in self.paid.values())
        wait_until(there, SECONDS_MAX, lambda: f"all payments settle: {self.counted(self.paid)}; open: {self.unfinished()}")
        assert self.paid.keys() == {plan["id"] for plan in self.plans}

    def counted(self, things):
        return collections.Counter((t.get("provider"), t["status"]) for t in things.values())

    def give_back(self):
        """Half of what succeeded at each provider. Blumon takes back only what it has told its name of."""
        seen = collections.Counter()
        chosen = []
        for plan in self.plans:
            nameless = plan["provider"] == "blumon" and plan["id"] in self.reviewed
            if self.paid[plan["id"]]["status"] == "succeeded" and not nameless:
                seen[plan["provider"]] += 1
                if seen[plan["provider"]] % 2:
                    chosen.append(plan)
        at_once(len(chosen), lambda i: self.insist(self.tenants[chosen[i]["tenant"]], f"/payments/{chosen[i]['id']}/refunds", {},
                                                   f"back-{chosen[i]['id']}", chosen[i]["impatient"]), CUSTOMERS)

        def there():
            self.refunded = {r["id"]: r for api in self.tenants for r in api.all("/refunds")}
            return all(r["status"] in REFUNDED for r in self.refunded.values())
        wait_until(there, SECONDS_MAX, lambda: f"all refunds settle: {self.counted(self.refunded)}; open: {self.unfinished()}")
        assert {r["payment_id"] for r in self.refunded.values()} == {plan["id"] for plan in chosen}
        assert len(self.refunded) == len(chosen)

    def unfinished(self):
        return self.stack.sql("""SELECT o.*, q.* FROM payments.operations o
            LEFT JOIN payments.operations_queue q ON q.tenant_id = o.tenant_id AND q.id = o.id
            WHERE o.finished_at IS NULL AND o.status <> 'needs_review' LIMIT 5""")

    # --- A person's work

    def review(self):
        """What nobody can be asked about is looked up in the provider's book, and decided."""
        for api in self.tenants:
            while rows := self.stack.obol("payment", "review", "--tenant", api.tenant_id).get("data"):
                for row in rows:
                    assert row["reason"] == "outcome_unknown" and row["provider"] in MUTE, row
                    assert row["payment_id"] not in self.reviewed, "it was decided, and asked again"
                    wait_until(lambda: not self.stack.sql(f"""SELECT 1 FROM payments.operations
                        WHERE id = '{row['reference']}' AND sent_at > now() - interval '3 seconds'"""), 10)
                    moved = sum(moves(e) for e in self.entries(row["provider"]) if e["reference"] in forms(row["reference"]))
                    self.stack.obol("payment", "resolve", row["payment_id"], "--tenant", api.tenant_id, "--as",
                                    "succeeded" if moved else "failed", "--reason", "looked up in the provider's book")
                    self.reviewed.add(row["payment_id"])
        self.settle()
        assert not [p for p in self.paid.values() if p["status"] == "needs_review"]

    def review_refunds(self):
        """Likewise: a refund that nobody can be asked about goes by the provider's book."""
        for api in self.tenants:
            for row in [r for r in self.reviews(api) if r["refund_id"]]:
                assert row["provider"] in MUTE_OF_REFUNDS, row
                decided = "processed" if self.houses[row["provider"]].moved(row["reference"]) else "failed"
                self.stack.obol("refund", "resolve", row["refund_id"], "--tenant", api.tenant_id, "--as", decided, "--reason",
                                "looked up in the provider's book")
                self.refunded[row["refund_id"]] = wait_until(
                    lambda: (r := api.get(f"/refunds/{row['refund_id']}").ok())["status"] == decided and r, 20)
                self.refunds_reviewed.add(row["refund_id"])
            assert not self.reviews(api)

    def reviews(self, api):
        rows, after = [], ""
        while True:
            page = self.stack.obol("payment", "review", "--tenant", api.tenant_id, *(["--after", after] if after else []))
            rows += page["data"]
            if not page["has_more"]:
                return rows
            after = f"{rows[-1]['payment_id']}/{rows[-1]['refund_id']}" if rows[-1]["refund_id"] else rows[-1]["payment_id"]

    # --- The reckoning

    def reckon(self, provider):
        """What moved is what we say, for each payment and each refund, to the unit."""
        house = self.houses[provider]
        moved = collections.defaultdict(list)
        for entry in house.entries("charge"):
            moved[entry["reference"]] += [entry["amount"]] * entry["moved"]
        references = collections.defaultdict(set)
        for operation_id, payment_id in self.stack.sql(
                f"SELECT id, payment_id FROM payments.operations WHERE kind = 'charge' AND provider = '{provider}'"):
            references[payment_id].add(operation_id)
        assert references.keys() == {plan["id"] for plan in self.plans if plan["provider"] == provider}
        for payment_id, own in references.items():
            paid = self.paid[payment_id]
            amounts = [amount for one in own for form in forms(one) for amount in moved.pop(form, [])]
            assert amounts == ([paid["amount"]] if paid["status"] == "succeeded" else []), (paid, amounts)
        assert not any(moved.values()), f"nobody asked for {moved}"
        house.audit()

    def left_open(self):
        return self.stack.sql("SELECT provider, kind, status, refund_id FROM payments.operations WHERE finished_at IS NULL")

    def events(self):
        """Whole sequences; the payments that were once unknown."""
        unknown = set()
        for api in self.tenants:
            events = api.all("/events")
            sequences_whole((e["object_id"], e["sequence"]) for e in events)
            unknown |= {e["object_id"] for e in events if e["event"] == "payment.unknown"}
        return unknown

    def told(self, unknown):
        parts = []
        for provider in FIELDS:
            own = {plan["id"] for plan in self.plans if plan["provider"] == provider}
            status = collections.Counter(self.paid[i]["status"] for i in own)
            back = collections.Counter(r["status"] for r in self.refunded.values() if r["payment_id"] in own)
            parts.append(f"{provider} {status['succeeded']} succeeded {status['failed']} failed {len(own & unknown)} unknown seen "
                         f"{len(own & self.reviewed)} reviewed, refunds {back['processed']} processed {back['failed']} failed "
                         f"{len({r['id'] for r in self.refunded.values() if r['payment_id'] in own} & self.refunds_reviewed)} reviewed")
        faults = ", ".join(f"{n} {fault}" for fault, n in self.faults().items())
        return f"{len(self.plans)} payments: {'; '.join(parts)}; faults: {faults}"


def test_all_settle_and_none_is_charged_twice(stack):
    market = Market(stack)
    market.fail_at_random()
    at_once(len(market.plans), market.buy, CUSTOMERS)
    market.settle()
    market.review()
    market.give_back()
    stack.quiet()
    market.review_refunds()
    for provider in FIELDS:
        market.reckon(provider)
    assert market.left_open() == []
    unknown = market.events()
    print(market.told(unknown))
    met = market.faults()
    assert all(met[fault] for fault in FAULTS), met
    assert unknown and market.reviewed, "no fault was bad enough"
