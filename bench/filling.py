"""Tables full of payments, made by SQL in pieces."""
import concurrent.futures
import datetime
import time

from load import HERE
from postgres import psql
from traffic import stamp

BASE = 10 ** 18  # numbers of nineteen digits, so that ids ascend
PIECE_ROWS = 50_000
PIECE_SECONDS = 300
PAYMENTS, EVERYTHING = ("fill_payments",), ("fill_payments", "fill_operations", "fill_journal")
PARTITIONED = {"payments": "pay", "events": "evt", "audit_log": "audit"}


def pieces(first, last, begin_s, end_s):
    """(first, last, time) of each piece; their times run from begin to end."""
    starts = list(range(first, last + 1, PIECE_ROWS))
    for i, start in enumerate(starts):
        at_s = end_s - (end_s - begin_s) * (len(starts) - 1 - i) / len(starts)
        yield start, min(start + PIECE_ROWS - 1, last), at_s


def months(obol, begin_s):
    """Partitions of the months that have passed since begin."""
    begin = datetime.datetime.fromtimestamp(begin_s, datetime.timezone.utc)
    day = datetime.datetime(begin.year, begin.month, 1, tzinfo=datetime.timezone.utc)
    while day.timestamp() < time.time():
        after = (day + datetime.timedelta(days=32)).replace(day=1)
        low, high = (stamp(edge.timestamp(), 10) + "0" * 16 for edge in (day, after))
        for table, prefix in PARTITIONED.items():
            obol.sql(f"SET search_path = payments; SELECT journal_partition_make('{table}', '{table}_{day:%Y%m}', "
                     f"'{prefix}_{low}', '{prefix}_{high}')")
        day = after


def fill(obol, tenant_id, widths, first, last, scripts=EVERYTHING, begin_s=None, end_s=None):
    """Payments first to last of the tenant, all of one moment unless they begin earlier. Two sessions work at it."""
    end_s = end_s or time.time()
    begin_s = begin_s or end_s
    months(obol, begin_s)

    def one(work):
        script, (start, end, at_s) = work
        at = datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc).isoformat()
        variables = {**widths, "tenant": tenant_id, "first": start, "last": end, "base": BASE, "at": at,
                     "stamp": stamp(at_s)}
        settings = "".join(f"\\set {name} '{str(value)}'\n" for name, value in variables.items())
        psql(obol.database_url, settings + (HERE / "sql" / f"{script}.sql").read_text(), PIECE_SECONDS)
    works = [(script, piece) for piece in pieces(first, last, begin_s, end_s) for script in scripts]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(one, works))
