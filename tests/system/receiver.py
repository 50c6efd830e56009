"""A merchant's webhook receiver in the test's own process, for endpoints that a test makes."""
import http.server
import socket
import threading
import time


class Received:
    def __init__(self, path, headers, body):
        self.path = path
        self.headers = headers
        self.body = body
        self.at = time.monotonic()


class Receiver:
    """Keeps what comes; answer() decides (status, headers, body), None: leaves without an answer."""

    def __init__(self, address=("127.0.0.1", 0), tls=None):
        """tls: an ssl.SSLContext."""
        self.requests = []
        self.answer = lambda request: (200, {}, b"ok")
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Received(self.path, self.headers, body)
                with receiver.lock:
                    receiver.requests.append(request)
                    answer = receiver.answer(request)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET

            def handle_error(self, *_):
                pass

        self.server = Server(address, Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def of(self, event_id):
        with self.lock:
            return [r for r in self.requests if r.headers["webhook-id"] == event_id]
