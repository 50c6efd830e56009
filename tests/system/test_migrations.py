"""Migrations are additive: the version before this one works on the schema of this one, and nobody waits for them long."""
import collections
import os
import re
import subprocess

import pytest

from postgres import Database, psql
from previous import ROOT, SERVICES, digest, migrate, migrations, newest, number, said, understood
from stack import BIN

# Everything else may be large: a migration neither builds an index on it nor looks through it.
SMALL = {"tenants", "api_keys", "provider_credentials", "provider_routes", "tenant_limits", "schema_migrations", "resealing",
         "consumer_cursors", "callback_counts", "provider_sessions", "reconciliations", "reconciliation_differences",
         "endpoints", "tenant_modes", "payment_creation"}
NAME = r"(?:IF (?:NOT )?EXISTS )?(?:ONLY )?([\w.]+)"
RULES = [  # what a statement on a table that may be large must not be, and why
    (rf"^CREATE (?:UNIQUE )?INDEX (?:IF NOT EXISTS )?\w* ?ON {NAME}", "builds an index: nobody writes meanwhile"),
    (rf"^ALTER TABLE {NAME}.* ADD CONSTRAINT (?!.*NOT VALID)", "looks through the table: add it NOT VALID"),
    (rf"^ALTER TABLE {NAME}.* ADD (?:CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b(?!.*NOT VALID)", "looks through the table"),
    (rf"^ALTER TABLE {NAME}.* ADD (?:COLUMN )?(?!CONSTRAINT\b).* REFERENCES ", "looks through the table"),
    (rf"^ALTER TABLE {NAME}.* SET NOT NULL", "looks through the table, and refuses what the version before writes"),
    (rf"^ALTER TABLE {NAME}.* (?:SET DATA )?TYPE ", "rewrites the table"),
    (rf"^ALTER TABLE {NAME}.* ADD (?:COLUMN )?.* DEFAULT [\w.]+\(", "rewrites the table: a default that is called for each row"),
    (rf"^ALTER TABLE {NAME}.* ADD (?:COLUMN )?.* GENERATED ", "rewrites the table"),
    (rf"^ALTER TABLE {NAME}.* SET (?:LOGGED|UNLOGGED|TABLESPACE|ACCESS)", "rewrites the table"),
    (rf"^(?:UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?|LOCK(?: TABLE)?|CLUSTER|REINDEX TABLE|VACUUM(?: FULL)?) {NAME}",
     "changes every row: housekeeping does that in portions"),
]
NEVER = [(r"\bRENAME\b", "the version before knows the old name"), (r"^DROP (?:TABLE|SCHEMA|TYPE|FUNCTION)", "the version before uses it"),
         (r"^ALTER TABLE .* DROP (?:COLUMN )?(?!CONSTRAINT\b|NOT\b|DEFAULT\b)", "the version before uses it")]


def statements(script):
    """One line each, without comments. No body of a function stands in a migration."""
    text = re.sub(r"--.*", "", script)
    assert "$$" not in text, "a migration of statements only"
    return [" ".join(statement.split()) for statement in text.split(";") if statement.strip()]


def faults(script):
    """What is wrong with a migration."""
    made, found = set(), []
    for statement in statements(script):
        made |= {name for name in re.findall(r"^CREATE TABLE (?:IF NOT EXISTS )?(\w+)", statement, re.I)}
        found += [f"{why}: {statement}" for rule, why in NEVER if re.search(rule, statement, re.I)]
        for rule, why in RULES:
            on = re.search(rule, statement, re.I)
            if on and on.group(1) not in made | SMALL:
                found.append(f"{why}: {statement}")
    return found


def newer(service):
    return [script for script in migrations(ROOT, service) if number(script) > newest(service)[0]]


@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_is_additive_and_holds_nobody_up(service):
    wrong = [f"{script.name}: {fault}" for script in newer(service) for fault in faults(script.read_text())]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("script", [
    "CREATE INDEX slow ON payments (provider);", "CREATE UNIQUE INDEX ON operations (tenant_id)", "DROP TABLE payers",
    "ALTER TABLE payments ADD CONSTRAINT c CHECK (amount > 0)", "ALTER TABLE payments ADD CHECK (amount > 0)",
    "ALTER TABLE payments ADD COLUMN a text, ALTER COLUMN vpa SET NOT NULL", "ALTER TABLE payments ALTER COLUMN vpa TYPE bytea",
    "ALTER TABLE payments\n  ADD COLUMN at timestamptz DEFAULT clock_timestamp()", "ALTER TABLE payments DROP COLUMN vpa",
    "ALTER TABLE payments DROP vpa", "ALTER TABLE payments RENAME COLUMN vpa TO upi", "UPDATE payments SET vpa = NULL",
    "ALTER TABLE payments ADD COLUMN o text REFERENCES orders (id)", "LOCK TABLE payments",
    "ALTER TABLE events ADD COLUMN n int8 GENERATED ALWAYS AS (1) STORED", "ALTER TABLE tenants RENAME TO merchants"])
