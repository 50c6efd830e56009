#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "journal/journal.h"
#include "journal_sql.h"
#include "support/measures.h"

static struct test_database database;
static struct db *db;
static struct arena *arena;

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "store", NULL);
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(housekeeping, .init = setup, .fini = teardown, .timeout = 60);

#define DAY_US (24 * 3600 * US_PER_S)

Test(housekeeping, prepares_every_statement)
{
    size_t n = 0;
    for (; journal_statements[n]; n++)
        (void)test_sql(db, arena,
                       arena_printf(arena, "PREPARE p%zu AS %s", n, journal_statements[n]->text));
    cr_assert_gt(n, 10);
}

Test(housekeeping, sweeps_what_is_past_its_time)
{
    test_sql(
        db, arena,
        "INSERT INTO idempotency_keys (tenant_id, key, hash, method, object_id, http_status,"
        " sealed, created_at, expires_at)"
        " SELECT 't', i::text, '', '', '', 200, false, now(), now() + (i - 3) * interval '1 h'"
        " FROM generate_series(1, 5) i;"
        "INSERT INTO consumed SELECT 'c', i::text, now() - i * interval '1 day' - interval '1 h'"
        " FROM generate_series(1, 5) i");
    size_t removed;
    int64_t now_us = clock_unix_us();
    cr_ok(journal_sweep(db, arena, now_us, 3 * DAY_US, 2, &removed));
    cr_assert_eq(removed, 4);
    cr_ok(journal_sweep(db, arena, now_us, 3 * DAY_US, 2, &removed));
    cr_assert_eq(removed, 2);
    cr_ok(journal_sweep(db, arena, now_us, 3 * DAY_US, 2, &removed));
    cr_assert_eq(removed, 0);
    cr_assert_str_eq(test_sql(db, arena, "SELECT string_agg(key, ',') FROM idempotency_keys"),
                     "4,5");
    cr_assert_str_eq(test_sql(db, arena, "SELECT string_agg(event_id, ',') FROM consumed"), "1,2");
}

static const char *partitions(void)
{
    return test_sql(db, arena,
                    "SELECT string_agg(c.relname, ',' ORDER BY c.relname)"
                    " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                    " WHERE i.inhparent = 'events'::regclass");
}

static int64_t at(const char *time)
{
    int64_t unix_us;
    cr_assert(clock_parse_rfc3339(time, &unix_us));
    return unix_us;
}

Test(housekeeping, makes_the_months_to_come_and_drops_the_old)
{
    int64_t now_us = at("2026-11-30T23:59:59.999Z");
    cr_ok(journal_partitions(db, arena, "events", "evt", now_us, 0));
    cr_assert_str_eq(partitions(), "events_202611,events_202612,events_202701,events_default");
    cr_ok(journal_partitions(db, arena, "events", "evt", now_us, 0));
    cr_ok(journal_partitions(db, arena, "events", "evt", at("2027-02-15T00:00:00Z"), 60 * DAY_US));
    cr_assert_str_eq(partitions(),
                     "events_202612,events_202701,events_202702,events_202703,events_202704,"
                     "events_default");
}

Test(housekeeping, puts_a_row_into_its_month)
{
    int64_t now_us = at("2026-11-21T10:00:00Z");
    cr_ok(journal_partitions(db, arena, "events", "evt", now_us, 0));
    struct id id = id_floor("evt", at("2026-12-01T00:00:00Z") / 1000);
    struct event event = {.id = id.text, .tenant_id = "t", .type = "x"};
    cr_ok(journal_append(db, arena, &event, 1));
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*) FROM events_202612"), "1");
}

Test(housekeeping, carries_on_when_a_month_lies_in_the_default)
{
    int64_t now_us = at("2026-11-21T10:00:00Z");
    struct id id = id_floor("evt", now_us / 1000);
    struct event event = {.id = id.text, .tenant_id = "t", .type = "x"};
    cr_ok(journal_append(db, arena, &event, 1));
    cr_ok(journal_partitions(db, arena, "events", "evt", now_us, 0));
    cr_assert_str_eq(partitions(), "events_202612,events_202701,events_default");
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*) FROM events_default"), "1");
}

Test(housekeeping, lists_audit_rows_newest_first)
{
    const struct audit entries[] = {
        {"t1", "key_1", "payment.capture", "pay_1", "req_1", "{\"a\":1}", "{\"a\":2}"},
        {"t1", "key_1", "payment.cancel", "pay_2", "req_2", NULL, NULL},
        {"t2", "operator:x", "tenant.create", NULL, NULL, NULL, "{}"},
    };
    for (size_t i = 0; i < 3; i++) {
        cr_ok(journal_audit(db, arena, &entries[i], 1));
        // Ids within one millisecond have no order.
        int64_t ms = clock_unix_us() / 1000;
        while (clock_unix_us() / 1000 == ms)
            ;
    }
    cr_ok(journal_audit(db, arena, entries, 0));
    struct audit_entry *found;
    size_t n;
    cr_ok(journal_audit_list(db, arena, &(struct audit_filter){.limit = 10}, &found, &n));
    cr_assert_eq(n, 3);
    cr_assert_str_eq(found[0].what.action, "tenant.create");
    cr_assert_str_eq(found[0].what.object_id, "");
    cr_assert_null(found[0].what.before);
    cr_assert_str_eq(found[2].what.before, "{\"a\":1}");
    cr_assert_str_eq(found[2].what.after, "{\"a\":2}");
    cr_assert_leq(found[2].at_us, clock_unix_us() + US_PER_S);
    const char *newest = found[0].id;
    cr_ok(journal_audit_list(db, arena, &(struct audit_filter){.before_id = newest, .limit = 1},
                             &found, &n));
    cr_assert_eq(n, 1);
    cr_assert_str_eq(found[0].what.action, "payment.cancel");
    cr_ok(journal_audit_list(
        db, arena, &(struct audit_filter){.tenant_id = "t1", .object_id = "pay_1", .limit = 10},
        &found, &n));
    cr_assert_eq(n, 1);
    cr_assert_str_eq(found[0].what.request_id, "req_1");
}

Test(housekeeping, the_outbox_is_measured_by_index_to_a_bound)
{
    struct db_rows *rows = test_measured(db, arena, journal_measure);
    cr_assert_eq(db_get_int(rows, 0, 0), 0);
    cr_assert_eq(db_get_time(rows, 0, 1), DB_TIME_NULL);
    cr_assert_geq(db_get_int(rows, 0, 2), 1);
    cr_assert_gt(db_get_int(rows, 0, 3), db_get_int(rows, 0, 2));
    test_sql(
        db, arena,
        "WITH e AS (INSERT INTO events (id, tenant_id, type, object_id, payment_id, sequence, "
        "created_at, request_id, traceparent, body, payload) SELECT 'evt_' || lpad(n::text, 6, "
        "'0'), 't', 'y', 'o', 'p', 1, now() - (12000 - n) * interval '1 s', '', '', '', '' "
        "FROM generate_series(1, 12000) n RETURNING id), o AS (INSERT INTO outbox SELECT id "
        "FROM e WHERE id > 'evt_000100' RETURNING 1) SELECT count(*) FROM o");
    rows = test_measured(db, arena, journal_measure);
    cr_assert_eq(db_get_int(rows, 0, 0), 10001);
    int64_t age_s = (clock_unix_us() - db_get_time(rows, 0, 1)) / US_PER_S;
    cr_assert(age_s >= 11899 && age_s < 11960, "%lld", (long long)age_s);
    test_by_index(db, arena, journal_measure);
}
