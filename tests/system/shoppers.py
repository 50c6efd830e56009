"""Customers of a merchant who come at their own times, whatever became of those before them."""
import concurrent.futures
import http.client
import json
import queue
import secrets
import threading
import time

from client import Reply, payment

POLL_S = 0.3
STEPS_S = 60  # a shopper's patience with a state


class Line:
    """An ordinary HTTP client: keeps connections, leaves those that are closed, and asks again only what an idle connection
    that had been closed swallowed, and that only where asking twice is as good as once (RFC 9110, 9.2.2)."""

    def __init__(self, api, port):
        self.api = api
        self.port = port
        self.idle = queue.LifoQueue()
        self.connections = 0
        self.again = 0

    def call(self, method, path, value=None, key=None):
        body = json.dumps(value).encode() if value is not None else None
        headers = {**self.api.headers(), **({"Content-Type": "application/json"} if body else {}),
                   **({"Idempotency-Key": key} if key else {})}
        try:
            connection, used = self.idle.get_nowait(), True
        except queue.Empty:
            connection, used = self.connect(), False
        try:
            return self.ask(connection, method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            connection.close()
            if not used or (method != "GET" and not key):
                raise
        self.again += 1
        return self.ask(self.connect(), method, path, body, headers)

    def connect(self):
        self.connections += 1
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, connection, method, path, body, headers):
        connection.request(method, "/api/v1" + path, body, headers)
        answer = connection.getresponse()
        reply = Reply(answer.status, answer.headers, answer.read())
        if answer.will_close:
            connection.close()
        else:
            self.idle.put(connection)
        return reply


class Shoppers:
    """per_s of them, each with a payment of its own, which is then refunded, captured, or left; what went wrong is kept."""

    def __init__(self, api, port, per_s):
        self.line = Line(api, port)
        self.period_s = 1 / per_s
        self.run = secrets.token_hex(4)
        self.answers = {}
        self.faults = []
        self.slowest_s = 0
        self.late_s = 0  # how far the moments were missed at which they should have come
        self.payments, self.refunds = [], []
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.pool = concurrent.futures.ThreadPoolExecutor(200)
        self.source = threading.Thread(target=self.come)

    def __enter__(self):
        self.source.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.source.join()
        self.pool.shutdown()

    def come(self):
        began = time.monotonic()
        n = 0
        while not self.over.is_set():
            self.pool.submit(self.shop, n)
            n += 1
            due = began + n * self.period_s
            self.late_s = max(self.late_s, time.monotonic() - due)
            self.over.wait(max(0, due - time.monotonic()))

    def call(self, method, path, value=None, key=None, status=200):
        began = time.monotonic()
        try:
            reply = self.line.call(method, path, value, key)
        except (OSError, http.client.HTTPException) as error:
            reply = error
        took = time.monotonic() - began
        with self.lock:
            said = type(reply).__name__ if isinstance(reply, Exception) else reply.status
            self.answers[said] = self.answers.get(said, 0) + 1
            self.slowest_s = max(self.slowest_s, took)
            if said != status:
                self.faults.append((time.strftime("%H:%M:%S"), method, path, repr(reply)[:400]))
        if said != status:
            raise LookupError(path)
        return reply.json

    def until(self, path, statuses):
        deadline = time.monotonic() + STEPS_S
        while time.monotonic() < deadline:
            found = self.call("GET", path)
            if found["status"] in statuses:
                return found
            time.sleep(POLL_S)
        with self.lock:
            self.faults.append((path, "never became", statuses))
        raise LookupError(path)

    def shop(self, n):
        try:
            self.steps(n)
        except LookupError:
            pass  # kept as a fault
        except BaseException as error:
            self.faults.append(repr(error))

    def steps(self, n):
        key = f"shop-{self.run}-{n}"
        manual = n % 3 == 1
        made = self.call("POST", "/payments", payment(1000 + n, order_id=key, capture="manual" if manual else "automatic"),
                         key, status=201)
        self.payments.append(made["id"])
        self.until(f"/payments/{made['id']}", {"authorized" if manual else "succeeded"})
        if manual:
            self.call("POST", f"/payments/{made['id']}/capture", {"amount": 500}, key + "-capture")
            self.until(f"/payments/{made['id']}", {"succeeded"})
        if n % 3 == 2:
            refund = self.call("POST", f"/payments/{made['id']}/refunds", {"amount": 300}, key + "-refund", status=201)
            self.refunds.append(refund["id"])
            self.until(f"/refunds/{refund['id']}", {"processed"})
        self.call("GET", "/payments?limit=5")
        self.call("GET", "/webhooks?limit=5")
