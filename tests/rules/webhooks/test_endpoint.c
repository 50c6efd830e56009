#include "endpoint.h"

#include <criterion/criterion.h>
#include <string.h>

#include "crypto/crypto.h"

Test(endpoint, matches_events_by_name_prefix_and_star)
{
    cr_assert(event_pattern_matches("*", "payment.succeeded"));
    cr_assert(event_pattern_matches("payment.*", "payment.succeeded"));
    cr_assert(event_pattern_matches("payment.succeeded", "payment.succeeded"));
    cr_assert_not(event_pattern_matches("payment.*", "refund.processed"));
    cr_assert_not(event_pattern_matches("payment.succeeded", "payment.failed"));
    cr_assert_not(event_pattern_matches("pay*", "payment.succeeded"));
    cr_assert_not(event_pattern_matches("webhook.*", "webhook_endpoint.disabled"));
    cr_assert_not(event_pattern_matches(".*", ".x"));
}

Test(endpoint, matches_when_any_pattern_does)
{
    const char *patterns[] = {"refund.*", "payment.failed"};
    cr_assert(event_patterns_match(patterns, 2, "payment.failed"));
    cr_assert(event_patterns_match(patterns, 2, "refund.created"));
    cr_assert_not(event_patterns_match(patterns, 2, "payment.succeeded"));
    cr_assert_not(event_patterns_match(patterns, 0, "payment.succeeded"));
}

Test(endpoint, knows_every_event_of_the_contract)
{
    const char *known[] = {"*",
                           "payment.*",
                           "refund.*",
                           "webhook.*",
                           "webhook_endpoint.*",
                           "payment.created",
                           "payment.requires_action",
                           "payment.cancel_failed",
                           "payment.needs_review",
                           "payment.refunded",
                           "refund.needs_review",
                           "webhook.test",
                           "webhook_endpoint.disabled"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        cr_assert(event_pattern_known(known[i]), "%s", known[i]);
    const char *unknown[] = {"",   "payment",   "payment.",    "payment.nope", "order.*",
                             "**", "*.created", "payment.*.x", "Payment.*"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        cr_assert_not(event_pattern_known(unknown[i]), "%s", unknown[i]);
}

Test(endpoint, names_the_event_it_refuses)
{
    struct problem problem = {0};
    const char *patterns[] = {"payment.*", "refund.processed", "order.paid"};
    cr_assert_eq(endpoint_check_events(patterns, 2, &problem), STATUS_OK);
    cr_assert_eq(endpoint_check_events(patterns, 3, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "events[2]");
    cr_assert_str_eq(problem.code, "invalid_request");
}

Test(endpoint, bounds_the_number_of_events)
{
    struct problem problem = {0};
    const char *patterns[ENDPOINT_PATTERNS_MAX + 1];
    for (size_t i = 0; i <= ENDPOINT_PATTERNS_MAX; i++)
        patterns[i] = "*";
    cr_assert_eq(endpoint_check_events(patterns, ENDPOINT_PATTERNS_MAX, &problem), STATUS_OK);
    cr_assert_eq(endpoint_check_events(patterns, ENDPOINT_PATTERNS_MAX + 1, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "events");
    cr_assert_eq(endpoint_check_events(patterns, 0, &problem), STATUS_INVALID_ARGUMENT);
}

Test(endpoint, wants_https_and_a_public_address)
{
    struct problem problem = {0};
    cr_assert_eq(endpoint_check_url("https://shop.example/hook", false, &problem), STATUS_OK);
    cr_assert_neq(endpoint_check_url("http://shop.example/hook", false, &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "url");
    cr_assert_neq(endpoint_check_url("https://127.0.0.1/hook", false, &problem), STATUS_OK);
    cr_assert_eq(endpoint_check_url("http://127.0.0.1:4000/webhook", true, &problem), STATUS_OK);
    cr_assert_neq(endpoint_check_url("", true, &problem), STATUS_OK);
    cr_assert_neq(endpoint_check_url(NULL, true, &problem), STATUS_OK);
}

Test(endpoint, bounds_the_url)
{
    struct problem problem = {0};
    char url[2100] = "https://shop.example/";
    memset(url + strlen(url), 'a', 2049 - strlen(url));
    cr_assert_eq(strlen(url), 2049);
    cr_assert_eq(endpoint_check_url(url, false, &problem), STATUS_INVALID_ARGUMENT);
    url[2048] = '\0';
    cr_assert_eq(endpoint_check_url(url, false, &problem), STATUS_OK);
}

Test(endpoint, counts_a_descriptions_characters_not_its_bytes)
{
    struct problem problem = {0};
    char text[3 * ENDPOINT_DESCRIPTION_MAX + 4] = "";
    for (int i = 0; i < ENDPOINT_DESCRIPTION_MAX; i++)
        memcpy(text + 3 * i, "\u20ac", 4);
    cr_assert_eq(endpoint_check_description(text, &problem), STATUS_OK);
    memcpy(text + 3 * ENDPOINT_DESCRIPTION_MAX, "x", 2);
    cr_assert_eq(endpoint_check_description(text, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(endpoint_check_description("tab\tand\nline", &problem), STATUS_OK);
    cr_assert_eq(endpoint_check_description("bell\a", &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(endpoint_check_description("\xff", &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(endpoint_check_description(NULL, &problem), STATUS_OK);
}

Test(endpoint, takes_a_printable_secret_only)
{
    struct problem problem = {0};
    cr_assert_eq(endpoint_check_secret("whsec_test_abc123", &problem), STATUS_OK);
    cr_assert_eq(endpoint_check_secret("", &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(endpoint_check_secret(NULL, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(endpoint_check_secret("with space", &problem), STATUS_INVALID_ARGUMENT);
    char text[ENDPOINT_SECRET_MAX + 2];
    memset(text, 'a', sizeof text);
    text[ENDPOINT_SECRET_MAX + 1] = '\0';
    cr_assert_eq(endpoint_check_secret(text, &problem), STATUS_INVALID_ARGUMENT);
}

Test(endpoint, makes_secrets_of_24_random_bytes)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const char *a = endpoint_secret_new(arena), *b = endpoint_secret_new(arena);
    struct bytes raw = {0};
    cr_assert_eq(strncmp(a, "whsec_", 6), 0);
    cr_assert(crypto_base64_decode(arena, a + 6, strlen(a + 6), &raw));
    cr_assert_eq(raw.length, 24);
    cr_assert_str_neq(a, b);
}
