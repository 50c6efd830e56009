"""Backed up under load, destroyed, restored: what was there before the backup began is there again, and nothing is charged twice."""
import collections
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

import pytest

from client import payment
from postgres import PG_BIN, Database, psql
from stack import LONG, SERVICES, Stack, wait_until

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from chaos import auditor, books, load as loads  # noqa: E402
from chaos.customers import Answer, Customers, Tally  # noqa: E402
from chaos.market import Market  # noqa: E402
from chaos.receivers import Receivers  # noqa: E402
from chaos.settling import Settling  # noqa: E402

TENANTS = 3
RATE = 14
# Nothing that a restored payment can't know of: captures and cancellations of the lost time are found by reconciling.
MIX = {"pay": 55, "pay an order": 8, "refund": 22, "read a payment": 8, "list": 7}
# Sent twice, the simulator charges twice.
FORGETFUL = {"SIMULATOR_IDEMPOTENT": "false", "SANDBOX_IDEMPOTENT": "false"}
LONGER = pytest.mark.skipif(not LONG, reason="takes longer: ./dev test all")
LEFT = 3  # payments that wait for a processor when the backup is made


class Drill:
    """The stack, the load, the backup, the end of the database and its restore."""

    def __init__(self):
        self.stack = Stack(own_cluster=True, postgres=["archive_mode=on", "wal_level=replica"], **FORGETFUL)
        self.market = Market(TENANTS)
        self.receivers = Receivers(self.market.heard)
        self.tally = Tally()
        self.backups = self.stack.directory / "backups"

    def start(self):
        self.stack.start()
        self.tenants = [self.stack.tenant(f"Tenant {i}") for i in range(TENANTS)]
        for i, api in enumerate(self.tenants):
            made = api.post("/webhook_endpoints", {"url": self.receivers.url(f"/steady/{i}")}).ok(201)
            self.receivers.secrets[f"/steady/{i}"] = made["secret"]
        self.customers = Customers(self.tenants, self.tally)
        self.load = loads.Load(1, RATE, self.customers, self.market, [[]] * TENANTS, self.stack.ports["sandbox"])

    def processing(self, slots):
        self.stack.processes["payments"].stop()
        self.stack.restart("payments", **({} if slots else {"PROCESSOR_SLOTS": "0"}))
        self.stack.wait_ready()

    def waiting(self):
        return int(self.stack.sql("SELECT count(*) FROM payments.operations WHERE status = 'ready'")[0][0])

    def answered(self):
        with self.customers.lock:
            return {request.number for request in self.customers.requests if request.answered}

    def strike(self):
        """Payments lie ready when the backup is made, and are charged after it, in the time that is lost."""
        self.load.start(6)
        wait_until(lambda: len(self.answered()) > 25, 30, "some load")
        self.processing(False)
        wait_until(lambda: self.waiting() > LEFT, 30, "charges that wait")
        self.before = self.answered()
        begun = time.monotonic()
        self.made = self.stack.obol("backup", self.backups)
        self.took = time.monotonic() - begun
        self.processing(True)
        self.load.finish(30)
        wait_until(lambda: self.waiting() == 0, 30, "charged in the lost time")
        self.lost = self.answered() - self.before
        assert not self.load.crashed, self.load.crashed

    def destroy(self):
        for name in ["gateway", *SERVICES, "nats"]:
            self.stack.kill9(name)
        cluster = self.stack.database
        cluster.process.kill9()
        shutil.rmtree(cluster.data)
        shutil.rmtree(self.stack.directory / "nats")
        cluster.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        cluster.start()

    def restore(self):
        begun = time.monotonic()
        self.restored = self.stack.obol("restore", self.made["backup"])
        self.restoring = time.monotonic() - begun
        for name in ["nats", *SERVICES, "gateway"]:
            self.stack.restart(name)
        self.stack.wait_ready()
        self.settling = Settling(self.stack, self.tenants)
        self.settled = self.settling.settle(40)

    def repeat(self, requests):
        """Every key that was accepted before the backup is asked again."""
        def again(request):
            reply = self.tenants[request.tenant].insist("POST", request.path, request.body, key=request.key, seconds=30)
            return request, Answer(reply.status, reply.raw, reply.headers.get("Idempotency-Replayed") == "true")
        known = types.SimpleNamespace(requests=requests)
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(again, [request for request, _ in auditor.accepted(known)]))

    def read(self):
        known = [request for request in self.customers.requests if request.number in self.before]
        customers = types.SimpleNamespace(requests=known, strange=self.customers.strange)
        found = books.read(self.stack, self.tenants, [], self.receivers, customers, self.repeat(known), self.settling.reviewed)
        self.ledger = found.ledger
        found.ledger = of_what_is_known(found)
        return found

    def go(self):
        self.start()
        self.strike()
        self.destroy()
        self.restore()
        self.books = self.read()
        return self

    def end(self):
        self.receivers.close()
        self.stack.close()


