"""Dashboards and rules on a real Prometheus that scrapes a real installation; runbooks against the programs' own help."""
import json
import math
import pathlib
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest
import yaml

from client import payment
from processes import PORTS, Process
from receiver import Receiver
from stack import BIN, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import monitoring as m  # noqa: E402

# What has no series, or nothing to divide, in an installation that is well, has no TLS, no collector and only the simulator as a provider.
QUIET = re.compile(r"obol_rpc_tls_expires_seconds|obol_rpc_callers_total|obol_provider_sessions_total|obol_provider_circuits|ALERTS"
                   r"|obol_provider_callbacks_total\{provider|obol_db_errors_total|obol_reconciliation_differences"
                   r"|process_start_time_seconds\{[^}]*\}\[1m\]|status=~\"5|code=~\"|code!=\"OK\"|obol_gateway_limited_total"
                   r"|state!=\"closed\"|increase6h|level=~|predict_linear|obol_spans_|obol_errors_reported_|\{provider=\"mtn\"")


class Prometheus:
    """The rules of the tree, every second, over the programs of a stack."""

    def __init__(self, stack, directory):
        self.port = PORTS.take()
        config = yaml.safe_load((m.PROMETHEUS / "prometheus.yml").read_text())
        config["global"].update(scrape_interval="1s", scrape_timeout="1s", evaluation_interval="1s")
        config["rule_files"] = [str(m.PROMETHEUS / "rules" / "*.yml")]
        del config["alerting"]
        config["scrape_configs"] = [{"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{stack.ports[f'{job}_ops']}"]}]} for job in m.JOBS]
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.process = Process("prometheus", ["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data",
                                              f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"], stack.environment, directory / "prometheus.log")

    def start(self):
        self.process.start()
        wait_until(lambda: self.value("sum(up)") == len(m.JOBS), 30, lambda: f"Prometheus scrapes all five; {self.process.tail()}")
        return self

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, expression):
        """(labels, value) of each series; an expression that can't be evaluated raises."""
        result = self.get("query", query=expression)
        series = [({}, result["result"][1])] if result["resultType"] == "scalar" else [(s["metric"], s["value"][1]) for s in result["result"]]
        return [(labels, float(value)) for labels, value in series]

    def value(self, expression):
        found = self.query(expression)
        return found[0][1] if found else None


@pytest.fixture(scope="module")
def prometheus(stack, tmp_path_factory):
    directory = tmp_path_factory.mktemp("prometheus")
    running = Prometheus(stack, directory).start()
    yield running
    running.process.signal_and_wait()


def something_of_each(stack, api, name):
    """Two payments that succeed, one of them asked for twice, one that is declined, a refund."""
    body = payment()
    paid = [api.post("/payments", body, key=name).ok(201)["id"], api.pay()["id"]]
    assert api.post("/payments", body, key=name).ok(201)["id"] == paid[0]
    declined = api.pay(vpa="fail@upi")["id"]
    for made in paid:
        stack.settle(api, made, "succeeded")
    stack.settle(api, declined, "failed")
    stack.settle_refund(api, api.post(f"/payments/{paid[0]}/refunds", {"amount": 20000}).ok(201)["id"])


@pytest.fixture(scope="module")
def used(stack, prometheus):
    """An installation in which a little has happened: paid, declined, refunded, told."""
    api = stack.tenant("Watched")
    receiver = Receiver()
    api.post("/webhook_endpoints", {"url": receiver.url}).ok(201)
    # A series that is new counts from its second sample on: first something of each kind, then what is measured.
    something_of_each(stack, api, "first")
    wait_until(lambda: prometheus.value('sum(obol_payment_amount_minor_units_total{outcome="refunded"}) and sum(obol_http_requests_total)'), 20,
               "Prometheus knows the series")
    something_of_each(stack, api, "second")
    stack.quiet()
    wait_until(lambda: prometheus.value('sum(increase(obol_payments_total{outcome="succeeded"}[1m]))'), 20, "Prometheus has seen it")
    wait_until(lambda: prometheus.value("obol:api_errors:ratio_rate5m") == 0, 20, "and the requests")
    wait_until(lambda: prometheus.value('sum(increase(obol_webhook_deliveries_total{outcome="delivered"}[1m]))'), 20, "and the webhooks")
    wait_until(lambda: prometheus.value("obol:webhook_delivered:ratio_increase6h"), 20, "and the rules have run since")
    yield prometheus
    receiver.close()


def lacks(answer):
    return all(math.isnan(value) for _, value in answer)  # NaN: what is idle has nothing to divide


def test_every_panel_is_answered(used):
    """Without an error, all of them; with data, those that ought to have some by now."""
    expressions = m.panel_expressions()
    for _, expression in expressions:
        used.query(expression)  # raises, where the server refuses
    wanted = [(where, e) for where, e in expressions if not QUIET.search(e)]
    assert len(wanted) > 70

    def empty():
        return [f"{where}: {e}" for where, e in wanted if lacks(used.query(e))]
    wait_until(lambda: not empty(), 10, lambda: "\n".join(["all have data", *empty()]))


def test_every_query_of_a_runbook_is_answered(used):
    for where, expression in m.runbook_expressions():
        used.query(expression)  # raises, where the server refuses


def test_every_rule_is_evaluated(used):
    rules = [rule for group in used.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(m.rules())
    wait_until(lambda: not [r["name"] for group in used.get("rules")["groups"] for r in group["rules"] if r["health"] != "ok"], 10, "each rule was evaluated")
    wait_until(lambda: not [name for name in m.recorded() if lacks(used.query(name)) and ":api_errors:increase" not in name], 10, "and tells something")


def test_what_is_recorded_is_what_happened(used):
    for name in ["obol:payments_success:ratio_increase30m", 'provider:obol_payments_success:ratio_increase30m{provider="simulator"}']:
        assert used.value(name) == pytest.approx(2 / 3, abs=0.05)  # of three payments one was declined
    assert used.value("obol:api_errors:ratio_rate5m") == 0
    assert used.value("obol:webhook_delivered:ratio_increase6h") == 1


def test_nothing_pages_where_nothing_is_wrong(used):
    alerts = {a["labels"]["alertname"] for a in used.get("alerts")["alerts"] if a["labels"]["severity"] == "page"}
    assert not alerts - {"DiskFillingUp"}  # the machine's own disk may really be filling up
    assert {a["labels"]["alertname"] for a in used.get("alerts")["alerts"] if a["state"] == "firing"} - {"DiskFillingUp"} == {"DeadMansSwitch"}


def test_a_program_that_is_gone_is_noticed(stack, used):
    stack.processes["refunds"].stop()
    try:
        wait_until(lambda: [a for a in used.get("alerts")["alerts"] if a["labels"]["alertname"] == "ServiceDown" and a["labels"].get("job") == "refunds"], 15,
                   "ServiceDown is pending")
    finally:
        stack.restart("refunds")
        stack.wait_ready()


def help_of(*words):
    return subprocess.run([BIN / "obol", *words, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20).stdout


def test_runbooks_name_commands_and_options_that_there_are():
    commands = set(re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", help_of(), re.M))
    assert "payment resolve" in commands and "reconcile" in commands
    helps, strays = {}, []
    for path in m.RUNBOOKS.glob("*.md"):
        text = path.read_text()
        blocks = [line for block in re.findall(r"```\n(.*?)```", text, re.S) for line in block.splitlines()]
        for line in [*re.findall(r"`(obol [^`]+)`", text), *(line for line in blocks if line.startswith("obol "))]:
            words = line.split()[1:]
            command = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
            strays += [f"{path.name}: {line}"] * (command not in commands)
            if command in commands:
                told = helps.setdefault(command, help_of(*command.split()))
                strays += [f"{path.name}: {line}: {option}" for option in re.findall(r"--[a-z-]+", line) if f"  {option} " not in told]
    assert not strays
