"""The merchants' receivers: what came is written down, and they misbehave when told to.

Each tenant has a steady endpoint and a fragile one; one tenant has one more that is gone some day (410), one has one that is
away for longer than deliveries are tried. Each kind is a server of its own, so that it can refuse connections.
"""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import threading
import time

from processes import PORTS

BYTE_S = 0.3
HANG_S = 12


class Letter:
    """One delivery of an event."""

    __slots__ = ("digest", "signed", "object_id", "sequence")

    def __init__(self, body, signed, told):
        self.digest = hashlib.sha256(body).hexdigest()
        self.signed = signed
        self.object_id = next(iter(told.get("data", {}).values()), {}).get("id")
        self.sequence = told.get("sequence")


def signed(secret, headers, body):
    """Both signatures that API.md describes."""
    simple = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    part = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(part, validate=True)
    except ValueError:
        key = part.encode()
    standard = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return (hmac.compare_digest(headers.get("X-Webhook-Signature", ""), simple)
            and standard in headers.get("webhook-signature", "").split())


class Receivers:
    def __init__(self, heard=lambda path, told: None):
        """heard: is told what arrives, as a merchant acts on it."""
        self.heard = heard
        self.lock = threading.Lock()
        self.secrets = {}                                                        # by path
        self.letters = collections.defaultdict(lambda: collections.defaultdict(list))  # path, event id
        self.mode = dict.fromkeys(["steady", "fragile", "gone", "weary"], "ok")
        self.ports = {kind: PORTS.take() for kind in self.mode}
        self.servers = {}
        for kind in self.mode:
            self.open(kind)

    def url(self, path):
        return f"http://127.0.0.1:{self.ports[path.split('/')[1]]}{path}"

    def open(self, kind):
        receivers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 120

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if receivers.mode[kind] == "refuse":
                    self.close_connection = True
                    return
                receivers.take(self.path, self.headers, body)
                receivers.answer(self, receivers.mode[kind])

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass  # whoever called has left

        server = Server(("127.0.0.1", self.ports[kind]), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.servers[kind] = server

    def shut(self, kind):
        server = self.servers.pop(kind, None)
        if server:
            server.shutdown()
            server.server_close()

    def close(self):
        for kind in list(self.servers):
            self.shut(kind)

    def behave(self, kind, mode):
        was, self.mode[kind] = self.mode[kind], mode
        if mode == "refuse":
            self.shut(kind)
        elif was == "refuse":
            self.open(kind)

    def take(self, path, headers, body):
        told = json.loads(body)
        letter = Letter(body, signed(self.secrets.get(path, ""), headers, body), told)
        with self.lock:
            self.letters[path][headers["webhook-id"]].append(letter)
        self.heard(path, told)

    @staticmethod
    def answer(handler, mode):
        if mode == "hang":
            time.sleep(HANG_S)
            handler.close_connection = True
            return
        status, more = {"redirect": (302, "Location: http://127.0.0.1:9/elsewhere\r\n"), "500": (500, ""),
                        "gone": (410, "")}.get(mode, (200, ""))
        reply = f"HTTP/1.1 {status} Told\r\n{more}Content-Length: 2\r\n\r\nok".encode()
        if mode == "drip":
            for at in range(len(reply)):
                handler.wfile.write(reply[at:at + 1])
                handler.wfile.flush()
                time.sleep(BYTE_S)
        else:
            handler.wfile.write(reply)

    def count(self, path):
        with self.lock:
            return len(self.letters[path])

    def copy(self):
        with self.lock:
            return {path: {event: list(letters) for event, letters in events.items()} for path, events in self.letters.items()}
