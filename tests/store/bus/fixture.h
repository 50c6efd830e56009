// What the bus's tests share: a database with a journal, and a server.
#pragma once
#include <string.h>

#include "base/bell.h"
#include "base/clock.h"
#include "bus/bus.h"
#include "support/support.h"

struct fixture {
    struct test_database database;
    struct test_nats nats;
    struct db_config config;
    struct db *db;
    struct arena *arena;
    struct bus *bus;
    struct bell *bell;
};

static inline struct fixture fixture_new(void)
{
    struct fixture f = {.database = test_database_new(), .nats = test_nats_start()};
    f.db = test_db_open(&f.database, "store", NULL);
    f.arena = arena_new(ARENA_CAP_BATCH);
    f.bell = bell_new();
    return f;
}

// After the fixture has its place: the configurations borrow from it.
static inline void fixture_connect(struct fixture *f)
{
    f->config = (struct db_config){.ring = test_ring(),
                                   .url = f->database.url,
                                   .schema = "store",
                                   .application = "bus",
                                   .statement_timeout_ms = 20000,
                                   .lock_timeout_ms = 5000};
    f->bus = bus_new(&(struct bus_config){.settings.url = f->nats.url,
                                          .settings.stream = "obol",
                                          .client = "test",
                                          .settings.replicas = 1});
    cr_assert_not_null(f->bus);
    (void)test_sql(f->db, f->arena, "CREATE TABLE seen (n bigserial, id text)");
}

static inline void fixture_free(struct fixture *f)
{
    bus_free(f->bus);
    bell_free(f->bell);
    arena_free(f->arena);
    db_free(f->db);
    test_nats_stop(&f->nats);
    test_database_drop(&f->database);
}

// Commits events evt_<first>… of this type.
static inline void fixture_emit(struct fixture *f, const char *type, int first, int n)
{
    struct event *events = ARENA_ARRAY(f->arena, (size_t)n, struct event);
    for (int i = 0; i < n; i++)
        events[i] = (struct event){.id = arena_printf(f->arena, "evt_%06d", first + i),
                                   .tenant_id = "t",
                                   .type = type,
                                   .object_id = "pay_1",
                                   .sequence = i + 1,
                                   .created_us = clock_unix_us(),
                                   .body = bytes_of_string("{\"event\":true}")};
    cr_ok(journal_append(f->db, f->arena, events, (size_t)n));
    bell_ring(f->bell);
}

struct fixture_question {
    struct fixture *fixture;
    const char *sql, *expected, *answer;
};

static inline bool fixture_answers(void *context)
{
    struct fixture_question *question = context;
    question->answer = test_sql(question->fixture->db, question->fixture->arena, question->sql);
    return strcmp(question->answer, question->expected) == 0;
}

static inline void fixture_wait(struct fixture *f, const char *sql, const char *expected)
{
    struct fixture_question question = {f, sql, expected, ""};
    test_wait(fixture_answers, &question, 30000, sql);
}

#define OUTBOX_EMPTY "SELECT count(*) = 0 FROM outbox"

// A handler that writes down what it is given, in the transaction.
static inline enum status fixture_write_down(void *context, struct db *db, struct arena *arena,
                                             const struct event *events, size_t n)
{
    static const struct db_statement insert = {"test.seen",
                                               "INSERT INTO seen (id) SELECT unnest($1::text[])"};
    (void)context;
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(events, id));
    return db_run(db, arena, &insert, params, NULL);
}
