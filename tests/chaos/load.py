"""An open model: merchants ask at a set rate, whether they were answered or not; only a bound of requests in flight brakes."""
import json
import random
import threading
import time
import urllib.parse

from client import card_payment, payment, send
from providers import payment as provider_payment

from .customers import Request

IN_FLIGHT_MAX = 200
# How often of a hundred; what finds nothing to act on becomes a payment.
MIX = {"pay": 42, "pay an order": 6, "capture": 6, "cancel": 5, "refund": 13, "approve": 4, "read a payment": 10,
       "read a refund": 4, "list": 7, "ask for a key": 3}
VPAS = ["success@upi"] * 6 + ["user@paytm", "fail@upi", "timeout@upi", "slow@upi"]
CARDS = ["4242424242424242"] * 6 + ["4000000000000002", "4000000000009995", "4000003800000446"]
LISTS = ["/payments?limit=20", "/payments?status=succeeded", "/refunds", "/events?limit=50", "/orders", "/webhooks?limit=20",
         "/payments?limit=100&created_gte=2020-01-01T00:00:00Z"]
WRITES = {"pay", "pay an order", "order", "capture", "cancel", "refund"}


class Load:
    def __init__(self, seed, rate, customers, market, providers, sandbox_port):
        """providers: of each tenant, where it has credentials."""
        self.chance = random.Random(f"load {seed}")
        self.rate = rate
        self.customers = customers
        self.market = market
        self.providers = providers
        self.sandbox_port = sandbox_port
        self.slots = threading.Semaphore(IN_FLIGHT_MAX)
        self.braked = 0
        self.arrived = 0
        self.numbers = 0
        self.lock = threading.Lock()
        self.threads = []
        self.thread = None
        self.crashed = []

    def start(self, seconds):
        self.thread = threading.Thread(target=self.run, args=(seconds,), daemon=True)
        self.thread.start()

    def run(self, seconds):
        begun, due = time.monotonic(), 0.0
        while (due := due + self.chance.expovariate(self.rate)) < seconds:
            time.sleep(max(0, begun + due - time.monotonic()))
            if not self.slots.acquire(blocking=False):
                self.braked += 1
                self.slots.acquire()
            self.arrived += 1
            drawn = random.Random(self.chance.random())
            thread = threading.Thread(target=self.arrive, args=(drawn,), daemon=True)
            self.threads = [t for t in self.threads if t.is_alive()] + [thread]
            thread.start()

    def finish(self, seconds):
        """All who asked are answered or have lost patience."""
        self.customers.patience_until = time.monotonic() + seconds
        self.thread.join()
        for thread in self.threads:
            thread.join()

    def number(self):
        with self.lock:
            self.numbers += 1
            return self.numbers

    def arrive(self, chance):
        try:
            kind = chance.choices(list(MIX), MIX.values())[0]
            tenant = chance.randrange(len(self.providers))
            getattr(self, kind.replace(" ", "_"))(chance, tenant)
        except Exception as error:  # noqa: BLE001: told at the end, with the run's verdict
            self.crashed.append(f"{type(error).__name__}: {error}")
        finally:
            self.slots.release()

    # --- Asking

    def read(self, kind, tenant, path):
        return self.customers.ask(Request(self.number(), kind, tenant, "GET", path))

    def write(self, chance, kind, tenant, path, body, mark=None):
        number = self.number()
        request = Request(number, kind, tenant, "POST", path, body, key=f"key-{number}", mark=mark,
                          doubled=chance.random() < 0.1, hasty=chance.random() < 0.1, gives_up=chance.random() < 0.04)
        return self.customers.ask(request)

    def made(self, tenant, name, answer):
        if answer and answer.status == 201:
            self.market.shelves[tenant].put(name, json.loads(answer.raw))

    # --- What is asked for

    def body(self, chance, tenant):
        amount = 100 * chance.randint(10, 900)
        mark = f"ref-{self.number()}"
        if self.providers[tenant] and chance.random() < 0.6:
            provider = chance.choice(self.providers[tenant])
            return {**provider_payment(provider, amount), "order_id": mark}
        if chance.random() < 0.35:
            made = card_payment(chance.choice(CARDS), amount)
        else:
            made = payment(amount, chance.choice(VPAS))
        if chance.random() < 0.3:
            made["capture"] = "manual"
        return {**made, "order_id": mark}

    def pay(self, chance, tenant):
        body = self.body(chance, tenant)
        self.made(tenant, "made", self.write(chance, "pay", tenant, "/payments", body, body["order_id"]))

    def pay_an_order(self, chance, tenant):

        mark = f"receipt-{self.number()}"
        order = {"amount": 100 * chance.randint(10, 900), "currency": "INR", "receipt": mark}
        answer = self.write(chance, "order", tenant, "/orders", order, mark)
        if not answer or answer.status != 201:
            return
        order_id = json.loads(answer.raw)["id"]
        payers = []
        for _ in range(2 if chance.random() < 0.3 else 1):  # two payers at once: one gets it
            body = {"order_id": order_id, "method": "upi", "vpa": chance.choice(VPAS), "description": f"pays {self.number()}"}
            own = random.Random(chance.random())
            payers.append(threading.Thread(daemon=True, target=lambda body=body, own=own: self.made(
                tenant, "made", self.write(own, "pay an order", tenant, "/payments", body))))
        for payer in payers:
            payer.start()
        for payer in payers:
            payer.join()

    def capture(self, chance, tenant):
        seen = self.market.shelves[tenant].draw("authorized", chance)
        if not seen:
            return self.pay(chance, tenant)
        body = {"amount": max(1, seen["amount"] // 2)} if chance.random() < 0.4 else {}
        return self.write(chance, "capture", tenant, f"/payments/{seen['id']}/capture", body)

    def cancel(self, chance, tenant):
        name = "authorized" if chance.random() < 0.6 else "made"
        seen = self.market.shelves[tenant].draw(name, chance)
        if not seen:
            return self.pay(chance, tenant)
        return self.write(chance, "cancel", tenant, f"/payments/{seen['id']}/cancel", {})

    def refund(self, chance, tenant):
        seen = self.market.shelves[tenant].draw("paid", chance, away=chance.random() < 0.5)
        if not seen:
            return self.pay(chance, tenant)
        mark = f"back-{self.number()}"
        amounts = {"part": seen["amount_captured"] // 3 or 1, "too much": seen["amount_captured"] + 1}
        amount = amounts.get(chance.choices(["whole", "part", "too much"], [4, 5, 1])[0])
        body = {"reason": mark, **({"amount": amount} if amount else {})}
        answer = self.write(chance, "refund", tenant, f"/payments/{seen['id']}/refunds", body, mark)
        return self.made(tenant, "refunds", answer)

    def approve(self, chance, tenant):
        """A payer at the provider's page."""
        seen = self.market.shelves[tenant].draw("waiting", chance)
        url = seen and (seen.get("next_action") or {}).get("url")
        if not url:
            return self.pay(chance, tenant)
        return visit(self.sandbox_port, url, chance.choice(["approve", "approve", "approve", "decline"]))

    def read_a_payment(self, chance, tenant):
        seen = self.market.shelves[tenant].draw("made", chance, away=False)
        self.read("read a payment", tenant, f"/payments/{seen['id'] if seen else 'pay_nothing'}")

    def read_a_refund(self, chance, tenant):
        seen = self.market.shelves[tenant].draw("refunds", chance, away=False)
        self.read("read a refund", tenant, f"/refunds/{seen['id'] if seen else 'rfnd_nothing'}")

    def list(self, chance, tenant):
        self.read("list", tenant, chance.choice(LISTS))

    def ask_for_a_key(self, chance, tenant):
        self.read("ask for a key", tenant, f"/idempotency_keys/key-{chance.randint(1, max(1, self.numbers))}")


def visit(port, url, outcome):
    """The payer's answer; None when the page can't be reached."""
    try:
        return send(port, "POST", urllib.parse.urlsplit(url).path, f'{{"outcome":"{outcome}"}}'.encode(),
                    {"Content-Type": "application/json"}, timeout=5).status
    except OSError:
        return None
