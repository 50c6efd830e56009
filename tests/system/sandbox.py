"""The sandbox program alone, for clients of the providers that it mimics."""
import contextlib
import json
import os
import pathlib
import secrets
import tempfile
import urllib.request

from processes import PORTS, Process, answers, wait_until
from stack import BIN

SETTLE_MS = 50


class Sandbox:
    def __init__(self, directory, **settings):
        self.port = PORTS.take()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {**os.environ, "SANDBOX_LISTEN": f"127.0.0.1:{self.port}", "SIMULATOR_KEY": secrets.token_hex(16),
                       "SIMULATOR_CALLBACK_SECRET": secrets.token_hex(16), "TEST_PROCESSING_DELAY": str(SETTLE_MS),
                       "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:handle_abort=1",
                       "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", **settings}
        self.process = Process("sandbox", [BIN / "obol-sandbox"], environment, pathlib.Path(directory) / "sandbox.log")

    def control(self, provider, **order):
        body = json.dumps({"provider": provider, **order}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/control", body, method="POST"), timeout=10) as reply:
            assert reply.status == 200

    def entries(self, provider, reference=None):
        query = f"provider={provider}" + (f"&reference={reference}" if reference else "")
        with urllib.request.urlopen(f"{self.url}/ledger?{query}", timeout=10) as reply:
            return json.load(reply)["entries"]


@contextlib.contextmanager
def running_sandbox(**settings):
    with tempfile.TemporaryDirectory(prefix="obol-sandbox-") as directory:
        sandbox = Sandbox(directory, **settings)
        sandbox.process.start()
        try:
            wait_until(lambda: answers(sandbox.port), 30, sandbox.process.tail)
            yield sandbox
        finally:
            sandbox.process.stop()
            assert not sandbox.process.reports(), sandbox.process.reports()
