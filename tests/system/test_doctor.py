"""obol doctor: a healthy stack has no failures; each fault is told in a line, and every line that is not ok says what to do."""
import json
import os
import pathlib
import re
import socket
import time
import types

import pytest

from certificates import Authority
from conftest import running_stack
from postgres import Database, psql
from processes import PORTS
from receiver import Receiver
from stack import LONG, SERVICES, wait_until

HOUR_S = 3600


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(own_cluster=True)


def looked(stack, code, *options, **environment):
    """Findings as (verdict, what, text)."""
    said = stack.obol("doctor", "--json", *options, code=code, parse=False, **environment)
    told = json.loads(said[said.index('{"ok"'):said.rindex("}") + 1])
    counts = {verdict: sum(f["verdict"] == verdict for f in told["findings"]) for verdict in ["ok", "warn", "fail"]}
    assert counts == {name: told[name] for name in counts}
    return told["findings"]


def lines(findings):
    return [f"{f['verdict']} {f['what']}: {f['text']}" for f in findings]


# --- Well

@pytest.fixture(scope="module")
def well(stack):
    stack.demo.pay()  # something that is sealed
    return looked(stack, 0)


def test_a_healthy_stack_has_no_failures(stack, well):
    assert [line for line in lines(well) if line.startswith("fail")] == []
    found = {f["what"] for f in well if f["verdict"] == "ok"}
    assert found >= {"NATS", "stream obol", "keys", "gRPC", "open files",
                     *(f"{what} {name}" for name in SERVICES for what in ["service", "configuration of", "migrations of",
                                                                          "sealed rows of", "health page of"])}
    # A test stack is none for production, and says so; the machine below may have its own.
    ours = [f["text"].split()[0] for f in well if f["verdict"] == "warn" and f["what"] not in ("time", "disk", "open files")]
    assert sorted(ours) == ["TEST_MODE", "WEBHOOK_ALLOW_PRIVATE", "WEBHOOK_RETRY_INTERVALS_TEST", "no"], ours


def test_people_get_a_table_and_strict_fails_for_warnings(stack):
    text = stack.obol("doctor", "--strict", code=1, parse=False)
    rows = text.splitlines()
    assert re.fullmatch(r"\d+ ok, \d+ warnings, 0 failures", rows[-1])
    assert "ok    service payments" in text and "do: unset it in production" in text


# --- Faults, as many at once as don't hide each other

