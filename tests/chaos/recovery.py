"""How long after a fault's end what it hit answers again, measured by asking all the time."""
import http.client
import threading
import time

from client import payment

SECONDS_MAX = 60
EVERY_S = 0.02
# Who is asked, by what was hit. Providers and receivers are not ours.
PROBES = {"gateway": "read", "auth": "read", "payments": "pay", "payments_2": "pay", "postgres": "pay", "refunds": "refunds",
          "webhooks": "endpoints", "nats": "told"}


class Recovery:
    def __init__(self, api, receivers, path):
        """api: of a tenant of its own, whose payments count like all others; path: of its receiver."""
        self.api = api
        self.receivers = receivers
        self.path = path
        self.lock = threading.Lock()
        self.measured = []   # (fault, target, seconds or None)
        self.threads = []

    def measure(self, strike, over):
        probe = PROBES.get(strike.target)
        if not probe:
            return
        thread = threading.Thread(target=self.until_it_answers, args=(strike, getattr(self, probe), over), daemon=True)
        self.threads.append(thread)
        thread.start()

    def until_it_answers(self, strike, probe, begun):
        took = None
        while took is None and time.monotonic() - begun < SECONDS_MAX:
            try:
                if probe():
                    took = round(time.monotonic() - begun, 3)
            except (OSError, http.client.HTTPException):
                pass
            if took is None:
                time.sleep(EVERY_S)
        with self.lock:
            self.measured.append((strike.fault, strike.target, took))

    def read(self):
        return self.api.get("/payments?limit=1", timeout=2).status == 200

    def refunds(self):
        return self.api.get("/refunds?limit=1", timeout=2).status == 200

    def endpoints(self):
        return self.api.get("/webhook_endpoints", timeout=2).status == 200

    def pay(self):
        return self.api.post("/payments", payment(1000), timeout=2).status == 201

    def told(self):
        """A payment made now has come out at its receiver."""
        before = self.receivers.count(self.path)
        if not self.pay():
            return False
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.receivers.count(self.path) > before:
                return True
            time.sleep(EVERY_S)
        return False

    def finish(self):
        for thread in self.threads:
            thread.join(SECONDS_MAX)
        return self.measured

    def slowest(self):
        return max((took for _, _, took in self.measured if took is not None), default=None)
