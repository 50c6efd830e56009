// Hands of a dispatcher without its dispatcher: claims, outcomes, leases that run out.
#pragma once
#include "store/webhooks/fixture.h"

#define URL "https://shop.example/hook"
#define LEASE_MS 30000

static inline struct waiting all_of(const char *tenant_id, const char *endpoint_id, int64_t n)
{
    return (struct waiting){.tenant_id = tenant_id, .endpoint_id = endpoint_id, .allowed = n};
}

static inline size_t claim(struct db *by, struct arena *in, int64_t n, struct attempt **ret)
{
    const struct waiting from = all_of("ten_a", "we_1", n);
    size_t claimed = 0;
    cr_ok(queue_claim(by, in, &from, 1, LEASE_MS, ret, &claimed));
    return claimed;
}

static inline struct outcome outcome_of(const struct attempt *attempt, const char *status)
{
    bool pending = strcmp(status, "pending") == 0;
    return (struct outcome){
        .tenant_id = attempt->tenant_id,
        .delivery_id = attempt->delivery_id,
        .url = attempt->url,
        .number = attempt->number,
        .max_attempts = attempt->max_attempts,
        .started_us = attempt->started_us,
        .status = status,
        .next_us = pending ? clock_unix_us() + 60 * US_PER_S : DB_TIME_NULL,
        .response_code = strcmp(status, "delivered") == 0 ? 200 : 500,
        .duration_us = 1500,
        .response_body = "body",
        .error = strcmp(status, "delivered") == 0 ? "" : "The endpoint answered 500.",
        .request_headers = "A: b\n",
    };
}

static inline size_t recover(void)
{
    const struct waiting of = all_of("ten_a", "we_1", 0);
    size_t n = 9;
    cr_ok(queue_recover(db, arena, &of, 1, schedule_intervals_s(false), 10, &n));
    return n;
}

// As if the process that claimed had died; then the statement.
static inline void lose_lease(const char *statement)
{
    sql("UPDATE delivery_queue SET lease_until = now() - interval '1 s'");
    cr_assert_eq(recover(), 1);
    sql(statement);
}

static inline struct attempt *claim_one(void)
{
    struct attempt *attempt = NULL;
    put_endpoint("ten_a", "we_1", URL, "*");
    put_events("ten_a", "payment.succeeded", 1);
    cr_assert_eq(claim(db, arena, 1, &attempt), 1);
    return attempt;
}
