"""The gateway's listener under attack: what could be read in two ways, what is slow, what is too much."""
import itertools
import pathlib
import resource
import secrets
import socket
import threading
import time

import pytest

from client import send
from conftest import running_stack
from edge import edge, statuses, talk
from postgres import fingerprint
from processes import wait_until
from stack import LONG

REQUEST_S, IDLE_S = 3, 5
ORDER = b'{"amount": 700, "currency": "INR"}'


@pytest.fixture(scope="module")
def stack():
    yield from running_stack(GATEWAY_REQUEST_S=str(REQUEST_S), GATEWAY_IDLE_S=str(IDLE_S))


@pytest.fixture(scope="module")
def scene(stack):
    class Scene:
        api = stack.tenant()
        port = stack.ports["gateway"]
        fields = b"".join(f"{name}: {value}\r\n".encode() for name, value in
                          {**api.headers(), "Content-Type": "application/json"}.items())
        # An order that would be made, were it found within another request's body.
        order = (b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\n" + fields + b"Content-Length: %d\r\n\r\n" % len(ORDER) + ORDER)
    stack.settle(Scene.api, Scene.api.pay()["id"])
    stack.quiet()
    Scene.rows = fingerprint(stack.database.url)
    return Scene


@pytest.fixture(autouse=True)
def nothing_happened(scene, stack):
    """No row is another's, and the next client is served."""
    yield
    rows = fingerprint(stack.database.url)
    changed = {table: (scene.rows[table], row) for table, row in rows.items() if scene.rows[table] != row}
    scene.rows = rows
    assert not changed
    scene.api.get("/orders/order_none").refused(404)


def filled(scene, text):
    return text.replace(b"{A}", b"Host: x\r\n" + scene.fields).replace(b"{S}", scene.order).replace(b"{B}", ORDER)


POST = b"POST /api/v1/orders HTTP/1.1\r\n{A}"
N = b"%d" % len(ORDER)
CHUNK = b"%x\r\n{B}\r\n" % len(ORDER)
GET = b"GET /api/v1/orders/order_none HTTP/1.1\r\n{A}"
FRAMING = {  # what follows the head would be an order, for a reader who ends the body elsewhere
    "both lengths": b"Content-Length: " + N + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "both lengths, encoding first": b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n{S}",
    "two lengths, equal": b"Content-Length: " + N + b"\r\nContent-Length: " + N + b"\r\n\r\n{B}",
    "two lengths": b"Content-Length: 0\r\nContent-Length: " + N + b"\r\n\r\n{B}{S}",
    "length listed": b"Content-Length: " + N + b", " + N + b"\r\n\r\n{B}",
    "length with a blank after": b"Content-Length: " + N + b" \r\n\r\n{B}",
    "length with a blank before the colon": b"Content-Length : " + N + b"\r\n\r\n{B}",
    "length with two blanks": b"Content-Length:  " + N + b"\r\n\r\n{B}",
    "length after a tab": b"Content-Length:\t" + N + b"\r\n\r\n{B}",
    "length with plus": b"Content-Length: +" + N + b"\r\n\r\n{B}",
    "length in hex": b"Content-Length: 0x22\r\n\r\n{B}",
    "length negative": b"Content-Length: -1\r\n\r\n{S}",
    "length past 64 bits": b"Content-Length: 18446744073709551650\r\n\r\n{B}",
    "length empty": b"Content-Length:\r\n\r\n{S}",
    "chunked, identity": b"Transfer-Encoding: chunked, identity\r\n\r\n{S}",
    "identity": b"Transfer-Encoding: identity\r\n\r\n{S}",
    "xchunked": b"Transfer-Encoding: xchunked\r\n\r\n{S}",
    "chunked after two blanks": b"Transfer-Encoding:  chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "chunked after a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "chunked before a blank": b"Transfer-Encoding: chunked \r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "encoding with a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "two encodings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "encoding folded": b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
    "any line folded": b"X-Note: a\r\n b\r\nContent-Length: " + N + b"\r\n\r\n{B}",
    "chunk negative": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{B}\r\n0\r\n\r\n",
    "chunk past 64 bits": b"Transfer-Encoding: chunked\r\n\r\n10000000000000022\r\n{B}\r\n0\r\n\r\n",
    "chunk with 0x": b"Transfer-Encoding: chunked\r\n\r\n0x22\r\n{B}\r\n0\r\n\r\n",
    "chunk with an extension": b"Transfer-Encoding: chunked\r\n\r\n22;a=\"\x01\r\n{B}\r\n0\r\n\r\n",
    "chunk with a blank": b"Transfer-Encoding: chunked\r\n\r\n22 \r\n{B}\r\n0\r\n\r\n",
    "chunk without its line end": b"Transfer-Encoding: chunked\r\n\r\n22\r\n{B}0\r\n\r\n",
    "chunk after a bare line feed": b"Transfer-Encoding: chunked\r\n\r\n22\n{B}\r\n0\r\n\r\n",
    "trailer that sets a length": b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\nContent-Length: 5\r\n\r\n",
    "trailer that sets a key": b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\nIdempotency-Key: a\r\n\r\n",
}
HEADS = {
    "bare line feeds": b"GET /api/v1/orders/order_none HTTP/1.1\nHost: x\n\n",
    "bare line feed ends a header": GET + b"X-Note: a\nX-Other: b\r\n\r\n",
    "bare carriage return": GET + b"X-Note: a\rX-Other: b\r\n\r\n",
    "NUL in a header": GET + b"X-Note: a\x00b\r\n\r\n",
    "NUL in the target": b"GET /api/v1/orders/\x00 HTTP/1.1\r\n{A}\r\n",
    "blank in a name": GET + b"X Note: a\r\n\r\n",
    "no name": GET + b": a\r\n\r\n",
    "no colon": GET + b"note\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "two equal hosts": GET + b"Host: x\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "HTTP/0.9": b"GET /health\r\n\r\n",
    "HTTP/1.2": b"GET /health HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "blank in the target": b"GET /health x HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment": b"GET /health#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "empty line first": b"\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "HEAD with a body": b"HEAD /health HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n{S}",
    "unknown method with a body": b"BREW /health HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n{S}",
}
BIG = {
    "a header of 64 KiB": (GET + b"X-Note: " + b"a" * 65536 + b"\r\n\r\n", 431),
    "1,000 headers": (GET + b"A: b\r\n" * 1000 + b"\r\n", 431),
    "a path of 64 KiB": (b"GET /" + b"a" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
}
REFUSED = {**{name: (POST + text, 400) for name, text in FRAMING.items()}, **{name: (text, 400) for name, text in HEADS.items()},
           **BIG}


@pytest.mark.parametrize("cases", [FRAMING, HEADS, BIG], ids=["framing", "heads", "big"])
def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_ends(scene, cases):
    wrong = {}
    for name in cases:
        text, status = REFUSED[name]
        received, closed = talk(scene.port, filled(scene, text) + scene.order)
        if statuses(received) != [status] or not closed or b"order_" in received:
            wrong[name] = (received, closed)
        scene.api.get("/orders/order_none").refused(404)
    assert not wrong


@pytest.mark.parametrize("text", [POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK + b"5\r\nab",
                                  POST + b"Content-Length: 500\r\n\r\n{B}"], ids=["chunk", "length"])
def test_a_truncated_body_is_nothing(scene, text):
    received, closed = talk(scene.port, filled(scene, text), half_close=True)
    assert closed and statuses(received) in ([], [400]), received


def test_a_header_that_decides_comes_once(scene):
    for name in ["X-Api-Key", "X-Api-Secret", "Authorization", "Idempotency-Key", "X-Tenant-Id", "Content-Type"]:
        again = {"X-Api-Key": "key_test_other", "X-Api-Secret": "other", "Content-Type": "application/json"}.get(name)
        lines = f"{name.lower()}: {again}\r\n" if again else f"{name}: a\r\n{name.lower()}: b\r\n"
        text = POST + lines.encode() + b"Connection: close\r\nContent-Length: " + N + b"\r\n\r\n{B}"
        received, closed = talk(scene.port, filled(scene, text))
        assert statuses(received) == [400] and closed and name.encode() in received, received


def test_a_path_is_one_path(scene):
    for path in ["//api/v1/orders", "/api//v1/orders", "/api/v1/./orders", "/api/v1/x/../orders", "/api/v1/%2e%2e/v1/orders",
                 "/api/v1/orders/", "/api/v1/orders;x=1", "/api/v1/payments/..%2forders", "/api/v1/payments/pay_1%2Fcapture",
                 "/API/v1/orders", "/api/v1/orders%00", "/api/v1/orders%20", "\\api\\v1\\orders", "http://evil//api/v1/orders",
                 "*", "x:1"]:
        text = f"POST {path} HTTP/1.1\r\n".encode() + b"{A}Connection: close\r\nContent-Length: " + N + b"\r\n\r\n{B}"
        received, closed = talk(scene.port, filled(scene, text))
        assert statuses(received) in ([404], [400], [405]) and closed, (path, received)


def test_an_absolute_target_is_its_path_and_no_other_host_is_asked(scene):
    for scheme in [b"http", b"https"]:
        text = b"GET " + scheme + b"://evil.example/api/v1/orders/order_none HTTP/1.1\r\n"
        assert statuses(talk(scene.port, text + b"Host: x\r\nConnection: close\r\n\r\n")[0]) == [401]
        assert statuses(talk(scene.port, filled(scene, text + b"{A}Connection: close\r\n\r\n"))[0]) == [404]
    for text in [b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]:
        received, closed = talk(scene.port, text)
        assert statuses(received) in ([404], [405]) and closed, received


@pytest.mark.parametrize("line", [b"", b"Connection: keep-alive\r\n", b"Host: x\r\nConnection: close\r\n"])
def test_http_1_0_is_answered_as_such_and_closed(scene, line):
    received, closed = talk(scene.port, b"GET /health/live HTTP/1.0\r\n" + line + b"\r\n" + b"GET /health HTTP/1.0\r\n\r\n")
    assert received.startswith(b"HTTP/1.0 200 ") and statuses(received) == [200] and closed, received


@pytest.mark.parametrize("line", [b"close", b"close, keep-alive", b"keep-alive, Close"])
def test_close_among_the_options_of_a_connection_closes_it(scene, line):
    received, closed = talk(scene.port, b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: " + line + b"\r\n\r\n" + scene.order)
    assert statuses(received) == [200] and closed, received


def test_no_other_protocol_is_taken_up(scene):
    for line in [b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n",
                 b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"]:
        received, _ = talk(scene.port, b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n", 1)
        assert statuses(received) == [200], received
    text = b"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    received, _ = talk(scene.port, text, 1)
    assert statuses(received) == [100], received
    assert statuses(talk(scene.port, text + b"{}")[0]) == [401]


def test_a_half_closed_socket_gets_its_answer_or_the_end(scene):
    received, closed = talk(scene.port, filled(scene, GET + b"\r\n"), half_close=True)
    assert closed and statuses(received) in ([404], []), received
    received, closed = talk(scene.port, GET[:20], half_close=True)
    assert closed and not statuses(received), received


def numbered(n, first=0):
    return [b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: pipe-%05d\r\n\r\n" % i for i in range(first, first + n)]


def numbers(received):
    return [int(part[:5]) for part in received.split(b"X-Request-Id: pipe-")[1:]]


def test_pipelined_requests_are_answered_in_order(scene):
    last = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    received, closed = talk(scene.port, b"".join(numbered(100)) + last)
    assert closed and numbers(received) == list(range(100)) and len(statuses(received)) == 101


def test_a_bad_request_among_pipelined_ones_ends_the_connection_there(scene):
    text = b"".join(numbered(10)) + b"GET /health HTTP/1.1\r\nHost: x\r\nX y: 1\r\n\r\n" + b"".join(numbered(10, 10))
    for cut in [len(text), 200, len(text) // 2 + 3]:  # as one segment, and as two
        with socket.create_connection(("127.0.0.1", scene.port), 10) as connection:
            connection.sendall(text[:cut])
            time.sleep(0.05)
            connection.sendall(text[cut:])
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert numbers(received) == list(range(10)) and statuses(received) == [200] * 10 + [400], received


def test_no_more_is_read_of_a_flood_of_pipelined_requests_than_is_answered(stack):
    n = 5000
    # Without the sanitizer's keeping of what was freed, memory is what is in use.
    options = stack.environment["ASAN_OPTIONS"] + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
    with edge(stack, GATEWAY_REQUEST_S=30, ASAN_OPTIONS=options) as gateway:
        talk(gateway.port, b"".join(numbered(100)), 1)
        before = gateway.memory_kb()
        with socket.create_connection(("127.0.0.1", gateway.port), 30) as connection:
            writer = threading.Thread(target=connection.sendall, args=(b"".join(numbered(n)),))
            writer.start()
            received = b""
            while received.count(b"X-Request-Id: ") < n:
                received += connection.recv(1 << 20)
            writer.join()
        assert numbers(received) == list(range(n))
        assert gateway.memory_kb() - before < 16000


class Drips:
    """Clients that send a byte now and then; how long each was borne."""

    def __init__(self, port, text, n):
        self.text, self.open, self.borne, self.began = text, [], [], time.monotonic()
        for _ in range(n):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            connection.setblocking(False)
            self.open.append(connection)

    def drip(self, place):
        for connection in list(self.open):
            try:
                connection.send(self.text[place:place + 1])
                gone = connection.recv(4096) == b""
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                self.borne.append(time.monotonic() - self.began)
                self.open.remove(connection)
                connection.close()


def latencies(scene, until):
    seconds = []
    while not until():
        began = time.monotonic()
        scene.api.get("/orders/order_none").refused(404)
        seconds.append(time.monotonic() - began)
    return sorted(seconds)


def p99(sorted_seconds):
    return sorted_seconds[int(len(sorted_seconds) * 0.99)]


@pytest.mark.parametrize("what", ["head", "body"])
def test_a_request_that_drips_in_is_closed_and_holds_nobody_up(scene, what):
    text = filled(scene, POST + (b"X-Slow: " + b"a" * 500 if what == "head" else b"Content-Length: 500\r\n\r\n{B}"))
    alone = latencies(scene, lambda ends=time.monotonic() + 1: time.monotonic() > ends)
    drips = Drips(scene.port, text, 500)
    start = len(text) - 300 if what == "head" else text.index(b"\r\n\r\n") + 4
    for connection in drips.open:
        connection.send(text[:start])

    def run():
        for place in itertools.count(start):
            if not drips.open or time.monotonic() > drips.began + 20:
                return
            drips.drip(place)
            time.sleep(0.2)
    thread = threading.Thread(target=run)
    thread.start()
    beside = latencies(scene, lambda: not thread.is_alive())
    thread.join()
    print(f"p99 alone {p99(alone) * 1000:.1f} ms of {len(alone)}, beside 500 drips {p99(beside) * 1000:.1f} ms of {len(beside)}")
    assert not drips.open and max(drips.borne) < REQUEST_S + 5 and min(drips.borne) > REQUEST_S - 1
    assert p99(beside) < max(0.25, 10 * p99(alone))


def test_a_client_that_never_reads_its_answers_is_closed(stack):
    with edge(stack, GATEWAY_REQUEST_S=1, GATEWAY_IDLE_S=2) as gateway:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", gateway.port))
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        wait_until(lambda: gateway.metric("obol_http_connections", state="writing") == 1, 20, "an answer waits to be read")
        wait_until(lambda: gateway.metric("obol_http_connections", state="writing") == 0, 20, "the client is given up")
        connection.close()
        assert send(gateway.port, "GET", "/health/live").status == 200


def held(port, n, sources=("127.0.0.1",)):
    """n connections that have been answered and stay."""
    connections = []
    for i in range(n):
        connections.append(socket.create_connection(("127.0.0.1", port), 20, source_address=(sources[i % len(sources)], 0)))
        connections[-1].sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    for connection in connections:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    return connections


def test_beyond_the_most_connections_new_ones_are_closed_and_old_ones_served(stack):
    with edge(stack, GATEWAY_CONNECTIONS_MAX=50) as gateway:
        old = held(gateway.port, 50)
        for _ in range(200):
            assert talk(gateway.port, b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n") == (b"", True)
        for connection in old:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert gateway.metric("obol_http_connections_closed_total", reason="too_many") >= 200
        old.pop().close()
        wait_until(lambda: send(gateway.port, "GET", "/health/live").status == 200, 10, "a place is free again")
        for connection in old:
            connection.close()


def test_many_idle_connections_cost_little_and_hold_nobody_up(stack):
    n, idle_s = (10000, 40) if LONG else (2000, 8)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard >= n + 500, f"this test needs {n + 500} descriptors, the hard limit is {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))  # a shell's, which the gateway raises
    with edge(stack, GATEWAY_IDLE_S=idle_s) as gateway:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        limits = pathlib.Path(f"/proc/{gateway.process.child.pid}/limits").read_text()
        assert str(hard) in [line for line in limits.splitlines() if line.startswith("Max open files")][0].split()[3]
        held(gateway.port, 20)
        before = gateway.memory_kb()
        idle = held(gateway.port, n, ["127.0.0.2", "127.0.0.3", "127.0.0.4"])
        began = time.monotonic()
        each_kb = (gateway.memory_kb() - before) / n
        seconds = []
        for _ in range(200):
            asked = time.monotonic()
            assert send(gateway.port, "GET", "/health/live").status == 200
            seconds.append(time.monotonic() - asked)
        print(f"{each_kb:.2f} KiB a connection; p99 beside {n}: {p99(sorted(seconds)) * 1000:.1f} ms")
        wait_until(lambda: gateway.metric("obol_http_connections", state="idle") >= n, 10, "they are counted")
        assert each_kb < 24 and p99(sorted(seconds)) < 0.5
        closed = 0
        for connection in idle:
            connection.settimeout(max(0.01, began + idle_s + 20 - time.monotonic()))
            closed += connection.recv(1) == b""
            connection.close()
        assert closed == n
        assert gateway.metric("obol_http_connections_closed_total", reason="idle") >= n


def test_a_request_is_gone_from_memory_when_it_is_answered(stack):
    """A card number or a secret stays in no buffer of the listener's: here in a payment refused for want of a key."""
    marker = secrets.token_hex(16).encode()
    with edge(stack) as gateway:
        for padding in [0, 5000, 100000]:
            body = b'{"card": {"number": "' + marker + b'"}, "description": "' + b"x" * padding + b'"}'
            headers = {"Content-Type": "application/json", "X-Api-Secret": marker.decode()}
            assert send(gateway.port, "POST", "/api/v1/payments", body, headers).status == 401
        found, seen = 0, 0
        with open(f"/proc/{gateway.process.child.pid}/mem", "rb") as memory:
            for line in open(f"/proc/{gateway.process.child.pid}/maps"):
                words = line.split()
                first, last = (int(word, 16) for word in words[0].split("-"))
                if not words[1].startswith("rw") or last - first > 1 << 28:
                    continue
                try:
                    memory.seek(first)
                    text = memory.read(last - first)
                except OSError:
                    continue
                seen += len(text)
                found += text.count(marker)
        assert seen > 1 << 20 and found == 0
