"""compose.yaml against its schema, and against what the programs say that they read, listen on and answer to."""
import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("OBOL_BIN", ROOT / "build" / "asan" / "bin"))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "OBOL_REGISTRY" in service["image"]}
NEVER_ENDING = [name for name in OURS if name not in ("migrate", "seed")]


def program(service):
    return re.search(r"/(obol[a-z-]*):", service["image"])[1]


def table(service):
    done = subprocess.run([BIN / program(service), "--configuration"], stdout=subprocess.PIPE, check=True, timeout=20)
    return {variable["name"]: variable for variable in json.loads(done.stdout)["variables"]}


def expand(text):
    return re.sub(r"\$\{(\w+):-([^}]*)\}", r"\2", text)


def test_it_is_what_the_compose_specification_wants():
    schema = ROOT / "tests/checks/node_modules/dclint/schemas/compose.schema.json"
    assert schema.exists(), "npm --prefix tests/checks ci"
    done = subprocess.run(["node", ROOT / "tests/checks/schema.mjs", schema], input=json.dumps(COMPOSE), stdout=subprocess.PIPE,
                          text=True, check=True, timeout=60)
    assert done.stdout == ""


def test_all_programs_are_there():
    built = re.search(r'^IMAGES="([^"]*)"', (ROOT / "scripts/images.sh").read_text(), re.M)[1].split()
    assert {program(s) for s in OURS.values()} == {name if name == "obol" else f"obol-{name}" for name in built}


@pytest.mark.parametrize("name", OURS)
def test_variables_are_the_programs_own(name):
    known = table(OURS[name])
    given = OURS[name].get("environment", {})
    files = {variable + "_FILE" for variable, entry in known.items() if entry["kind"] == "secret"}
    # What all four services have in common is one block, and not each calls the others.
    shared = set(COMPOSE["x-environment"])
    assert not [v for v in given if v not in known and v not in files and v not in shared]
    assert not [v for v, entry in known.items() if entry["required"] and v not in given and v + "_FILE" not in given]
    assert not [v for v in given if known.get(v, {}).get("kind") == "secret"], "secrets come by file"
    for variable, value in given.items():
        entry = known.get(variable, {})
        if entry.get("kind") == "bool":
            assert expand(value) in ("true", "false"), variable
        if entry.get("kind") == "int":
            assert entry.get("minimum", 0) <= int(expand(value)), variable


def test_every_shared_variable_is_known_to_one():
    known = {v for service in OURS.values() for v, entry in table(service).items()}
    known |= {v + "_FILE" for v in known}
    assert not set(COMPOSE["x-environment"]) - known


def test_variables_of_the_demo_are_used():
    text = (ROOT / "compose.yaml").read_text()
    names = re.findall(r"^(\w+)=", (ROOT / "deploy/compose/demo.env").read_text(), re.M)
    assert names and not [n for n in names if n != "COMPOSE_PROFILES" and f"${{{n}:-" not in text]


def test_secrets_are_made_declared_and_given(tmp_path):
    subprocess.run([ROOT / "deploy/compose/secrets.sh", tmp_path / "secrets"], check=True, timeout=30, stdout=subprocess.DEVNULL)
    made = {p.name: p.read_text() for p in (tmp_path / "secrets").iterdir()}
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    declared = {name: pathlib.Path(secret["file"]).name for name, secret in COMPOSE["secrets"].items()}
    assert not [name for name, file in declared.items() if file not in made or name != file]
    for name, service in SERVICES.items():
        given = set(service.get("secrets", []))
        words = json.dumps([service.get("environment", {}), service.get("command", [])])
        assert {*re.findall(r"/run/secrets/(\w+)", words)} == given, name
    subprocess.run([ROOT / "deploy/compose/secrets.sh", tmp_path / "secrets"], check=True, timeout=30, stdout=subprocess.DEVNULL)
    assert made == {p.name: p.read_text() for p in (tmp_path / "secrets").iterdir()}, "what is there stays"
    (tmp_path / "nats.conf").write_text(made["nats_conf"].replace("/data", str(tmp_path)))
    subprocess.run(["nats-server", "-t", "-c", tmp_path / "nats.conf"], check=True, timeout=20, stderr=subprocess.DEVNULL)
    assert "key:" in made["nats_conf"] and "cipher: aes" in made["nats_conf"]


@pytest.mark.parametrize("name", SERVICES)
def test_rights_and_means_are_bounded(name):
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and service["pids_limit"]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["cpus"] and limits["memory"] and "privileged" not in service
    assert "cap_add" not in service or name == "postgres"
    if name in OURS:
        assert service["user"] == "65532:65532"


@pytest.mark.parametrize("name", NEVER_ENDING)
def test_health_is_the_programs_own_probe(name):
    assert OURS[name]["healthcheck"]["test"] == ["CMD", f"/usr/bin/{program(OURS[name])}", "--probe", "ready"]


def test_what_is_waited_for_can_be():
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            ends = other in ("migrate", "seed")
            assert how["condition"] == ("service_completed_successfully" if ends else "service_healthy"), (name, other)
            assert ends or "healthcheck" in SERVICES[other], (name, other)
    assert {"auth", "payments", "refunds", "webhooks"} == set(SERVICES["gateway"]["depends_on"])


def test_only_the_gateway_is_open_to_others():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"gateway", "grafana"} and ports["grafana"][0].startswith("127.0.0.1:")
    assert COMPOSE["networks"]["data"] == {"internal": True} and COMPOSE["networks"]["inside"] == {"internal": True}
    assert {n for n, s in SERVICES.items() if "data" in s["networks"]} == {
        "postgres", "nats", "migrate", "seed", "auth", "payments", "refunds", "webhooks"}


def test_addresses_lead_to_what_listens():
    for name, service in OURS.items():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_TARGET"):
                host, port = value.split(":")
                assert SERVICES[host]["environment"][f"{host.upper()}_LISTEN"].endswith(f":{port}"), (name, variable)
                assert set(SERVICES[host]["networks"]) & set(service["networks"]), (name, variable)


def test_only_what_is_in_the_tree_is_mounted():
    paths = [v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", []) if v.startswith("./")]
    assert paths and not [p for p in paths if not p.startswith("./deploy/")]
    named = {v.split(":")[0] for service in SERVICES.values() for v in service.get("volumes", []) if not v.startswith("./")}
    assert named == set(COMPOSE["volumes"])
