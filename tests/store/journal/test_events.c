#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "journal/journal.h"
#include "support/support.h"

static struct test_database database;
static struct db *db, *other;
static struct arena *arena;

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "store", NULL);
    other = test_db_open(&database, "store", NULL);
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    db_free(other);
    test_database_drop(&database);
}

TestSuite(events, .init = setup, .fini = teardown, .timeout = 60);

static struct event event_of(const char *id)
{
    return (struct event){.id = id,
                          .tenant_id = "t",
                          .type = "payment.created",
                          .created_us = 1700000000123000,
                          .sequence = 3,
                          .body = bytes_of_string("{}")};
}

static void append(struct db *in, const char *id)
{
    struct event event = event_of(id);
    cr_ok(journal_append(in, arena, &event, 1));
}

static const char *listed(const char **cursor)
{
    struct event *events;
    size_t n;
    cr_ok(journal_list(db, arena, *cursor, 2, &events, &n, cursor));
    const char *ids = "";
    for (size_t i = 0; i < n; i++)
        ids = arena_printf(arena, "%s%s,", ids, events[i].id);
    return ids;
}

struct listing {
    const char *cursor, *ids;
    size_t length;
};

static bool is_listed(void *context)
{
    struct listing *listing = context;
    listing->ids = arena_printf(arena, "%s%s", listing->ids, listed(&listing->cursor));
    return strlen(listing->ids) >= listing->length;
}

// The horizon is the whole server's: transactions of other tests hold it back for a while.
static const char *listed_in_time(const char **cursor, const char *expected)
{
    struct listing listing = {*cursor, "", strlen(expected)};
    test_wait(is_listed, &listing, 20000, expected);
    *cursor = listing.cursor;
    return listing.ids;
}

Test(events, come_back_as_they_were)
{
    const struct event event = {.id = "evt_1",
                                .tenant_id = "t",
                                .type = "payment.created",
                                .object_id = "pay_1",
                                .payment_id = "pay_2",
                                .request_id = "req",
                                .traceparent = "00-1-2-01",
                                .sequence = 7,
                                .created_us = 1700000000123456,
                                .body = bytes_of_string("{\"a\":1}"),
                                .payload = {(const uint8_t *)"\0\1", 2}};
    cr_ok(journal_append(db, arena, &event, 1));
    struct event *events;
    size_t n;
    const char *cursor = NULL;
    cr_assert_str_eq(listed_in_time(&cursor, "evt_1,"), "evt_1,");
    cr_ok(journal_list(db, arena, NULL, 10, &events, &n, &cursor));
    cr_assert_eq(n, 1);
    cr_assert_str_eq(events[0].id, event.id);
    cr_assert_str_eq(events[0].tenant_id, event.tenant_id);
    cr_assert_str_eq(events[0].type, event.type);
    cr_assert_str_eq(events[0].object_id, event.object_id);
    cr_assert_str_eq(events[0].payment_id, event.payment_id);
    cr_assert_str_eq(events[0].request_id, event.request_id);
    cr_assert_str_eq(events[0].traceparent, event.traceparent);
    cr_assert_eq(events[0].sequence, 7);
    cr_assert_eq(events[0].created_us, event.created_us);
    cr_assert_eq(events[0].body.length, 7);
    cr_assert_eq(memcmp(events[0].payload.at, "\0\1", 2), 0);
}

Test(events, stand_in_the_outbox_once)
{
    append(db, "evt_1");
    append(db, "evt_1");
    cr_ok(journal_append(db, arena, NULL, 0));
    cr_assert_str_eq(test_sql(db, arena, "SELECT string_agg(event_id, ',') FROM outbox"), "evt_1");
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*) FROM events"), "1");
}

Test(events, leave_with_their_transaction)
{
    cr_ok(db_begin(db));
    append(db, "evt_1");
    db_rollback(db);
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*) FROM outbox"), "0");
}

Test(events, are_paged_by_cursor)
{
    append(db, "evt_2");
    append(db, "evt_1");
    append(db, "evt_3");
    const char *cursor = "";
    // Pages of two, in the order of commits, not of ids.
    cr_assert_str_eq(listed_in_time(&cursor, "evt_2,evt_1,evt_3,"), "evt_2,evt_1,evt_3,");
    const char *end = cursor;
    cr_assert_str_eq(listed(&cursor), "");
    cr_assert_str_eq(cursor, end);
}

Test(events, are_paged_by_number_and_not_by_the_text_of_it)
{
    append(db, "evt_1");
    append(db, "evt_2");
    append(db, "evt_3");
    test_sql(db, arena, "UPDATE events SET xid = '100' WHERE id = 'evt_1'");
    test_sql(db, arena, "UPDATE events SET xid = '10' WHERE id = 'evt_2'");
    test_sql(db, arena, "UPDATE events SET xid = '9' WHERE id = 'evt_3'");
    const char *cursor = "";
    cr_assert_str_eq(listed_in_time(&cursor, "evt_3,evt_2,evt_1,"), "evt_3,evt_2,evt_1,");
}

