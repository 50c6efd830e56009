// What callbacks do to the tables, statement by statement.
#include "fixture.h"

#include "callbacks/store_callbacks.h"

#define CREDENTIAL "cred_a"
#define HOUR_US (3600 * US_PER_S)

static struct fixture f;

static void begin(void)
{
    fixture_begin(&f);
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(callbacks, .init = begin, .fini = end);

static const char *sql(const char *text)
{
    return test_sql(f.db, f.arena, text);
}

// An operation that was sent, and is due in an hour.
static const char *sent(const char *provider)
{
    const char *payment = pay(&f, "r", 7);
    const char *id = sql(arena_printf(
        f.arena,
        "UPDATE operations SET provider = '%s', credential_id = '" CREDENTIAL "', status = 'sent' "
        "WHERE payment_id = '%s' RETURNING id",
        provider, payment));
    sql(arena_printf(f.arena,
                     "UPDATE operations_queue SET due_at = now() + interval '1 hour' WHERE id = "
                     "'%s' RETURNING ''",
                     id));
    return id;
}

static void finish(const char *id)
{
    sql(arena_printf(
        f.arena,
        "WITH gone AS (DELETE FROM operations_queue WHERE id = '%s') UPDATE operations "
        "SET status = 'succeeded', finished_at = now() WHERE id = '%s' RETURNING ''",
        id, id));
}

static const char *of_queue(const char *id, const char *expression)
{
    return sql(
        arena_printf(f.arena, "SELECT %s FROM operations_queue WHERE id = '%s'", expression, id));
}

static enum callback_found take(const char *id, const char *tenant_id)
{
    struct callback_named named = {
        .reference = id, .provider = "mtn", .tenant_id = tenant_id, .credential_id = ""};
    cr_ok(store_callbacks_take(f.db, f.arena, &named, 1, clock_unix_us()));
    return named.found;
}

Test(callbacks, bring_forward_what_is_open)
{
    const char *known = sent("mtn"), *unknown = sent("mtn");
    cr_assert_eq(take(known, TENANT), FOUND_OPEN);
    cr_assert_str_eq(of_queue(known, "due_at <= now() AND NOT rung"), "t");
    cr_assert_str_eq(of_queue(unknown, "due_at > now()"), "t");
    cr_assert_eq(take(unknown, ""), FOUND_OPEN);
    cr_assert_str_eq(of_queue(unknown, "due_at <= now()"), "t");
    cr_assert_eq(take(unknown, ""), FOUND_OPEN, "due already, and open still");
}

Test(callbacks, mark_what_a_processor_is_at)
{
    const char *id = sent("mtn");
    sql("UPDATE operations_queue SET lease_until = now() + interval '1 minute' RETURNING ''");
    cr_assert_eq(take(id, TENANT), FOUND_OPEN);
    cr_assert_str_eq(of_queue(id, "due_at > now() AND rung"), "t");
    cr_assert_eq(take(id, TENANT), FOUND_OPEN, "marked already, and open still");
}

Test(callbacks, leave_alone_what_is_not_meant)
{
    const char *other_provider = sent("airtel"), *finished = sent("mtn"), *ready = sent("mtn");
    finish(finished);
    sql(arena_printf(f.arena, "UPDATE operations SET status = 'ready' WHERE id = '%s' RETURNING ''",
                     ready));
    cr_assert_eq(take(other_provider, TENANT), FOUND_FINISHED);
    cr_assert_eq(take(other_provider, "tnt_b"), FOUND_NOTHING);
    cr_assert_eq(take(other_provider, ""), FOUND_FINISHED);
    cr_assert_eq(take(finished, TENANT), FOUND_FINISHED);
    cr_assert_eq(take(finished, "tnt_b"), FOUND_NOTHING);
    cr_assert_eq(take("op_never", TENANT), FOUND_NOTHING);
    cr_assert_eq(take("op_never", ""), FOUND_FINISHED, "whose it were can't be told");
    cr_assert_eq(take(ready, TENANT), FOUND_OPEN);
    cr_assert_str_eq(sql("SELECT count(*) FROM operations_queue WHERE due_at <= now() OR rung"),
                     "0");
}

Test(callbacks, of_one_batch_are_told_apart)
{
    const char *a = sent("mtn"), *b = sent("mtn"), *c = sent("mtn");
    struct callback_named named[] = {
        {.reference = a, .provider = "mtn", .tenant_id = ""},
        {.reference = b, .provider = "mtn", .tenant_id = TENANT},
        {.reference = b, .provider = "mtn", .tenant_id = "tnt_b"},
        {.reference = b, .provider = "mtn", .tenant_id = TENANT},
        {.reference = c, .provider = "airtel", .tenant_id = TENANT},
    };
    cr_ok(store_callbacks_take(f.db, f.arena, named, 5, clock_unix_us()));
    cr_assert_eq(named[0].found, FOUND_OPEN);
    cr_assert_eq(named[1].found, FOUND_OPEN);
    cr_assert_eq(named[2].found, FOUND_NOTHING);
    cr_assert_eq(named[3].found, FOUND_OPEN);
    cr_assert_eq(named[4].found, FOUND_FINISHED);
    cr_assert_str_eq(sql("SELECT count(*) FROM operations_queue WHERE due_at <= now()"), "2");
}

Test(callbacks, leave_the_session_as_it_was)
{
    const char *id = sent("mtn");
    const char *before = sql("SELECT current_setting('synchronous_commit')");
    cr_assert_eq(take(id, TENANT), FOUND_OPEN);
    cr_assert_str_eq(sql("SELECT current_setting('synchronous_commit')"), before);
}

// --- Testimony
static enum callback_found testify(const char *id, const char *tenant_id, const char *credential_id,
                                   const char *body)
{
    struct callback_named named = {.reference = id,
                                   .provider = "mtn",
                                   .tenant_id = tenant_id,
                                   .credential_id = credential_id,
                                   .testimony = bytes_of_string(body)};
    cr_ok(store_callbacks_testify(f.db, f.arena, &named, 1, clock_unix_us()));
    return named.found;
}

static const char *testimony(const char *id)
{
    const char *hex = sql(arena_printf(
        f.arena, "SELECT encode(testimony, 'hex') FROM operations WHERE id = '%s'", id));
    return test_opened(f.arena, db_keyring(f.db), hex, testimony_context(f.arena, id));
}

Test(callbacks, testify_for_what_is_open)
{
    const char *id = sent("mtn");
    cr_assert_eq(testify(id, TENANT, CREDENTIAL, "first"), FOUND_OPEN);
    cr_assert_str_eq(testimony(id), "first");
    cr_assert_str_eq(of_queue(id, "due_at <= now()"), "t");
    cr_assert_eq(testify(id, TENANT, CREDENTIAL, "second"), FOUND_OPEN);
    cr_assert_str_eq(testimony(id), "second");
}

Test(callbacks, do_not_testify_for_others)
{
    const char *id = sent("mtn"), *finished = sent("mtn");
    finish(finished);
    cr_assert_eq(testify(id, "tnt_b", CREDENTIAL, "x"), FOUND_NOTHING);
    cr_assert_eq(testify(id, TENANT, "cred_b", "x"), FOUND_OPEN, "a read is triggered, no more");
    cr_assert_eq(testify(finished, TENANT, CREDENTIAL, "x"), FOUND_FINISHED);
    cr_assert_str_eq(sql("SELECT count(testimony) FROM operations"), "0");
}

Test(callbacks, testify_late_too)
{
    const char *reviewed = sent("mtn");
    sql(arena_printf(f.arena,
                     "UPDATE operations SET status = 'needs_review' WHERE id = '%s' RETURNING ''",
                     reviewed));
    cr_assert_eq(testify(reviewed, TENANT, CREDENTIAL, "x"), FOUND_OPEN);
    cr_assert_str_eq(testimony(reviewed), "x");
}

Test(callbacks, of_which_several_testify_the_last_stays)
{
    const char *id = sent("mtn");
    struct callback_named named[3];
    static const char *const bodies[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        named[i] = (struct callback_named){.reference = id,
                                           .provider = "mtn",
                                           .tenant_id = TENANT,
                                           .credential_id = CREDENTIAL,
                                           .testimony = bytes_of_string(bodies[i])};
    cr_ok(store_callbacks_testify(f.db, f.arena, named, 3, clock_unix_us()));
    cr_assert_str_eq(testimony(id), "c");
}

// --- Unknown ones
static void keep(size_t from, size_t n, const char *tenant_id, int64_t now_us)
{
    struct unknown_callback *items = ARENA_ARRAY(f.arena, n, struct unknown_callback);
    for (size_t i = 0; i < n; i++) {
        struct sha256 digest = crypto_sha256(BYTES_OF_ARRAY(((size_t[]){from + i})));
        items[i] =
            (struct unknown_callback){.id = arena_strdup(f.arena, id_new("ucb").text),
                                      .tenant_id = tenant_id,
                                      .provider = "mtn",
                                      .credential_id = CREDENTIAL,
                                      .digest = arena_copy(f.arena, BYTES_OF_ARRAY(digest.at)),
                                      .body = bytes_of_string("sealed")};
    }
    cr_ok(store_unknown_callbacks_keep(f.db, f.arena, items, n, now_us));
}

static const char *kept(const char *tenant_id)
{
    return sql(arena_printf(
        f.arena, "SELECT count(*) FROM unknown_callbacks WHERE tenant_id = '%s'", tenant_id));
}

Test(callbacks, that_are_unknown_are_kept_once)
{
    keep(0, 3, TENANT, clock_unix_us());
    keep(2, 2, TENANT, clock_unix_us());
    keep(0, 1, "tnt_b", clock_unix_us());
    cr_assert_str_eq(kept(TENANT), "4");
    cr_assert_str_eq(kept("tnt_b"), "1");
}

Test(callbacks, that_are_unknown_are_bounded_a_day)
{
    int64_t now_us = clock_unix_us(), yesterday_us = now_us - 25 * HOUR_US;
    keep(0, 600, TENANT, yesterday_us);
    keep(600, UNKNOWN_CALLBACKS_OF_A_DAY - 1, TENANT, now_us);
    keep(5000, 3, TENANT, now_us);
    keep(6000, 1, "tnt_b", now_us);
    cr_assert_str_eq(kept(TENANT), "1600");
    cr_assert_str_eq(kept("tnt_b"), "1");
    keep(7000, 1, TENANT, now_us + 25 * HOUR_US);
    cr_assert_str_eq(kept(TENANT), "1601", "another day");
}

Test(callbacks, that_are_unknown_are_swept_after_a_month)
{
    int64_t now_us = clock_unix_us();
    size_t removed = 0;
    keep(0, 5, TENANT, now_us - 31 * 24 * HOUR_US);
    keep(10, 2, TENANT, now_us - 29 * 24 * HOUR_US);
    cr_ok(store_unknown_callbacks_sweep(f.db, f.arena, now_us, 3, &removed));
    cr_assert_eq(removed, 3);
    cr_ok(store_unknown_callbacks_sweep(f.db, f.arena, now_us, 3, &removed));
    cr_assert_eq(removed, 2);
    cr_assert_str_eq(kept(TENANT), "2");
}

// --- Counts
Test(callbacks, are_counted_by_outcome)
{
    const struct callback_count first[] = {{"", "mtn", "accepted", 1, 5 * US_PER_S},
                                           {TENANT, "mtn", "accepted", 2, 1 * US_PER_S},
                                           {TENANT, "mtn", "unknown", 1, 2 * US_PER_S}};
    const struct callback_count second[] = {{TENANT, "airtel", "accepted", 9, 9 * US_PER_S},
                                            {TENANT, "mtn", "accepted", 3, 4 * US_PER_S},
                                            {"tnt_b", "mtn", "accepted", 7, 9 * US_PER_S}};
    struct callback_count *counts = NULL;
    size_t n = 0;
    cr_ok(store_callback_counts_add(f.db, f.arena, first, 3));
    cr_ok(store_callback_counts_add(f.db, f.arena, second, 3));
    cr_ok(store_callback_counts_get(f.db, f.arena, TENANT, "mtn", false, &counts, &n));
    cr_assert_eq(n, 2);
    cr_assert_str_eq(counts[0].outcome, "accepted");
    cr_assert_eq(counts[0].n, 5);
    cr_assert_eq(counts[0].last_us, 4 * US_PER_S);
    cr_assert_str_eq(counts[1].outcome, "unknown");
    cr_assert_eq(counts[1].n, 1);
    cr_ok(store_callback_counts_get(f.db, f.arena, TENANT, "mtn", true, &counts, &n));
    cr_assert_eq(counts[0].n, 6, "with those that are nobody's");
    cr_assert_eq(counts[0].last_us, 5 * US_PER_S);
}
