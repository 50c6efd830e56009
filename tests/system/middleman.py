"""Stands between the gateway's payments service and a provider: passes on, tells otherwise, or hangs up."""
import http.server
import threading
import urllib.parse

from client import send

HANG_UP = object()
HOP = {"connection", "content-length", "transfer-encoding", "date", "keep-alive", "host"}


class Asked:
    def __init__(self, verb, target, headers, body):
        self.verb = verb
        self.target = target
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        self.headers = headers
        self.body = body


class Middleman:
    """answer(asked) gives (status, bytes), HANG_UP, or None: whatever the provider says to target(asked), as
    alter(asked, reply) has it (or HANG_UP)."""

    def __init__(self, port):
        self.asked = []
        self.answer = lambda asked: None
        self.alter = lambda asked, reply: reply.raw
        self.target = lambda asked: asked.target
        middleman, lock = self, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.command, self.path, self.headers, body)
                with lock:
                    middleman.asked.append(asked)
                told = middleman.answer(asked)
                if told is None:
                    fields = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                    reply = send(port, self.command, middleman.target(asked), body or None, fields)
                    altered = middleman.alter(asked, reply)
                    told = HANG_UP if altered is HANG_UP else (reply.status, altered)
                if told is HANG_UP:
                    self.close_connection = True
                    return
                self.send_response(told[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told[1])))
                self.end_headers()
                self.wfile.write(told[1])
                self.close_connection = False  # whatever was asked: whether to come back is for the other side

            do_GET = do_POST = serve

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # whoever asked has left

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
