"""docs/metrics.md and the code name the same metrics, with the same types and labels."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
STRING = r'"(?:[^"\\]|\\.)*"'
NAME = r'"((?:obol|process)_[a-z0-9_]+)"'
REGISTERED = re.compile(rf'metric_(counter|gauge|histogram)(?:_ns|_sizes)?\(\s*{NAME},\s*(?:{STRING}\s*)+,\s*(NULL|{STRING})\s*\)')
GAUGE = re.compile(rf'\{{{NAME},\s*(?:{STRING}\s*)+,\s*(?:true|false)\}}')  # of a struct service_gauge
ROW = re.compile(r"^\| `([a-z0-9_]+)`( \*)? \| (\w+) \| ([a-z_, ]*?) ?\| [a-z, ]+ \| \S.* \|$", re.M)


def sources():
    return [path.read_text() for room in ["lib", "services", "gateway"] for path in (ROOT / room).rglob("*.c")]


def registered():
    found = set()
    for text in sources():
        found |= {(name, kind, "" if labels == "NULL" else labels.strip('"').replace(",", ", "), False)
                  for kind, name, labels in REGISTERED.findall(text)}
        found |= {(name, "gauge", "", True) for name in GAUGE.findall(text)}
    return found


def written():
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = ROW.findall(page)
    assert len(rows) == page.count("\n| `"), "a row that can't be read"
    return [(name, kind, labels, bool(queried)) for name, queried, kind, labels in rows]


def test_page_and_code_name_the_same_metrics():
    rows = written()
    assert len(rows) > 50 and len({row[0] for row in rows}) == len(rows)
    assert not registered() ^ set(rows)


def test_no_metric_is_registered_in_another_way():
    names = {name for text in sources() for name in re.findall(NAME, text) if not name.startswith("obol_openapi")}
    assert names == {row[0] for row in registered()}
