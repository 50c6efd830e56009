"""What deploy/ and docs/runbooks ask of Prometheus: every expression with where it stands, and the names in it."""
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
JOBS = ["gateway", "auth", "payments", "refunds", "webhooks"]
# Grafana's own, as it would fill them in.
FILLED = {"$__rate_interval": "1m", "$__range": "5m"}
# What Prometheus knows by itself.
FOREIGN = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity"}}
EVERYWHERE = {"job", "instance", "le"}
KEYWORDS = {"and", "or", "unless", "on", "ignoring", "group_left", "group_right", "by", "without", "offset", "bool", "inf", "nan"}


def rule_files():
    return sorted((PROMETHEUS / "rules").glob("*.yml"))


def rules():
    return [rule for path in rule_files() for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def alerts():
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded():
    return {rule["record"] for rule in rules() if "record" in rule}


def dashboards():
    return {path.stem: json.loads(path.read_text()) for path in DASHBOARDS}


def filled(expression):
    """As Grafana sends it: everything chosen."""
    for name, value in FILLED.items():
        expression = expression.replace(name, value)
    return re.sub(r"\$\w+", ".*", expression)


def panel_expressions():
    """(where, expression) of every panel and annotation."""
    found = []
    for name, board in dashboards().items():
        found += [(f"{name}: {panel['title']}", filled(target["expr"])) for panel in board["panels"] for target in panel.get("targets", [])]
        found += [(f"{name}: {note['name']}", filled(note["expr"])) for note in board["annotations"]["list"]]
    return found


def runbook_expressions():
    """(where, expression): a line each in the runbooks' blocks of promql."""
    return [(path.name, line) for path in sorted(RUNBOOKS.glob("*.md")) for block in re.findall(r"```promql\n(.*?)```", path.read_text(), re.S)
            for line in block.splitlines()]


def rule_expressions():
    return [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]


def documented(page=None):
    """The metrics that docs/metrics.md names, each with its labels."""
    path = page or ROOT / "docs" / "metrics.md"
    rows = re.findall(r"^\| `(\w+)`[ *]*\| \w+ \| ([^|]*)\|", path.read_text(), re.M) if path.exists() else []
    return {name: set(re.findall(r"\w+", labels)) for name, labels in rows}


def selectors(expression):
    """(metric, labels that it is selected by) of each selector, and the labels that are grouped or matched by anywhere."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    grouped = set()
    for words in re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", bare):
        grouped |= set(re.findall(r"\w+", words))
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", " ", bare)
    found = []
    for name, after in re.findall(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?", bare):
        if after.startswith("(") or name.lower() in KEYWORDS:
            continue
        found.append((name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", after))))
    return found, grouped


def base_name(name, known):
    """A histogram's series go by the histogram's name."""
    for suffix in ("_bucket", "_sum", "_count"):
        if name not in known and name.endswith(suffix):
            return name.removesuffix(suffix)
    return name
