"""Card numbers, security codes, secrets and payers' data are nowhere but where they have to be.

One installation at LOG_LEVEL=debug handles everything that is secret; then all that it wrote and says is searched.
What the sandbox keeps is the provider's, what the merchant got is the merchant's: both are left out.
"""
import base64
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import tempfile

import pytest

from client import card_payment, payment, send
from conftest import running_stack
from postgres import PG_BIN
from processes import PORTS, Process, wait_until
from providers import FIELDS, PACE, House, callback_path
from providers import payment as provider_payment
from receiver import Receiver
from stack import SERVICES

SECRET_FIELDS = re.compile("key|secret|password|token|credential")
OURS = [*SERVICES, "gateway"]
NAMES_ONLY = {"SIMULATOR_CREDENTIAL", "CARD_TOKEN_TTL_S"}  # sound so, and are none
PAGES = ["/metrics", "/health/live", "/health/ready"]


def luhn(digits):
    """With a check digit."""
    doubled = [d * 2 - 9 * (d > 4) if i % 2 == 0 else d for i, d in enumerate(map(int, reversed(digits)))]
    return digits + str(-sum(doubled) % 10)


def card_number():
    return luhn("41" + "".join(secrets.choice("0123456789") for _ in range(13)))


def groups(number, mark):
    return mark.join(number[i:i + 4] for i in range(0, len(number), 4))


class Used:
    """What was used, to be searched for."""

    def __init__(self):
        self.cards, self.codes, self.secrets, self.personal = set(), set(), set(), set()

    def card(self, number=None):
        number = number or card_number()
        self.cards.add(number)
        return number

    def code(self):
        code = "".join(secrets.choice("0123456789") for _ in range(4))
        self.codes.add(code)
        return code

    def secret(self, text):
        self.secrets.add(text)
        return text

    def own(self, text):
        self.personal.add(text)
        return text

    def fields(self, provider):
        """Under the names that the sandboxes know them by."""
        for name, value in FIELDS[provider].items():
            if SECRET_FIELDS.search(name):
                self.secret(value)
        return FIELDS[provider]

    def sought(self, personal=True):
        """Bytes to look for, each with what it is."""
        marks = {}
        for number in self.cards:
            marks |= {form.encode(): "a card number" for form in [number, groups(number, " "), groups(number, "-")]}
        marks |= {text.encode(): "a secret" for text in self.secrets}
        if personal:
            marks |= {text.encode(): "personal data" for text in self.personal}
        assert marks
        return marks


