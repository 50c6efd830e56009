#!/usr/bin/env python3
"""Makes prometheus-rules.yaml of deploy/prometheus/rules: a PrometheusRule a file. Run it when they have changed; a test does
not let the two differ."""
import pathlib

import yaml

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE.parents[1] / "deploy" / "prometheus" / "rules"


def prometheus_rules():
    return [{
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"obol-{path.stem}",
                     "labels": {"app.kubernetes.io/part-of": "obol", "app.kubernetes.io/component": "monitoring"}},
        "spec": yaml.safe_load(path.read_text()),
    } for path in sorted(RULES.glob("*.yml"))]


if __name__ == "__main__":
    made = yaml.safe_dump_all(prometheus_rules(), sort_keys=False, allow_unicode=True, width=120)
    (HERE / "prometheus-rules.yaml").write_text("# Made by rules.py of deploy/prometheus/rules: change it there.\n" + made)
