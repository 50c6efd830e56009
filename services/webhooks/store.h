// The tables of webhooks: endpoints, stored events, deliveries and their attempts. Each function
// runs one statement (or few) in the caller's transaction, when there is one. Results live in the
// arena. NOT_FOUND where one row was asked for and isn't there; else what the database says (db.h).
#pragma once
#include "db/db.h"
#include "service/page.h"

// --- Endpoints (store_endpoints.c)
struct endpoint {
    const char *tenant_id, *id, *url, *description, *disabled_reason; // the last two may be NULL
    const char *const *events;
    size_t events_n;
    bool enabled;
    int64_t created_us;
    int64_t sequence;           // of its own events; where it was raised
    struct bytes secret_sealed; // on insert, and from store_endpoint_lock
};
// Waits its turn among the tenant's makers of endpoints; in a transaction.
MUST_USE enum status store_endpoint_count(struct db *db, struct arena *arena, const char *tenant_id,
                                          int64_t *ret);
// ALREADY_EXISTS when the id is taken, also by a deleted one.
MUST_USE enum status store_endpoint_insert(struct db *db, struct arena *arena,
                                           const struct endpoint *endpoint);
MUST_USE enum status store_endpoint_get(struct db *db, struct arena *arena, const char *tenant_id,
                                        const char *id, struct endpoint *ret);
MUST_USE enum status store_endpoint_lock(struct db *db, struct arena *arena, const char *tenant_id,
                                         const char *id, struct endpoint *ret);
// Nearest to the cursor first, up to limit + 1, like the lists below.
MUST_USE enum status store_endpoint_list(struct db *db, struct arena *arena, const char *tenant_id,
                                         const struct page *page, struct endpoint **ret,
                                         size_t *ret_n);
MUST_USE enum status store_endpoint_update(struct db *db, struct arena *arena,
                                           const struct endpoint *endpoint);
MUST_USE enum status store_endpoint_delete(struct db *db, struct arena *arena,
                                           const char *tenant_id, const char *id);
// The secret in use becomes the older one until old_until_us.
MUST_USE enum status store_endpoint_rotate(struct db *db, struct arena *arena,
                                           const struct endpoint *endpoint, struct bytes sealed,
                                           int64_t old_until_us);
// The endpoint as it is then; NOT_FOUND when it was not enabled.
MUST_USE enum status store_endpoint_disable(struct db *db, struct arena *arena,
                                            const char *tenant_id, const char *id,
                                            const char *reason, struct endpoint *ret);
MUST_USE enum status store_endpoint_raise_sequence(struct db *db, struct arena *arena,
                                                   const char *tenant_id, const char *id,
                                                   struct endpoint *ret);
// Pending deliveries of an endpoint that gets no more.
MUST_USE enum status store_fail_pending(struct db *db, struct arena *arena, const char *tenant_id,
                                        const char *endpoint_id, const char *reason);

// --- Events (store_events.c)
struct event; // journal/journal.h
struct stored_event {
    const char *id, *type, *object_id, *payment_id; // payment_id may be NULL
    int64_t sequence, created_us;
    struct bytes body;
};
struct event_filter {
    const char *type, *object_id, *payment_id; // NULL: any
};
// Sets fresh[i] for events that were not there yet. Ids come once.
MUST_USE enum status store_events_insert(struct db *db, struct arena *arena,
                                         const struct event *events, size_t n, bool *fresh);
MUST_USE enum status store_event_get(struct db *db, struct arena *arena, const char *tenant_id,
                                     const char *id, struct stored_event *ret);
MUST_USE enum status store_event_list(struct db *db, struct arena *arena, const char *tenant_id,
                                      const struct event_filter *filter, const struct page *page,
                                      struct stored_event **ret, size_t *ret_n);
// Endpoints of these tenants that want deliveries, sorted, and held until the transaction ends.
MUST_USE enum status store_endpoints_for(struct db *db, struct arena *arena,
                                         const char *const *tenants, size_t tenants_n,
                                         struct endpoint **ret, size_t *ret_n);

// --- Deliveries (store_deliveries.c)
struct new_delivery {
    const char *tenant_id, *id, *endpoint_id, *event_id, *event_type, *payment_id, *url;
};
struct delivery {
    const char *id, *endpoint_id, *event_type, *event_id, *payment_id, *url, *status;
    const char *response_body, *last_error;        // may be NULL, like payment_id
    int64_t attempts, max_attempts, response_code; // 0: none
    int64_t next_us, created_us, delivered_us;
};
struct delivery_filter {
    const char *endpoint_id, *event_type, *event_id, *payment_id, *status; // NULL: any
};
struct logged_attempt {
    int64_t number, started_us, duration_us, response_code; // duration -1, code 0: none
    const char *request_headers, *response_body, *error;    // may be NULL
};
struct retry_look { // what decides whether a delivery can be tried again
    bool enabled, deleted, kept;
};
struct replay {
    const char *tenant_id, *endpoint_id, *event_floor;
    const char *const *patterns;
    size_t patterns_n;
    int64_t since_us, until_us, limit;
    bool only_failed;
};
// due_us: when the first attempt may start.
MUST_USE enum status store_deliveries_insert(struct db *db, struct arena *arena,
                                             const struct new_delivery *items, size_t n,
                                             int64_t due_us, int64_t max_attempts);
MUST_USE enum status store_delivery_get(struct db *db, struct arena *arena, const char *tenant_id,
                                        const char *id, struct delivery *ret);
MUST_USE enum status store_delivery_list(struct db *db, struct arena *arena, const char *tenant_id,
                                         const struct delivery_filter *filter,
                                         const struct page *page, struct delivery **ret,
                                         size_t *ret_n);
// Oldest first; of very many the newest hundred.
MUST_USE enum status store_attempts(struct db *db, struct arena *arena, const char *tenant_id,
                                    const char *delivery_id, struct logged_attempt **ret,
                                    size_t *ret_n);
MUST_USE enum status store_event_body(struct db *db, struct arena *arena, const char *tenant_id,
                                      const char *event_id, struct bytes *ret);
MUST_USE enum status store_delivery_lock(struct db *db, struct arena *arena, const char *tenant_id,
                                         const char *id, struct retry_look *ret);
MUST_USE enum status store_delivery_retry(struct db *db, struct arena *arena, const char *tenant_id,
                                          const char *id, int64_t more_attempts);
// Oldest first; id, event_id, event_type and payment_id are set, for the caller to fill in the
// rest.
MUST_USE enum status store_replayable(struct db *db, struct arena *arena,
                                      const struct replay *replay, struct new_delivery **ret,
                                      size_t *ret_n);
MUST_USE enum status store_jobs(struct db *db, struct arena *arena, const char *tenant_id,
                                int64_t since_us, int64_t counts[4]);
