#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "journal/journal.h"
#include "journal_sql.h"
#include "obs/metrics.h"

struct sha256 journal_hash(const struct journal *journal, const char *method,
                           struct bytes fingerprint, struct bytes request)
{
    struct bytes key = BYTES_OF_ARRAY(journal->ring->mac_key);
    if (fingerprint.at) {
        const struct bytes parts[] = {bytes_of_string("idempotency.fingerprint"), fingerprint};
        return crypto_hmac_sha256_parts(key, parts, 2);
    }
    const struct bytes parts[] = {bytes_of_string("idempotency.request"), bytes_of_string(method),
                                  request};
    return crypto_hmac_sha256_parts(key, parts, 3);
}

// A claim as columns.
struct claim_row {
    struct bytes hash, answer;
    int64_t http_status;
};

static const char *answer_context(struct arena *arena, const char *tenant_id, const char *key)
{
    return arena_printf(arena, "idempotency:%s/%s", tenant_id, key);
}

// at NULL: none, or the arena is full.
static struct bytes seal_answer(const struct journal *journal, struct arena *arena,
                                const struct claim *item)
{
    const char *context = answer_context(arena, item->tenant_id, item->key);
    if (!context || !item->answer.at)
        return (struct bytes){0};
    return keyring_seal(journal->ring, arena, item->answer, context);
}

static struct db_params *claim_params(const struct journal *journal, struct arena *arena,
                                      const struct claim *items, size_t n)
{
    struct db_params *params = db_params(arena);
    struct claim_row *rows = ARENA_ARRAY(arena, n, struct claim_row);
    if (!rows)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct claim_row){BYTES_OF_ARRAY(items[i].hash.at),
                                     seal_answer(journal, arena, &items[i]), items[i].http_status};
        if (items[i].answer.at && !rows[i].answer.at)
            return NULL;
    }
    db_texts(params, n, DB_COLUMN(items, tenant_id));
    db_texts(params, n, DB_COLUMN(items, key));
    db_byteas(params, n, DB_COLUMN(rows, hash));
    db_texts(params, n, DB_COLUMN(items, method));
    db_texts(params, n, DB_COLUMN(items, object_id));
    db_ints(params, n, DB_COLUMN(rows, http_status));
    db_byteas(params, n, DB_COLUMN(rows, answer));
    db_times(params, n, DB_COLUMN(items, now_us));
    db_int(params, IDEMPOTENCY_TTL_S);
    return params;
}

// Winners come back in the order of the items, with gaps: one walk finds them all.
static size_t mark_winners(const struct db_rows *rows, struct claim *items, size_t n)
{
    size_t won = db_count(rows), at = 0;
    for (size_t row = 0; row < won; row++) {
        const char *tenant_id = db_get_text(rows, row, 0), *key = db_get_text(rows, row, 1);
        while (strcmp(items[at].key, key) != 0 || strcmp(items[at].tenant_id, tenant_id) != 0)
            at = (at + 1) % n;
        items[at].result = CLAIM_WON;
    }
    return won;
}

static enum claim_result compare(const struct claim *item, struct bytes hash)
{
    if (!crypto_equal(hash, BYTES_OF_ARRAY(item->hash.at)))
        return CLAIM_REUSED;
    if (strcmp(item->held_object_id, item->object_id) == 0)
        return CLAIM_OURS;
    return item->held_answer.at ? CLAIM_REPLAY : CLAIM_RUNNING;
}

static enum status read_loser(const struct journal *journal, struct arena *arena,
                              const struct db_rows *rows, size_t row, struct claim *item)
{
    const char *context = answer_context(arena, item->tenant_id, item->key);
    struct bytes answer = db_get_bytea(rows, row, 3);
    if (!context)
        return STATUS_RESOURCE_EXHAUSTED;
    item->held_object_id = db_get_text(rows, row, 2);
    enum status status = STATUS_OK;
    if (answer.at)
        status = keyring_read(journal->ring, arena, answer, context, &item->held_answer);
    item->result = compare(item, db_get_bytea(rows, row, 1));
    if (status != STATUS_DATA_LOSS)
        return status;
    // Its key was taken away: the caller is told to wait, and the others of the batch go on.
    log_error("an idempotency key's answer can't be opened", LOG_S("tenant", item->tenant_id));
    return STATUS_OK;
}

