"""Alerts, dashboards and runbooks against each other, against the metrics that there are, and against Prometheus' own tools."""
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import monitoring as m  # noqa: E402

SEVERITIES = {"page", "ticket", "info"}
UNITS = {"short", "percentunit", "s", "bytes", "reqps", "ops"}  # Grafana's names of units, those that are used here
SECTIONS = ["What it means", "Look", "What to do", "Never", "Over"]


def run(*words, timeout=120):
    return subprocess.run([str(w) for w in words], cwd=m.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)


def passes(*words):
    done = run(*words)
    assert done.returncode == 0, done.stdout
    return done.stdout


def known():
    return {**m.documented(), **m.FOREIGN}


def test_prometheus_takes_its_configuration_and_rules():
    assert f"SUCCESS: {len(m.rule_files())} rule files found" in passes("promtool", "check", "config", m.PROMETHEUS / "prometheus.yml")
    targets = yaml.safe_load((m.PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in targets} >= set(m.JOBS)


@pytest.mark.parametrize("path", sorted((m.PROMETHEUS / "tests").glob("*.yml")), ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(path):
    passes("promtool", "test", "rules", path)


def unit_tests():
    """For each alert: how often it is expected to fire, and to be silent; and in which files."""
    fires, silent, files = {}, {}, {}
    for path in (m.PROMETHEUS / "tests").glob("*.yml"):
        for group in yaml.safe_load(path.read_text())["tests"]:
            for case in group["alert_rule_test"]:
                counts = fires if case["exp_alerts"] else silent
                counts[case["alertname"]] = counts.get(case["alertname"], 0) + 1
                files.setdefault(case["alertname"], set()).add(path.stem)
    return fires, silent, files


def test_every_alert_has_a_unit_test():
    fires, silent, files = unit_tests()
    every = set(m.alerts())
    assert not every - set(fires), "never seen to fire"
    assert not every - set(silent) - {"DeadMansSwitch"}, "never seen to be silent"
    assert not {name for name in every - {"DeadMansSwitch"} if "silence" not in files[name]}, "not in silence.yml"
    assert not (set(fires) | set(silent)) - every, "tested, and not there"


def test_every_alert_says_what_it_means_and_links_its_runbook():
    strays = []
    for name, alert in m.alerts().items():
        notes = alert["annotations"]
        strays += [f"{name}: severity"] * (alert["labels"]["severity"] not in SEVERITIES)
        strays += [f"{name}: summary or description"] * (len(notes.get("summary", "")) < 10 or len(notes.get("description", "")) < 40)
        strays += [f"{name}: runbook"] * (notes.get("runbook_url") != f"docs/runbooks/{name}.md" or not (m.ROOT / notes["runbook_url"]).exists())
    assert not strays


def test_every_runbook_has_the_form_and_its_links_lead_somewhere():
    index = (m.RUNBOOKS / "README.md").read_text()
    strays = []
    for path in m.RUNBOOKS.glob("*.md"):
        text = path.read_text()
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            strays += [f"{path.name} -> {link}"] * (not (path.parent / link).exists())
        if path.name == "README.md":
            continue
        headings = re.findall(r"^## (.*)", text, re.M)
        wanted = [h if h in headings else "Causes, and what to do" if h == "What to do" else h for h in SECTIONS]
        strays += [f"{path.name}: {headings}"] * (headings != wanted)
        strays += [f"{path.name} is not in the index"] * (f"]({path.name})" not in index)
    assert not strays


EXPRESSIONS = {"rules": m.rule_expressions, "dashboards": m.panel_expressions, "runbooks": m.runbook_expressions}


@pytest.mark.parametrize("kind", EXPRESSIONS)
def test_expressions_name_metrics_and_labels_that_there_are(kind):
    metrics, records = known(), m.recorded()
    strays = []
    for where, expression in EXPRESSIONS[kind]():
        found, grouped = m.selectors(expression)
        assert found or "vector" in expression, f"{where}: no metric found in {expression}"
        labels = set(m.EVERYWHERE)
        for name, selected in found:
            base = m.base_name(name, metrics)
            if ":" in name:
                strays += [f"{where}: {name} is recorded nowhere"] * (name not in records)
                labels |= {"provider"}
                continue
            strays += [f"{where}: there is no {name}"] * (base not in metrics)
            labels |= metrics.get(base, set())
            strays += [f"{where}: {name} has no label {label}" for label in selected - metrics.get(base, set()) - m.EVERYWHERE]
        strays += [f"{where}: nothing has the label {label}" for label in grouped - labels]
    assert not strays, "\n".join(strays)


@pytest.mark.parametrize("kind", ["dashboards", "runbooks"])
def test_expressions_parse(kind, tmp_path):
    expressions = EXPRESSIONS[kind]()
    group = {"groups": [{"name": kind, "rules": [{"record": f"n{i}", "expr": e} for i, (_, e) in enumerate(expressions)]}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(group))
    assert f"{len(expressions)} rules found" in passes("promtool", "check", "rules", tmp_path / "rules.yml")


def overlaps(one, other):
    return one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"] and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]


def panel_faults(panel, variables, uid):
    defaults, at = panel["fieldConfig"]["defaults"], panel["gridPos"]
    faults = ["datasource"] * any(source["uid"] != uid for source in [panel["datasource"], *(t["datasource"] for t in panel["targets"])])
    faults += ["unit"] * (defaults["unit"] not in UNITS)
    faults += ["place"] * (at["x"] + at["w"] > 24 or min(at["w"], at["h"]) < 3)
    steps = [step["value"] for step in defaults["thresholds"]["steps"]]
    faults += ["thresholds"] * (steps[0] is not None or steps[1:] != sorted(steps[1:]))
    faults += ["refId"] * (len({t["refId"] for t in panel["targets"]}) != len(panel["targets"]))
    for text in [*(t["expr"] for t in panel["targets"]), *(link["url"] for link in panel.get("links", []))]:
        faults += [f"variable {name}" for name in re.findall(r"\$\{?(\w+)", text) if name not in variables and f"${name}" not in m.FILLED]
    for link in panel.get("links", []):
        faults += [link["url"]] * (not (m.RUNBOOKS / link["url"].removeprefix("${runbooks}/")).exists())
    return faults


@pytest.mark.parametrize("name", [path.stem for path in m.DASHBOARDS])
def test_dashboards_can_be_shown(name):
    board = m.dashboards()[name]
    uid = yaml.safe_load((m.ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]["uid"]
    variables = {variable["name"] for variable in board["templating"]["list"]}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(titles)) == len(titles)
    assert not [f"{name}: {panel['title']}: {fault}" for panel in board["panels"] if panel["type"] != "row" for fault in panel_faults(panel, variables, uid)]
    places = [panel["gridPos"] for panel in board["panels"]]
    assert not [(one, other) for i, one in enumerate(places) for other in places[:i] if overlaps(one, other)]


def test_dashboards_are_told_apart():
    boards = m.dashboards().values()
    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == len(m.DASHBOARDS) == 4


def test_money_is_shown_by_the_exponents_of_the_code():
    code = (m.ROOT / "lib/base/currency.c").read_text()
    exponents = {}
    for currency, exponent in re.findall(r'\{"([A-Z]{3})", "\d+", (\d)\}', code):
        exponents.setdefault(int(exponent), set()).add(currency)
    assert set(exponents) == {0, 2, 3, 4}
    shown = [expression for _, expression in m.panel_expressions() if "obol_payment_amount_minor_units_total" in expression]
    assert shown
    for expression in shown:
        parts = re.split(r"\bor\b", expression)
        for exponent in (0, 3, 4):
            text = "|".join(sorted(exponents[exponent]))
            [part] = [part for part in parts if f'currency=~"{text}"' in part]
            assert (f"/ {10 ** exponent}" in part) == (exponent > 0)
        assert f'currency!~"{"|".join("|".join(sorted(exponents[e])) for e in (0, 3, 4))}"' in parts[-1] and "/ 100" in parts[-1]


def test_alertmanager_tells_whom_it_should(tmp_path):
    path = m.ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    passes("amtool", "check-config", path)
    config = yaml.safe_load(path.read_text())
    named = {name for rule in config["inhibit_rules"] for matcher in [*rule["source_matchers"], *rule["target_matchers"]]
             for name in re.findall(r"\w+", matcher.split("=", 1)[1])}
    assert not named - set(m.alerts())
    silenced = {name for rule in config["inhibit_rules"] for matcher in rule["target_matchers"] for name in re.findall(r"\w+", matcher.split("=", 1)[1])}
    assert not silenced & {"DeadMansSwitch", "PaymentSuccessRateRollback", "PaymentsUnknownMany", "PaymentsNeedReviewMany", "OperationsNotWorked", "CallerRefused"}
    for severity in SEVERITIES:
        assert route(path, f"severity={severity}", "alertname=Any") == severity
    assert route(path, "severity=info", "alertname=DeadMansSwitch") == "deadman"
    assert route(path, "alertname=WithoutSeverity") == "ticket"


def route(path, *labels):
    done = subprocess.run(["amtool", "config", "routes", "test", "--config.file", str(path), *labels], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, timeout=30, env={**os.environ, "HOME": "/nonexistent"})
    assert done.returncode == 0
    return done.stdout.strip()