def of_what_is_known(found):
    """The ledger without what happened in the lost time under references that nobody knows any more."""
    ours = {operation["id"] for operation in found.operations}
    refunds = found.ledger["refunds"]
    strange = collections.Counter()
    for row in refunds:
        strange[row["charge"]] += row["amount"] if row["reference"] not in ours and row["status"] == "succeeded" else 0
    charges = [{**row, "refunded": row["refunded"] - strange[row["reference"]]} for row in found.ledger["charges"]
               if row["reference"] in ours]
    return {**found.ledger, "charges": charges, "refunds": [row for row in refunds if row["reference"] in ours]}


@pytest.fixture(scope="module")
def drill():
    mix = dict(loads.MIX)
    loads.MIX.clear()
    loads.MIX.update(MIX)
    made = Drill()
    try:
        yield made.go()
        made.end()
    except BaseException:
        for process in made.stack.processes.values():
            print(f"--- {process.name}\n{process.tail(15)}")
            if process.running() and process is not made.stack.database.process:
                process.kill9()
        made.receivers.close()
        made.stack.database.drop()
        raise
    finally:
        loads.MIX.clear()
        loads.MIX.update(mix)


# --- The drill

def test_what_was_answered_before_the_backup_is_there_again(drill):
    found = drill.books
    print(f"\nbackup {drill.took:.1f} s under load, {drill.made['bytes']} bytes; restore {drill.restoring:.1f} s, "
          f"{drill.restored['rows']} rows; settled after {drill.settled} s")
    print(f"answered before {len(drill.before)}, in the lost time {len(drill.lost)}; asked first {drill.restored['asked_first']}; "
          f"repeated {len(found.repeats)}; payments {dict(collections.Counter(p['status'] for p in found.payments))}; "
          f"refunds {dict(collections.Counter(r['status'] for r in found.refunds))}; events {len(found.events)}; "
          f"in the ledger {len(drill.ledger['charges'])} charges, known {len(found.ledger['charges'])}")
    assert drill.settled is not None, drill.settling.open
    assert {name: wrong for name, wrong in auditor.audit(found).items() if wrong} == {}
    assert len(found.repeats) > 15 and drill.lost and found.refunds


def test_what_was_charged_in_the_lost_time_is_asked_about_and_not_charged_again(drill):
    assert drill.restored["asked_first"] > LEFT
    rows = drill.ledger["charges"]
    assert [row for row in rows if row["times_charged"] > 1] == []
    twice = [name for name, n in collections.Counter(row["reference"] for row in rows).items() if n > 1]
    assert twice == []
    # They are known to have been charged: their reference was kept.
    ready = drill.stack.sql("""SELECT count(*) FILTER (WHERE status = 'succeeded'), count(*) FILTER (WHERE doubtful)
        FROM payments.operations WHERE kind = 'charge'""")
    assert int(ready[0][0]) > LEFT and int(ready[0][1]) > 0


def test_what_was_lost_is_lost_whole(drill):
    """A payment of the lost time is nowhere: not in a list, not as a key, not as an order that waits for it."""
    lost = [request for request in drill.customers.requests if request.number in drill.lost and request.kind == "pay"
            and request.answered.status == 201]
    assert lost
    kept = {p["order_id"] for p in drill.books.payments}
    gone = [request for request in lost if request.mark not in kept]
    assert gone
    for request in gone:
        name = json.loads(request.answered.raw)["id"]
        drill.tenants[request.tenant].get(f"/payments/{name}").refused(404, "not_found")


