"""What a program's /metrics says, read as Prometheus reads it."""
import collections
import re

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)')


class Page:
    def __init__(self, text):
        self.text = text
        self.types, self.samples = {}, collections.defaultdict(dict)
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.types[name] = kind
            elif not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.samples[name][frozenset(LABEL.findall(labels or ""))] = float(value)

    def series(self, name, **labels):
        """[(labels, value)] of those that have these labels."""
        return [(dict(key), value) for key, value in self.samples[name].items() if labels.items() <= dict(key).items()]

    def sum(self, name, **labels):
        return sum(value for _, value in self.series(name, **labels))

    def value(self, name, **labels):
        """Of the one series that has these labels; None: there is none."""
        found = self.series(name, **labels)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def histograms(self):
        """(name, labels, buckets by bound, sum, count) of each."""
        for name in (name for name, kind in self.types.items() if kind == "histogram"):
            for key, count in self.samples[f"{name}_count"].items():
                buckets = {dict(k)["le"]: v for k, v in self.samples[f"{name}_bucket"].items()
                           if {(a, b) for a, b in k if a != "le"} == set(key)}
                yield name, dict(key), buckets, self.samples[f"{name}_sum"][key], count


def page(stack, program):
    return Page(stack.open("GET", "/metrics", port=f"{program}_ops").raw.decode())
