"""The bus under TLS: the main job goes on, and with who can't show whose he is, nothing is said."""
import json
import os
import re

import pytest

from certificates import Authority
from client import send
from conftest import running_stack
from processes import PORTS, Process
from stack import SERVICES, Stack, wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    for name in ["127.0.0.1", "programs"]:
        authority.serving(name)
    return authority


def identity(authority):
    return {"NATS_CA_FILE": str(authority.certificate), "NATS_CERTIFICATE_FILE": str(authority.directory / "programs.pem"),
            "NATS_KEY_FILE": str(authority.directory / "programs.key")}


@pytest.fixture(scope="module")
def stack(authority):
    """nats-server shows a certificate of the authority and wants one."""
    made = Stack(own_cluster=True, **identity(authority))  # one that is well: doctor is asked
    with open(made.directory / "nats.conf", "a") as conf:
        conf.write(f"""tls {{ cert_file: "{authority.directory}/127.0.0.1.pem", key_file: "{authority.directory}/127.0.0.1.key"
                              ca_file: "{authority.certificate}", verify: true }}\n""")
    yield from running_stack(made)


def connections(stack):
    """Of the services to nats-server, as it sees them."""
    shown = json.loads(send(stack.ports["nats_monitor"], "GET", "/connz").raw)["connections"]
    return {c.get("name"): c.get("tls_version") for c in shown}


def told(stack, receiver):
    """A payment, and that its end has come to the merchant."""
    api = stack.tenant()
    api.post("/webhook_endpoints", {"url": receiver.url}).ok(201)
    paid = stack.paid(api)["id"].encode()
    wait_until(lambda: any(b"payment.succeeded" in r.body and paid in r.body for r in receiver.requests), 30, "its webhook")


def test_events_travel_under_tls(stack, receiver):
    told(stack, receiver)
    assert connections(stack) == dict.fromkeys(SERVICES, "1.3")
    stack.kill9("nats")
    stack.restart("nats")
    told(stack, receiver)
    wait_until(lambda: connections(stack) == dict.fromkeys(SERVICES, "1.3"), 20, "all are back, under TLS")


def findings(stack, code=1, **environment):
    said = stack.obol("doctor", "--json", code=code, parse=False, **environment)
    told, _ = json.JSONDecoder().raw_decode(said[said.index('{"ok"'):])
    return [f"{f['verdict']} {f['what']}: {f['text']}" for f in told["findings"] if "NATS" in f["what"]]


def test_doctor_sees_it(stack):
    server, certificate = sorted(findings(stack, 0))
    assert server.startswith("ok NATS: nats-server 2.")
    assert re.fullmatch("warn certificate for NATS: .*/programs.pem has [01] days left", certificate)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """One that offers no TLS."""
    port = PORTS.take()
    server = Process("nats", ["nats-server", "-a", "127.0.0.1", "-p", port], os.environ, tmp_path_factory.mktemp("open") / "log")
    server.start()
    yield port
    server.signal_and_wait()


@pytest.mark.parametrize("case, why", [
    ("an authority of others", "unable to get local issuer certificate"),
    ("another name", "[Hh]ostname mismatch"),
    ("no authority", "unable to get local issuer certificate|self.signed certificate"),
    ("no certificate", "refuses us"),
    ("no TLS there", "Secure Connection not available"),
    ("no TLS there, by the URL", "Secure Connection not available"),
    ("no such file", "SSL Error")])
def test_who_is_not_known_is_not_spoken_with(stack, authority, open_server, tmp_path, case, why):
    known = identity(authority)
    nobody = dict.fromkeys(known, "")
    [found] = [line for line in findings(stack, **{
        "an authority of others": {**known, "NATS_CA_FILE": str(Authority(tmp_path).certificate)},
        "another name": {**known, "NATS_URL": f"nats://localhost:{stack.ports['nats']}"},
        "no authority": {**known, "NATS_CA_FILE": ""},
        "no certificate": {**known, "NATS_CERTIFICATE_FILE": "", "NATS_KEY_FILE": ""},
        "no TLS there": {**known, "NATS_URL": f"nats://127.0.0.1:{open_server}"},
        "no TLS there, by the URL": {**nobody, "NATS_URL": f"tls://127.0.0.1:{open_server}"},
        "no such file": {**known, "NATS_CA_FILE": str(tmp_path / "none")}}[case]) if " NATS:" in line and "certificate for" not in line]
    assert re.match(f"fail NATS: it does not answer, or refuses us: .*({why})" if why != "refuses us" else "fail NATS: .*refuses us", found), found


@pytest.mark.parametrize("url, warned", [
    ("nats://10.0.0.1:4222", True), ("nats://user:secret@127.0.0.1:1,nats://user:secret@10.0.0.1:4222", True),
    ("tls://10.0.0.1:4222", False), ("nats://user:secret@127.0.0.1:1", False)])
def test_doctor_warns_of_a_bus_elsewhere_without_tls(stack, url, warned):
    told = findings(stack, NATS_URL=url, NATS_CA_FILE="", NATS_CERTIFICATE_FILE="", NATS_KEY_FILE="")
    assert any(line.startswith("warn NATS: events hold payers' data") for line in told) == warned, told
    assert "secret" not in "".join(told)


@pytest.mark.parametrize("name", ["OBOL_KEYS_FILE", "NATS_URL_FILE"])
def test_doctor_goes_on_where_a_file_of_its_own_is_missing(stack, tmp_path, name):
    told = findings(stack, **{name.removesuffix("_FILE"): "", name: str(tmp_path / "none")})
    assert any(line.startswith("ok NATS: nats-server" if name == "OBOL_KEYS_FILE" else "fail NATS: ") for line in told), told


def test_a_service_serves_on_without_a_bus_that_it_can_trust(stack, receiver, tmp_path):
    program = stack.processes["webhooks"]
    program.stop()
    program.start(NATS_CA_FILE=str(Authority(tmp_path).certificate))
    stack.wait_ready()
    try:
        told(stack, receiver)  # by comparing journals
        assert "webhooks" not in connections(stack)
        health = json.loads(send(stack.ports["webhooks_ops"], "GET", "/health").raw)
        assert health["dependencies"]["nats"]["status"] == "down"
    finally:
        program.stop()
        stack.restart("webhooks")
        stack.wait_ready()


def test_a_program_does_not_start_with_files_that_are_none(stack, authority, tmp_path):
    program = stack.processes["refunds"]
    program.stop()
    try:
        program.start(NATS_KEY_FILE=str(authority.key))  # not the certificate's
        assert program.child.wait(20) == 1
        assert "bus.files_refused" in program.tail(5)
    finally:
        stack.restart("refunds")
        stack.wait_ready()
