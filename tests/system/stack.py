"""A whole installation of its own: database, bus, provider, receiver, four services, gateway."""
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import tempfile

from client import Api, at_once, send
from postgres import Cluster, Database, Pair, psql
from processes import PORTS, Process, answers, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("OBOL_BIN", ROOT / "build" / "asan" / "bin"))
RACES = ROOT / "tests" / "tsan" / "suppressions.txt"
LEAKS = ROOT / "tests" / "asan" / "leaks.txt"
# What takes longer is in as well: ./dev test all.
LONG = os.environ.get("OBOL_TEST_THOUSAND") == "1"
SERVICES = ["auth", "payments", "refunds", "webhooks"]
PORT_NAMES = [*SERVICES, *(f"{name}_ops" for name in [*SERVICES, "gateway"]), "gateway", "sandbox", "merchant", "nats",
              "nats_monitor"]
# Tests that are about something else, and benchmarks, come from one address, often for one payer.
UNLIMITED = {name: "0" for name in ["TENANT_RATE_PER_MIN", "ADDRESS_FAILURES_PER_MIN", "ADDRESS_CARDS_PER_MIN",
                                    "PAYER_ATTEMPTS_PER_MIN", "PAYER_FAILURES_BLOCK"]}
SETTLED = {"succeeded", "failed", "canceled", "expired", "authorized", "needs_review"}
PROCESSING_MS = 100
HIDDEN_MS = 2500  # how long timeout@upi stays so


