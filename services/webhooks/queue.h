// The dispatcher's queue: what waits, what is claimed, what came of it. Each function is one
// statement (queue_note: two), in the caller's transaction when there is one. A claim writes the
// attempt as started and leases the delivery for longer than the attempt can take; who dies in
// between leaves a lease that runs out.
#pragma once
#include "db/db.h"
#include "obs/trace.h"
#include "share.h"

struct attempt {
    const char *tenant_id, *delivery_id, *endpoint_id, *event_id, *url;
    const char *request_id, *traceparent;
    int64_t number, schedule_start, max_attempts, started_us;
    bool enabled;                                    // the endpoint still wants it
    bool failing;                                    // it has failed since its last success
    struct bytes secret_sealed, older_secret_sealed; // older: at NULL when there is none
    struct bytes body;                               // at NULL: the event is no longer kept
};
// An attempt as fields of a log line.
#define LOG_ATTEMPT(attempt_)                                                                      \
    LOG_S("delivery", (attempt_)->delivery_id), LOG_S("endpoint", (attempt_)->endpoint_id),        \
        LOG_S("event_id", (attempt_)->event_id), LOG_S("request_id", (attempt_)->request_id),      \
        LOG_TRACE((attempt_)->traceparent), LOG_S("tenant", (attempt_)->tenant_id)
struct outcome {
    const char *tenant_id, *delivery_id, *url;
    int64_t number, max_attempts, started_us; // as claimed
    const char *status;                       // "delivered", "failed" or "pending"
    int64_t next_us;                          // for pending, else DB_TIME_NULL
    int64_t response_code, duration_us;
    const char *response_body, *error, *request_headers; // error "" when none
};
struct endpoint_outcome {
    const char *tenant_id, *endpoint_id;
    bool worked;
};
struct endpoint_key {
    const char *tenant_id, *endpoint_id;
};

// Endpoints with deliveries in the queue after `from`, in order, up to limit; `due` counts to
// due_max.
MUST_USE enum status queue_waiting(struct db *db, struct arena *arena, struct endpoint_key from,
                                   int64_t limit, int64_t due_max, struct waiting **ret,
                                   size_t *ret_n);
// Claims up to items[i].allowed of each endpoint; rows that another dispatcher holds are skipped.
MUST_USE enum status queue_claim(struct db *db, struct arena *arena, const struct waiting *items,
                                 size_t n, int64_t lease_ms, struct attempt **ret, size_t *ret_n);
// Posted when in a transaction. Repeating it is harmless.
MUST_USE enum status queue_finish(struct db *db, struct arena *arena, const struct outcome *items,
                                  size_t n);
// Attempts of these endpoints whose lease ran out without an outcome, up to limit of each.
// *ret_n: how many.
MUST_USE enum status queue_recover(struct db *db, struct arena *arena, const struct waiting *items,
                                   size_t n, const int64_t *intervals_s, int64_t limit,
                                   size_t *ret_n);
// Keeps since when an endpoint fails. Gives those that have failed since before `cutoff_us`.
MUST_USE enum status queue_note(struct db *db, struct arena *arena,
                                const struct endpoint_outcome *items, size_t n, int64_t cutoff_us,
                                struct endpoint_key **ret, size_t *ret_n);
