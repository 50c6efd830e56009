"""The floors of the house: who may include what, and what no file may call."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

# The ground floor from the bottom: a room uses only rooms that stand before it.
ROOMS = ["base", "crypto", "json", "obs", "db", "journal", "bus", "http", "telemetry", "rpc", "service"]
# What a room may not use though it stands below: it has no business there.
SERVICES = ["auth", "payments", "refunds", "webhooks"]
FOREIGN = {
    r"grpc/": ["lib/rpc/"],
    r"event2/": ["lib/http/"],
    r"curl/": ["lib/http/"],
    r"libpq-fe\.h": ["lib/db/"],
    r"nats/": ["lib/bus/"],
    r"openssl/": ["lib/crypto/"],
    r"jansson\.h": ["lib/json/", "tools/protoc-gen-obol/"],
}
BANNED = r"\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|system|gmtime|localtime|alloca|atoi|rand|srand)\s*\("
NAMES = r"\bTODO\b|\bFIXME\b|\bXXX:"  # XXX alone is a currency code


def tracked(*patterns):
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT,
                         stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return [ROOT / name for name in out if (ROOT / name).exists()]


def sources():
    return [p for p in tracked("*.c", "*.h")]


def product():
    return [p for p in sources() if not str(p.relative_to(ROOT)).startswith(("tests/", "bench/", "fuzz/"))]


def includes(path):
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.M)


def name(path):
    return str(path.relative_to(ROOT))


def test_foreign_libraries_have_one_door():
    strays = [f"{name(p)}: {i}" for p in product() for i in includes(p) for pattern, homes in FOREIGN.items()
              if re.match(pattern, i) and not name(p).startswith(tuple(homes))]
    assert not strays


def test_rooms_use_only_rooms_below():
    strays = []
    for path in product():
        if not name(path).startswith("lib/"):
            continue
        floor = ROOMS.index(name(path).split("/")[1])
        for include in includes(path):
            room = include.split("/")[0]
            if room in ROOMS and ROOMS.index(room) > floor:
                strays.append(f"{name(path)}: {include}")
            if re.match(r"obol/(auth|payments|refunds|webhooks|gateway)/", include):
                strays.append(f"{name(path)}: {include}")
    assert not strays


def test_services_do_not_know_each_other():
    owned = {s: {p.name for p in product() if name(p).startswith(f"services/{s}/")} for s in SERVICES}
    strays = []
    for path in product():
        here = name(path).split("/")
        for include in includes(path):
            if include.startswith(("services/", "gateway/")):
                strays.append(f"{name(path)}: {include}")
            for service in SERVICES:
                if include == f"{service}_sql.h" and here[:2] != ["services", service] and here[0] != "tools":
                    strays.append(f"{name(path)}: {include}")
                foreign = include in owned[service] and not (path.parent / include).exists()
                if here[0] == "services" and here[1] != service and foreign:
                    mine = include in owned[here[1]]
                    if not mine:
                        strays.append(f"{name(path)}: {include}")
    assert not strays


def test_no_banned_function_is_called():
    strays = [f"{name(p)}:{n}" for p in product() for n, line in enumerate(p.read_text().splitlines(), 1)
              if re.search(BANNED, re.sub(r'"(\\.|[^"\\])*"|//.*', "", line))]
    assert not strays


def test_the_environment_is_read_through_the_tables():
    """A variable that no table has is one that --configuration, the manifests and docs/operations.md don't know."""
    allowed = {"lib/base/config.c", "lib/base/log.c", "lib/base/process.c", "lib/base/failpoint.c"}
    asked = {f"{name(p)}: {what}" for p in product() for what in re.findall(r'getenv\(([^)]*)\)', p.read_text()) if name(p) not in allowed}
    assert asked <= {'tools/obol/main.c: "USER"'}  # who it is that acts, for the audit


def test_nothing_is_left_for_later():
    strays = [f"{name(p)}:{n}" for p in sources() for n, line in enumerate(p.read_text().splitlines(), 1)
              if re.search(NAMES, line)]
    assert not strays


def test_files_stay_small():
    assert not [f"{name(p)} ({n})" for p in product() if (n := len(p.read_text().splitlines())) > 450]


def test_sql_stands_in_files_of_its_own():
    strays = [f"{name(p)}:{n}" for p in product() if name(p).startswith(("services/", "gateway/"))
              for n, line in enumerate(p.read_text().splitlines(), 1)
              if re.search(r'"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b', line)]
    assert not strays


def test_every_package_says_why():
    lists = [ROOT / "packages.txt", ROOT / "deploy/images/packages.txt"]
    lines = [l for path in lists for l in path.read_text().splitlines() if l.strip() and not l.startswith("#")]
    assert lines and not [l for l in lines if "#" not in l or not l.split("#", 1)[1].strip()]


def test_c_is_formatted():
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *map(str, sources())], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[:2000]
