"""One run from its seed: the installation, the load, the faults, the quiet after them, the auditor, the verdict."""
import collections
import dataclasses
import json
import pathlib
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

from . import auditor, books, plan
from .customers import Answer, Customers, Tally
from .faults import Driver, Faults
from .installation import TENANTS, Installation, can_mount
from .load import Load
from .market import Market
from .receivers import Receivers
from .recovery import Recovery
from .settling import SECONDS_MAX, Settling

PATIENCE_S = 60  # merchants' after the last fault
REPEATERS = 12
ENDPOINTS = [["steady", "fragile", *more] for more in [["gone"], ["weary"], [], [], []]]  # by tenant
PROVIDERS = sorted({provider for own in TENANTS for provider in own})


@dataclasses.dataclass
class Result:
    seed: int
    seconds: float
    rate: float
    strikes: list
    books: books.Books
    wrong: dict
    counts: dict
    recovery: list
    settled_s: float
    directory: pathlib.Path
    installation: Installation

    @property
    def clean(self):
        return not any(self.wrong.values())


class Run:
    def __init__(self, seed, seconds, rate, programs=None, say=print):
        self.seed, self.seconds, self.say = seed, seconds, say
        self.tally = Tally()
        disk = can_mount()
        if not disk:
            say("no file system can be mounted here: the disk is not filled")
        self.strikes = plan.make(seed, seconds, disk)
        self.market = Market(len(TENANTS) + 1)
        self.receivers = Receivers(self.market.heard)
        # Longer than all faults that may come together; what nobody can be asked about waits as long for a person.
        deadline = {"UNKNOWN_DEADLINE_S": "45" if seconds > 120 else "25"}
        self.installation = Installation(disk, **deadline, **({"programs": programs} if programs else {}))
        self.rate = rate

    def start(self):
        self.installation.start()
        # The last one is for measuring how soon all is well again.
        self.tenants = [*self.installation.market(), self.installation.tenant("The measuring one")]
        for i, api in enumerate(self.tenants):
            for path in [f"/{kind}/{i}" for kind in ENDPOINTS[i]]:
                made = api.post("/webhook_endpoints", {"url": self.receivers.url(path)}).ok(201)
                self.receivers.secrets[path] = made["secret"]
        self.customers = Customers(self.tenants, self.tally)
        self.load = Load(self.seed, self.rate, self.customers, self.market, TENANTS, self.installation.ports["sandbox"])
        self.recovery = Recovery(self.tenants[-1], self.receivers, f"/steady/{len(TENANTS)}")
        self.faults = Faults(self.installation, self.receivers, self.tenants)
        return self

    def strike(self):
        self.load.start(self.seconds)
        driver = Driver(self.faults, self.recovery, self.say)
        driver.run(self.strikes, self.seconds)
        self.say(f"{self.seconds:6.1f} s  the faults are over; merchants finish what they have begun")
        self.load.finish(PATIENCE_S)
        measured = self.recovery.finish()
        self.faults.watch()
        return measured

    def repeat(self):
        """Every key that was accepted is asked again."""
        def again(request):
            reply = self.tenants[request.tenant].insist("POST", request.path, request.body, key=request.key, seconds=30)
            return request, Answer(reply.status, reply.raw, reply.headers.get("Idempotency-Replayed") == "true")
        with ThreadPoolExecutor(REPEATERS) as pool:
            return list(pool.map(again, [request for request, _ in auditor.accepted(self.customers)]))

    def go(self):
        self.start()
        measured = self.strike()
        settling = Settling(self.installation, self.tenants)
        settled = settling.settle()
        self.say(f"settled after {settled} s" if settled is not None else f"not settled within {SECONDS_MAX} s")
        found = books.read(self.installation, self.tenants, PROVIDERS, self.receivers, self.customers, self.repeat(),
                           settling.reviewed)
        found.ended = self.faults.died + self.load.crashed
        counts = self.counts(found, settling)
        return Result(self.seed, self.seconds, self.rate, self.strikes, found, auditor.audit(found), counts, measured, settled,
                      self.installation.directory, self.installation)

    def leave(self, result):
        """The programs leave; the directory stays where something was wrong."""
        result.books.ended += self.installation.leave()
        result.wrong["programs_whole"] = auditor.programs_whole(result.books)
        self.end()
        if result.clean:
            shutil.rmtree(self.installation.directory, ignore_errors=True)

    def end(self):
        self.receivers.close()
        self.installation.end()

    def counts(self, found, settling):
        letters = sum(len(own) for events in found.letters.values() for own in events.values())
        return {
            "arrivals": self.load.arrived, "requests": len(found.requests), "tries": sum(len(r.tries) for r in found.requests),
            "braked": self.load.braked, "answers": self.tally.of("answers"), "retries": self.tally.of("retries"),
            "given up": self.tally.of("given up"), "payments": dict(collections.Counter(p["status"] for p in found.payments)),
            "by provider": dict(collections.Counter(p["provider"] for p in found.payments)),
            "refunds": dict(collections.Counter(r["status"] for r in found.refunds)), "orders": len(found.orders),
            "unknown seen": len({e["object_id"] for e in found.events if e["type"].endswith(".unknown")}),
            "events": len(found.events), "deliveries": len(found.deliveries), "received": letters,
            "repeated at the end": len(found.repeats), "decided by persons": len(settling.reviewed),
            "deliveries retried by merchants": len(settling.retried), "forged callbacks": self.faults.forged,
        }


def report(result, say=print):
    for name, counted in result.counts.items():
        say(f"{name:32} {', '.join(f'{k} {v}' for k, v in counted.items()) if isinstance(counted, dict) else counted}")
    for fault, target, took in result.recovery:
        say(f"recovery after {fault + ' ' + target:24} {f'{took:.2f} s' if took is not None else 'not within a minute'}")
    for promise, wrong in result.wrong.items():
        for line in wrong[:20]:
            say(f"WRONG {promise}: {line[:1500]}")
        if len(wrong) > 20:
            say(f"WRONG {promise}: and {len(wrong) - 20} more")
    broken = sum(map(len, result.wrong.values()))
    verdict = "clean" if result.clean else f"{broken} things are wrong; logs are kept in {result.directory}"
    say(f"seed {result.seed}: {verdict}")


def record(result, path):
    """For tables: docs/reliability.md."""
    slowest = max((took for _, _, took in result.recovery if took is not None), default=None)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "seed": result.seed, "seconds": result.seconds, "rate": result.rate,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "faults": len(result.strikes), "strikes": [dataclasses.asdict(strike) for strike in result.strikes],
        "counts": result.counts, "settled_s": result.settled_s, "slowest_recovery_s": slowest,
        "recovery": [{"fault": f, "target": t, "seconds": s} for f, t, s in result.recovery],
        "verdict": "clean" if result.clean else result.wrong}, indent=1) + "\n")
