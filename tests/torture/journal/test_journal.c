#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "journal/journal.h"
#include "support/support.h"
#include "torture/support/torture.h"

#define KEYS "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define EVENTS 3

static struct test_database database;
static struct keyring ring;
static const struct journal journal = {"house", &ring};

static struct db *open_db(void)
{
    return db_new(&(struct db_config){.ring = test_ring(),
                                      .url = database.url,
                                      .schema = "house",
                                      .application = "torture",
                                      .statement_timeout_ms = 10000,
                                      .lock_timeout_ms = 5000});
}

static void begin(void)
{
    torture_check(keyring_parse(KEYS, &ring));
    database = test_database_new();
    db_free(test_db_open(&database, "house", NULL));
}

static void end(void)
{
    test_database_drop(&database);
}

// A key, events, an audit row: one transaction.
static enum status act(struct db *db, struct arena *arena, const char *key)
{
    struct event events[EVENTS];
    struct claim claim = {
        .tenant_id = "ten_a",
        .key = key,
        .object_id = key,
        .method = "/m",
        .hash = journal_hash(&journal, "/m", (struct bytes){0}, bytes_of_string("body")),
        .answer = bytes_of_string("answer"),
        .http_status = 201,
        .now_us = clock_unix_us()};
    const struct audit audit = {.tenant_id = "ten_a",
                                .actor = "key_1",
                                .action = "thing.make",
                                .object_id = key,
                                .request_id = "req_1",
                                .after = "{}"};
    for (int i = 0; i < EVENTS; i++) {
        events[i] = (struct event){.id = arena_printf(arena, "evt_%s_%d", key, i),
                                   .tenant_id = "ten_a",
                                   .type = "thing.made",
                                   .object_id = key,
                                   .request_id = "req_1",
                                   .traceparent = "",
                                   .sequence = i + 1,
                                   .created_us = clock_unix_us(),
                                   .body = bytes_of_string("{\"thing\":true}")};
        if (!events[i].id)
            return STATUS_RESOURCE_EXHAUSTED;
    }
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = journal_claim(&journal, db, arena, &claim, 1);
    torture_check(status != STATUS_OK || claim.result == CLAIM_WON || claim.result == CLAIM_OURS);
    if (status == STATUS_OK)
        status = journal_append(db, arena, events, EVENTS);
    if (status == STATUS_OK)
        status = journal_audit(db, arena, &audit, 1);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}

static int64_t count(struct db *db, struct arena *arena, const char *key)
{
    static const struct db_statement all = {
        "torture.count", "SELECT (SELECT count(*) FROM idempotency_keys WHERE key = $1::text) * 100"
                         " + (SELECT count(*) FROM events WHERE object_id = $1) * 10"
                         " + (SELECT count(*) FROM audit_log WHERE object_id = $1)"};
    struct db_rows *rows = NULL;
    struct db_params *params = db_params(arena);
    db_text(params, key);
    torture_check(db_run(db, arena, &all, params, &rows) == STATUS_OK);
    return db_get_int(rows, 0, 0);
}

static enum status replay(struct db *db, struct arena *arena, const char *key, struct claim *claim)
{
    *claim = (struct claim){
        .tenant_id = "ten_a",
        .key = key,
        .object_id = "another",
        .method = "/m",
        .hash = journal_hash(&journal, "/m", (struct bytes){0}, bytes_of_string("body")),
        .answer = bytes_of_string("another"),
        .now_us = clock_unix_us()};
    return journal_claim(&journal, db, arena, claim, 1);
}

static bool together(void)
{
    char key[32];
    struct claim claim;
    struct event *listed = NULL;
    size_t n = 0;
    const char *cursor = NULL;
    snprintf(key, sizeof key, "k%d", (int)getpid());
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct db *db = open_db();
    if (!arena || !db) {
        db_free(db);
        arena_free(arena);
        return false;
    }
    enum status done = act(db, arena, key);
    enum status again = done == STATUS_OK ? replay(db, arena, key, &claim) : done;
    torture_check(again != STATUS_OK ||
                  (claim.result == CLAIM_REPLAY && claim.held_answer.length == strlen("answer")));
    enum status list = journal_list(db, arena, "", 500, &listed, &n, &cursor);
    for (size_t i = 0; list == STATUS_OK && i < n; i++)
        torture_check(listed[i].body.length == strlen("{\"thing\":true}") &&
                      listed[i].sequence > 0);
    torture_disarm();
    for (int i = 0; i < 200 && db_ping(db) != STATUS_OK; i++)
        usleep(10000);
    int64_t there = count(db, arena, key);
    torture_check(there == 131 || there == 0); // all of it, or nothing
    torture_check(done != STATUS_OK || there == 131);
    torture_check(done == STATUS_OK || done == STATUS_UNKNOWN || there == 0);
    if (there == 0)
        torture_check(act(db, arena, key) == STATUS_OK && count(db, arena, key) == 131);
    db_free(db);
    arena_free(arena);
    return done == STATUS_OK && again == STATUS_OK && list == STATUS_OK;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "together", .begin = begin, .end = end, .run = together}};
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
