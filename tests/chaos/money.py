"""Our books against the providers', to the unit."""
import collections

from providers import House, moves

TAKEN = {"succeeded", "authorized", "canceled"}


def by(rows, name):
    found = collections.defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


# --- The simulator

def at_the_simulator(books):
    ours = {o["id"]: o for o in books.operations if o["provider"] == "simulator"}
    payments = {p["id"]: p for p in books.payments}
    charges, refunds = by(books.ledger["charges"], "reference"), by(books.ledger["refunds"], "reference")
    wrong = [f"the simulator has {row}, nobody asked for it" for row in books.ledger["charges"] + books.ledger["refunds"]
             if row["reference"] not in ours]
    for name, operation in ours.items():
        if operation["kind"] == "charge":
            wrong += charge_differs(operation, payments[operation["payment_id"]], charges[name])
        elif operation["kind"] == "refund":
            wrong += refund_differs(operation, refunds[name])
    return wrong


def charge_differs(operation, payment, there):
    current = operation["id"] == operation["charge"]
    expected = payment["amount_captured"] if current and operation["status"] == "succeeded" else 0
    back = payment["amount_refunded"] if current and operation["status"] == "succeeded" else 0
    captured, refunded = sum(row["captured"] for row in there), sum(row["refunded"] for row in there)
    wrong = []
    if (captured, refunded) != (expected, back):
        wrong.append(f"{payment['id']} is {payment['status']} with {expected} captured and {back} refunded, the simulator has "
                     f"{captured} and {refunded}: {there}")
    if any((row["amount"], row["currency"]) != (operation["amount"], operation["currency"]) for row in there):
        wrong.append(f"{operation['id']} is about {operation['amount']} {operation['currency']}, the simulator has {there}")
    taken = sum(row["times_charged"] for row in there)
    if taken != (1 if operation["status"] == "succeeded" else 0):
        wrong.append(f"{operation['id']} is {operation['status']}, the simulator has charged {taken} times: {there}")
    if current and payment["status"] == "authorized" and [row["status"] for row in there] != ["authorized"]:
        wrong.append(f"{payment['id']} is authorized, the simulator has {there}")
    return wrong


def refund_differs(operation, there):
    paid = [row["amount"] for row in there if row["status"] == "succeeded"]
    if paid != ([operation["amount"]] if operation["status"] == "succeeded" else []):
        return [f"the refund operation {operation['id']} of {operation['amount']} is {operation['status']}, "
                f"the simulator has {there}"]
    return []


# --- The others: the same reckoning as the tests of providers, over the books

class Written(House):
    def __init__(self, books, provider):
        self.provider = provider
        self.books = books

    by_hand = frozenset()

    def operations(self):
        return [{**o, "amount": str(o["amount"])} for o in self.books.operations
                if o["provider"] == self.provider and o["kind"] != "capture"]

    def entries(self, kind=None, **fields):
        return [e for e in self.books.entries[self.provider] if kind is None or e["kind"] == kind]


def at_real_providers(books, provider):
    wrong = [f"{provider}: {line}" for line in Written(books, provider).differences()]
    paid = sum(p["amount_captured"] - p["amount_refunded"] for p in books.payments if p["provider"] == provider)
    kept = sum(e["amount"] * moves(e) * (1 if e["kind"] == "charge" else -1) for e in books.entries[provider])
    return wrong + ([f"{provider} has {kept} of ours, we say {paid}"] if kept != paid else [])


# --- Payments against their refunds

def sums(books):
    wrong = []
    processed, operations = collections.Counter(), collections.Counter()
    for refund in books.refunds:
        processed[refund["payment_id"]] += refund["amount"] if refund["status"] == "processed" else 0
    for operation in books.operations:
        moved = operation["kind"] == "refund" and operation["status"] == "succeeded"
        operations[operation["payment_id"]] += operation["amount"] if moved else 0
    for payment in books.payments:
        name, back = payment["id"], payment["amount_refunded"]
        if not 0 <= back <= payment["amount_captured"] <= payment["amount"]:
            wrong.append(f"{name} of {payment['amount']} has {payment['amount_captured']} captured and {back} refunded")
        if back != processed[name] or back != operations[name]:
            wrong.append(f"{name} says {back} refunded, its refunds say {processed[name]}, their operations {operations[name]}")
        if (payment["amount_captured"] > 0) != (payment["status"] == "succeeded"):
            wrong.append(f"{name} is {payment['status']} with {payment['amount_captured']} captured")
    wrong += [f"the simulator has given back {row['refunded']} of {row['captured']} for {row['reference']}"
              for row in books.ledger["charges"] if row["refunded"] > row["captured"]]
    return wrong
