// Books on both sides: rows of ours, made as they would stand in the end, and a server in the
// test's own process that has theirs: a ledger under /ledger, and MTN's answers about each.
#pragma once
#include <stdatomic.h>

#include "providers.h"

#include "http/server.h"
#include "providers/common.h"
#include "reconcile/reconcile_run.h"
#include "reconcile/reconcile_write.h"

#define DAY_US (86400 * US_PER_S)
#define HOUR_US (3600 * US_PER_S)

typedef Obol__Payments__V1__Reconciliation Reconciliation;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t released;
    struct http_server *server;
    char url[64];
    char ledger[65536];
    int ledger_status, ledger_asked, queries, tokens;
    bool hangs;         // the ledger is not answered, until it is released
    bool broken;        // queries are not answered
    char failed[3][64]; // references, as MTN has them: failed, not found, pending
} theirs = {.lock = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER};

static char yesterday[DAY_SIZE];
static int64_t yesterday_us;

static inline void theirs_reply(struct http_exchange *exchange, int status, const char *json)
{
    http_header_out(exchange, "Content-Type", "application/json");
    http_reply(exchange, status, bytes_of_string(json));
}

static inline void theirs_query(struct http_exchange *exchange, const char *reference)
{
    theirs.queries++;
    if (theirs.broken)
        theirs_reply(exchange, 503, "{}");
    else if (strcmp(reference, theirs.failed[1]) == 0)
        theirs_reply(exchange, 404, "{\"code\":\"RESOURCE_NOT_FOUND\",\"message\":\"no\"}");
    else if (strcmp(reference, theirs.failed[0]) == 0)
        theirs_reply(exchange, 200, "{\"status\":\"FAILED\",\"reason\":\"NOT_ENOUGH_FUNDS\"}");
    else if (strcmp(reference, theirs.failed[2]) == 0)
        theirs_reply(exchange, 200, "{\"status\":\"PENDING\"}");
    else
        theirs_reply(exchange, 200, "{\"status\":\"SUCCESSFUL\"}");
}

static inline void theirs_handle(void *state, struct http_exchange *exchange)
{
    const char *path = http_path(exchange);
    const char *query = "/collection/v1_0/requesttopay/";
    (void)state;
    pthread_mutex_lock(&theirs.lock);
    if (strcmp(path, "/ledger") == 0 && http_query(exchange) &&
        strcmp(http_query(exchange), "provider=mtn") == 0) {
        theirs.ledger_asked++;
        while (theirs.hangs)
            pthread_cond_wait(&theirs.released, &theirs.lock);
        theirs_reply(exchange, theirs.ledger_status, theirs.ledger);
    } else if (strcmp(path, "/collection/token/") == 0) {
        theirs.tokens++;
        theirs_reply(exchange, 200, "{\"access_token\":\"t\",\"expires_in\":3600}");
    } else if (strncmp(path, query, strlen(query)) == 0) {
        theirs_query(exchange, path + strlen(query));
    } else {
        theirs_reply(exchange, 404, "{}");
    }
    pthread_mutex_unlock(&theirs.lock);
}

static inline void theirs_release(void)
{
    pthread_mutex_lock(&theirs.lock);
    theirs.hangs = false;
    pthread_cond_broadcast(&theirs.released);
    pthread_mutex_unlock(&theirs.lock);
}

static inline void books_begin(void)
{
    begin();
    struct http_server_config config = {.address = "127.0.0.1",
                                        .loops = 1,
                                        .body_max = 65536,
                                        .connections_max = 64,
                                        .request_s = 5,
                                        .idle_s = 30,
                                        .handle = theirs_handle};
    cr_ok(http_server_start(&config, &theirs.server));
    snprintf(theirs.url, sizeof theirs.url, "http://127.0.0.1:%d", http_server_port(theirs.server));
    theirs.ledger_status = 200;
    reconcile_day_of(clock_unix_us() - DAY_US, yesterday);
    cr_assert(reconcile_day_parse(yesterday, &yesterday_us));
    // Nothing listens there: what is sent goes nowhere.
    f.state.sessions = sessions_start(&f.state, &(struct db_config){.ring = test_ring(),
                                                                    .url = f.database.url,
                                                                    .schema = "payments",
                                                                    .application = "test"});
    cr_assert_not_null(f.state.sessions);
}

