"""The databases of stacks: one on the server of OBOL_TEST_DATABASE_URL, or a cluster of one's own to kill."""
import os
import pathlib
import secrets
import shutil
import subprocess
import urllib.parse

from processes import PORTS, Process, answers, wait_until

PG_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
# Rows that come and go without anybody's request.
HOUSEKEEPING = {"callback_counts", "outbox", "consumed", "consumer_cursors", "audit_log", "schema_migrations",
                "rate_buckets", "resealing"}


def psql(url, sql, seconds=60):
    """Rows as lists of strings; NULL is ''."""
    done = subprocess.run([PG_BIN / "psql", url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-F", "\x1f", "-R", "\x1e"],
                          input=sql, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    text = done.stdout.rstrip("\n")
    return [row.split("\x1f") for row in text.split("\x1e")] if text else []


class Database:
    """A database on a server that stands."""

    process = None

    def __init__(self, directory):
        self.server = os.environ["OBOL_TEST_DATABASE_URL"]
        self.name = f"obol_system_{secrets.token_hex(6)}"
        self.url = urllib.parse.urlunsplit(urllib.parse.urlsplit(self.server)._replace(path="/" + self.name))
        psql(self.server, f'CREATE DATABASE "{self.name}"')

    def drop(self):
        psql(self.server, f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


class Cluster:
    """A PostgreSQL of one's own. It refuses to run as root, and then runs as the package's user."""

    def __init__(self, directory, settings=(), name="postgres", copy_of=None):
        """settings: `name=value` each; copy_of: the cluster that this one is a streaming standby of."""
        self.data = pathlib.Path(directory) / ("pg" if name == "postgres" else name) / "data"
        self.data.parent.mkdir(exist_ok=True)
        self.name = name
        self.port = PORTS.take()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.user = ["--reuid", "postgres", "--regid", "postgres", "--init-groups"] if os.getuid() == 0 else []
        if self.user:
            subprocess.run(["chown", "postgres", self.data.parent], check=True)
        if copy_of is None:
            self.run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        command = [PG_BIN / "postgres", "-D", self.data, "-p", self.port, "-c", "listen_addresses=127.0.0.1", "-c",
                   "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=32MB",
                   *(word for setting in settings for word in ("-c", setting))]
        self.process = Process(name, command, dict(os.environ), pathlib.Path(directory) / f"{name}.log", self.user)
        if copy_of is None:
            self.start()
        else:
            self.follow(copy_of)

    def run(self, program, *words):
        """A program of PostgreSQL's own on the data directory, with its user."""
        subprocess.run(["setpriv", *self.user, PG_BIN / program, "-D", self.data, *words], check=True, cwd="/",
                       stdout=subprocess.DEVNULL, timeout=60)

    def start(self):
        """Killed, it leaves children that go by themselves; until then a new one refuses to start."""
        def up():
            if not self.process.running():
                self.process.start()
            return answers(self.port) and psql(self.url, "SELECT 1")
        wait_until(up, 60, "PostgreSQL starts")

    def follow(self, primary):
        """Becomes a streaming standby of another; what it held before is gone."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.run("pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-d", primary.url)
        self.start()

    def drop(self):
        if self.process.running():
            self.process.signal_and_wait(2)  # SIGINT: fast shutdown


class Pair:
    """A primary and its synchronous standby, reached by one URL that names both."""

    process = None

    def __init__(self, directory, settings=()):
        self.primary = Cluster(directory, settings)
        self.standby = Cluster(directory, settings, "postgres_standby", self.primary)
        ports = [self.primary.port, self.standby.port]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        self.url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        self.clusters = {cluster.name: cluster for cluster in (self.primary, self.standby)}
        self.synchronous()

    def synchronous(self):
        """From here on the primary answers no COMMIT that the standby does not have on its disk."""
        psql(self.primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        psql(self.primary.url, "SELECT pg_reload_conf()")
        wait_until(self.in_step, 30, "the standby is synchronous")

    def in_step(self):
        return psql(self.primary.url, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'")

    def waiting(self):
        """How many commits are done on the primary and wait for the standby to have them."""
        [[n]] = psql(self.primary.url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        return int(n)

    def promote(self):
        """The standby is the primary now, and waits for nobody."""
        self.primary, self.standby = self.standby, self.primary
        psql(self.primary.url, "SELECT pg_promote()")

    def rejoin(self):
        """What an operator does with a primary that was lost: it comes back as a standby, never as it was."""
        self.standby.follow(self.primary)
        self.synchronous()

    def drop(self):
        self.primary.drop()
        self.standby.drop()


def fingerprint(url, tenant=None):
    """Every table of the services with its count and a digest of its rows (of one tenant), but for what housekeeping moves.

    A refused refund leaves a tombstone among the operations, so that a late reserve is refused.
    """
    tables = psql(url, """SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                          WHERE n.nspname IN ('auth', 'payments', 'refunds', 'webhooks') AND c.relkind IN ('r', 'p')
                            AND NOT c.relispartition ORDER BY 1, 2""")
    whose = f"to_jsonb(t) ->> 'tenant_id' = '{tenant}'" if tenant else "true"
    parts = [f"SELECT '{schema}.{table}', count(*), coalesce(sum(hashtext(t::text)::bigint), 0) FROM {schema}.{table} t "
             f"WHERE {whose}" + (" AND status <> 'released'" if table == "operations" else "")
             for schema, table in tables if table not in HOUSEKEEPING]
    return {row[0]: (row[1], row[2]) for row in psql(url, " UNION ALL ".join(parts))}


def tables_of(url, schema):
    return [row[0] for row in psql(url, f"""SELECT c.relname FROM pg_class c JOIN pg_namespace n
        ON n.oid = c.relnamespace WHERE n.nspname = '{schema}' AND c.relkind IN ('r', 'p') ORDER BY 1""")]