def encoded(marks):
    """As they stand and in hex, and in base64 wherever in a longer text they begin."""
    found = {}
    for mark, what in marks.items():
        found |= {mark: what, mark.hex().encode(): f"{what} in hex"}
        for skip in range(3):
            whole = base64.b64encode(b"\0" * skip + mark)
            inner = whole[(0, 2, 3)[skip]:(len(mark) + skip) // 3 * 4]
            if len(inner) >= 12:
                found[inner] = f"{what} in base64"
    return found


def search(where, data, marks):
    """Fails with what was found and where: in bytes, or in the files under a path, which may go meanwhile."""
    with tempfile.NamedTemporaryFile() as listed:
        listed.write(b"\n".join(marks))
        listed.flush()
        place = {"input": data} if isinstance(data, bytes) else {"stdin": subprocess.DEVNULL}
        command = ["grep", "-aobFs", "-m", "5", "-f", listed.name, *([] if isinstance(data, bytes) else ["-r", str(data)])]
        done = subprocess.run(command, stdout=subprocess.PIPE, env={"LC_ALL": "C", "PATH": os.environ["PATH"]}, timeout=120, **place)
    assert done.returncode in (0, 1, 2)
    lines = done.stdout.splitlines()
    found = [f"{marks[line.rsplit(b':', 1)[1]]} in {where}: {line.decode()}" for line in lines]
    if isinstance(data, bytes):
        found = [f"{text} …{around(data, int(line.split(b':')[0]))}" for text, line in zip(found, lines)]
    assert not found, "\n".join(found)


def around(data, at):
    return data[max(0, at - 150):at + 60]


def search_codes(where, data, codes):
    """Four digits alone come by chance: what counts is that they stand behind their name."""
    pattern = rb"(?i)(?:cvv|cvc|security.?code)[^0-9a-z]{1,12}(?:" + "|".join(codes).encode() + rb")(?![0-9])"
    found = re.findall(pattern, data)
    assert not found, f"a security code in {where}: {found}"


def files(directory):
    return [path for path in pathlib.Path(directory).rglob("*") if path.is_file()]


class Story:
    """Everything that handles secrets."""

    def __init__(self, stack, receiver):
        self.stack = stack
        self.receiver = receiver
        self.used = Used()
        self.api = stack.tenant("Leaky")
        self.used.secret(self.api.secret)
        self.used.secret(stack.environment["SIMULATOR_KEY"])
        self.used.secret(stack.environment["SIMULATOR_CALLBACK_SECRET"])
        self.used.secret(stack.environment["OBOL_KEYS"].partition(":")[2])
        self.used.secret(stack.nats_key)

    def tell(self):
        self.keys()
        self.webhooks()
        self.cards()
        self.misplaced()
        self.persons()
        self.providers()
        self.callbacks()
        self.crash()
        self.stack.quiet(90)

    def keys(self):
        made = self.stack.obol("key", "create", self.api.tenant_id, "second")
        self.used.secret(made["secret"])
        for secret in [self.used.secret("wrong_" + secrets.token_hex(16)), made["secret"]]:
            pair = base64.b64encode(f"{made['id']}:{secret}".encode()).decode()
            for headers in [{"X-Api-Key": made["id"], "X-Api-Secret": secret}, {"Authorization": f"Basic {pair}"},
                            {"Authorization": f"Bearer {secret}"}]:
                assert self.api.get("/payments", headers={"X-Api-Key": "", "X-Api-Secret": "", **headers}).status in (200, 401)
        self.stack.obol("key", "revoke", made["id"])

    def webhooks(self):
        url = self.receiver.url
        key = secrets.token_hex(8)
        made = self.api.post("/webhook_endpoints", {"url": url}, key=key).ok(201)
        assert self.api.post("/webhook_endpoints", {"url": url}, key=key).ok(201)["secret"] == made["secret"]
        given = self.used.secret("whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())
        self.api.post("/webhook_endpoints", {"url": url, "secret": given})
        rotated = self.api.post(f"/webhook_endpoints/{made['id']}/rotate_secret", {"overlap_seconds": 600}, key="r1").ok()
        for secret in [made["secret"], rotated["secret"]]:
            self.used.secret(secret)
            self.used.secret(secret.removeprefix("whsec_"))
        self.api.post(f"/webhook_endpoints/{made['id']}/test")

    def pay_by_card(self, number, code=None, **more):
        body = card_payment(self.used.card(number), **more)
        body["card"]["cvv"] = code or self.used.code()
        body["card"]["holder_name"] = self.used.own(f"Holder {secrets.token_hex(6)}")
        return self.api.post("/payments", body, key=secrets.token_hex(8))

    def cards(self):
        for number in [None, "4242424242424242", "4000000000000002", "4000000000009995", "4000000000000127",
                       "4000003800000446"]:
            self.pay_by_card(number).ok(201)
        self.pay_by_card(card_number()[:-1] + "x").refused(400)
        wrong = card_number()
        self.pay_by_card(wrong[:-1] + str((int(wrong[-1]) + 1) % 10)).refused(400)
        self.pay_by_card(None, code=self.used.code() + "0").refused(400)
        for body in [b'{"card":{"number":"%s"', b'{"card":{"number":%s}}', b'{"card":"%s"}', b'{"nonsense":"%s"}', b'{"%s":1}']:
            reply = self.api.call("POST", "/payments", body=body % self.used.card().encode())
            assert reply.status == 400, reply
        self.stack.open("POST", "/api/v1/payments", card_payment(self.used.card()), port="gateway").refused(401)

    def misplaced(self):
        for text in ["{}", "my card is {}.", "Card:{}"]:
            for form in [lambda n: n, lambda n: groups(n, " "), lambda n: groups(n, "-")]:
                number = text.format(form(self.used.card()))
                for fields in [{"description": number}, {"metadata": {"note": number}}, {"customer": {"name": number}}]:
                    [param] = fields
                    reply = self.api.post("/payments", payment(**fields))
                    assert reply.status == 400 and reply.json["param"].startswith(param), reply
                self.api.post("/orders", {"amount": 100, "currency": "INR", "receipt": number}).refused(400)
                self.api.post("/orders", {"amount": 100, "currency": "INR", "notes": {"a": number}}).refused(400)
        number = groups(self.used.card(), " ")
        paid = self.stack.paid(self.api)
        self.api.post(f"/payments/{paid['id']}/refunds", {"reason": number}).refused(400)
        self.api.post("/webhook_endpoints", {"url": "http://127.0.0.1:9/", "description": number}).refused(400)

    def persons(self):
        customer = {"email": self.used.own(f"{secrets.token_hex(8)}@example.com"), "name": self.used.own(f"Payer {secrets.token_hex(8)}"),
                    "phone": self.used.own("+2609" + "".join(secrets.choice("0123456789") for _ in range(8)))}
        self.person = customer
        self.vpa = self.used.own(f"p{secrets.token_hex(8)}@upi")
        key = secrets.token_hex(8)
        body = payment(vpa=self.vpa, customer=customer)
        self.named = self.api.post("/payments", body, key=key).ok(201)
        again = self.api.post("/payments", body, key=key).ok(201)
        assert (again["customer"], again["vpa"]) == (customer, self.vpa)
        manual = self.api.post("/payments", payment(customer=customer, capture="manual")).ok(201)
        self.stack.settle(self.api, manual["id"], "authorized")
        self.api.post(f"/payments/{manual['id']}/capture", {}, key="c").ok()
        paid = self.stack.settle(self.api, manual["id"], "succeeded")
        self.api.post(f"/payments/{paid['id']}/refunds", {"amount": 1, "reason": "as asked"}).ok(201)

    def providers(self):
        for provider in FIELDS:
            house = House(self.stack, provider)
            tenant = self.stack.tenant(provider)
            self.used.secret(tenant.secret)
            self.used.fields(provider)
            tenant.credential = house.credential(tenant)
            house.control(callback_url=tenant.credential["callback_url"])
            body = provider_payment(provider)
            if "mobile_money" in body:
                number = body["mobile_money"]["msisdn"]
                middle = "".join(secrets.choice("3456789") for _ in range(6))
                body["mobile_money"]["msisdn"] = self.used.own(number[:-8] + middle + number[-2:])
            else:
                body["card"]["cvv"] = self.used.code()
                self.used.card(body["card"]["number"])
            made = tenant.post("/payments", {**body, "customer": self.person}).ok(201)
            self.stack.settle(tenant, made["id"])
            self.wrong_callback(callback_path(tenant))

    def wrong_callback(self, path):
        secret = self.used.secret("wrong-" + secrets.token_hex(16))
        body = {"secret": secret, "hash": secret, "card": self.used.card(), "phone": self.used.own("26097" + "7" + secrets.token_hex(9))}
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}", "X-Signature-256": secret}
        assert send(self.stack.ports["gateway"], "POST", path, json.dumps(body).encode(), headers).status < 500

    def callbacks(self):
        self.wrong_callback("/api/v1/webhooks/simulator/default")
        self.wrong_callback("/api/v1/webhooks/mtn/nobody")

    def crash(self):
        """A service goes down with a card in hand, in the way that would leave a core behind."""
        self.stack.sandbox(delay_ms=3000)
        body = card_payment(self.used.card())
        body["card"]["cvv"] = self.used.code()
        client = subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-K", "-"], stdin=subprocess.PIPE)
        client.stdin.write("\n".join([
            f'url = "http://127.0.0.1:{self.stack.ports["gateway"]}/api/v1/payments"', f'data = {json.dumps(json.dumps(body))}',
            'header = "Content-Type: application/json"', f'header = "X-Api-Key: {self.api.key}"',
            f'header = "X-Api-Secret: {self.api.secret}"']).encode())
        client.stdin.close()
        marks = {body["card"]["number"].encode(): "it"}
        wait_until(lambda: memory_holds(self.stack.processes["payments"].child.pid, marks), 20, "payments has the card in hand")
        code = self.stack.processes["payments"].signal_and_wait(signal.SIGQUIT)
        assert code == -signal.SIGQUIT
        client.wait(30)
        self.stack.sandbox(delay_ms=0)
        self.stack.restart("payments")
        self.stack.wait_ready()


def memory_regions(pid):
    """What of a process may be read and is its own: (name, bytes). Sanitizers' shadows are vast and hold no data."""
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, mode, _, _, inode, *name = line.split(None, 5)
            low, high = (int(part, 16) for part in span.split("-"))
            if "rw" not in mode or high - low > 1 << 30 or (name and name[0].startswith("[v")):
                continue
            try:
                memory.seek(low)
                yield (name[0].strip() if name else "anonymous", memory.read(high - low))
            except OSError:
                continue


def memory_holds(pid, marks):
    pattern = re.compile(b"|".join(re.escape(mark) for mark in marks))
    return any(pattern.search(data) for _, data in memory_regions(pid))


@pytest.fixture(scope="module")
def outside():
    """Who collects traces and errors."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def stack(outside):
    base = outside.url.removesuffix("/hook")
    yield from running_stack(own_cluster=True, LOG_LEVEL="debug", OTEL_EXPORTER_OTLP_ENDPOINT=base,
                             SENTRY_DSN=base.replace("//", "//0123456789abcdef@") + "/7", **PACE)


@pytest.fixture(scope="module")
def story(stack):
    receiver = Receiver()
    story = Story(stack, receiver)
    story.tell()
    yield story
    receiver.close()


def test_a_payers_data_is_told_to_the_merchant_as_it_was_given(stack, story):
    shown = story.api.get(f"/payments/{story.named['id']}").ok()
    assert (shown["customer"], shown["vpa"]) == (story.person, story.vpa)
    [event] = [e for e in story.api.all(f"/events?object_id={story.named['id']}") if e["event"] == "payment.created"]
    assert story.vpa in json.dumps(event), event
    assert any(json.loads(r.body)["data"].get("payment", {}).get("customer") == story.person for r in story.receiver.requests)


def test_logs_hold_none_of_it(stack, story):
    marks = encoded(story.used.sought())
    for name in OURS:
        text = stack.processes[name].text().encode()
        search(f"the log of {name}", text, marks)
        search_codes(f"the log of {name}", text, story.used.codes)
    for name in ["postgres", "nats"]:
        search(f"the log of {name}", stack.processes[name].text().encode(), marks)


def test_tables_hold_none_of_it(stack, story):
    dump = subprocess.run([PG_BIN / "pg_dump", stack.database.url], stdout=subprocess.PIPE, check=True, timeout=60).stdout
    assert story.named["id"].encode() in dump
    search("the tables", dump, encoded(story.used.sought()))
    search_codes("the tables", dump, story.used.codes)


def test_files_of_the_database_hold_none_of_it(stack, story):
    stack.sql("CHECKPOINT")
    search("the database", stack.database.data, story.used.sought())
    with pytest.raises(AssertionError, match="an id in the log ahead"):  # what is there is found
        search("the log ahead", stack.database.data / "pg_wal", {story.named["id"].encode(): "an id"})


def test_the_bus_keeps_its_events_encrypted(stack, story):
    assert sum(path.stat().st_size for path in files(stack.directory / "nats")) > 10000
    search("the bus's store", stack.directory / "nats", {**story.used.sought(), story.named["id"].encode(): "an id"})


def test_what_is_told_holds_no_card_and_no_secret(stack, story):
    marks = story.used.sought(personal=False)
    told = b"".join(request.body + str(request.headers).encode() for request in story.receiver.requests)
    assert story.named["id"].encode() in told
    search("the webhooks", told, marks)
    for port in [*(f"{name}_ops" for name in OURS), "gateway"]:
        for page in PAGES:
            search(f"{page} of {port}", send(stack.ports[port], "GET", page).raw, story.used.sought())


def test_what_is_collected_outside_holds_none_of_it(stack, story, outside):
    """Nor do the sandbox's spans: whoever runs Obol collects those of a provider only when it is a sandbox."""
    def collected():
        with outside.lock:
            return b"".join(request.body for request in outside.requests)
    seen = [b"PaymentService/CreatePayment", b"TokenizeCard", b"provider charge", b"POST webhook", b"sandbox"]
    wait_until(lambda: all(mark in collected() for mark in seen), 10, lambda: [m for m in seen if m not in collected()])
    search("what is collected outside", collected(), encoded(story.used.sought()))
    search_codes("what is collected outside", collected(), story.used.codes)


def test_what_an_operator_is_shown_holds_none_of_it(stack, story):
    for words in [["audit"], ["health"], ["provider", "list", "--tenant", story.api.tenant_id],
                  ["key", "list", story.api.tenant_id]]:
        search(" ".join(words), json.dumps(stack.obol(*words)).encode(), story.used.sought())


def test_no_core_is_left_behind(stack, story):
    assert not [path for path in files(stack.directory) if path.name.startswith("core")]
    for name in [*OURS, "sandbox", "merchant"]:
        limits = pathlib.Path(f"/proc/{stack.processes[name].child.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0 ", limits), name


@pytest.mark.parametrize("name", [*OURS, "sandbox", "merchant"])
def test_nobody_of_the_same_user_reads_a_programs_memory(stack, name):
    """The files in /proc of such a process are root's, whoever runs it."""
    own = stack.directory / f"own-{name}"
    own.mkdir()
    own.chmod(0o777)
    program = shutil.copy(stack.programs / f"obol-{name}", own)
    port = PORTS.take()
    variables = {**stack.environment, f"{name.upper()}_LISTEN": f"127.0.0.1:{port}", f"{name.upper()}_OPS_LISTEN": "",
                 "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "NATS_URL": "nats://127.0.0.1:1", "SANDBOX_STORE": ""}
    unprivileged = ["--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.getuid() == 0 else []
    for guarded in [False, True]:
        process = Process(name, [program], {**variables, "OBOL_CORE_DUMPS": str(not guarded).lower()}, own / "log", unprivileged)
        process.start()
        try:
            wait_until(lambda: guarded_of(process) == guarded, 20, lambda: f"{name} is guarded: {guarded}\n{process.tail()}")
        finally:
            process.signal_and_wait()


def guarded_of(process):
    assert process.running() and b"obol-" in pathlib.Path(f"/proc/{process.child.pid}/cmdline").read_bytes().split(b"\0")[0]
    return os.stat(f"/proc/{process.child.pid}/environ").st_uid == 0


def test_every_secret_can_come_from_a_file(stack):
    """What sounds like a secret in a program's table is one, and so is every address that may hold a password."""
    for name in [*OURS, "sandbox", "merchant"]:
        table = subprocess.run([stack.programs / f"obol-{name}", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
        rows = [line for line in table.splitlines() if re.match(r"[A-Z][A-Z_0-9]+ ", line)]
        secret = {line.split()[0] for line in rows if line.endswith("; or its file, by _FILE")}
        sounding = {line.split()[0] for line in rows if re.search(r"SECRET|KEYS?$|DSN$|PASSWORD|TOKEN$|(DATABASE|NATS)_URL|CREDENTIAL$",
                                                                 line.split()[0])}
        assert rows and sounding - secret <= NAMES_ONLY, (name, sounding - secret)


def test_a_program_forgets_the_text_of_its_keys(stack):
    for name in SERVICES:
        environment = pathlib.Path(f"/proc/{stack.processes[name].child.pid}/environ").read_bytes()
        assert b"OBOL_KEYS=" in environment and stack.environment["OBOL_KEYS"].encode() not in environment, name
