"""What goes into an image, and what is said of it: root.sh, sbom.py and scan.py on a program that is built here."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = pathlib.Path(os.environ.get("OBOL_BIN", ROOT / "build" / "asan" / "bin"))
IMAGES = ROOT / "deploy" / "images"
SCHEMAS = ROOT / "tests/checks/node_modules/@cyclonedx/cyclonedx-library/res/schema"
PORTS = {"auth": (50054, 9004), "payments": (50051, 9001), "refunds": (50052, 9002), "webhooks": (50053, 9003),
         "gateway": (8000, 9000), "sandbox": (8080,), "merchant": (4000,)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    place = tmp_path_factory.mktemp("image") / "root"
    subprocess.run([IMAGES / "root.sh", place, BIN / "obol-merchant", "/usr/bin/env"], check=True, timeout=100)
    return place


def bill(root, code=0):
    done = subprocess.run([sys.executable, IMAGES / "sbom.py", root, "--name", "obol-merchant", "--version", "1.2.3", "--revision",
                           "abc", "--time", "1700000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr


def scan(tmp_path, said, *bills):
    (tmp_path / "upgrades.txt").write_text("Listing...\n" + said)
    paths = [tmp_path / f"{n}.json" for n in range(len(bills))]
    for path, value in zip(paths, bills):
        path.write_text(json.dumps(value))
    done = subprocess.run([sys.executable, IMAGES / "scan.py", tmp_path / "upgrades.txt", *paths], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=30)
    return done.returncode, done.stdout


def test_a_root_has_all_that_the_program_loads_and_no_more(root):
    listed = subprocess.run(["ldd", BIN / "obol-merchant"], stdout=subprocess.PIPE, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", listed)
    assert len(libraries) > 10 and not [library for library in libraries if not (root / library.lstrip("/")).exists()]
    programs = {p.name for p in (root / "usr/bin").iterdir()}
    assert programs == {"obol-merchant", "env"} and not (root / "bin").exists() and not (root / "usr/sbin").exists()
    assert (root / "etc/passwd").read_text().split(":")[2] == "65532"
    assert (root / "etc/ssl/certs/ca-certificates.crt").stat().st_size > 100000
    assert 'ID=debian' in (root / "etc/os-release").read_text(), "a scanner has to know whose packages these are"


def test_a_root_that_can_not_be_whole_is_not_made(tmp_path):
    (tmp_path / "lib.c").write_text("int f(void) { return 0; }\n")
    (tmp_path / "main.c").write_text("int f(void);\nint main(void) { return f(); }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "libgone.so", tmp_path / "lib.c"], check=True, timeout=60)
    subprocess.run(["gcc", "-o", tmp_path / "program", tmp_path / "main.c", tmp_path / "libgone.so"], check=True, timeout=60)
    loads = dict(os.environ, LD_LIBRARY_PATH=str(tmp_path))
    ofnobody = subprocess.run([IMAGES / "root.sh", tmp_path / "a", tmp_path / "program"], env=loads, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ofnobody.returncode != 0 and "libgone.so is of no package" in ofnobody.stderr
    (tmp_path / "libgone.so").unlink()
    missing = subprocess.run([IMAGES / "root.sh", tmp_path / "b", tmp_path / "program"], stderr=subprocess.PIPE, text=True, timeout=60)
    assert missing.returncode != 0 and "not found" in missing.stderr


def test_packages_stand_where_scanners_look(root):
    status = root / "var/lib/dpkg/status.d"
    assert "Version: " in (status / "libc6").read_text()
    assert "usr/lib/x86_64-linux-gnu/libc.so.6" in (status / "libc6.md5sums").read_text() or os.uname().machine != "x86_64"
    assert (root / "usr/share/doc/libc6/copyright").exists()


def test_the_bill_is_cyclonedx_and_whole(root):
    made = bill(root)
    schemas = [SCHEMAS / f"{name}.SNAPSHOT.schema.json" for name in ("bom-1.5", "spdx", "jsf-0.82")]
    done = subprocess.run(["node", ROOT / "tests/checks/schema.mjs", *schemas], input=json.dumps(made), stdout=subprocess.PIPE,
                          text=True, check=True, timeout=60)
    assert done.stdout == ""
    purls = {component["purl"].split("?")[0] for component in made["components"]}
    assert "pkg:generic/obol-merchant@1.2.3" in purls
    installed = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libc6"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert f"pkg:deb/debian/libc6@{installed.replace('+', '%2B')}" in purls and any("/coreutils@" in purl for purl in purls)
    places = {o["location"] for component in made["components"] for o in component["evidence"]["occurrences"]}
    assert {f"/{p.relative_to(root)}" for p in (root / "usr/lib").rglob("*.so*") if p.is_file()} <= places
    assert bill(root) == made, "the same image, the same bill"


def test_a_file_of_nobody_is_a_fault(root, tmp_path):
    copy = tmp_path / "root"
    shutil.copytree(root, copy, symlinks=True)
    (copy / "usr/bin/backdoor").write_text("")
    assert "of no package: usr/bin/backdoor" in bill(copy, code=1)
    (copy / "usr/bin/backdoor").unlink()
    library = next(copy.glob("usr/lib/*/libc.so.6"))
    library.write_bytes(library.read_bytes() + b"\0")
    assert "libc.so.6 is not what libc6 brought" in bill(copy, code=1)


def test_a_pending_security_upgrade_is_found(root, tmp_path):
    made = bill(root)
    have = next(c["version"] for c in made["components"] if c["name"] == "libc6")
    code, said = scan(tmp_path, f"libc6/stable-security 99.1 amd64 [upgradable from: {have}]\n", made)
    assert code == 1 and f"obol-merchant: libc6 {have} -> 99.1" in said and "1 of security pending" in said
    code, said = scan(tmp_path, "libc6/stable-updates 99.1 amd64 [upgradable from: 1]\ngit/stable-security 9 amd64 [upgradable from: 1]\n", made)
    assert code == 0 and "-> 99.1" in said and "git" not in said


def test_a_scan_of_nothing_finds_nothing_out(root, tmp_path):
    assert scan(tmp_path, "")[0] == 1
    assert scan(tmp_path, "", bill(root))[0] == 0
    code, said = scan(tmp_path, "E: Could not get lock\n", bill(root))
    assert code == 1 and "not understood" in said


def test_each_stage_listens_probes_and_runs_as_nobody():
    text = (ROOT / "Containerfile").read_text()
    stages = dict(re.findall(r"^FROM \S+ AS (\w+)\n((?:(?!FROM).*\n)*)", text, re.M))
    assert "USER 65532:65532" in stages["image"] and "STOPSIGNAL SIGTERM" in stages["image"]
    assert text.count("FROM scratch") == 1 and not re.search(r"^USER (?!65532:65532$)", text, re.M)
    for name, ports in PORTS.items():
        stage = stages[name]
        listed = dict(re.findall(r"(\w+)=0\.0\.0\.0:(\d+)", stage))
        assert listed[f"{name.upper()}_LISTEN"] == str(ports[0]) and sorted(listed.values()) == sorted(map(str, ports)), name
        assert f"EXPOSE {' '.join(map(str, ports))}\n" in stage, name
        assert f'CMD ["/usr/bin/obol-{name}", "--probe", "ready"]' in stage and f'ENTRYPOINT ["/usr/bin/obol-{name}"]' in stage
    assert 'ENTRYPOINT ["/usr/bin/obol"]' in stages["obol"]
    built = re.search(r'^IMAGES="([^"]*)"', (ROOT / "scripts/images.sh").read_text(), re.M)[1].split()
    assert sorted(built) == sorted([*PORTS, "obol"]) and not [name for name in built if f"FROM image AS {name}\n" not in text]
