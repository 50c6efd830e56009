// A database with the service's schema, one connection, and hands to put things into it.
#pragma once
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "intake.h"
#include "queue.h"
#include "schedule.h"
#include "store.h"
#include "support/support.h"
#include "webhooks_sql.h"

#define RING "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SECRET "whsec_test_abc123"

static struct test_database database;
static struct db *db;
static struct arena *arena;
static struct keyring ring;

static inline void fixture_begin(void)
{
    const struct db_migrations migrations = {"webhooks", webhooks_migrations,
                                             webhooks_migrations_n};
    cr_assert(keyring_parse(RING, &ring));
    arena = arena_new(ARENA_CAP_BATCH);
    database = test_database_new();
    db = test_db_open(&database, "webhooks", &migrations);
}

static inline void fixture_end(void)
{
    db_free(db);
    test_database_drop(&database);
    arena_free(arena);
}

static inline struct db *another_db(void)
{
    return db_new(&(struct db_config){.ring = test_ring(),
                                      .url = database.url,
                                      .schema = "webhooks",
                                      .application = "test",
                                      .statement_timeout_ms = 20000,
                                      .lock_timeout_ms = 5000});
}

static inline void put_endpoint(const char *tenant_id, const char *id, const char *url,
                                const char *pattern)
{
    const char *context = arena_printf(arena, "%s/%s", tenant_id, id);
    const struct endpoint endpoint = {
        .tenant_id = tenant_id,
        .id = id,
        .url = url,
        .events = &pattern,
        .events_n = 1,
        .created_us = clock_unix_us(),
        .secret_sealed = keyring_seal(&ring, arena, bytes_of_string(SECRET), context),
    };
    cr_ok(store_endpoint_insert(db, arena, &endpoint));
}

static inline struct event an_event(const char *tenant_id, const char *type)
{
    struct event event = {
        .id = arena_strdup(arena, id_new("evt").text),
        .tenant_id = tenant_id,
        .type = type,
        .object_id = "pay_1",
        .payment_id = "pay_1",
        .request_id = "req_1",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        .sequence = 1,
        .created_us = clock_unix_us(),
    };
    event.body = bytes_of_string(arena_printf(arena, "{\"id\":\"%s\"}", event.id));
    return event;
}

static inline enum status take(const struct event *events, size_t n)
{
    struct intake intake = {0};
    cr_ok(db_begin(db));
    enum status status = intake_handle(&intake, db, arena, events, n);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

// n events of this type, taken in.
static inline void put_events(const char *tenant_id, const char *type, size_t n)
{
    struct event *events = ARENA_ARRAY(arena, n, struct event);
    for (size_t i = 0; i < n; i++)
        events[i] = an_event(tenant_id, type);
    cr_ok(take(events, n));
}

static inline const char *sql(const char *text)
{
    return test_sql(db, arena, text);
}
#define cr_sql(text, expected) cr_assert_str_eq(sql(text), expected, "%s: %s", text, sql(text))
