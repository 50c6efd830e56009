"""A merchant's HTTP client."""
import base64
import concurrent.futures
import http.client
import json
import secrets
import socket
import time


class Reply:
    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def json(self):
        return json.loads(self.raw)

    def __repr__(self):
        return f"<{self.status} {self.raw[:600]!r}>"

    def ok(self, status=200):
        assert self.status == status, self
        return self.json

    def refused(self, status, code=None, param=None):
        """RFC 9457, as API.md has it."""
        assert self.status == status, self
        assert self.headers["Content-Type"] == "application/problem+json", self.headers
        problem = self.json
        assert {"type", "title", "status", "detail", "request_id"} <= problem.keys(), problem
        assert problem["status"] == status and problem["request_id"] == self.headers["X-Request-Id"], problem
        if code:
            assert problem["code"] == code, problem
        if param:
            assert problem["param"] == param, problem
        return problem


def send(port, method, path, body=None, headers=None, timeout=60):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def send_bytes(port, data, timeout=15, close_after=False):
    """Bytes as they are on one connection; what comes back until it closes or nothing more comes."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        try:
            for at in range(0, len(data), 65536):
                connection.sendall(data[at:at + 65536])
            if close_after:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all of it was taken: the answer is there to read
        try:
            while chunk := connection.recv(65536):
                received += chunk
                head, _, rest = received.partition(b"\r\n\r\n")
                length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length and len(rest) >= int(length[0]):
                    break
        except OSError:
            pass
    return received


def status_of(received):
    """The status of the first answer in bytes; None when there is none."""
    return int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.") else None


class Api:
    """The API with one key."""

    def __init__(self, port, key, secret, tenant_id):
        self.port = port
        self.key = key
        self.secret = secret
        self.tenant_id = tenant_id

    def headers(self):
        return {"X-Api-Key": self.key, "X-Api-Secret": self.secret}

    def basic(self):
        pair = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def call(self, method, path, value=None, key=None, body=None, headers=None, timeout=60):
        fields = self.headers()
        if value is not None:
            body = json.dumps(value).encode()
        if body is not None:
            fields["Content-Type"] = "application/json"
        if key is not None:
            fields["Idempotency-Key"] = key
        fields.update(headers or {})
        return send(self.port, method, "/api/v1" + path, body, fields, timeout)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, value=None, **options):
        return self.call("POST", path, value if value is not None else {}, **options)

    def patch(self, path, value, **options):
        return self.call("PATCH", path, value, **options)

    def delete(self, path, **options):
        return self.call("DELETE", path, **options)

    def insist(self, method, path, value, key=None, seconds=90):
        """As a merchant does whose provider has a bad day: the same key until there is an answer."""
        key = key or secrets.token_hex(12)
        deadline = time.monotonic() + seconds
        while True:
            try:
                reply = self.call(method, path, value, key=key)
            except (OSError, http.client.HTTPException) as error:
                reply = error
            busy = isinstance(reply, Exception) or reply.status in (429, 503, 504) or (
                reply.status == 409 and reply.json["code"] == "idempotency_key_in_use")
            if not busy:
                return reply
            assert time.monotonic() < deadline, f"no answer to {method} {path}: {reply!r}"
            time.sleep(0.1)

    def all(self, path):
        """Every page of a list, newest first."""
        rows, after = [], ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=100{after}").ok()
            rows += page["data"]
            if not page["has_more"]:
                return rows
            after = f"&starting_after={rows[-1]['id']}"

    def pay(self, amount=50000, vpa="success@upi", key=None, **more):
        """A new payment under a reference of its own."""
        return self.post("/payments", payment(amount, vpa, **more), key=key).ok(201)


def payment(amount=50000, vpa="success@upi", **more):
    return {"order_id": f"ref-{secrets.token_hex(6)}", "amount": amount, "currency": "INR", "method": "upi",
            "vpa": vpa, **more}


def card_payment(number="4242424242424242", amount=50000, **more):
    card = {"number": number, "expiry_month": 12, "expiry_year": 2030, "cvv": "123", "holder_name": "A Payer"}
    return {"order_id": f"ref-{secrets.token_hex(6)}", "amount": amount, "currency": "INR", "method": "card",
            "card": card, **more}


def at_once(n, work, threads=None):
    """work(0) … work(n - 1), side by side."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=threads or n) as pool:
        return list(pool.map(work, range(n)))