class Stack:
    def __init__(self, own_cluster=False, postgres=(), programs=BIN, place=None, replicas=(), tls=False, standby=False,
                 nats_servers=1, **environment):
        """own_cluster: whether, or its class; postgres: settings of the cluster of one's own; programs: where they lie; place:
        where the data goes; replicas: programs that run twice, the second as `<name>_2`; tls: gRPC under mutual TLS, with
        certificates in directory/tls; standby: two clusters, the second a synchronous standby; nats_servers: more than one are
        a NATS cluster."""
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="obol-system-", dir=place))
        self.directory.chmod(0o755)
        self.programs = pathlib.Path(programs)
        self.tls = self.directory / "tls" if tls else None
        if tls:
            self.certificates(self.tls)
        self.replicas = {f"{name}_2": name for name in replicas}
        self.buses = ["nats", *(f"nats_{n}" for n in range(2, nats_servers + 1))]
        self.names = [*self.buses, "sandbox", "merchant", *SERVICES, "gateway", *self.replicas]
        bus_ports = [name + what for name in self.buses for what in ("", "_monitor", "_route")]
        replica_ports = [second + of for second in self.replicas for of in ("", "_ops")]
        self.ports = {name: PORTS.take() for name in dict.fromkeys([*PORT_NAMES, *bus_ports, *replica_ports])}
        cluster = own_cluster if isinstance(own_cluster, type) else Cluster
        self.database = Pair(self.directory, postgres) if standby else \
            cluster(self.directory, postgres) if own_cluster else Database(self.directory)
        self.environment = {**os.environ, **self.settings(), **self.pace(), **environment}
        self.processes = {}
        self.seeded = False
        self.nats_key = secrets.token_hex(32)
        for name in self.buses:
            sealed = self.directory / f"{name}.conf"
            sealed.write_text(f'jetstream {{ store_dir: "{self.directory / name}", key: "{self.nats_key}", cipher: aes }}\n')
            self.add(name, ["nats-server", "-a", "127.0.0.1", "-p", self.ports[name], "-m", self.ports[f"{name}_monitor"],
                            "-c", sealed, *self.bus_routes(name)])
        for name in ["sandbox", "merchant", *SERVICES, "gateway"]:
            self.add(name, [self.programs / f"obol-{name}"])
        for second, name in self.replicas.items():
            self.add(second, [self.programs / f"obol-{name}"], {
                f"{name.upper()}_LISTEN": f"127.0.0.1:{self.ports[second]}",
                f"{name.upper()}_OPS_LISTEN": f"127.0.0.1:{self.ports[f'{second}_ops']}"})
        self.clusters = self.database.clusters if standby else {"postgres": self.database} if own_cluster else {}
        self.processes.update((name, cluster.process) for name, cluster in self.clusters.items())

    def add(self, name, command, more=()):
        environment = {**self.environment, **self.identity(self.replicas.get(name, name)), **dict(more)}
        self.processes[name] = Process(name, command, environment, self.directory / f"{name}.log")

    @staticmethod
    def certificates(directory):
        subprocess.run([ROOT / "dev", "certificates", directory], check=True, timeout=60, stdin=subprocess.DEVNULL)

    def identity(self, role):
        """What gives a program its certificate."""
        if not self.tls or not (self.tls / f"{role}.crt").exists():
            return {}
        return {"RPC_TLS_CERTIFICATE_FILE": str(self.tls / f"{role}.crt"), "RPC_TLS_KEY_FILE": str(self.tls / f"{role}.key"),
                "RPC_TLS_CA_FILE": str(self.tls / "ca.crt")}

    def bus_routes(self, name):
        """How one of several nats-servers finds the others; a single one is no cluster."""
        if len(self.buses) == 1:
            return []
        routes = ",".join(f"nats://127.0.0.1:{self.ports[f'{bus}_route']}" for bus in self.buses)
        return ["-n", name, "--cluster_name", "obol", "--cluster", f"nats://127.0.0.1:{self.ports[f'{name}_route']}",
                "--routes", routes]

    def settings(self):
        host = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        # Whole programs up to a clean exit: here leaks are looked for, which forked unit tests can't.
        sanitizers = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:handle_abort=1",
                      "LSAN_OPTIONS": f"suppressions={LEAKS}:print_suppressions=0",
                      "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
                      "TSAN_OPTIONS": f"suppressions={RACES}:halt_on_error=0:exitcode=66"}
        listening = {f"{name.upper()}_LISTEN": host[name] for name in [*SERVICES, "gateway", "sandbox", "merchant"]}
        operations = {f"{name.upper()}_OPS_LISTEN": host[f"{name}_ops"] for name in [*SERVICES, "gateway"]}
        targets = {f"{name.upper()}_TARGET": f"ipv4:{host[name]},{host[f'{name}_2']}" if f"{name}_2" in host else host[name]
                   for name in SERVICES}
        return {
            **UNLIMITED, **sanitizers, **listening, **operations, **targets,
            "DATABASE_URL": self.database.url, "NATS_REPLICAS": str(len(self.buses)),
            "NATS_URL": ",".join(f"nats://{host[name]}" for name in self.buses),
            "OBOL_KEYS": f"1:{secrets.token_hex(32)}",
            "SIMULATOR_URL": f"http://{host['sandbox']}", "SIMULATOR_KEY": secrets.token_hex(16),
            "SIMULATOR_CALLBACK_SECRET": secrets.token_hex(16), "CALLBACK_BASE_URL": f"http://{host['gateway']}",
            "SANDBOX_STORE": str(self.directory / "sandbox.jsonl"),
            "DEMO_WEBHOOK_URL": f"http://{host['merchant']}/webhook",
            "TEST_MODE": "true", "WEBHOOK_ALLOW_PRIVATE": "true", "LOG_FORMAT": "json",
        }

    def pace(self):
        """Smaller and quicker than in production, so that tests see in seconds what takes minutes there."""
        return {
            "SANDBOX_TIMEOUT_RESOLVES_MS": str(HIDDEN_MS), "TEST_PROCESSING_DELAY": str(PROCESSING_MS),
            "PROVIDER_TIMEOUT_MS": "1000", "POLL_FIRST_MS": "500", "CATCH_UP_S": "2",
            "WEBHOOK_RETRY_INTERVALS_TEST": "true", "WEBHOOK_TIMEOUT_MS": "4000",
            "FAST_THREADS": "2", "SLOW_THREADS": "6",
        }

    # --- Life

    def start(self):
        for name in self.names:
            self.processes[name].start()
        self.wait_ready()
        self.seed()
        return self

    def seed(self):
        self.obol("demo", "seed")
        self.seeded = True

    def wait_ready(self, seconds=60):
        def ready():
            for name in self.names:
                assert self.processes[name].running(), f"{name} is not running:\n{self.processes[name].tail(15)}"
            listening = [answers(self.ports[name]) for name in ["merchant", "sandbox"]]
            probes = [send(self.ports[name], "GET", "/health/ready").status for name in
                      [*(f"{name}_ops" for name in SERVICES), "gateway", *(f"{name}_ops" for name in self.replicas)]]
            return all(listening) and set(probes) == {200}
        wait_until(ready, seconds, "every part is ready")
        if self.seeded:
            wait_until(self.found, seconds, "the gateway has found them all")

    def found(self):
        """Who has come back is ready before its callers look for it again; until then they answer 503."""
        none = "0" * 26
        return all(self.demo.get(path).status != 503 for path in [f"/payments/pay_{none}", f"/refunds/rfnd_{none}", f"/webhook_endpoints/we_{none}"])

    def restart(self, name, **environment):
        """From the test's main thread; the program must not be running."""
        if name in self.clusters:
            self.clusters[name].start()
        else:
            self.processes[name].start(**environment)

    def revive(self):
        """What had ended runs again; how each of it had ended."""
        ended = [(name, p) for name, p in self.processes.items() if p.child is not None and not p.running()]
        told = [f"{name} had ended with {p.child.returncode}\n{p.reports() or p.tail()}" for name, p in ended]
        for name, _ in ended:
            self.restart(name)
        if ended:
            self.wait_ready()
        return told

    def kill9(self, name):
        self.processes[name].kill9()

    def close(self):
        """Every program leaves cleanly, and none has reported anything."""
        faults = []
        for name in ["gateway", *self.replicas, *reversed(SERVICES), "merchant", "sandbox", *self.buses]:
            process = self.processes[name]
            if process.child is None:
                continue
            was_running = process.running()
            code = process.signal_and_wait()
            if not was_running or code not in ((0, 1) if name in self.buses else (0,)):
                faults.append(f"{name} {'left with' if was_running else 'had ended before, with'} {code}\n{process.tail()}")
        faults += filter(None, (process.reports() for process in self.processes.values()))
        self.database.drop()
        if not faults:
            shutil.rmtree(self.directory, ignore_errors=True)
        assert not faults, "\n\n".join([*faults, f"logs are kept in {self.directory}"])

    def logs(self, lines=25):
        return {name: process.tail(lines) for name, process in self.processes.items()}

    # --- Administration

    def obol(self, *words, code=0, parse=True, **environment):
        done = subprocess.run([self.programs / "obol", *map(str, words), *(["--json"] if parse else [])], timeout=60,
                              env={**self.environment, **self.identity("operator"), **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.returncode == code, f"obol {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if parse and code == 0 else done.stdout + done.stderr

    def tenant(self, name="Tenant", *options):
        """The API of a new tenant."""
        tenant = self.obol("tenant", "create", "--test", name, *options)
        return self.key(tenant["id"])

    def key(self, tenant_id, name="a key"):
        key = self.obol("key", "create", tenant_id, name)
        return Api(self.ports["gateway"], key["id"], key["secret"], tenant_id)

    @property
    def demo(self):
        return Api(self.ports["gateway"], "key_test_abc123", "secret_test_xyz789", "ten_demo")

    # --- What the others say

    def open(self, method, path, value=None, port="gateway", headers=None):
        """A request without a key."""
        body = json.dumps(value).encode() if value is not None else None
        fields = {"Content-Type": "application/json"} if body else {}
        return send(self.ports[port], method, path, body, {**fields, **(headers or {})})

    def ledger(self, reference=None):
        return self.open("GET", "/ledger" + (f"?reference={reference}" if reference else ""), port="sandbox").ok()

    def sandbox(self, **switches):
        self.open("POST", "/control", switches, port="sandbox").ok()

    def merchant(self, **behaviour):
        self.open("POST", "/control", behaviour, port="merchant").ok()

    def received(self, **query):
        parameters = "&".join(f"{name}={value}" for name, value in query.items())
        return self.open("GET", f"/received?{parameters}", port="merchant").ok()

    def sql(self, text):
        return psql(self.database.url, text)

    def charges_of(self, payment_id):
        """What the provider has in its ledger for a payment's charge: none or one."""
        [[reference]] = self.sql(f"SELECT id FROM payments.operations WHERE payment_id = '{payment_id}' AND kind = 'charge'")
        return [row for row in self.ledger(reference)["charges"] if row["reference"] == reference]

    def charge_of(self, payment_id):
        """The one charge of a payment."""
        [row] = self.charges_of(payment_id)
        return row

    # --- Waiting

    def settle(self, api, payment_id, status=None, seconds=40):
        """The payment, once it is settled (or in one status)."""
        wanted = {status} if status else SETTLED
        seen = []

        def there():
            seen.append(api.get(f"/payments/{payment_id}").ok())
            return seen[-1] if seen[-1]["status"] in wanted else None
        return wait_until(there, seconds, lambda: f"{payment_id} becomes {wanted}, is {seen and seen[-1]}")

    def settle_refund(self, api, refund_id, seconds=40):
        def there():
            refund = api.get(f"/refunds/{refund_id}").ok()
            return refund if refund["status"] in ("processed", "failed", "needs_review") else None
        return wait_until(there, seconds, f"{refund_id} settles")

    def paid(self, api, amount=50000, **more):
        """A payment that has succeeded."""
        return self.settle(api, api.pay(amount, **more)["id"], "succeeded")

    def quiet(self, seconds=40):
        """Nothing is under way: what happened is published, taken and delivered, or tried at least."""
        def still():
            boxes = " + ".join(f"(SELECT count(*) FROM {schema}.outbox)" for schema in SERVICES)
            [[n]] = self.sql(f"""SELECT {boxes}
                + (SELECT count(*) FROM webhooks.delivery_queue WHERE attempts = 0 OR lease_until > now())
                + (SELECT count(*) FROM refunds.refunds WHERE status IN ('reserving', 'pending'))
                + (SELECT count(*) FROM payments.operations WHERE status IN ('ready', 'sent', 'unknown') AND NOT acting)
                + (SELECT count(*) FROM payments.events e WHERE body <> '' AND NOT EXISTS
                    (SELECT 1 FROM webhooks.stored_events s WHERE s.id = e.id))
                + (SELECT count(*) FROM refunds.events e WHERE body <> '' AND NOT EXISTS
                    (SELECT 1 FROM webhooks.stored_events s WHERE s.id = e.id))""")
            return n == "0"
        wait_until(still, seconds, "nothing is under way")


def sequences_whole(events):
    """Each object's sequence numbers run from 1 without gaps; events as (object id, sequence)."""
    numbers = {}
    for object_id, sequence in events:
        numbers.setdefault(object_id, set()).add(int(sequence))
    broken = {key: sorted(found) for key, found in numbers.items() if found != set(range(1, len(found) + 1))}
    assert not broken, broken
    return numbers


__all__ = ["Stack", "at_once", "sequences_whole", "wait_until"]
