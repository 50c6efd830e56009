// What every service keeps beside its own tables, in its own schema, in the transactions of what it
// does: idempotency keys, events and their outbox, what consumers have taken, audit rows. Its
// migrations run before the service's own (they are numbered below 100; a service starts at 100).
//
// All functions take the caller's db and run in its transaction when one is open. Not thread-safe
// per db; a struct journal is immutable after start and may be shared.
#pragma once
#include "base/problem.h"
#include "crypto/crypto.h"
#include "db/db.h"
#include "db/migrate.h"
#include "obs/trace.h"

struct journal {
    const char *service;        // "payments": the scope of idempotency keys, the subject of events
    const struct keyring *ring; // request hashes; answers are sealed with it
};

extern const struct db_migration journal_migrations[];
extern const size_t journal_migrations_n;
#define MIGRATIONS_MAX 64 // of a service, the journal's among them
// The journal's and then a service's own, as one list in items; false: too many.
bool journal_migrations_before(const struct db_migrations *own,
                               struct db_migration items[MIGRATIONS_MAX],
                               struct db_migrations *ret);

#define IDEMPOTENCY_TTL_S (24 * 3600)
#define IDEMPOTENCY_KEY_MAX 255

// --- Idempotency keys
struct claim {
    const char *tenant_id, *key; // in
    struct sha256 hash;          // in: journal_hash
    const char *object_id;       // in: what this request makes, made before the first try
    const char *method;          // in: RPC path
    struct bytes answer; // in: the packed response to replay; at NULL: not known yet (running)
    int32_t http_status; // in
    int64_t now_us;      // in
    enum claim_result {
        CLAIM_WON = 1, // the row is ours, in this transaction
        CLAIM_OURS, // it stands there already with our object_id: an earlier try of this very batch
        CLAIM_REPLAY,           // held_answer is the first answer
        CLAIM_RUNNING,          // held_object_id is being worked on (two-phase acts only)
        CLAIM_REUSED,           // another method, path or body: 422
    } result;                   // out
    const char *held_object_id; // out, for all but WON; in the arena
    struct bytes held_answer;   // out, for REPLAY and OURS (at NULL: not known yet); in the arena
};
// A keyed hash of the request: fingerprint (the edge's digest of method, path and body) where there
// is one, else method and packed request.
struct sha256 journal_hash(const struct journal *journal, const char *method,
                           struct bytes fingerprint, struct bytes request);
// Claims n keys in one statement (losers are read in a second). A (tenant, key) comes at most once
// in items, and items are sorted by it. Waits for a transaction that holds the same key, up to
// lock_timeout (ABORTED). A key past its time counts as new.
MUST_USE enum status journal_claim(const struct journal *journal, struct db *db,
                                   struct arena *arena, struct claim *items, size_t n);
// Sets the answer of a key that was claimed for object_id without one. NOT_FOUND when it is not
// (any more).
MUST_USE enum status journal_complete(const struct journal *journal, struct db *db,
                                      struct arena *arena, const char *tenant_id, const char *key,
                                      struct bytes answer, const char *object_id);
// Gives claimed keys back: what they protected was refused. Reads tenant_id, key and object_id.
MUST_USE enum status journal_forget(struct db *db, struct arena *arena,
                                    const struct claim *const *items, size_t n);

// What a tenant's key did here.
struct journal_key {
    const char *object_id;
    bool running;
    int32_t http_status;
    int64_t created_us, expires_us;
};
// NOT_FOUND when it is unknown or past its time.
MUST_USE enum status journal_key_get(struct db *db, struct arena *arena, const char *tenant_id,
                                     const char *key, int64_t now_us, struct journal_key *ret);

// --- Events
struct event {
    const char *id, *tenant_id, *type, *object_id, *payment_id, *request_id, *traceparent;
    int64_t sequence, created_us;
    struct bytes body, payload;
};
// An event as fields of a log line.
#define LOG_EVENT(event_)                                                                          \
    LOG_S("event_id", (event_)->id), LOG_S("type", (event_)->type),                                \
        LOG_S("payment", (event_)->payment_id), LOG_S("request_id", (event_)->request_id),         \
        LOG_TRACE((event_)->traceparent), LOG_S("tenant", (event_)->tenant_id)
