#include "sending.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"

#define NOW_US (1800000000 * US_PER_S)

static struct keyring ring;
static struct sending_rules rules = {.ring = &ring, .timeout_ms = 15000};

static struct attempt attempt_at(struct arena *arena, int64_t number)
{
    cr_assert(
        keyring_parse("1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &ring));
    rules.intervals_s = schedule_intervals_s(false);
    if (!rules.secrets)
        rules.secrets = secrets_new();
    struct bytes secret = bytes_of_string("whsec_test_abc123");
    return (struct attempt){
        .tenant_id = "ten_1",
        .delivery_id = "whd_1",
        .endpoint_id = "we_1",
        .event_id = "evt_1",
        .url = "https://shop.example/hook",
        .request_id = "req_1",
        .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        .number = number,
        .max_attempts = 5,
        .enabled = true,
        .secret_sealed = keyring_seal(&ring, arena, secret, "ten_1/we_1"),
        .body = bytes_of_string("{\"a\":1}"),
    };
}

static const char *header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_n; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

Test(sending, makes_the_request_of_the_contract)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct attempt attempt = attempt_at(arena, 1);
    struct http_request request = {0};
    const char *lines = NULL;
    cr_assert_eq(sending_request(arena, &rules, &attempt, NOW_US, &request, &lines), STATUS_OK);
    cr_assert_str_eq(request.method, "POST");
    cr_assert_str_eq(request.url, attempt.url);
    cr_assert_eq(request.body.at, attempt.body.at);
    cr_assert(request.public_only && request.tls_required);
    cr_assert_eq(request.total_ms, 15000);
    cr_assert_eq(request.connect_ms, 5000);
    cr_assert_eq(request.response_max, 4096);
    cr_assert_str_eq(header(&request, "Content-Type"), "application/json");
    cr_assert_str_eq(header(&request, "webhook-id"), "evt_1");
    cr_assert_str_eq(header(&request, "webhook-timestamp"), "1800000000");
    cr_assert_str_eq(header(&request, "X-Request-Id"), "req_1");
    cr_assert_str_eq(header(&request, "traceparent"), attempt.traceparent);
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("whsec_test_abc123"), attempt.body);
    cr_assert_str_eq(header(&request, "X-Webhook-Signature"),
                     crypto_hex(arena, BYTES_OF_ARRAY(mac.at)));
    cr_assert(strstr(lines, "User-Agent: Obol/"));
    cr_assert(strstr(lines, "webhook-id: evt_1\n"));
    cr_assert_not(strstr(lines, "whsec_"));
}

Test(sending, signs_with_both_secrets_while_they_overlap)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct attempt attempt = attempt_at(arena, 1);
    attempt.older_secret_sealed =
        keyring_seal(&ring, arena, bytes_of_string("whsec_older"), "ten_1/we_1");
    struct http_request request = {0};
    const char *lines = NULL;
    cr_assert_eq(sending_request(arena, &rules, &attempt, NOW_US, &request, &lines), STATUS_OK);
    cr_assert(strstr(header(&request, "webhook-signature"), " v1,"));
}

Test(sending, refuses_a_secret_that_was_moved_to_another_endpoint)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct attempt attempt = attempt_at(arena, 1);
    attempt.endpoint_id = "we_2";
    struct http_request request = {0};
    const char *lines = NULL;
    cr_assert_eq(sending_request(arena, &rules, &attempt, NOW_US, &request, &lines),
                 STATUS_DATA_LOSS);
    attempt.secret_sealed = (struct bytes){0};
    cr_assert_eq(sending_request(arena, &rules, &attempt, NOW_US, &request, &lines),
                 STATUS_DATA_LOSS);
}

Test(sending, leaves_out_what_is_no_request_id_and_no_trace)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct attempt attempt = attempt_at(arena, 1);
    attempt.request_id = "two words";
    attempt.traceparent = "";
    struct http_request request = {0};
    const char *lines = NULL;
    rules.allow_private = true;
    cr_assert_eq(sending_request(arena, &rules, &attempt, NOW_US, &request, &lines), STATUS_OK);
    cr_assert_null(header(&request, "X-Request-Id"));
    cr_assert_null(header(&request, "traceparent"));
    cr_assert_not(request.public_only || request.tls_required);
}