def jetstream(stack, name, **settings):
    """A stream that somebody has made by hand."""
    request = json.dumps({"name": name, **settings}).encode()
    with socket.create_connection(("127.0.0.1", int(stack.ports["nats"])), 5) as bus:
        bus.settimeout(5)
        bus.sendall(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\n' +
                    f"PUB $JS.API.STREAM.CREATE.{name} answer {len(request)}\r\n".encode() + request + b"\r\n")
        heard = b""
        while b'"type":"io.nats.jetstream.api.v1.stream_create_response"' not in heard:
            heard += bus.recv(65536)
    assert b'"error"' not in heard, heard


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def page_of_another(offset_s):
    """Something in the place of a health page, of another version and with another clock."""
    page = {"status": "draining", "service": "auth", "version": "9.9.9",
            "dependencies": {"postgres": {"status": "down", "latency_ms": None}}}
    receiver = Receiver()
    handler = receiver.server.RequestHandlerClass
    handler.date_time_string = lambda self, timestamp=None: time.strftime(
        "%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + offset_s))
    receiver.answer = lambda request: (200, {"Content-Type": "application/json"}, json.dumps(page).encode())
    return receiver


@pytest.fixture(scope="module")
def strange(stack, authority):
    """Settings, keys, stream, a certificate, a service, a page."""
    authority.serving("gateway.test", days=-1)
    jetstream(stack, "odd", subjects=["other.>"], storage="memory", retention="workqueue", max_msgs=10,
              duplicate_window=10 ** 9, max_age=60 * 10 ** 9)
    other = page_of_another(HOUR_S)
    keys = stack.environment["OBOL_KEYS"]
    try:
        yield looked(stack, 1, **{
            "FAST_THREADS": "0", "SLOW_THREADS": "60", "DRAIN_MS": "soon", "OBOL_KEYS": "1:" + "ab" * 32, "NATS_STREAM": "odd",
            "NATS_REPLICAS": "3", "PAYMENTS_TARGET": f"127.0.0.1:{PORTS.take()}", "REFUNDS_LISTEN": "0.0.0.0:50052",
            "GATEWAY_LISTEN": "0.0.0.0:8000", "GATEWAY_OPS_LISTEN": f"127.0.0.1:{PORTS.take()}",
            "AUTH_OPS_LISTEN": f"127.0.0.1:{other.server.server_address[1]}",
            "GATEWAY_TLS_CERTIFICATE_FILE": str(authority.directory / "gateway.test.pem"),
            "GATEWAY_TLS_KEY_FILE": str(authority.directory / "gateway.test.key"), "OBOL_CORE_DUMPS": "true",
            "PROVIDER_ALLOW_HTTP": "true"})
    finally:
        other.close()
        assert keys == stack.environment["OBOL_KEYS"]


@pytest.mark.parametrize("line", [
    "fail configuration of payments: FAST_THREADS: must be from 1 to 64",
    "fail configuration of auth: DRAIN_MS: not a whole number",
    "fail sealed rows of payments: events.body is sealed under key 1, which these OBOL_KEYS do not open",
    "fail sealed rows of webhooks: endpoints.secret|fail sealed rows of webhooks: events.body|fail sealed rows of webhooks: stored_events",
    "warn database of auth: one replica of each service takes up to",
    "fail stream odd: its subjects are other.>, not odd.>",
    "warn stream odd: it lies in memory",
    "fail stream odd: it does not keep by limits",
    "warn stream odd: it keeps for 60 s",
    "warn stream odd: it tells duplicates apart for 1 s",
    "warn stream odd: it is bounded",
    "warn stream odd: 1 replicas, NATS_REPLICAS asks for 3",
    "fail service payments: 127.0.0.1:",
    "warn gRPC: REFUNDS_LISTEN is 0.0.0.0:50052 and has no TLS",
    "fail certificate of the gateway: .*the certificate has expired",
    "fail health page of gateway: http://127.0.0.1:",
    "fail health page of auth: it is version 9.9.9, obol is",
    "fail health page of auth: it does not reach postgres",
    "fail health page of auth: it says that it is draining",
    r"fail health page of auth: its clock is \+3[56]\d\d\.\d s off ours",
    "warn for production: PROVIDER_ALLOW_HTTP",
    "warn for production: OBOL_CORE_DUMPS",
])
def test_what_is_strange_is_told(strange, well, line):
    assert [told for told in lines(strange) if re.match(line, told)], "\n".join(lines(strange))
    assert not [told for told in lines(well) if re.match(line, told)]


@pytest.fixture(scope="module")
def broken(stack, authority, tmp_path_factory):
    """Databases, keys, the bus, a certificate that is another's; and a program that nobody told of its keys."""
    databases = {name: Database(tmp_path_factory.mktemp("db")) for name in ["payments", "refunds"]}
    server = databases["payments"].server
    try:
        stack.obol("migrate", "up", DATABASE_URL=databases["payments"].url)
        stack.obol("migrate", "down", "payments", DATABASE_URL=databases["payments"].url)
        stack.obol("migrate", "up", DATABASE_URL=databases["refunds"].url)
        psql(databases["refunds"].url, "INSERT INTO refunds.schema_migrations (version, name) VALUES (900, 'later')")
        authority.serving("auth.obol", own=False)
        wrong = re.sub(r":[^:@]+@", ":nonsense@", server)
        yield looked(stack, 1, **{
            "AUTH_DATABASE_URL": wrong, "PAYMENTS_DATABASE_URL": databases["payments"].url,
            "REFUNDS_DATABASE_URL": databases["refunds"].url + "?options=-c%20synchronous_commit%3Doff",
            "WEBHOOKS_DATABASE_URL": f"postgresql://obol@127.0.0.1:{PORTS.take()}/obol", "OBOL_KEYS": "none", "GATEWAY_LISTEN": "0.0.0.0:8000", "GATEWAY_OPS_LISTEN": "0.0.0.0:9000",
            "NATS_URL": f"nats://127.0.0.1:{PORTS.take()}",
            "RPC_TLS_CERTIFICATE_FILE": str(authority.directory / "auth.obol.pem"),
            "RPC_TLS_KEY_FILE": str(authority.directory / "auth.obol.key"), "RPC_TLS_CA_FILE": str(authority.certificate)})
    finally:
        for database in databases.values():
            database.drop()


@pytest.mark.parametrize("line", [
    "fail database of auth: it does not answer, or refuses us: .*password authentication failed",
    "fail migrations of payments: the schema is at",
    "fail migrations of refunds: the schema is at 900, this obol .* knows",
    "fail database of refunds: synchronous_commit is off",
    "fail database of webhooks: it does not answer, or refuses us: .*Connection refused",
    "fail keys: OBOL_KEYS is no list of keys",
    "fail NATS: it does not answer",
    "fail certificate for gRPC: .*unable to get local issuer certificate|fail certificate for gRPC: .*self.signed",
    "fail service payments: ",  # TLS on this side only
    "warn gateway: it listens on 0.0.0.0:8000 without TLS",
    "warn gateway: its operations port is 0.0.0.0:9000",
])
def test_what_is_broken_is_told(broken, well, line):
    assert [told for told in lines(broken) if re.match(line, told)], "\n".join(lines(broken))
    assert not [told for told in lines(well) if re.match(line, told)]


def test_no_password_is_told(stack, broken, strange):
    password = os.environ["OBOL_TEST_DATABASE_URL"].split(":")[2].split("@")[0]
    told = json.dumps([broken, strange])
    assert password not in told and "nonsense" not in told and stack.environment["OBOL_KEYS"].split(":")[1] not in told


def test_every_line_that_is_not_well_says_what_to_do(well, strange, broken):
    assert [f for f in [*well, *strange, *broken] if f["verdict"] != "ok" and not f["do"]] == []


def test_a_rotation_that_goes_on_and_a_key_that_is_gone(stack):
    wait_until(lambda: stack.sql("SELECT count(*) FROM payments.resealing WHERE done_at IS NOT NULL") > [["4"]], 20, "looked through")
    keys = stack.environment["OBOL_KEYS"]
    told = lines(looked(stack, 0, OBOL_KEYS=f"2:{'cd' * 32},{keys}"))
    assert [line for line in told if "events.body is still under key 1, the newest is 2" in line]
    told = lines(looked(stack, 1, OBOL_KEYS=f"2:{'cd' * 32}"))
    assert [line for line in told if "is under key 1, which OBOL_KEYS does not hold" in line]


def test_programs_that_are_elsewhere_are_not_guessed_at(stack, tmp_path):
    """As in obol's own image. A copy: what a link leads to would be found."""
    alone = types.SimpleNamespace(**{**stack.__dict__, "programs": tmp_path, "identity": stack.identity})
    (tmp_path / "obol").write_bytes((pathlib.Path(stack.programs) / "obol").read_bytes())
    (tmp_path / "obol").chmod(0o755)
    told = looked(types.SimpleNamespace(obol=lambda *words, **more: type(stack).obol(alone, *words, **more)), 0)
    assert [f["text"] for f in told if f["what"] == "configuration of payments"] == ["not looked at: the program is not beside obol"]


@pytest.mark.skipif(not LONG, reason="takes half a minute")
def test_what_says_nothing_is_not_waited_for(stack):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        told = lines(looked(stack, 1, DATABASE_URL=f"postgresql://obol@{where}/obol", NATS_URL=f"nats://{where}",
                            **{f"{name}_TARGET": where for name in ["AUTH", "PAYMENTS", "REFUNDS", "WEBHOOKS"]},
                            **{f"{name}_OPS_LISTEN": where for name in ["AUTH", "PAYMENTS", "REFUNDS", "WEBHOOKS", "GATEWAY"]}))
        assert time.monotonic() - begun < 50
    assert len([line for line in told if line.startswith("fail")]) >= 11
