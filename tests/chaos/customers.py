"""A merchant's client as it should be: it asks again under the same key until it knows, and writes down what it was told."""
import collections
import dataclasses
import http.client
import random
import threading
import time

TIMEOUT_S = 12      # longer than the gateway's own, so that 504 is seen
HASTY_S = 1.5       # some have no patience with an answer, and ask again
PAUSE_S, PAUSE_MAX_S = 0.1, 1.0
HEADER_MAX_S = 3    # a Retry-After is honoured up to here


@dataclasses.dataclass
class Answer:
    status: int
    raw: bytes
    replayed: bool


@dataclasses.dataclass
class Request:
    """One thing that a merchant wants, however often it is asked for."""
    number: int
    kind: str
    tenant: int
    method: str
    path: str
    body: dict = None
    key: str = None
    mark: str = None          # what finds its object, were the answer never seen
    doubled: bool = False     # sent twice at once
    hasty: bool = False
    gives_up: bool = False    # after the first try, whatever came of it
    tries: list = dataclasses.field(default_factory=list)     # request ids
    answers: list = dataclasses.field(default_factory=list)   # final ones

    @property
    def answered(self):
        return self.answers[0] if self.answers else None


class Tally:
    """Counts that threads add to."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = collections.Counter()

    def add(self, *what, n=1):
        with self.lock:
            self.counts[what] += n

    def of(self, first):
        with self.lock:
            return {" ".join(map(str, what[1:])): n for what, n in sorted(self.counts.items(), key=str) if what[0] == first}


def code_of(reply):
    return reply.json.get("code") if reply.raw[:1] == b"{" else None


class Customers:
    def __init__(self, tenants, tally):
        self.tenants = tenants
        self.tally = tally
        self.lock = threading.Lock()
        self.requests = []
        self.strange = []        # answers that nobody should get
        self.patience_until = None  # time.monotonic(); None: no end yet

    def ask(self, request):
        """Sends it until there is an answer; the answer, or None."""
        with self.lock:
            self.requests.append(request)
        if request.doubled:
            other = threading.Thread(target=self.insist, args=(request,), daemon=True)
            other.start()
            self.insist(request)
            other.join()
        else:
            self.insist(request)
        return request.answered

    def insist(self, request):
        chance = random.Random(f"{request.key} {request.number}")
        pause = PAUSE_S
        while True:
            reply = self.once(request)
            wait = self.verdict(request, reply)
            if wait is None or request.gives_up:
                return
            if self.patience_until is not None and time.monotonic() > self.patience_until:
                self.tally.add("given up", request.kind)
                return
            self.tally.add("retries", self.reason(reply))
            time.sleep(max(wait, pause * chance.uniform(0.5, 1.5)))
            pause = min(pause * 1.6, PAUSE_MAX_S)

    def once(self, request):
        api = self.tenants[request.tenant]
        with self.lock:
            request_id = f"chaos-{request.number}-{len(request.tries)}"
            request.tries.append(request_id)
        try:
            return api.call(request.method, request.path, request.body, key=request.key, headers={"X-Request-Id": request_id},
                            timeout=HASTY_S if request.hasty and len(request.tries) < 4 else TIMEOUT_S)
        except (OSError, http.client.HTTPException) as error:
            return error

    def reason(self, reply):
        if isinstance(reply, TimeoutError):
            return "timeout"
        if isinstance(reply, Exception):
            return "connection"
        return f"{reply.status} {code_of(reply) or ''}".strip()

    def verdict(self, request, reply):
        """None: it is an answer. Else how long to wait at least before the next try."""
        if isinstance(reply, Exception):
            return 0
        again = reply.status in (429, 503, 504) or reply.status == 409 and code_of(reply) == "idempotency_key_in_use"
        if again:
            if reply.status in (429, 503) and not reply.headers.get("Retry-After"):
                self.note(request, reply, "no Retry-After")
            return min(float(reply.headers.get("Retry-After") or 0), HEADER_MAX_S)
        self.tally.add("answers", request.kind, reply.status)
        if reply.status not in (200, 201, 400, 404, 409, 422):
            self.note(request, reply, "an answer that should not be")
            return 0 if reply.status >= 500 else None
        with self.lock:
            request.answers.append(Answer(reply.status, reply.raw, reply.headers.get("Idempotency-Replayed") == "true"))
        return None

    def note(self, request, reply, what):
        with self.lock:
            self.strange.append(f"{what}: {request.method} {request.path} {request.key}: {reply!r}")
