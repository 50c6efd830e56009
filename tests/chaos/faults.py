"""How each fault of a plan begins and ends. Programs are started and ended from the run's main thread alone."""
import json
import os
import pathlib
import random
import shutil
import signal
import threading
import time

from client import send
from processes import answers
from providers import House

from .plan import Strike

# Of a hundred requests each, at one of the real providers' sandboxes.
TROUBLE = {"error": 10, "timeout_before": 8, "timeout_after": 8, "malformed": 8, "error_after": 8, "slow": 10,
           "callback_lost": 20, "callback_double": 20, "callback_late": 20}
ANSWERS = {"late": "slow", "never": "hang", "500": "error500", "malformed": "malformed", "500 after": "error500_after"}
CALLBACKS = {"doubled": "double", "reordered": "late", "dropped": "off"}
PROVIDERS = ["mtn", "blumon", "airtel"]
FORGED_EVERY_S = 0.2
AWAY = {"kill", "restart", "stop at once", "wipe", "fill the disk", "fill the log"}
SEGMENTS = 12  # more than are kept for reuse


def children(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Faults:
    """begin(strike) gives what ends it."""

    def __init__(self, installation, receivers, tenants):
        self.installation = installation
        self.merchants = receivers
        self.tenants = tenants
        self.died = []  # what ended though nobody had ended it
        self.forged = 0
        self.credentials = installation.sql("SELECT provider, id FROM payments.provider_credentials")

    def begin(self, strike: Strike):
        return getattr(self, strike.fault.replace(" ", "_"))(strike.target)

    def process(self, name):
        return self.installation.processes[name]

    def watch(self, expected=()):
        """What has ended by itself is written down and started again."""
        for name in self.installation.names + ["postgres"]:
            process = self.process(name)
            if name in expected or process.child is None or process.running():
                continue
            self.died.append(f"{name} ended by itself with {process.child.returncode}: {process.reports() or process.tail(8)}")
            self.installation.restart(name)

    # --- Programs

    def kill(self, name):
        self.process(name).kill9()
        return lambda: self.installation.restart(name)

    def restart(self, name):
        """As at a new version: told to leave, it finishes what it has in hand."""
        process = self.process(name)
        code = process.signal_and_wait(signal.SIGINT if name == "postgres" else signal.SIGTERM)
        if code not in ((0, 1) if name == "nats" else (0,)):
            self.died.append(f"{name}, told to leave, left with {code}: {process.tail(8)}")
        return lambda: self.installation.restart(name)

    def kill_both(self, _):
        for name in ["payments", "payments_2"]:
            self.process(name).kill9()

        def end():
            for name in ["payments", "payments_2"]:
                self.installation.restart(name)
        return end

    def stop_at_once(self, _):
        """PostgreSQL's immediate mode: no checkpoint, recovery at the next start."""
        self.process("postgres").signal_and_wait(signal.SIGQUIT)
        return lambda: self.installation.restart("postgres")

    def pause(self, name):
        pid = self.process(name).child.pid
        os.kill(pid, signal.SIGSTOP)  # first, so that no child is added
        paused = [pid, *(children(pid) if name == "postgres" else [])]
        for one in paused[1:]:
            self.signal(one, signal.SIGSTOP)

        def end():
            for one in reversed(paused):
                self.signal(one, signal.SIGCONT)
        return end

    @staticmethod
    def signal(pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass  # a backend of PostgreSQL's that has ended meanwhile

    def wipe(self, _):
        """JetStream's store is gone when the server comes back."""
        self.process("nats").kill9()
        shutil.rmtree(self.installation.directory / "nats")
        return lambda: self.installation.restart("nats")

    def wipe_unread(self, name):
        """Likewise, with events in it that nobody has taken."""
        resume = [self.pause(reader) for reader in ["webhooks", "refunds"]]

        def end():
            self.wipe(name)()
            for each in resume:
                each()
        return end

    def fill_the_log(self, _):
        """Likewise, and the next segment of its write-ahead log can't be made: it panics."""
        end = self.fill_the_disk(_)
        try:
            for _ in range(SEGMENTS):
                self.installation.sql("SELECT pg_logical_emit_message(false, 'chaos', 'x'); SELECT pg_switch_wal()")
        except AssertionError:
            pass  # it has panicked
        return end

    def fill_the_disk(self, _):
        """PostgreSQL's file system is full, and stays so: what it frees is taken too."""
        database, over = self.installation.database, threading.Event()

        def fill():
            while not over.is_set():
                database.fill()
                over.wait(0.2)
        filler = threading.Thread(target=fill, daemon=True)
        filler.start()

        def end():
            over.set()
            filler.join()
            database.free()
            if not database.process.running() or not answers(database.port):
                self.installation.restart("postgres")
        return end

    # --- Providers

    def answers(self, how):
        self.installation.sandbox(answer=ANSWERS[how], slow_ms=2500)
        return lambda: self.installation.sandbox(answer="normal")

    def callbacks(self, how):
        if how == "forged":
            return self.forge()
        self.installation.sandbox(callbacks=CALLBACKS[how])
        faults = {"doubled": "callback_double", "reordered": "callback_late", "dropped": "callback_lost"}
        for provider in PROVIDERS:
            House(self.installation, provider).control(faults={faults[how]: 100})

        def end():
            self.installation.sandbox(callbacks="on")
            for provider in PROVIDERS:
                House(self.installation, provider).control(faults={faults[how]: 0})
        return end

    def forge(self):
        """Callbacks that say succeeded, of operations that are open, signed by somebody else."""
        over = threading.Event()
        gateway = self.installation.ports["gateway"]

        def lie():
            chance = random.Random(1)
            while not over.wait(FORGED_EVERY_S):
                try:
                    rows = self.installation.sql("""SELECT id, provider FROM payments.operations
                        WHERE finished_at IS NULL ORDER BY random() LIMIT 3""")
                    for reference, provider in rows:
                        self.forge_one(gateway, reference, provider, chance)
                except (AssertionError, OSError):
                    pass  # something else is away just now
        liar = threading.Thread(target=lie, daemon=True)
        liar.start()

        def end():
            over.set()
            liar.join()
        return end

    def forge_one(self, gateway, reference, provider, chance):
        if provider == "simulator":
            body = json.dumps({"reference": reference, "kind": "charge", "status": "succeeded"}).encode()
            send(gateway, "POST", "/api/v1/webhooks/simulator/default", body,
                 {"Content-Type": "application/json", "X-Signature-256": f"sha256={'00' * 32}"}, timeout=5)
        else:
            credential = chance.choice([row[1] for row in self.credentials if row[0] == provider])
            url = f"http://127.0.0.1:{gateway}/api/v1/webhooks/{provider}/{credential}"
            House(self.installation, provider).control(forge={"url": url, "reference": reference})
        self.forged += 1

    def trouble_at(self, provider):
        house = House(self.installation, provider)
        house.control(faults=TROUBLE)
        return lambda: house.control(faults=dict.fromkeys(TROUBLE, 0))

    def outage_of(self, provider):
        house = House(self.installation, provider)
        house.control(answering="error")
        return lambda: house.control(answering="normal")

    def silence_of(self, provider):
        house = House(self.installation, provider)
        house.control(answering="hang")
        return lambda: house.control(answering="normal")

    # --- Receivers

    def receivers(self, how):
        kind = {"gone": "gone", "away": "weary"}.get(how, "fragile")
        self.merchants.behave(kind, "refuse" if how == "away" else how)
        return (lambda: None) if how == "gone" else lambda: self.merchants.behave(kind, "ok")


class Driver:
    """Goes through a plan, second by second, and tells what it does."""

    def __init__(self, faults, recovery, say):
        self.faults = faults
        self.recovery = recovery
        self.say = say
        self.struck = []

    def run(self, strikes, seconds):
        begun = time.monotonic()
        todo = list(strikes)
        open_ones = []  # (ends at, strike, what ends it)
        while todo or open_ones or time.monotonic() - begun < seconds:
            now = time.monotonic() - begun
            for entry in sorted([o for o in open_ones if o[0] <= now], key=lambda o: o[0]):
                open_ones.remove(entry)
                self.end(begun, *entry)
            now = time.monotonic() - begun
            if todo and todo[0].second <= now:
                strike = todo.pop(0)
                self.say(f"{now:6.1f} s  {strike.fault} {strike.target}, for {strike.lasts:.1f} s")
                open_ones.append((now + strike.lasts, strike, self.faults.begin(strike)))
                self.struck.append(strike)
            self.faults.watch(expected={t for _, strike, _ in open_ones for t in away(strike)})
            time.sleep(0.05)

    def end(self, begun, _, strike, finish):
        over = time.monotonic()
        finish()
        self.say(f"{over - begun:6.1f} s  over: {strike.fault} {strike.target}")
        self.recovery.measure(strike, over)


def away(strike):
    """The programs that are not to run just now."""
    if strike.fault == "kill both":
        return ["payments", "payments_2"]
    return [strike.target] if strike.fault in AWAY else []

