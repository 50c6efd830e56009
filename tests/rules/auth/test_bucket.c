#include <criterion/criterion.h>
#include <string.h>

#include "bucket.h"
#include "tenant.h"

static struct problem problem;

static Obol__Auth__V1__LeaseTokensRequest ask(const char *key, int64_t rate, int64_t burst)
{
    Obol__Auth__V1__LeaseTokensRequest request = OBOL__AUTH__V1__LEASE_TOKENS_REQUEST__INIT;
    request.key = (char *)key;
    request.rate_per_min = rate;
    request.burst = burst;
    request.wanted = 1;
    return request;
}

static enum status read(const Obol__Auth__V1__LeaseTokensRequest *request, struct bucket_lease *ret)
{
    problem = (struct problem){0};
    return bucket_read(request, ret, &problem);
}

Test(bucket, of_a_tenant_takes_no_rate_from_the_caller)
{
    Obol__Auth__V1__LeaseTokensRequest request = ask("tenant:ten_a", 1000000, 1000000);
    struct bucket_lease lease;
    cr_assert_eq(read(&request, &lease), STATUS_OK);
    cr_assert_eq(lease.rate_per_min, 0);
    cr_assert_eq(lease.burst, 0);
    cr_assert_str_eq(bucket_tenant(lease.key), "ten_a");
    request = ask("failures:192.0.2.7", 100, 100);
    cr_assert_eq(read(&request, &lease), STATUS_OK);
    cr_assert_eq(lease.rate_per_min, 100);
    cr_assert_null(bucket_tenant(lease.key));
}

Test(bucket, is_refused_outside_its_bounds)
{
    char longest[BUCKET_KEY_MAX + 2] = "cards:";
    memset(longest + 6, 'a', BUCKET_KEY_MAX + 1 - 6);
    const Obol__Auth__V1__LeaseTokensRequest refused[] = {
        ask("", 1, 1),         ask("other:a", 1, 1),
        ask("tenant:", 1, 1),  ask("cards:", 1, 1),
        ask(longest, 1, 1),    ask("cards:a", 0, 1),
        ask("cards:a", 1, 0),  ask("cards:a", RATE_PER_MIN_MAX + 1, 1),
        ask("cards:a", -1, 1), ask("cards:a", 1, BUCKET_TOKENS_MAX + 1),
    };
    struct bucket_lease lease;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_eq(read(&refused[i], &lease), STATUS_INVALID_ARGUMENT, "%s", refused[i].key);
    Obol__Auth__V1__LeaseTokensRequest request = ask("cards:a", 1, 1);
    request.wanted = BUCKET_TOKENS_MAX + 1;
    cr_assert_eq(read(&request, &lease), STATUS_INVALID_ARGUMENT);
    request.wanted = 1;
    request.returned = -1;
    cr_assert_eq(read(&request, &lease), STATUS_INVALID_ARGUMENT);
}

Test(bucket, holds_nine_seconds_of_a_rate_and_at_least_one)
{
    cr_assert_eq(bucket_burst(6000), 900);
    cr_assert_eq(bucket_burst(7), 1);
    cr_assert_eq(bucket_burst(1), 1);
    cr_assert_eq(bucket_burst(RATE_PER_MIN_MAX), RATE_PER_MIN_MAX * 9 / 60);
}

Test(bucket, leases_joined_stay_within_bounds)
{
    struct bucket_lease sum = {.wanted = BUCKET_TOKENS_MAX, .returned = 1};
    bucket_join(&sum, &(struct bucket_lease){.wanted = BUCKET_TOKENS_MAX, .returned = 2});
    cr_assert_eq(sum.wanted, BUCKET_TOKENS_MAX);
    cr_assert_eq(sum.returned, 3);
}

static Obol__Auth__V1__LeaseTokensResponse answer(int64_t rate, int64_t burst, int64_t empty_us)
{
    Obol__Auth__V1__LeaseTokensResponse made = OBOL__AUTH__V1__LEASE_TOKENS_RESPONSE__INIT;
    bucket_answer(
        &(struct bucket_lease){.rate_per_min = rate, .burst = burst, .empty_us = empty_us}, &made);
    return made;
}

Test(bucket, tells_what_is_left_and_when_there_is_more)
{
    Obol__Auth__V1__LeaseTokensResponse full = answer(60, 10, 0);
    cr_assert_eq(full.remaining, 10);
    cr_assert_eq(full.reset_ms, 0);
    cr_assert_eq(full.next_ms, 0);
    Obol__Auth__V1__LeaseTokensResponse empty = answer(60, 10, 10000000);
    cr_assert_eq(empty.remaining, 0);
    cr_assert_eq(empty.reset_ms, 10000);
    cr_assert_eq(empty.next_ms, 1000);
    Obol__Auth__V1__LeaseTokensResponse odd = answer(7, 1, 0);
    cr_assert_eq(odd.remaining, 1);
    cr_assert_eq(odd.next_ms, 0);
    Obol__Auth__V1__LeaseTokensResponse half_a_token = answer(60, 10, 9500001);
    cr_assert_eq(half_a_token.remaining, 0);
    cr_assert_eq(half_a_token.next_ms, 501);
}
