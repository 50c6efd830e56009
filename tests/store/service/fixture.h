// A database with the journal alone, and workers as the handlers of a service have them.
#pragma once
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "obol/journal/v1/journal.obol.h"
#include "obol/journal/v1/journal.pb-c.h"
#include "service/internal.h"
#include "support/support.h"

#define RING "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct test_database database;
static struct arena *arena;
static struct db *db;
static struct service service;
static struct worker worker;

static inline struct db *another_db(int64_t lock_timeout_ms)
{
    return db_new(&(struct db_config){.ring = test_ring(),
                                      .url = database.url,
                                      .schema = "house",
                                      .application = "test",
                                      .statement_timeout_ms = 20000,
                                      .lock_timeout_ms = lock_timeout_ms});
}

static inline void fixture_begin(void)
{
    const struct db_migrations migrations = {"house", NULL, 0};
    database = test_database_new();
    db = test_db_open(&database, "house", &migrations);
    arena = arena_new(ARENA_CAP_BATCH);
    cr_assert(keyring_parse(RING, &service.ring));
    service.journal = (struct journal){"house", &service.ring};
    service.db = (struct db_config){
        .ring = test_ring(), .url = database.url, .schema = "house", .application = "loop"};
    worker = (struct worker){.db = another_db(200),
                             .arena = arena_new(ARENA_CAP_BATCH),
                             .service = &service,
                             .journal = &service.journal};
    test_sql(db, arena, "CREATE TABLE done (tenant_id text, id text, PRIMARY KEY (tenant_id, id))");
}

static inline void fixture_end(void)
{
    failpoint_arm("");
    db_free(worker.db);
    arena_free(worker.arena);
    db_free(db);
    arena_free(arena);
    test_database_drop(&database);
}

static inline const char *sql(const char *text)
{
    return test_sql(db, arena, text);
}
#define cr_sql(text, expected) cr_assert_str_eq(sql(text), expected, "%s: %s", text, sql(text))

// A call as the server would hand it out. key NULL: none. body: what was asked.
static inline struct call a_call(const char *key, const char *body, int64_t timeout_ms)
{
    struct call call = {.arena = arena,
                        .method = METHOD_JournalService_GetIdempotencyKey,
                        .context = call_context_new(arena, "key_1", timeout_ms),
                        .request_bytes = bytes_of_string(body)};
    call.context.tenant_id = "ten_a";
    call.context.idempotency_key = key;
    return call;
}
