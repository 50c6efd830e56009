"""What several benchmarks send: payments to create, to read, to list; and the same rows written by PostgreSQL alone."""
import itertools
import secrets
import time

import load

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
# Nothing is processed: what is accepted by one measurement does not work beside the next one.
ACCEPT_ONLY = {"PROCESSOR_SLOTS": "0"}
RUNS = itertools.count(1)
RUN_STEP = 10 ** 16  # ids of one run of pgbench; it has nineteen digits for all of them
STAMP_CHARS = 7
TRACEPARENT = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def stamp(unix_s=None, characters=STAMP_CHARS):
    """How an id of that time begins, after its prefix: Obol's ids are ULIDs of 26 characters, ten of them the time."""
    number = int((time.time() if unix_s is None else unix_s) * 1000)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(45, -1, -5))[:characters]


def create(obol, api, connections, seconds):
    """POST /api/v1/payments from that many connections."""
    return load.wrk(f"{obol.url}/api/v1/payments", "create", connections, seconds, next(RUNS), headers=api.headers())


def get(obol, api, ids_file, connections, seconds):
    """GET /api/v1/payments/{id} of random ids out of a file."""
    return load.wrk(obol.url, "read", connections, seconds, ids_file, headers=api.headers())


def lists(obol, api, seconds):
    """GET /api/v1/payments from one connection: its time is the request's, not the queue's."""
    return load.wrk(f"{obol.url}/api/v1/payments?limit=20", "get", 1, seconds, headers=api.headers())


def write_ids(obol, path, tenant_id, limit):
    """Ids of the tenant's payments from all over the table, one a line, in no order."""
    rows = obol.sql(f"SELECT id FROM payments.payments WHERE tenant_id = '{tenant_id}' ORDER BY random() LIMIT {limit}")
    path.write_text("".join(f"{row[0]}\n" for row in rows))
    path.chmod(0o644)


def row_widths(obol):
    """Variables for the yardstick as wide as what Obol itself wrote for its latest payments."""
    [[body, payload, after, answer]] = obol.sql("""
        SELECT (SELECT max(length(body)) FROM payments.events WHERE type = 'payment.created'),
               (SELECT max(length(payload)) FROM payments.events WHERE type = 'payment.created'),
               (SELECT max(after::text) FROM payments.audit_log WHERE action = 'payment.create'),
               (SELECT max(length(answer)) FROM payments.idempotency_keys)""")
    return {"body": "x" * int(body), "payload": "\\x" + "78" * int(payload), "after": after,
            "answer": "x" * int(answer), "hash": "x" * 32, "traceparent": TRACEPARENT}


def write_rows(obol, widths, script, clients, seconds):
    """pgbench writing the rows of a payment in the yardstick database."""
    variables = {**widths, "tenant": obol.yardstick_tenant, "stamp": stamp(), "n": 0,
                 "base": 10 ** 18 + next(RUNS) * RUN_STEP}
    return load.pgbench(obol.yardstick_url, script, clients, seconds, **variables)