def test_what_is_not_additive_is_found(script):
    assert faults(script)


@pytest.mark.parametrize("script", [
    "CREATE TABLE fresh (id text PRIMARY KEY); CREATE INDEX quick ON fresh (id);", "ALTER TABLE payments ADD COLUMN a boolean",
    "ALTER TABLE payments ADD COLUMN a text DEFAULT ''", "CREATE INDEX few ON tenants (name) -- ; DROP TABLE payments",
    "ALTER TABLE payments ADD CONSTRAINT c CHECK (amount > 0) NOT VALID", "ALTER TABLE tenants ALTER COLUMN a SET DEFAULT true",
    "ALTER TABLE payments DROP CONSTRAINT c"])
def test_what_is_additive_passes(script):
    assert not faults(script)


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_that_were_released_stay_as_they_are(service):
    last, then = newest(service)
    assert digest([script for script in migrations(ROOT, service) if number(script) <= last]) == then


# --- The judge: two databases, one as it was, one as it is

@pytest.fixture(scope="module")
def now(tmp_path_factory):
    database = Database(tmp_path_factory.mktemp("now"))
    subprocess.run([BIN / "obol", "migrate", "up"], check=True, timeout=60, stdout=subprocess.DEVNULL,
                   env={**os.environ, "DATABASE_URL": database.url})
    yield database.url
    database.drop()


@pytest.fixture(scope="module")
def then(tmp_path_factory):
    database = Database(tmp_path_factory.mktemp("then"))
    for service in SERVICES:
        migrate(database.url, ROOT, service, newest(service)[0])
    yield database.url
    database.drop()


@pytest.mark.parametrize("service", SERVICES)
def test_the_previous_version_s_statements_mean_what_they_meant(now, service):
    """Each is prepared on this version's schema, and gives the columns that its reader expects."""
    kept = said(service)
    assert len(kept) > 20
    found = understood(now, service, {statement.name: statement.text for statement in kept})
    wrong = [f"{s.name}: {s.columns!r} is {found.get(s.name)!r} now" for s in kept if found.get(s.name) != s.columns]
    assert not wrong, "\n".join(wrong)


Column = collections.namedtuple("Column", "type nullable default")


def columns(url):
    rows = psql(url, f"""SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default IS NOT NULL OR is_identity = 'YES'
        FROM information_schema.columns WHERE table_schema IN ('{"','".join(SERVICES)}') AND table_name !~ '_(default|p\\d+)$'""")
    return {tuple(row[:3]): Column(row[3], row[4] == "YES", row[5] == "t") for row in rows}


def constraints(url):
    """Of old tables: (schema, table, what is promised)."""
    rows = psql(url, f"""SELECT n.nspname, c.relname, pg_get_constraintdef(k.oid) FROM pg_constraint k
        JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('{"','".join(SERVICES)}') AND NOT c.relispartition
        UNION SELECT schemaname, tablename, regexp_replace(indexdef, ' INDEX \\S+', ' INDEX') FROM pg_indexes
        WHERE schemaname IN ('{"','".join(SERVICES)}') AND indexdef LIKE 'CREATE UNIQUE%' AND tablename !~ '_(default|p\\d+)$'""")
    return {tuple(row) for row in rows}


def test_what_the_previous_version_writes_is_taken(then, now):
    """No column is gone or another; none that it does not know is wanted of it; nothing new is forbidden."""
    before, after = columns(then), columns(now)
    tables = {key[:2] for key in before}
    wrong = [f"{'.'.join(key)} was {column} and is {after.get(key)}" for key, column in before.items()
             if key not in after or after[key].type != column.type or (column.nullable and not after[key].nullable)
             or (column.default and not after[key].default)]
    wrong += [f"{'.'.join(key)} is wanted of those who do not know it" for key, column in after.items()
              if key not in before and key[:2] in tables and not column.nullable and not column.default]
    wrong += [f"{'.'.join(row)} is new" for row in constraints(now) - constraints(then) if row[:2] in tables]
    assert len(before) > 200 and not wrong, "\n".join(wrong)
