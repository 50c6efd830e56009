"""The programs themselves, started with what the manifests give to their containers: every variable and file is taken, every
port and probe answers. Databases and the bus are not there, so nothing is ready, and everything is alive."""
import contextlib
import os
import pathlib
import re
import socket
import ssl

import grpc
import pytest

from client import send
from kubernetes import PROGRAMS, overlay, secrets_of
from processes import PORTS, Process, wait_until
from stack import BIN, Stack

NOT_SERVING = b"\x08\x02"  # a HealthCheckResponse with this status
# Nobody is there, so nobody has to be waited for.
QUICK = {"DRAIN_DELAY_MS": "0", "DRAIN_MS": "0"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificates")
    Stack.certificates(directory)
    return directory


def write_secrets(container, root, certificates):
    """What the kubelet would mount, below another root."""
    for path, (secret, key) in container.files().items():
        role = re.fullmatch(r"(.*?)(?:-serving)?-tls", secret)
        text = secrets_of(container.overlay.name)[secret][key] if not role else \
            (certificates / {"ca.crt": "ca.crt", "tls.crt": f"{role[1]}.crt", "tls.key": f"{role[1]}.key"}[key]).read_text()
        file = pathlib.Path(f"{root}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


class Started:
    """A container's program: its ports are other ones, on loopback, and its files lie below a directory."""

    def __init__(self, container, root, certificates):
        write_secrets(container, root, certificates)
        self.ports = {name: PORTS.take() for name in container.ports()}
        numbers = {str(port): self.ports[name] for name, port in container.ports().items()}
        given = {}
        for entry, value in container.environment().items():
            host, _, port = value.rpartition(":")
            if entry.endswith("_LISTEN"):
                value = f"127.0.0.1:{numbers.get(port) or PORTS.take()}"
            given[entry] = f"{root}{value}" if entry.endswith("_FILE") else value
        sanitizers = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        self.container, self.process = container, Process(container.pod.name, [BIN / container.program],
                                                          {**sanitizers, **given, **QUICK}, root / "log")

    def asked(self, probe):
        """The status that a kubelet's probe gets, of HTTP or of grpc.health.v1."""
        if "grpc" in probe:
            assert probe["grpc"]["port"] == self.container.ports()["health"]
            with grpc.insecure_channel(f"127.0.0.1:{self.ports['health']}") as channel:
                try:
                    return channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=5)
                except grpc.RpcError as error:
                    return error.details()
        return send(self.ports[probe["httpGet"]["port"]], "GET", probe["httpGet"]["path"]).status


@pytest.mark.parametrize("name", ["dev", "production"])
def test_programs_take_what_they_are_given(name, tmp_path, certificates):
    built = overlay(name)
    started = []
    with contextlib.ExitStack() as stack:
        for pod in [*PROGRAMS, "payments-processor"]:
            (tmp_path / pod).mkdir()
            started.append(Started(built.pods[pod].containers[0], tmp_path / pod, certificates))
            started[-1].process.start()
            stack.callback(started[-1].process.signal_and_wait)
        for one in started:
            spec, process = one.container.spec, one.process

            def alive():
                assert process.running(), process.tail()
                return one.asked(spec["startupProbe"]) == 200
            wait_until(alive, 30, f"{process.name} has started")
            assert one.asked(spec["livenessProbe"]) == 200
            unready = 503 if "httpGet" in spec["readinessProbe"] else NOT_SERVING
            wait_until(lambda: one.asked(spec["readinessProbe"]) == unready, 20, f"{process.name} is not ready, and says so")
            assert send(one.ports["ops"], "GET", "/metrics").status == 200
        if name == "production":
            check_gateway_tls(started[0], certificates)
        for one in started:
            one.process.child.terminate()
        for one in started:
            one.process.stop()


def check_gateway_tls(gateway, certificates):
    context = ssl.create_default_context(cafile=certificates / "ca.crt")
    with socket.create_connection(("127.0.0.1", gateway.ports["rest"]), 5) as connection, \
            context.wrap_socket(connection, server_hostname="gateway.obol") as secured:
        assert secured.version() in ("TLSv1.2", "TLSv1.3")
