// Reading a payment whose provider is silent brings the query forward.
#include "fixture.h"

#include "callbacks/store_callbacks.h"
#include "processor/nudge.h"

static struct fixture f;
static int64_t now_us;

static void begin(void)
{
    fixture_begin(&f);
    f.settings.provider_times_percent = 100;
    now_us = clock_unix_us();
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(nudge, .init = begin, .fini = end);

static const char *sql(const char *text)
{
    return test_sql(f.db, f.arena, text);
}

// A payment that is in this state for so long, its charge due in an hour.
static const char *silent(const char *status, int seconds)
{
    const char *id = pay(&f, "r", 7);
    sql(arena_printf(f.arena,
                     "UPDATE payments SET status = '%s', updated_at = now() - interval '%d s' "
                     "WHERE id = '%s' RETURNING ''",
                     status, seconds, id));
    sql(arena_printf(f.arena,
                     "WITH o AS (UPDATE operations SET status = 'sent' WHERE payment_id = '%s' "
                     "RETURNING id) UPDATE operations_queue q SET due_at = now() + interval '1 "
                     "hour' FROM o WHERE q.id = o.id RETURNING ''",
                     id));
    return id;
}

static void look(const char *id)
{
    const struct payment *payments[3] = {0};
    struct key keys[3] = {{TENANT, "pay_none"}, {TENANT, id}, {TENANT, id}};
    cr_ok(store_payments_get(f.db, f.arena, keys, 3, payments));
    nudge(&f.worker, payments, 3, now_us);
}

static bool is_due(void)
{
    return strcmp(sql("SELECT bool_or(due_at <= now()) FROM operations_queue"), "t") == 0;
}

Test(nudge, asks_about_what_is_silent)
{
    look(silent("processing", 31));
    cr_assert(is_due());
}

Test(nudge, asks_about_what_is_unknown)
{
    look(silent("unknown", 31));
    cr_assert(is_due());
}

Test(nudge, leaves_alone_what_changed_lately_or_is_not_waiting)
{
    look(silent("processing", 28));
    look(silent("succeeded", 100));
    look(silent("requires_action", 100));
    look(silent("needs_review", 100));
    cr_assert_not(is_due());
}

Test(nudge, keeps_silent_where_nothing_is_concerned)
{
    const char *id = silent("processing", 1);
    struct key key = {TENANT, id};
    const struct payment *payment = NULL;
    cr_ok(store_payments_get(f.db, f.arena, &key, 1, &payment));
    struct db *db = f.worker.db;
    f.worker.db = NULL; // a word to the database would be noticed
    nudge(&f.worker, &payment, 1, now_us);
    f.worker.db = db;
    cr_assert_not(is_due());
}

Test(nudge, respects_what_was_asked_lately)
{
    const char *id = silent("processing", 31);
    sql("UPDATE operations_queue SET asked_at = now() - interval '3 s' RETURNING ''");
    look(id);
    cr_assert_not(is_due());
    sql("UPDATE operations_queue SET asked_at = now() - interval '6 s' RETURNING ''");
    look(id);
    cr_assert(is_due());
}

Test(nudge, leaves_alone_what_a_processor_is_at_or_was_never_sent)
{
    const char *id = silent("processing", 31);
    sql("UPDATE operations_queue SET lease_until = now() + interval '9 s' RETURNING ''");
    look(id);
    cr_assert_not(is_due());
    sql("UPDATE operations_queue SET lease_until = NULL RETURNING ''");
    sql("UPDATE operations SET status = 'ready' RETURNING ''");
    look(id);
    cr_assert_not(is_due());
}

Test(nudge, respects_the_earliest_query_of_the_provider)
{
    const char *id = silent("processing", 60);
    sql("UPDATE payments SET provider = 'airtel' RETURNING ''");
    cr_assert_gt(providers_find(f.state.providers, "airtel")->query_after_ms, 0);
    f.settings.provider_times_percent = 100;
    struct providers *scaled = f.state.providers;
    f.state.providers = providers_new(&f.settings);
    look(id);
    cr_assert_not(is_due(), "180 s");
    sql("UPDATE payments SET updated_at = now() - interval '181 s' RETURNING ''");
    look(id);
    cr_assert(is_due());
    providers_free(scaled);
}

Test(nudge, is_scaled_with_the_times_of_providers)
{
    f.settings.provider_times_percent = 10;
    look(silent("processing", 4));
    cr_assert(is_due());
}

Test(nudge, finds_the_capture_of_a_payment)
{
    const char *id = paid(&f, 9);
    sql(arena_printf(f.arena,
                     "UPDATE payments SET status = 'unknown', unknown_operation = 'capture', "
                     "updated_at = now() - interval '40 s' WHERE id = '%s' RETURNING ''",
                     id));
    sql(arena_printf(f.arena,
                     "INSERT INTO operations (tenant_id, id, payment_id, kind, amount, currency, "
                     "provider, status, created_at) VALUES ('" TENANT
                     "', 'op_cap', '%s', 'capture', 9, 'INR', 'simulator', 'unknown', now()) "
                     "RETURNING ''",
                     id));
    sql("INSERT INTO operations_queue (tenant_id, id, due_at) VALUES ('" TENANT
        "', 'op_cap', now() + interval '1 hour') RETURNING ''");
    look(id);
    cr_assert(is_due());
}
