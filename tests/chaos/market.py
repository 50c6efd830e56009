"""What merchants know by their webhooks, and so can act on: payments to capture, to give back, payers who have to act."""
import collections
import threading

OPEN = {"payment.authorized": "authorized", "payment.requires_action": "waiting", "payment.succeeded": "paid"}
KEPT = 400


class Shelf:
    """One tenant's payments, by what can be done with them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.payments = {name: collections.OrderedDict() for name in ["made", *OPEN.values()]}
        self.refunds = collections.OrderedDict()

    def put(self, name, payment):
        with self.lock:
            shelf = self.refunds if name == "refunds" else self.payments[name]
            shelf[payment["id"]] = payment
            while len(shelf) > KEPT:
                shelf.popitem(last=False)

    def draw(self, name, chance, away=True):
        """One of them, or None. away: nobody else gets it."""
        with self.lock:
            shelf = self.refunds if name == "refunds" else self.payments[name]
            if not shelf:
                return None
            drawn = shelf[chance.choice(list(shelf))]
            if away:
                del shelf[drawn["id"]]
            return drawn


class Market:
    def __init__(self, n):
        self.shelves = [Shelf() for _ in range(n)]

    def heard(self, path, told):
        """A webhook came; the path ends with the tenant's number."""
        shelf = self.shelves[int(path.rsplit("/", 1)[1])]
        name = OPEN.get(told["event"])
        if name:
            shelf.put(name, told["data"]["payment"])
