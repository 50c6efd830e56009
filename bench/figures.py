"""What is measured: figures over alternating rounds, ratios within a round, lines of a result."""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Figure:
    """One quantity, a value for each round."""
    name: str
    unit: str
    values: list

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def low(self):
        return min(self.values)

    @property
    def high(self):
        return max(self.values)

    def over(self, yardstick, name="ratio"):
        """The ratio of each round; both were measured in the same ones."""
        pairs = zip(self.values, yardstick.values, strict=True)
        return Figure(name, "", [value / other if other else float("inf") for value, other in pairs])


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of the table. What has a bound is judged by its ratio, or by the figure itself when there is none."""
    label: str
    value: Figure
    unit: str
    yardstick: str | None = None
    ratio: Figure | None = None
    target: str | None = None
    met: bool | None = None
    bound: float | None = None
    more_is_better: bool = True

    @property
    def judged(self):
        return self.ratio or self.value


@dataclasses.dataclass
class Result:
    name: str
    lines: list = dataclasses.field(default_factory=list)
    notes: list = dataclasses.field(default_factory=list)


def at_least(figure, bound, ambition=None):
    """The last fields of a Line whose median should reach the bound."""
    more = f" (ambition {ambition:g})" if ambition else ""
    return {"target": f">= {bound:g}{more}", "met": figure.median >= bound, "bound": bound, "more_is_better": True}


def at_most(figure, bound):
    return {"target": f"<= {bound:g}", "met": figure.median <= bound, "bound": bound, "more_is_better": False}


def figure(name, unit, measured, key):
    """The values of one key out of what rounds() gave."""
    return Figure(name, unit, [one[key] for one in measured])


def warm(context, works):
    """Each work once, uncounted: what is measured is a system in use."""
    for work in works.values() if not context.quick else ():
        work()


def rounds(context, works):
    """Each work's figures, a dict a round. Every second round goes backwards, so that none always comes first."""
    measured = {name: [] for name in works}
    for number in range(context.rounds):
        names = list(works)
        for name in reversed(names) if number % 2 else names:
            figures = works[name]()
            measured[name].append(figures)
            context.say(f"round {number + 1}: {name}: {brief(figures)}")
            if figures.get("errors"):
                told = f"{figures['errors']} errors {figures.get('told', '')}"
                context.failures.append(f"{name}, round {number + 1}: {told}")
    return measured


def brief(figures):
    numbers = {key: value for key, value in figures.items() if isinstance(value, (int, float))}
    return " ".join(f"{key}={value:{',.4g' if abs(value) < 1000 else ',.0f'}}" for key, value in numbers.items())