static inline void books_end(void)
{
    sessions_stop(f.state.sessions);
    end();
    http_server_stop(theirs.server, 1000);
}

struct booking {
    const char *credential_id;
    const char *status; // NULL: succeeded
    int64_t amount;
    int64_t at_us; // finished, from yesterday's midnight; 0: at noon
    bool refund, under_way;
};

// Gives the reference.
static inline const char *book(const struct booking *booking)
{
    const char *status = booking->status ? booking->status : "succeeded";
    const char *op = arena_strdup(f.arena, id_new("op").text);
    const char *pay = arena_strdup(f.arena, id_new("pay").text);
    char at[RFC3339_SIZE];
    clock_rfc3339(yesterday_us + (booking->at_us ? booking->at_us : 12 * HOUR_US), at);
    const char *finished = booking->under_way ? "NULL" : arena_printf(f.arena, "'%s'", at);
    test_sql(f.db, f.arena,
             arena_printf(f.arena,
                          "INSERT INTO payments (tenant_id, id, order_id, order_own, amount, "
                          "currency, method, msisdn, network, capture, status, provider, "
                          "credential_id, charge_operation_id, sequence, created_at, updated_at) "
                          "VALUES ('%s', '%s', 'r', false, %lld, 'ZMW', 'mobile_money', "
                          "'260960000001', 'mtn', 'automatic', 'succeeded', 'mtn', '%s', '%s', 3, "
                          "'%s', '%s')",
                          TENANT, pay, (long long)booking->amount, booking->credential_id, op, at,
                          at));
    test_sql(f.db, f.arena,
             arena_printf(f.arena,
                          "INSERT INTO operations (tenant_id, id, payment_id, kind, refund_id, "
                          "amount, currency, provider, credential_id, status, created_at, "
                          "finished_at) SELECT '%s', '%s', '%s', '%s', '%s', %lld, 'ZMW', "
                          "c.provider, c.id, '%s', '%s', %s FROM provider_credentials c "
                          "WHERE c.id = '%s'",
                          TENANT, op, pay, booking->refund ? "refund" : "charge", op,
                          (long long)booking->amount, booking->under_way ? "unknown" : status, at,
                          finished, booking->credential_id));
    return op;
}
#define BOOK(...) book(&(struct booking){__VA_ARGS__})

// Adds to their ledger.
static inline void ledger_add(const char *reference, const char *kind, const char *status,
                              int64_t amount)
{
    pthread_mutex_lock(&theirs.lock);
    size_t length = strlen(theirs.ledger);
    bool is_first = length == 0;
    if (!is_first)
        length -= 2; // "]}"
    snprintf(theirs.ledger + length, sizeof theirs.ledger - length,
             "%s{\"reference\":\"%s\",\"id\":\"1\",\"kind\":\"%s\",\"status\":\"%s\","
             "\"amount\":%lld,\"currency\":\"ZMW\",\"moved\":%d}]}",
             is_first ? "{\"entries\":[" : ",", reference, kind, status, (long long)amount,
             strcmp(status, "succeeded") == 0);
    pthread_mutex_unlock(&theirs.lock);
}

static inline const char *uuid(const char *reference)
{
    return reference_uuid(f.arena, reference);
}

static inline SetCredential *mtn_with_ledger(void)
{
    SetCredential *request =
        FIELDS("api_user=user", "api_key=" SECRET, "subscription_key=" SECRET "-s",
               arena_printf(f.arena, "base_url=%s", theirs.url),
               arena_printf(f.arena, "ledger_url=%s/ledger", theirs.url));
    request->provider = "mtn";
    return request;
}

static inline const char *sql(const char *statement)
{
    return test_sql(f.db, f.arena, statement);
}