Test(events, of_a_late_commit_are_not_skipped)
{
    const char *cursor = NULL;
    cr_ok(db_begin(other));
    append(other, "evt_late");
    cr_ok(db_ping(other)); // it has left
    append(db, "evt_early");
    cr_assert_str_eq(listed(&cursor), "");
    cr_ok(db_commit(other));
    cr_assert_str_eq(listed_in_time(&cursor, "evt_late,evt_early,"), "evt_late,evt_early,");
    cr_ok(db_begin(other));
    append(other, "evt_later");
    cr_ok(db_ping(other));
    append(db, "evt_next");
    cr_assert_str_eq(listed(&cursor), "");
    db_rollback(other);
    cr_assert_str_eq(listed_in_time(&cursor, "evt_next,"), "evt_next,");
}

Test(events, refuse_a_foreign_cursor)
{
    append(db, "evt_1");
    const char *bad[] = {"x",
                         "1",
                         "1.",
                         ".evt_1",
                         "-1.evt_1",
                         "123456789012345678901.evt_1",
                         "99999999999999999999.evt_1",
                         "4611686018427387904.evt_1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct event *events;
        size_t n;
        const char *cursor;
        cr_assert_eq(journal_list(db, arena, bad[i], 10, &events, &n, &cursor),
                     STATUS_INVALID_ARGUMENT, "%s", bad[i]);
    }
}

Test(events, are_rendered_for_merchants)
{
    struct event event = event_of("evt_1");
    cr_assert_str_eq(journal_render(arena, &event, "payment", "{\"id\":\"pay_1\"}"),
                     "{\"id\":\"evt_1\",\"event\":\"payment.created\","
                     "\"created_at\":\"2023-11-14T22:13:20.123Z\",\"sequence\":3,"
                     "\"data\":{\"payment\":{\"id\":\"pay_1\"}}}");
}

Test(events, are_taken_from_the_outbox_by_one_relay_at_a_time)
{
    for (int i = 0; i < 4; i++)
        append(db, arena_printf(arena, "evt_%d", i));
    struct event *mine, *theirs;
    size_t mine_n, theirs_n;
    cr_ok(db_begin(db));
    cr_ok(db_begin(other));
    cr_ok(journal_outbox_take(db, arena, 3, &mine, &mine_n));
    cr_ok(journal_outbox_take(other, arena, 3, &theirs, &theirs_n));
    cr_assert_eq(mine_n, 3);
    cr_assert_eq(theirs_n, 1);
    cr_assert_str_eq(mine[0].id, "evt_0");
    cr_assert_str_eq(theirs[0].id, "evt_3");
    const char *ids[] = {mine[0].id, mine[2].id};
    cr_ok(journal_outbox_delete(db, arena, ids, 2));
    cr_ok(db_commit(db));
    db_rollback(other);
    cr_assert_str_eq(
        test_sql(db, arena, "SELECT string_agg(event_id, ',' ORDER BY event_id) FROM outbox"),
        "evt_1,evt_3");
}

Test(events, are_taken_once_by_each_consumer)
{
    struct event events[] = {event_of("evt_b"), event_of("evt_a"), event_of("evt_b"),
                             event_of("evt_c")};
    bool fresh[4];
    cr_ok(journal_take(db, arena, "webhooks", events, 3, fresh));
    cr_assert(fresh[0] && fresh[1] && !fresh[2]);
    cr_ok(journal_take(db, arena, "webhooks", events, 4, fresh));
    cr_assert(!fresh[0] && !fresh[1] && !fresh[2] && fresh[3]);
    cr_ok(journal_take(db, arena, "refunds", events, 4, fresh));
    cr_assert(fresh[0] && fresh[1] && !fresh[2] && fresh[3]);
    cr_ok(journal_take(db, arena, "refunds", events, 0, fresh));
}

Test(events, keep_a_place_for_each_consumer)
{
    const char *cursor;
    cr_ok(journal_cursor_get(db, arena, "a", &cursor));
    cr_assert_str_eq(cursor, "");
    cr_ok(journal_cursor_set(db, arena, "a", "1.x"));
    cr_ok(journal_cursor_set(db, arena, "a", "2.y"));
    cr_ok(journal_cursor_get(db, arena, "a", &cursor));
    cr_assert_str_eq(cursor, "2.y");
    cr_ok(journal_cursor_get(db, arena, "b", &cursor));
    cr_assert_str_eq(cursor, "");
}

Test(events, those_of_another_servers_life_are_listed_after_a_restore)
{
    append(db, "evt_1");
    append(db, "evt_2");
    test_sql(db, arena, "UPDATE events SET xid = '1000000000'");
    cr_ok(journal_cursor_set(db, arena, "webhooks:0", "1000000000.evt_1"));
    const char *cursor = "", *kept;
    cr_assert_str_eq(listed(&cursor), "", "as if they were not committed yet");
    cr_ok(db_begin(db));
    cr_ok(journal_restored(db, arena));
    cr_ok(db_commit(db));
    cursor = "";
    cr_assert_str_eq(listed_in_time(&cursor, "evt_1,evt_2,"), "evt_1,evt_2,");
    append(db, "evt_3");
    cr_assert_str_eq(listed_in_time(&cursor, "evt_3,"), "evt_3,");
    cr_ok(journal_cursor_get(db, arena, "webhooks:0", &kept));
    cr_assert_str_eq(kept, "", "what is new would lie behind it");
}
