"""What befalls the installation, and when: made from the seed and the length alone, so that a seed replays."""
import dataclasses
import random

CALM_S = 4  # before the first fault and after the last
SLOT_MIN_S = 5
SERVICES = ["auth", "payments", "refunds", "webhooks"]


@dataclasses.dataclass(frozen=True)
class Strike:
    second: float
    fault: str
    target: str
    lasts: float

    def __str__(self):
        return f"{self.second:6.1f} s  {self.fault:16} {self.target:12} {self.lasts:4.1f} s"


# Two lanes: within one a fault ends before the next begins, so at most two befall at once: one of ours, one outside.
# (fault, targets of which one is drawn, shortest, longest), by families: a short plan has something of each.
INSIDE = [
    [("kill", [name], 0, 3) for name in ["gateway", *SERVICES]],
    [("kill", ["postgres"], 0, 3), ("stop at once", ["postgres"], 0, 3)],
    [("pause", [name], 1, 8) for name in ["gateway", *SERVICES, "payments_2", "nats", "postgres"]],
    [("restart", [name], 0, 1) for name in ["gateway", *SERVICES, "nats", "postgres"]],
    [("kill", ["nats"], 0, 5), ("wipe", ["nats"], 0, 4), ("wipe unread", ["nats"], 1, 4)],
    [("fill the disk", ["postgres"], 3, 6), ("fill the log", ["postgres"], 2, 5)],
    [("kill", ["payments_2"], 0, 4), ("kill both", ["payments"], 0, 3)],
]
REAL = ["mtn", "blumon", "airtel"]
OUTSIDE = [
    [("answers", [how], 3, 8) for how in ["late", "never", "500", "malformed", "500 after"]],
    [("callbacks", [how], 5, 10) for how in ["doubled", "reordered", "dropped", "forged"]],
    [("receivers", [how], 4, 10) for how in ["hang", "refuse", "redirect", "drip", "500", "gone"]],
    [("trouble at", REAL, 6, 12), ("outage of", REAL, 4, 10), ("silence of", REAL, 4, 10)],
    [("pause", ["sandbox"], 2, 6)],
]

# One receiver is away for longer than deliveries are tried: its merchant has to ask for them afterwards.
AWAY_S, AWAY_FROM_S = 65, 240


def in_turn(families, chance):
    """All kinds, families taking turns, each in an order of its own."""
    waiting = [chance.sample(family, len(family)) for family in families]
    chance.shuffle(waiting)
    order = []
    while any(waiting):
        order += [family.pop() for family in waiting if family]
    return order


def lane(families, chance, seconds):
    """One fault after another until the time is over; with room for it every kind comes at least once."""
    kinds = in_turn(families, chance)
    room = seconds - 2 * CALM_S
    slot = max(SLOT_MIN_S, min(room / len(kinds), 15))
    strikes = []
    for i in range(max(1, int(room / slot))):
        fault, targets, shortest, longest = kinds[i % len(kinds)]
        lasts = round(min(chance.uniform(shortest, max(shortest, min(longest, slot * 0.7))), slot * 0.7), 1)
        begins = CALM_S + i * slot + chance.uniform(0, slot * 0.9 - lasts)
        strikes.append(Strike(round(begins, 1), fault, chance.choice(targets), lasts))
    return strikes


def make(seed, seconds, disk=True):
    """disk: whether a file system can be filled here."""
    inside = [[kind for kind in family if disk or not kind[0].startswith("fill")] for family in INSIDE]
    chance = random.Random(f"faults {seed}")
    strikes = lane([family for family in inside if family], chance, seconds) + lane(OUTSIDE, chance, seconds)
    if seconds >= AWAY_FROM_S:
        second = chance.uniform(CALM_S, seconds - AWAY_S - 2 * CALM_S)
        strikes.append(Strike(round(second, 1), "receivers", "away", AWAY_S))
    return sorted(strikes, key=lambda strike: strike.second)
