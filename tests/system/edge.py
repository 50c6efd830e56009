"""Gateways of a test's own before a stack's services, and what a hostile client says to them, byte by byte."""
import contextlib
import re
import socket
import ssl
import time

from client import send
from processes import PORTS, Process, wait_until


class Edge:
    def __init__(self, stack, name, **environment):
        self.port, self.ops = PORTS.take(), PORTS.take()
        listening = {"GATEWAY_LISTEN": f"127.0.0.1:{self.port}", "GATEWAY_OPS_LISTEN": f"127.0.0.1:{self.ops}"}
        self.process = Process(name, [stack.programs / "obol-gateway"], {**stack.environment, **listening, **environment},
                               stack.directory / f"{name}.log")

    def ready(self):
        return self.process.running() and send(self.ops, "GET", "/health/ready").status == 200

    def metric(self, name, **labels):
        """One series' value; 0 when there is none."""
        wanted = name + ("{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}" if labels else "")
        text = send(self.ops, "GET", "/metrics").raw.decode()
        found = re.search(rf"^{re.escape(wanted)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0

    def memory_kb(self):
        status = open(f"/proc/{self.process.child.pid}/status").read()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


@contextlib.contextmanager
def edge(stack, name="edge", **environment):
    gateway = Edge(stack, name, **{key: str(value) for key, value in environment.items()})
    gateway.process.start()
    try:
        wait_until(gateway.ready, 60, "the gateway is ready")
        yield gateway
    finally:
        gateway.process.stop()
    assert not gateway.process.reports(), gateway.process.reports()


def talk(port, data, seconds=10, half_close=False, context=None):
    """Everything that comes back until the other end closes, and whether it did within the time."""
    received, deadline = b"", time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), seconds) as plain:
        connection = context.wrap_socket(plain, server_hostname="localhost") if context else plain
        try:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all of it was taken: the answer is there to read
        try:
            while True:
                connection.settimeout(max(0.01, deadline - time.monotonic()))
                chunk = connection.recv(65536)
                if not chunk:
                    return received, True
                received += chunk
        except (TimeoutError, ssl.SSLWantReadError):
            return received, False
        except OSError:
            return received, True


def statuses(received):
    """The statuses of all answers in bytes."""
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]
