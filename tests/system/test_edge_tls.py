"""TLS at the edge: what is agreed on, what is refused, and a certificate that changes while it serves."""
import contextlib
import http.client
import os
import socket
import ssl
import subprocess
import time

import pytest

from client import send
from conftest import running_stack
from edge import Edge, edge, statuses, talk
from processes import wait_until
from test_edge_attacks import numbered, numbers

REQUEST_S = 3


@pytest.fixture(scope="module")
def stack():
    yield from running_stack()


class Files:
    """A certificate and its key, made by openssl."""

    def __init__(self, directory, name):
        self.certificate, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.key, "-out",
                        self.certificate], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def environment(self, **environment):
        return {"GATEWAY_TLS_CERTIFICATE_FILE": str(self.certificate), "GATEWAY_TLS_KEY_FILE": str(self.key),
                "GATEWAY_REQUEST_S": str(REQUEST_S), **environment}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tls")
    return Files(directory, "first"), Files(directory, "second")


@pytest.fixture(scope="module")
def gateway(stack, files):
    with edge(stack, "tls", **files[0].environment()) as gateway:
        yield gateway


def client(trusted, low=ssl.TLSVersion.TLSv1_2, high=ssl.TLSVersion.TLSv1_3, ciphers=None, protocols=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(trusted.certificate)
    context.minimum_version, context.maximum_version = low, high
    if ciphers:
        context.set_ciphers(ciphers)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


@contextlib.contextmanager
def dialled(port, context):
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as connection:
            yield connection


def test_tls_1_2_and_1_3_are_spoken_and_said_to_be_kept(stack, gateway, files):
    api = stack.tenant()
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        connection = http.client.HTTPSConnection("localhost", gateway.port, timeout=20,
                                                 context=client(files[0], version, version, protocols=["h2", "http/1.1"]))
        for _ in range(3):  # one connection, kept
            connection.request("POST", "/api/v1/orders", b'{"amount": 700, "currency": "INR"}',
                               {**api.headers(), "Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 201 and answer.headers["Strict-Transport-Security"] == "max-age=31536000"
            assert answer.read().startswith(b"{")
        assert connection.sock.version() == version.name.replace("_", ".") and connection.sock.selected_alpn_protocol() == "http/1.1"
        assert connection.sock.compression() is None
        connection.close()
    assert send(gateway.ops, "GET", "/health").status == 200  # never TLS
    assert "Strict-Transport-Security" not in stack.open("GET", "/health").__dict__["headers"]


def test_pipelined_requests_and_refusals_are_the_same_under_tls(gateway, files):
    context = client(files[0])
    last = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received, closed = talk(gateway.port, b"".join(numbered(300)) + last, context=context)
    assert closed and numbers(received) == list(range(300))
    for text in [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"GET / HTTP/1.1\nHost: x\n\n"]:
        received, closed = talk(gateway.port, b"".join(numbered(5)) + text + last, context=context)
        assert closed and numbers(received) == list(range(5)) and statuses(received)[5:] == [400], received
    body = b"x" * 250000
    text = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert statuses(talk(gateway.port, text, context=context)[0]) == [404]


def s_client(port, *options, text=b""):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options], input=text, timeout=20,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


@pytest.mark.parametrize("options", [
    ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
    ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], ["-tls1_2", "-cipher", "AES128-GCM-SHA256"],
    ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256"], ["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"],
    ["-alpn", "h2"]], ids=" ".join)
def test_what_is_old_or_weak_is_refused(gateway, options):
    code, said = s_client(gateway.port, *options)
    assert code != 0 and ("alert" in said or "no ciphers" in said), said


def test_no_session_is_negotiated_again(gateway):
    code, said = s_client(gateway.port, "-tls1_2", text=b"R\n")
    assert "RENEGOTIATING" in said and ("no renegotiation" in said or code != 0), said


def test_plain_http_gets_no_answer(gateway):
    received, closed = talk(gateway.port, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert closed and not statuses(received)


def test_a_handshake_has_its_time(gateway, files):
    hello = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client(files[0]).wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    hello, began = hello.read(), time.monotonic()
    slow = [socket.create_connection(("127.0.0.1", gateway.port), 10) for _ in range(20)]
    place, borne = 0, []
    while slow and time.monotonic() < began + 20:
        for connection in list(slow):
            connection.settimeout(0.01)
            try:
                connection.send(hello[place:place + 1])
                gone = connection.recv(100) == b""
            except TimeoutError:
                gone = False
            except OSError:
                gone = True
            if gone:
                borne.append(time.monotonic() - began)
                slow.remove(connection)
                connection.close()
        place += 1
        time.sleep(0.1)
    assert not slow and max(borne) < REQUEST_S + 4
    assert gateway.metric("obol_http_connections_closed_total", reason="handshake") >= 20
    with dialled(gateway.port, client(files[0])) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def replace(target, text):
    fresh = target.with_suffix(".new")
    fresh.write_bytes(text)
    os.replace(fresh, target)


def test_a_changed_certificate_is_taken_and_a_broken_one_is_not(stack, files, tmp_path):
    served = Files(tmp_path, "served")
    with edge(stack, "reload", **served.environment(GATEWAY_REQUEST_S="60")) as gateway:
        def presented():
            return ssl.get_server_certificate(("127.0.0.1", gateway.port))
        first = served.certificate.read_text()
        assert presented() == first
        with dialled(gateway.port, client(served)) as old:
            replace(served.certificate, b"-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
            wait_until(lambda: "tls.kept" in gateway.process.text(), 20, "the broken file is complained of")
            assert presented() == first
            replace(served.certificate, files[1].certificate.read_bytes())  # still the old key: they don't belong together
            wait_until(lambda: gateway.process.text().count("tls.kept") >= 2, 20, "the mismatch is complained of")
            assert presented() == first
            replace(served.key, files[1].key.read_bytes())
            wait_until(lambda: presented() == files[1].certificate.read_text(), 20, "the new certificate is presented")
            old.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert old.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_it_does_not_start_with_half_of_it_or_with_what_does_not_belong_together(stack, files, tmp_path):
    first, second = files
    nothing = tmp_path / "nothing.pem"
    for environment, sentence in [
            ({"GATEWAY_TLS_CERTIFICATE_FILE": first.certificate}, "go together"),
            ({"GATEWAY_TLS_KEY_FILE": first.key}, "go together"),
            ({"GATEWAY_TLS_CERTIFICATE_FILE": first.certificate, "GATEWAY_TLS_KEY_FILE": second.key}, "belongs to the certificate"),
            ({"GATEWAY_TLS_CERTIFICATE_FILE": nothing, "GATEWAY_TLS_KEY_FILE": first.key}, "holds no certificate"),
            ({"GATEWAY_TLS_CERTIFICATE_FILE": first.certificate, "GATEWAY_TLS_KEY_FILE": nothing}, "holds no private key")]:
        gateway = Edge(stack, f"half{len(sentence)}", **{name: str(value) for name, value in environment.items()})
        gateway.process.start()
        assert gateway.process.child.wait(30) == 1
        assert sentence in gateway.process.text() and not gateway.process.reports()