// Events and their outbox rows, in one statement; bodies are sealed with the ring of db, and opened
// wherever events are given back. One that stands there already (a repeated batch)
// is left.
MUST_USE enum status journal_append(struct db *db, struct arena *arena, const struct event *events,
                                    size_t n);
// An event's body as it lies in a table, here or at who keeps it: sealed, bound to the event's id.
// An empty one stays as it is. at NULL: the arena is full.
struct bytes journal_body_seal(struct db *db, struct arena *arena, const char *event_id,
                               struct bytes body);
// In its place; a plain one, of an earlier version, stays as it is. DATA_LOSS: it can't be opened.
MUST_USE enum status journal_body_open(struct db *db, struct arena *arena, const char *event_id,
                                       struct bytes *body);
// The bytes a merchant gets:
// {"id","event","created_at","sequence","data":{"<noun>":<object>}}. NULL when the arena is full.
char *journal_render(struct arena *arena, const struct event *event, const char *noun,
                     const char *object_json);
// Since a cursor (NULL or "": from the oldest), in commit order, up to the xmin horizon (of
// the whole server: a transaction left open anywhere holds it back, and with it only this list).
// INVALID_ARGUMENT for a cursor that isn't one of ours, or is from before the database was
// restored: start from the oldest again.
MUST_USE enum status journal_list(struct db *db, struct arena *arena, const char *cursor,
                                  size_t limit, struct event **ret, size_t *ret_n,
                                  const char **ret_cursor);

// The relay's side of the outbox: up to limit events that the bus has not acknowledged, oldest
// first, locked until the transaction ends (rows that another replica holds are left out).
MUST_USE enum status journal_outbox_take(struct db *db, struct arena *arena, size_t limit,
                                         struct event **ret, size_t *ret_n);
MUST_USE enum status journal_outbox_delete(struct db *db, struct arena *arena,
                                           const char *const *ids, size_t n);

// --- What a consumer has taken. Sets fresh[i] for events that `consumer` sees for the first time;
// of an event that comes twice in the list, the first.
MUST_USE enum status journal_take(struct db *db, struct arena *arena, const char *consumer,
                                  const struct event *events, size_t n, bool *fresh);
// A consumer's place in a peer's ListEvents. cursor is "" at first.
MUST_USE enum status journal_cursor_get(struct db *db, struct arena *arena, const char *consumer,
                                        const char **ret);
MUST_USE enum status journal_cursor_set(struct db *db, struct arena *arena, const char *consumer,
                                        const char *cursor);
// In a transaction, after a restore from another server: its transaction numbers hide no events
// here, and consumers compare with their peers from the start.
MUST_USE enum status journal_restored(struct db *db, struct arena *arena);

// --- Audit
struct audit {
    const char *tenant_id, *actor, *action, *object_id, *request_id;
    const char *before, *after; // JSON or NULL
};
MUST_USE enum status journal_audit(struct db *db, struct arena *arena, const struct audit *entries,
                                   size_t n);
struct audit_filter {
    const char *tenant_id, *object_id; // NULL or "": any
    const char *before_id;             // NULL or "": from the newest
    size_t limit;
};
struct audit_entry {
    const char *id;
    int64_t at_us;
    struct audit what;
};
// Newest first.
MUST_USE enum status journal_audit_list(struct db *db, struct arena *arena,
                                        const struct audit_filter *filter, struct audit_entry **ret,
                                        size_t *ret_n);

// --- Measuring
// Counters at 0, so that the first of a kind is seen to come.
void journal_tallies_begin(void);
// One row: outbox rows (counted to 10,001), when the oldest was written, the server's connections
// and how many it takes.
extern const struct db_statement *const journal_measure;

// --- Housekeeping
// Removes up to `limit` keys past their time, and consumer marks older than keep_us. *ret_removed
// rows.
MUST_USE enum status journal_sweep(struct db *db, struct arena *arena, int64_t now_us,
                                   int64_t keep_us, size_t limit, size_t *ret_removed);
// Makes the monthly partitions of `table` (range-partitioned by an id of this prefix) for now and
// the two months to come, and drops whole those that end before keep_us ago (0: keeps all). A month
// whose rows lie in the default partition already stays there.
MUST_USE enum status journal_partitions(struct db *db, struct arena *arena, const char *table,
                                        const char *id_prefix, int64_t now_us, int64_t keep_us);
