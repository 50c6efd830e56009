// A database with the service's schema, one connection, and hands to put refunds into it.
#pragma once
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "refunds_sql.h"
#include "store.h"
#include "support/support.h"

#define RING "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct test_database database;
static struct db *db;
static struct arena *arena;
static struct keyring ring;
static struct journal journal;

static inline struct db_migrations fixture_migrations(void)
{
    return (struct db_migrations){"refunds", refunds_migrations, refunds_migrations_n};
}

static inline void fixture_begin(void)
{
    const struct db_migrations migrations = fixture_migrations();
    cr_assert(keyring_parse(RING, &ring));
    journal = (struct journal){.service = "refunds", .ring = &ring};
    arena = arena_new(ARENA_CAP_BATCH);
    database = test_database_new();
    db = test_db_open(&database, "refunds", &migrations);
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
                                      .schema = "refunds",
                                      .application = "test",
                                      .statement_timeout_ms = 20000,
                                      .lock_timeout_ms = 5000});
}

static inline struct refund a_refund(const char *tenant_id, int64_t requested)
{
    return (struct refund){
        .tenant_id = tenant_id,
        .id = arena_strdup(arena, id_new(REFUND_PREFIX).text),
        .payment_id = "pay_1",
        .requested = requested,
        .currency = "",
        .status = "reserving",
        .actor = "key_1",
        .request_id = "req_1",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        .created_us = clock_unix_us() / 1000 * 1000,
        .processed_us = DB_TIME_NULL,
    };
}

static inline struct refund put_refund(const char *tenant_id, int64_t requested)
{
    struct refund refund = a_refund(tenant_id, requested);
    cr_ok(refund_insert(db, arena, &refund));
    return refund;
}

static inline const char *sql(const char *text)
{
    return test_sql(db, arena, text);
}
#define cr_sql(text, expected) cr_assert_str_eq(sql(text), expected, "%s: %s", text, sql(text))