def test_the_restored_one_works(drill):
    api = drill.tenants[0]
    paid = drill.stack.paid(api)
    refund = api.post(f"/payments/{paid['id']}/refunds", {}).ok(201)
    assert drill.stack.settle_refund(api, refund["id"])["status"] == "processed"
    wait_until(lambda: drill.receivers.count("/steady/0") and any(
        letters[0].object_id == refund["id"] for letters in drill.receivers.copy()["/steady/0"].values()), 20, "its webhook")


# --- Back to a moment, by the commands of docs/backup.md as they stand there

DOCUMENT = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "backup.md").read_text()


def block(name):
    return re.search(rf"^```sh {name}\n(.*?)^```", DOCUMENT, re.M | re.S).group(1)


class Archive:
    def __init__(self, stack):
        self.cluster = stack.database
        self.place = stack.directory / "archive"
        for name in ["wal", "base"]:
            (self.place / name).mkdir(parents=True)
        if self.cluster.user:
            subprocess.run(["chown", "-R", "postgres", self.place], check=True)
            (self.place / "base").chmod(0o700)

    def run(self, name, when=""):
        environment = {**os.environ, "PATH": f"{PG_BIN}:{os.environ['PATH']}", "ADMIN_URL": self.cluster.url, "WHEN": when,
                       "ARCHIVE": str(self.place / "wal"), "BASE": str(self.place / "base"), "DATA": str(self.cluster.data)}
        done = subprocess.run(["setpriv", *self.cluster.user, "bash", "-euc", block(name)], env=environment, cwd="/", timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def whole(self):
        """All that was written lies in the archive."""
        [[segment]] = psql(self.cluster.url, "SELECT pg_walfile_name(pg_switch_wal())")
        wait_until((self.place / "wal" / segment).exists, 30, f"{segment} is archived")


@LONGER
def test_back_to_a_moment(drill):
    """What was committed before the moment is there, what came after it is not; what was under way is asked about first."""
    stack, api = drill.stack, drill.tenants[1]
    archive = Archive(stack)
    archive.run("archive")
    archive.run("base")
    kept = stack.paid(api)["id"]
    drill.processing(False)
    waits = api.insist("POST", "/payments", payment(4200), key="waits").ok(201)["id"]
    [[moment]] = stack.sql("SELECT clock_timestamp()")
    drill.processing(True)
    stack.settle(api, waits, "succeeded")
    gone = stack.paid(api)["id"]
    archive.whole()
    for name in ["gateway", *SERVICES, "nats"]:
        stack.kill9(name)
    stack.database.process.kill9()
    shutil.rmtree(stack.database.data)
    archive.run("recover", moment)
    stack.database.start()
    archive.run("promoted")
    settled = stack.obol("restore", "settle")
    assert settled["asked_first"] == 1
    shutil.rmtree(stack.directory / "nats")
    for name in ["nats", *SERVICES, "gateway"]:
        stack.restart(name)
    stack.wait_ready()
    assert api.get(f"/payments/{kept}").ok()["status"] == "succeeded"
    assert stack.settle(api, waits, "succeeded") and stack.charge_of(waits)["times_charged"] == 1
    api.get(f"/payments/{gone}").refused(404, "not_found")
    wrong = stack.sql((pathlib.Path(__file__).resolve().parents[2] / "services/payments/sql/restored_wrong.sql").read_text().replace(
        " payments p", " payments.payments p").replace(" operations", " payments.operations").replace(
        " outbox", " payments.outbox").replace(" events e", " payments.events e"))
    assert wrong == [["0", "0", "0", "0"]]
    stack.paid(api)


# --- What a backup is

def manifest(backup):
    return json.loads((pathlib.Path(backup) / "manifest.json").read_text())


def test_files_are_for_their_owner_alone_and_name_no_secret(drill):
    backup = pathlib.Path(drill.made["backup"])
    assert sorted(p.name for p in backup.iterdir()) == ["SHA256SUMS", "auth.dump", "manifest.json", "payments.dump",
                                                        "refunds.dump", "webhooks.dump"]
    assert {stat.S_IMODE(p.stat().st_mode) for p in backup.iterdir()} == {0o600} and stat.S_IMODE(backup.stat().st_mode) == 0o700
    told = manifest(backup)
    assert len(told["databases"]) == 1 and told["databases"][0]["lsn"]
    by_name = {service["service"]: service for service in told["services"]}
    assert by_name["payments"]["keys"] == by_name["webhooks"]["keys"] == [1]
    secret = drill.stack.environment["OBOL_KEYS"].partition(":")[2]
    assert not [p for p in backup.iterdir() if secret.encode() in p.read_bytes() or bytes.fromhex(secret) in p.read_bytes()]
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=backup, check=True)
    assert drill.stack.obol("backup", "verify", backup)["backup"] == str(backup)