static enum status read_losers(const struct journal *journal, struct db *db, struct arena *arena,
                               struct claim *items, size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(items, tenant_id));
    db_texts(params, n, DB_COLUMN(items, key));
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_held, params, &rows);
    if (status != STATUS_OK)
        return status;
    for (size_t row = 0; row < db_count(rows); row++) {
        struct claim *item = &items[db_get_int(rows, row, 0)];
        if (item->result == CLAIM_WON)
            continue;
        status = read_loser(journal, arena, rows, row, item);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t i = 0; i < n; i++) {
        // Without a transaction around us the row may be gone by now.
        if (items[i].result == 0)
            return STATUS_ABORTED;
    }
    return STATUS_OK;
}

static struct {
    pthread_once_t once;
    struct metric_series *won, *replayed, *conflict;
} tallies = {.once = PTHREAD_ONCE_INIT};

static void tallies_make(void)
{
    struct metric *metric =
        metric_counter("obol_idempotency_total",
                       "Idempotency keys that were claimed, by what came of it.", "outcome");
    tallies.won = metric_series(metric, METRIC_LABELS("new"));
    tallies.replayed = metric_series(metric, METRIC_LABELS("replayed"));
    tallies.conflict = metric_series(metric, METRIC_LABELS("conflict"));
}

void journal_tallies_begin(void)
{
    pthread_once(&tallies.once, tallies_make);
}

// A conflict is refused, and so mostly rolled back: it counts at once. Our own row, found again
// after a lost COMMIT, is nothing new.
static void tally(struct db *db, const struct claim *items, size_t n)
{
    int64_t won = 0, replayed = 0, conflicts = 0;
    for (size_t i = 0; i < n; i++) {
        won += items[i].result == CLAIM_WON;
        replayed += items[i].result == CLAIM_REPLAY;
        conflicts += items[i].result == CLAIM_RUNNING || items[i].result == CLAIM_REUSED;
    }
    journal_tallies_begin();
    if (won > 0)
        db_tally(db, tallies.won, won);
    if (replayed > 0)
        db_tally(db, tallies.replayed, replayed);
    metric_series_add(tallies.conflict, conflicts);
}

enum status journal_claim(const struct journal *journal, struct db *db, struct arena *arena,
                          struct claim *items, size_t n)
{
    if (n == 0)
        return STATUS_OK;
    for (size_t i = 0; i < n; i++) {
        items[i].result = 0;
        items[i].held_object_id = NULL;
        items[i].held_answer = (struct bytes){0};
    }
    struct db_params *params = claim_params(journal, arena, items, n);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_claim, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (mark_winners(rows, items, n) < n)
        status = read_losers(journal, db, arena, items, n);
    if (status == STATUS_OK)
        tally(db, items, n);
    return status;
}

enum status journal_complete(const struct journal *journal, struct db *db, struct arena *arena,
                             const char *tenant_id, const char *key, struct bytes answer,
                             const char *object_id)
{
    const char *context = answer_context(arena, tenant_id, key);
    struct bytes sealed = {0};
    if (context)
        sealed = keyring_seal(journal->ring, arena, answer, context);
    if (!sealed.at)
        return STATUS_RESOURCE_EXHAUSTED;
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, key);
    db_text(params, object_id);
    db_bytea(params, sealed);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_complete, params, &rows);
    if (status != STATUS_OK)
        return status;
    return db_count(rows) == 1 ? STATUS_OK : STATUS_NOT_FOUND;
}

enum status journal_forget(struct db *db, struct arena *arena, const struct claim *const *items,
                           size_t n)
{
    if (n == 0)
        return STATUS_OK;
    struct claim *copies = ARENA_ARRAY(arena, n, struct claim);
    if (!copies)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        copies[i] = *items[i];
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(copies, tenant_id));
    db_texts(params, n, DB_COLUMN(copies, key));
    db_texts(params, n, DB_COLUMN(copies, object_id));
    journal_tallies_begin();
    db_tally(db, tallies.won, -(int64_t)n);
    return db_post(db, arena, &sql_journal_forget, params);
}

enum status journal_key_get(struct db *db, struct arena *arena, const char *tenant_id,
                            const char *key, int64_t now_us, struct journal_key *ret)
{
    struct db_params *params = db_params(arena);
    db_text(params, tenant_id);
    db_text(params, key);
    db_time(params, now_us);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_journal_key_get, params, &rows);
    if (status != STATUS_OK)
        return status;
    if (db_count(rows) == 0)
        return STATUS_NOT_FOUND;
    *ret = (struct journal_key){
        .object_id = db_get_text(rows, 0, 0),
        .running = db_get_bool(rows, 0, 1),
        .http_status = (int32_t)db_get_int(rows, 0, 2),
        .created_us = db_get_time(rows, 0, 3),
        .expires_us = db_get_time(rows, 0, 4),
    };
    return STATUS_OK;
}
