#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "obol/journal/v1/journal.obol.h"
#include "obol/journal/v1/journal.pb-c.h"
#include "service/internal.h"
#include "support/support.h"
#include "torture/support/torture.h"

#define RING "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct test_database database;
static struct service service;

static void begin(void)
{
    database = test_database_new();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct db *db = test_db_open(&database, "house", NULL);
    (void)test_sql(db, arena,
                   "CREATE TABLE done (tenant_id text, id text, PRIMARY KEY (tenant_id, id))");
    torture_check(keyring_parse(RING, &service.ring));
    service.journal = (struct journal){"house", &service.ring};
    service.db = (struct db_config){
        .ring = test_ring(), .url = database.url, .schema = "house", .application = "torture"};
    db_free(db);
    arena_free(arena);
}

static void end(void)
{
    test_database_drop(&database);
}

static enum status work(struct worker *worker, struct call *call, void *id)
{
    static const struct db_statement insert = {"torture.done", "INSERT INTO done VALUES ($1, $2)"};
    struct db_params *params = db_params(call->arena);
    db_text(params, call->context.tenant_id);
    db_text(params, id);
    enum status status = db_run(worker->db, call->arena, &insert, params, NULL);
    if (status != STATUS_OK)
        return status;
    Obol__Journal__V1__IdempotencyKey *answer = MESSAGE_NEW(
        call->arena, obol__journal__v1__idempotency_key, Obol__Journal__V1__IdempotencyKey);
    if (!answer)
        return STATUS_RESOURCE_EXHAUSTED;
    answer->object_id = id;
    call_answer(call, &answer->base);
    return STATUS_OK;
}

// What a call would answer: the id that it names, NULL when it was refused.
static const char *once(struct worker *worker, struct arena *arena, const char *key)
{
    struct call call = {.arena = arena,
                        .method = METHOD_JournalService_GetIdempotencyKey,
                        .context = call_context_new(arena, "key_1", 5000),
                        .request_bytes = bytes_of_string("body")};
    call.context.tenant_id = "ten_a";
    call.context.idempotency_key = key;
    enum status status = service_once(worker, &call, key, work, (void *)(uintptr_t)key);
    torture_check(status == STATUS_OK ? call.problem.status == STATUS_OK
                                      : call.problem.status != STATUS_OK);
    if (status != STATUS_OK)
        return NULL;
    struct bytes packed = call.response ? message_pack(arena, call.response) : call.packed;
    const Obol__Journal__V1__IdempotencyKey *answer =
        packed.at ? (const void *)message_unpack(arena, call.method->output, packed) : NULL;
    return answer ? answer->object_id : NULL;
}

static int64_t rows_of(struct db *db, struct arena *arena, const char *key)
{
    static const struct db_statement all = {"torture.count",
                                            "SELECT count(*) FROM done WHERE id = $1::text"};
    struct db_rows *rows = NULL;
    struct db_params *params = db_params(arena);
    db_text(params, key);
    torture_check(db_run(db, arena, &all, params, &rows) == STATUS_OK);
    return db_get_int(rows, 0, 0);
}

static bool writes_once(void)
{
    char key[32];
    snprintf(key, sizeof key, "k%d", (int)getpid());
    struct worker worker = {.service = &service, .journal = &service.journal};
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    worker.arena = arena_new(ARENA_CAP_BATCH);
    worker.db = db_new(&(struct db_config){
        .ring = test_ring(), .url = database.url, .schema = "house", .application = "torture"});
    bool whole = arena && worker.arena && worker.db;
    const char *first = whole ? once(&worker, arena, key) : NULL;
    torture_disarm();
    if (whole) {
        torture_check(!first || strcmp(first, key) == 0);
        for (int i = 0; i < 200 && db_ping(worker.db) != STATUS_OK; i++)
            usleep(10000);
        torture_check(!first || rows_of(worker.db, arena, key) == 1);
        // Whatever became of the first: with the same key it is done now, and done once.
        const char *second = once(&worker, arena, key);
        torture_check(second && strcmp(second, key) == 0 && rows_of(worker.db, arena, key) == 1);
    }
    db_free(worker.db);
    arena_free(worker.arena);
    arena_free(arena);
    return first != NULL;
}

static int64_t turn(void *context, struct db *db, struct arena *arena)
{
    (void)arena;
    if (db_ping(db) == STATUS_OK)
        atomic_fetch_add((_Atomic int *)context, 1);
    return 5;
}

static bool loops(void)
{
    static _Atomic int turns;
    torture_arm();
    struct bell *bell = bell_new();
    if (!bell)
        return false;
    struct service_loop *loop = service_loop_start(&service, "torture", bell, turn, &turns);
    usleep(loop ? 50000 : 0);
    torture_disarm();
    int before = turns;
    for (int i = 0; loop && i < 1000 && turns == before; i++) // it goes on, whatever failed
        usleep(10000);
    torture_check(!loop || turns > before);
    service_loop_stop(loop);
    bell_free(bell);
    return loop != NULL;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "writes_once", .begin = begin, .end = end, .run = writes_once},
        {.name = "loops", .begin = begin, .end = end, .run = loops},
    };
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