static struct outcome outcome_of(struct arena *arena, int64_t number, struct http_response response)
{
    struct attempt attempt = attempt_at(arena, number);
    response.duration_us = 1234;
    return sending_outcome(arena, &rules, &attempt, &response, NOW_US);
}

Test(sending, takes_2xx_for_delivered)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct outcome outcome = outcome_of(
        arena, 5, (struct http_response){.status = 204, .body = bytes_of_string("thanks")});
    cr_assert_str_eq(outcome.status, "delivered");
    cr_assert_eq(outcome.next_us, DB_TIME_NULL);
    cr_assert_str_eq(outcome.error, "");
    cr_assert_str_eq(outcome.response_body, "thanks");
    cr_assert_eq(outcome.duration_us, 1234);
}

Test(sending, tries_again_by_the_schedule)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct outcome outcome = outcome_of(arena, 2, (struct http_response){.status = 500});
    cr_assert_str_eq(outcome.status, "pending");
    cr_assert_eq(outcome.next_us, NOW_US + 300 * US_PER_S);
    cr_assert_str_eq(outcome.error, "The endpoint answered 500.");
    outcome = outcome_of(arena, 5, (struct http_response){.status = 500});
    cr_assert_str_eq(outcome.status, "failed");
    cr_assert_eq(outcome.next_us, DB_TIME_NULL);
}

Test(sending, counts_a_new_schedule_from_its_start)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct attempt attempt = attempt_at(arena, 6);
    attempt.schedule_start = 5;
    attempt.max_attempts = 10;
    struct http_response response = {.status = 500};
    struct outcome outcome = sending_outcome(arena, &rules, &attempt, &response, NOW_US);
    cr_assert_str_eq(outcome.status, "pending");
    cr_assert_eq(outcome.next_us, NOW_US + 60 * US_PER_S);
}

Test(sending, honours_retry_after)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct http_header headers[] = {{"retry-after", "3600"}};
    struct outcome outcome = outcome_of(
        arena, 1, (struct http_response){.status = 503, .headers = headers, .headers_n = 1});
    cr_assert_eq(outcome.next_us, NOW_US + 3600 * US_PER_S);
}

Test(sending, follows_no_redirect)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct outcome outcome = outcome_of(arena, 1, (struct http_response){.status = 302});
    cr_assert_str_eq(outcome.status, "pending");
    cr_assert(strstr(outcome.error, "redirects are not followed"));
}

Test(sending, fails_for_good_when_gone)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct outcome outcome = outcome_of(arena, 1, (struct http_response){.status = 410});
    cr_assert_str_eq(outcome.status, "failed");
}

Test(sending, says_why_there_is_no_answer)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const enum http_failure failures[] = {HTTP_REFUSED_URL, HTTP_NO_CONNECTION, HTTP_TIMEOUT,
                                          HTTP_BROKEN};
    for (int i = 0; i < 4; i++) {
        struct outcome outcome =
            outcome_of(arena, 1, (struct http_response){.failure = failures[i]});
        cr_assert_str_eq(outcome.status, "pending");
        cr_assert_gt(strlen(outcome.error), 10);
        cr_assert_eq(outcome.response_code, 0);
        cr_assert_null(outcome.response_body);
    }
    struct outcome outcome = outcome_of(
        arena, 1,
        (struct http_response){.failure = HTTP_TIMEOUT, .error = "Timed out after 15 s."});
    cr_assert_str_eq(outcome.error, "Timed out after 15 s.");
}

Test(sending, keeps_4_KiB_of_the_answer)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    static uint8_t big[5000];
    memset(big, 'x', sizeof big);
    struct outcome outcome =
        outcome_of(arena, 1, (struct http_response){.status = 500, .body = {big, sizeof big}});
    cr_assert_eq(strlen(outcome.response_body), RESPONSE_KEPT_MAX);
}
