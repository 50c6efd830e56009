"""The version before this one: which it is, what it says to the database, and its programs.

tests/system/previous_version names its commit, and each service's newest migration with a digest of all up to it; a release sets
it, and takes what the version says, by

    OBOL_TEST_DATABASE_URL=postgresql://… python3 tests/system/previous.py <commit>

which needs the history. The tests need it only where they build the programs.
"""
import dataclasses
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

from postgres import PG_BIN, Database, psql

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
VERSION = HERE / "previous_version"
SAID = HERE / "previous"
SERVICES = ["auth", "payments", "refunds", "webhooks"]
PROGRAMS = ["obol", "obol-gateway", *(f"obol-{name}" for name in SERVICES)]
HEAD = re.compile(r"^--- (\w+) \((.*)\)$", re.M)


@dataclasses.dataclass(frozen=True)
class Statement:
    name: str
    columns: str  # "id text, amount bigint", as it was understood on the schema of its own version
    text: str


def version():
    return VERSION.read_text().split()[0]


def newest(service):
    """(number, digest) of what it had migrated to."""
    [words] = [line.split() for line in VERSION.read_text().splitlines()[1:] if line.startswith(service + " ")]
    return int(words[1]), words[2]


def history():
    """Whether the commit is here: a shallow checkout has only its newest."""
    return subprocess.run(["git", "cat-file", "-e", f"{version()}^{{commit}}"], cwd=ROOT, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL).returncode == 0


def tree(commit, directory):
    """The files of a commit, as they were."""
    archive = subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE)
    subprocess.run(["tar", "x", "-C", directory], stdin=archive.stdout, check=True)
    assert archive.wait() == 0


def build(directory):
    """Its programs; where they lie."""
    tree(version(), directory)
    quiet = {"cwd": directory, "check": True, "stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    subprocess.run(["cmake", "--preset", "dev"], timeout=120, **quiet)
    subprocess.run(["ninja", "-C", "build/dev", *PROGRAMS], timeout=1500, **quiet)
    return pathlib.Path(directory) / "build" / "dev" / "bin"


# --- What it says to the database

def number(path):
    return int(path.name.split("_")[0])


def migrations(root, service):
    """The scripts up, in their order: the journal's stand below."""
    found = [*(root / "lib/journal/migrations").glob("*.up.sql"), *(root / "services" / service / "migrations").glob("*.up.sql")]
    return sorted(found, key=number)


def digest(scripts):
    return hashlib.sha256(b"".join(script.read_bytes() for script in scripts)).hexdigest()


def migrate(url, root, service, until=10 ** 6):
    psql(url, f"CREATE SCHEMA IF NOT EXISTS {service}")
    for script in [script for script in migrations(root, service) if number(script) <= until]:
        psql(url, f"BEGIN; SET LOCAL search_path = {service}; SELECT set_config('obol.schema', '{service}', true);\n"
                  f"{script.read_text()};\nCOMMIT;")


def statements(root, service):
    """{name: text} of a service, and of the journal that it carries."""
    found = [*(root / "lib/journal/sql").glob("*.sql"), *(root / "services" / service / "sql").glob("*.sql")]
    return {path.stem: path.read_text().strip().rstrip(";") for path in sorted(found)}


def understood(url, service, texts):
    """{name: columns, or the error}: how the server understands each as a prepared statement."""
    script = [f"SET search_path = {service};"]
    for name, text in texts.items():
        script += [f"\\echo --- {name}", text, "\\gdesc"]
    done = subprocess.run([PG_BIN / "psql", url, "-qAtX", "-F", " "], input="\n".join(script), text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    parts = re.split(r"^--- (\w+)$", done.stdout, flags=re.M)
    found = {name: ", ".join(said.split("\n")[1:-1]) for name, said in zip(parts[1::2], parts[2::2])}
    return {name: "" if "has no result" in columns else columns for name, columns in found.items()}


def said(service):
    """What is kept of the previous version."""
    parts = HEAD.split((SAID / f"{service}.sql").read_text())
    return [Statement(*(part.strip() for part in triple)) for triple in zip(parts[1::3], parts[2::3], parts[3::3])]


def take(commit):
    """Keeps what a commit says."""
    SAID.mkdir(exist_ok=True)
    kept_versions = [commit]
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        tree(commit, root)
        database = Database(root)
        try:
            for service in SERVICES:
                scripts = migrations(root, service)
                kept_versions.append(f"{service} {number(scripts[-1])} {digest(scripts)}")
                migrate(database.url, root, service)
                texts = statements(root, service)
                columns = understood(database.url, service, texts)
                wrong = {name: columns.get(name) for name in texts if "ERROR" in columns.get(name, "ERROR")}
                assert not wrong, wrong
                kept = [f"--- {name} ({columns[name]})\n{text}\n" for name, text in texts.items()]
                (SAID / f"{service}.sql").write_text("\n".join(kept))
        finally:
            database.drop()
    VERSION.write_text("".join(f"{line}\n" for line in kept_versions))


if __name__ == "__main__":
    take(subprocess.run(["git", "rev-parse", f"{sys.argv[1]}^{{commit}}"], cwd=ROOT, check=True, text=True,
                        stdout=subprocess.PIPE).stdout.strip())