def test_every_sealed_column_is_looked_at(drill):
    """What housekeeping keeps under the newest key is what the backup asks for keys; the tool has a list of its own."""
    source = (pathlib.Path(__file__).resolve().parents[2] / "tools" / "obol" / "sealed.c").read_text()
    names = {name for schema in SERVICES for [name] in drill.stack.sql(f"SELECT name FROM {schema}.resealing")}
    assert len(names) > 8 and [name for name in names if f'"{name}"' not in source] == []


# --- Refusals: each says what to do, and has changed nothing

@pytest.fixture
def copy(drill, tmp_path):
    """A copy of the backup, to be damaged."""
    place = tmp_path / "copy"
    shutil.copytree(drill.made["backup"], place)
    return place


@pytest.fixture
def empty(tmp_path):
    database = Database(tmp_path)
    yield database
    database.drop()


def refused(drill, words, empty=None, **environment):
    said = drill.stack.obol(*words, code=1, parse=False, **({"DATABASE_URL": empty.url} if empty else {}), **environment)
    if empty:
        assert psql(empty.url, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('auth', 'payments', 'refunds', 'webhooks')") == [["0"]]
    return said


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def rewrite(backup, change):
    """The manifest of another backup, with the digest that belongs to it."""
    told = manifest(backup)
    change(told)
    (backup / "manifest.json").write_text(json.dumps(told))
    sums = (backup / "SHA256SUMS").read_text().splitlines()
    sums[0] = hashlib.sha256((backup / "manifest.json").read_bytes()).hexdigest() + "  manifest.json"
    (backup / "SHA256SUMS").write_text("\n".join(sums) + "\n")


@pytest.mark.parametrize("harm, told", [
    (lambda copy: flip(copy / "payments.dump"), "is not what was written"),
    (lambda copy: (copy / "refunds.dump").unlink(), "refunds.dump can't be read"),
    (lambda copy: os.truncate(copy / "webhooks.dump", 5000), "has 5000 bytes"),
    (lambda copy: flip(copy / "manifest.json"), "manifest.json is damaged"),
    (lambda copy: (copy / "manifest.json").unlink(), "this is no backup"),
    (lambda copy: rewrite(copy, lambda told: told.update(format=2)), "a later obol"),
], ids=["flipped bit", "missing file", "cut off", "flipped bit in the manifest", "no manifest", "later format"])
def test_a_damaged_backup_is_refused(drill, copy, empty, harm, told):
    harm(copy)
    assert told in refused(drill, ["backup", "verify", copy])
    assert told in refused(drill, ["restore", copy], empty)


def test_a_newer_schema_is_refused(drill, copy, empty):
    rewrite(copy, lambda told: told["services"][1].update(migration=900))
    assert "payments at migration 900" in refused(drill, ["restore", copy], empty)


@pytest.mark.parametrize("keys, told", [
    ("", "OBOL_KEYS is not set"),
    ("2:" + "ab" * 32, "sealed under key 1, and OBOL_KEYS does not hold it"),
    ("1:" + "cd" * 32, "other digests"),
], ids=["none", "another id", "another key"])
def test_other_keys_are_refused(drill, empty, keys, told):
    assert told in refused(drill, ["restore", drill.made["backup"]], empty, OBOL_KEYS=keys)


def test_keys_that_do_not_open_are_found_where_digests_agree(drill, copy, empty):
    """mac: makes the digests of then; the key under the right number is another one."""
    mac = drill.stack.obol("keys", "mac", parse=False).strip()
    said = drill.stack.obol("restore", copy, code=1, parse=False, DATABASE_URL=empty.url, OBOL_KEYS=f"1:{'cd' * 32},{mac}")
    assert "which these OBOL_KEYS do not open" in said and "make it anew" in said


def test_a_database_that_has_something_is_refused(drill):
    before = drill.stack.sql("SELECT count(*) FROM payments.payments")
    said = drill.stack.obol("restore", drill.made["backup"], code=1, parse=False)
    assert "has a schema of that name already" in said and "CREATE DATABASE" in said
    assert drill.stack.sql("SELECT count(*) FROM payments.payments") == before


def test_rows_that_did_not_arrive_are_missed(drill, copy, empty):
    def more(told):
        table = next(t for t in told["services"][1]["tables"] if t["name"] == "orders")
        table["rows"] += 1
    rewrite(copy, more)
    said = drill.stack.obol("restore", copy, code=1, parse=False, DATABASE_URL=empty.url)
    assert "payments.orders has" in said


# --- Making backups

def whole(place):
    return sorted(p.name for p in place.iterdir() if p.name.startswith("obol-"))


def stand_in(tmp_path, body):
    """A pg_dump of the right version that does something else."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    program = bin_ / "pg_dump"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 15.1" && exit\n{body}\n')
    program.chmod(0o755)
    return str(bin_)


def test_killed_in_the_middle_nothing_looks_whole(drill, tmp_path):
    place = tmp_path / "place"
    environment = {**drill.stack.environment, "PG_BIN": stand_in(tmp_path, "printf PGDMP; exec sleep 60")}
    child = subprocess.Popen([drill.stack.programs / "obol", "backup", place], env=environment, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(list(place.glob(".partial-*/*.dump"))) == 4, 20, "pg_dump runs")
    assert "another backup" in drill.stack.obol("backup", place, code=1, parse=False)
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    assert whole(place) == [] and list(place.iterdir())
    made = drill.stack.obol("backup", place)
    assert [p.name for p in place.iterdir()] == [pathlib.Path(made["backup"]).name]


def test_a_pg_dump_that_fails_leaves_nothing(drill, tmp_path):
    place = tmp_path / "place"
    said = drill.stack.obol("backup", place, code=1, parse=False, PG_BIN=stand_in(tmp_path, "printf PGDMP; exit 3"))
    assert "pg_dump failed (3)" in said and list(place.iterdir()) == []
    said = drill.stack.obol("backup", place, code=1, parse=False, PG_BIN=str(tmp_path))
    assert "no pg_dump of version 15 or later" in said


def test_a_password_stands_on_no_command_line(drill, empty, tmp_path):
    """Nor in what pg_dump is told otherwise than by its environment."""
    seen = tmp_path / "seen"
    tool = stand_in(tmp_path, f'echo "$@" >> {seen}; echo "PASSWORD $PGPASSWORD $PGHOST" >> {seen}; exec /usr/lib/postgresql/15/bin/pg_dump "$@"')
    drill.stack.obol("migrate", "up", DATABASE_URL=empty.url)
    drill.stack.obol("backup", tmp_path / "place", DATABASE_URL=empty.url, PG_BIN=tool)
    password = empty.server.split(":")[2].split("@")[0]
    lines = seen.read_text().splitlines()
    assert len(lines) == 8 and [line for line in lines if password in line] == [f"PASSWORD {password} 127.0.0.1"] * 4


def test_old_ones_go_and_nothing_is_overwritten(drill, tmp_path):
    place = tmp_path / "place"
    for year in range(2020, 2024):
        (place / f"obol-{year}0101T000000Z").mkdir(parents=True)
        (place / f"obol-{year}0101T000000Z" / "auth.dump").write_text("old")
    made = drill.stack.obol("backup", place, "--keep", "3")
    name = pathlib.Path(made["backup"]).name
    assert made["pruned"] == 2 and whole(place) == ["obol-20220101T000000Z", "obol-20230101T000000Z", name]
    for second in range(30):
        stamp = time.strftime("obol-%Y%m%dT%H%M%SZ", time.gmtime(time.time() + second))
        (place / stamp).mkdir(exist_ok=True)
    assert "is there already, and is not overwritten" in drill.stack.obol("backup", place, code=1, parse=False)


def test_refunds_that_nobody_was_told_of_are_not_driven_on(drill, empty, tmp_path):
    """Paid since, perhaps, under a reference that is gone; those that payments knows keep theirs. And an older schema is migrated."""
    stack, other = drill.stack, Database(tmp_path)
    try:
        stack.obol("migrate", "up", DATABASE_URL=empty.url)
        stack.obol("migrate", "down", "payments", DATABASE_URL=empty.url)
        refund = """INSERT INTO refunds.refunds (tenant_id, id, payment_id, requested, status, actor, request_id, traceparent, created_at)
                    VALUES ('t', '{0}', 'pay_1', 0, 'reserving', 'a', '', '', now());
                    INSERT INTO refunds.idempotency_keys (tenant_id, key, hash, method, object_id, http_status, sealed, created_at, expires_at)
                    VALUES ('t', 'key of {0}', '', 'm', '{0}', 0, false, now(), now())"""
        psql(empty.url, refund.format("rfnd_told"))
        psql(empty.url, refund.format("rfnd_lost"))
        psql(empty.url, """INSERT INTO payments.operations (tenant_id, id, payment_id, kind, refund_id, amount, currency, provider, created_at)
                           VALUES ('t', 'op_1', 'pay_1', 'refund', 'rfnd_told', 1, 'INR', 'simulator', now());
                           INSERT INTO payments.operations_queue (tenant_id, id, due_at) VALUES ('t', 'op_1', now())""")
        made = stack.obol("backup", tmp_path / "place", DATABASE_URL=empty.url)
        told = stack.obol("restore", made["backup"], "--into", other.url)
        assert (told["refunds_forgotten"], told["asked_first"]) == (1, 1)
        assert psql(other.url, "SELECT id FROM refunds.refunds") == [["rfnd_told"]]
        assert psql(other.url, "SELECT key FROM refunds.idempotency_keys") == [["key of rfnd_told"]]
        assert stack.obol("migrate", "status", DATABASE_URL=other.url) == stack.obol("migrate", "status")
        assert stack.obol("migrate", "status", DATABASE_URL=other.url) != stack.obol("migrate", "status", DATABASE_URL=empty.url)
    finally:
        other.drop()


@LONGER
def test_services_with_databases_of_their_own(drill, tmp_path):
    """Each is consistent in itself; payments' is the newest, so that what others know of it is there."""
    databases = {name: Database(tmp_path) for name in SERVICES}
    fresh = {name: Database(tmp_path) for name in SERVICES}
    try:
        urls = {f"{name.upper()}_DATABASE_URL": database.url for name, database in databases.items()}
        drill.stack.obol("migrate", "up", **urls)
        psql(databases["payments"].url, "INSERT INTO payments.payers (tenant_id, payer, keep_until) VALUES ('t', sha256(''), now())")
        made = drill.stack.obol("backup", tmp_path / "place", **urls)
        told = manifest(made["backup"])
        taken = {told["databases"][service["database"]]["taken_at"]: service["service"] for service in told["services"]}
        assert made["databases"] == 4 and taken[max(taken)] == "payments"
        drill.stack.obol("restore", made["backup"], **{f"{name.upper()}_DATABASE_URL": d.url for name, d in fresh.items()})
        assert psql(fresh["payments"].url, "SELECT tenant_id FROM payments.payers") == [["t"]]
    finally:
        for database in [*databases.values(), *fresh.values()]:
            database.drop()
