"""Programs that a stack runs: started, stopped, killed and looked after by pid."""
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time

# Above it the kernel takes ports for outgoing connections.
PORTS_FIRST, PORTS_LAST = 10000, 32000
REPORTS = re.compile(r"ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|DEADLYSIGNAL|WARNING: ThreadSanitizer")


class Ports:
    """Free ports of a share of the range that belongs to this worker alone.

    Another run on this machine takes none of them: each is held on another loopback address as long as this program runs.
    """

    def __init__(self):
        worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % 4
        share = (PORTS_LAST - PORTS_FIRST) // 4
        self.first = PORTS_FIRST + worker * share
        self.n = share
        self.next = random.randrange(share)
        self.held = []

    def take(self):
        for _ in range(self.n):
            port = self.first + self.next
            self.next = (self.next + 1) % self.n
            hold = socket.socket()
            with socket.socket() as probe:
                try:
                    hold.bind(("127.0.0.2", port))
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    hold.close()
                    continue
            self.held.append(hold)
            return port
        raise RuntimeError("no free port")


PORTS = Ports()


def wait_until(condition, seconds=30, what=None):
    """The first true value of the condition; the last exception or value when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        failure = None
        try:
            value = condition()
        except (AssertionError, LookupError, OSError, ValueError) as error:
            value, failure = None, error
        if value:
            return value
        if time.monotonic() > deadline:
            text = what() if callable(what) else what or getattr(condition, "__name__", "condition")
            raise AssertionError(f"not within {seconds} s: {text}; last: {failure or value!r}") from failure
        time.sleep(0.02)


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Process:
    """One program. Dies with the thread that started it, so tests start programs from their main thread."""

    def __init__(self, name, command, environment, log, user=None):
        self.name = name
        self.command = ["setpriv", "--pdeathsig", "KILL", *(user or []), *map(str, command)]
        self.environment = environment
        self.log = pathlib.Path(log)
        self.child = None

    def start(self, **environment):
        assert not self.running(), f"{self.name} runs already"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(self.command, env={**self.environment, **environment}, stdout=log,
                                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.log.parent)

    def running(self):
        return self.child is not None and self.child.poll() is None

    def kill9(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(20)

    def signal_and_wait(self, number=signal.SIGTERM, seconds=30):
        """The exit code; None when it had to be killed."""
        if self.running():
            self.child.send_signal(number)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill9()
            return None

    def stop(self):
        code = self.signal_and_wait()
        assert code == 0, f"{self.name} left with {code}\n{self.tail()}"

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=40):
        return "\n".join(line[:600] for line in self.text().splitlines()[-lines:])

    def reports(self):
        text = self.text()
        found = REPORTS.search(text)
        return f"{self.name}: {text[max(0, found.start() - 500):found.start() + 4000]}" if found else None
