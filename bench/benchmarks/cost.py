"""What it takes: processor time for each payment, and memory, by process."""
import concurrent.futures
import pathlib
import tempfile
import time

import load
import traffic
import webhooks
from benchmarks.lifecycle import AT_ONCE_S, CONNECTIONS, DRAIN_MAX_S
from figures import Figure, Line, Result, at_most, figure, rounds
from installation import memory
from processes import PORTS

OWN = ["gateway", "auth", "payments", "refunds", "webhooks"]
OTHERS = ["postgres", "nats", "sandbox"]
MIB = 1 << 20
PAYMENTS, PAYMENTS_QUICK = 10000, 50
IDLE_AFTER_S, IDLE_AFTER_QUICK_S = 5, 0.2
IDLE_MAX_MIB = 120
REQUESTS, REQUESTS_QUICK = (100_000, 1_000_000), (100, 1_000)
# What is done by the clock, every half minute, has had its turns before the first reading, too.
PERIODIC = {"CATCH_UP_S": "2"}
IDS = 1000
GROWTH_MAX = 1.1
CHUNK_MAX_S = 60


def run(context):
    with context.installation(**traffic.ACCEPT_ONLY) as accepting, context.installation() as obol:
        time.sleep(IDLE_AFTER_QUICK_S if context.quick else IDLE_AFTER_S)
        idle = resident(obol)
        proportional = sum(memory(pid, "smaps_rollup", "Pss:") for name in OWN for pid in obol.pids()[name]) / MIB
        measured = rounds(context, works(context, accepting, obol))
        loaded = {name: max(one["resident"][name] for ones in measured.values() for one in ones) for name in idle}
    with context.installation(**PERIODIC) as obol:
        few, many, counts, errors = grown(context, obol)
        if errors:
            context.failures.append(f"cost: {errors} errors among {counts[1]} requests")
    return Result("cost", [*cpu_lines(measured), *memory_lines(idle, loaded), *growth_lines(few, many, counts)], [
        f"Obol's five processes share pages: counted once each, they take {proportional:.0f} MiB idle",
        f"idle with PostgreSQL ({idle['postgres']:.0f} MiB) and NATS ({idle['nats']:.0f} MiB): "
        f"{sum(idle[name] for name in [*OWN, 'postgres', 'nats']):.0f} MiB",
        "processor time counts until nothing is left to do; PostgreSQL's memory is mostly its page cache"])


def resident(obol):
    """MiB by process."""
    return {name: size / MIB for name, size in obol.resident().items()}


# --- Processor time

def works(context, accepting, obol):
    accept_api, api, port = accepting.tenant(), obol.tenant(), PORTS.take()
    webhooks.endpoint(api, port)
    n = PAYMENTS_QUICK if context.quick else PAYMENTS

    def accept():
        figures = traffic.create(accepting, accept_api, CONNECTIONS, context.seconds)
        return {**figures, "payments": figures["requests"]}

    def lifecycle():
        figures = webhooks.arrive(context, obol, api, n / AT_ONCE_S, AT_ONCE_S, port, CONNECTIONS, DRAIN_MAX_S)
        return {**figures, "payments": n}
    return {"accept": lambda: costs(context, accepting, accept), "lifecycle": lambda: costs(context, obol, lifecycle)}


def costs(context, obol, work):
    """Processor seconds for 1,000 payments, and memory in the midst of it."""
    before = obol.cpu_seconds()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        time.sleep(0.8 * context.seconds)
        sizes = resident(obol)
        figures = future.result()
    webhooks.calm(obol)
    after = obol.cpu_seconds()
    used = {name: (after[name] - before[name]) / figures["payments"] * 1000 for name in after}
    return {"rate": figures["rate"], "errors": figures["errors"], "told": figures.get("told", ""), "cpu": used,
            "resident": {name: max(size, later) for (name, size), later in zip(sizes.items(), resident(obol).values())}}


def cpu_lines(measured):
    made = []
    for work, ones in measured.items():
        for name in [*OWN, *OTHERS]:
            if name != "sandbox" or work == "lifecycle":
                made.append(Line(f"{work}: processor time for 1,000 payments, {name}",
                                 Figure(name, "ms", [1000 * one["cpu"][name] for one in ones]), "ms"))
        together = [1000 * sum(one["cpu"][name] for name in OWN) for one in ones]
        made.append(Line(f"{work}: processor time for 1,000 payments, Obol's five together",
                         Figure("own", "ms", together), "ms"))
        made.append(Line(f"{work}: payments accepted meanwhile", figure("rate", "/s", ones, "rate"), "/s"))
    return made


# --- Memory

def memory_lines(idle, loaded):
    together, together_loaded = (Figure("own", "MiB", [sum(sizes[name] for name in OWN)]) for sizes in (idle, loaded))
    made = [Line("memory idle: Obol's five together", together, "MiB", **at_most(together, IDLE_MAX_MIB)),
            Line("memory under load: Obol's five together", together_loaded, "MiB")]
    for name in [*OWN, "postgres", "nats"]:
        made.append(Line(f"memory idle: {name}", Figure(name, "MiB", [idle[name]]), "MiB"))
        made.append(Line(f"memory under load: {name}", Figure(name, "MiB", [loaded[name]]), "MiB"))
    return made


def grown(context, obol):
    """Memory after the fewer and after the more requests, one in ten of them a payment that is processed."""
    few, many = REQUESTS_QUICK if context.quick else REQUESTS
    api = obol.tenant()
    with tempfile.TemporaryDirectory() as scratch:
        ids = pathlib.Path(scratch) / "ids"
        ids.write_text("".join(api.pay()["id"] + "\n" for _ in range(IDS if not context.quick else 10)))
        done = Requests(context, obol, api, ids)
        done.until(few)
        first, first_n = resident(obol), done.n
        done.until(many)
        return first, resident(obol), (first_n, done.n), done.errors


class Requests:
    def __init__(self, context, obol, api, ids):
        self.context, self.obol, self.api, self.ids = context, obol, api, ids
        self.n = self.errors = 0
        self.rate = None

    def until(self, n):
        """At least one run of wrk, and as many as it takes until n requests were made in all."""
        before = self.n
        while self.n < n or self.n == before:
            wanted = (n - self.n) / self.rate if self.rate else self.context.seconds
            figures = load.wrk(self.obol.url, "mix", CONNECTIONS, max(1, min(wanted, CHUNK_MAX_S)), self.ids,
                               next(traffic.RUNS), headers=self.api.headers())
            self.n += figures["requests"]
            self.errors += figures["errors"]
            self.rate = max(1, figures["rate"])
            sizes = resident(self.obol)
            self.context.say(f"cost: {self.n:,} requests; MiB: " + ", ".join(f"{name} {sizes[name]:.1f}" for name in OWN))


def growth_lines(few, many, counts):
    ratios = {name: Figure(name, "", [many[name] / few[name]]) for name in many}
    told = f"after {counts[1]:,} requests"
    made = []
    for name in [*OWN, "postgres", "nats"]:
        judged = at_most(ratios[name], GROWTH_MAX) if name in OWN else {}
        made.append(Line(f"memory {told}: {name}", Figure(name, "MiB", [many[name]]), "MiB", f"after {counts[0]:,}",
                         ratios[name], **judged))
    return made
