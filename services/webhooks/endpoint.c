#include "endpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/card_number.h"
#include "crypto/crypto.h"
#include "http/guard.h"
#include "json/json.h"

#define SECRET_BYTES 24

static const char *const known_events[] = {
    "payment.created",          "payment.processing",     "payment.requires_action",
    "payment.authorized",       "payment.captured",       "payment.succeeded",
    "payment.failed",           "payment.canceled",       "payment.expired",
    "payment.unknown",          "payment.capture_failed", "payment.cancel_failed",
    "payment.needs_review",     "payment.refunded",       "refund.created",
    "refund.processed",         "refund.failed",          "refund.unknown",
    "refund.needs_review",      "webhook.test",           "webhook_endpoint.disabled",
    "reconciliation.completed",
};

// "payment.*": the length of "payment.", else 0.
static size_t prefix_length(const char *pattern)
{
    size_t length = strlen(pattern);
    bool wild = length > 2 && pattern[length - 1] == '*' && pattern[length - 2] == '.';
    return wild ? length - 1 : 0;
}

bool event_pattern_matches(const char *pattern, const char *type)
{
    if (strcmp(pattern, "*") == 0 || strcmp(pattern, type) == 0)
        return true;
    size_t prefix = prefix_length(pattern);
    return prefix > 0 && strncmp(pattern, type, prefix) == 0 && !memchr(pattern, '.', prefix - 1);
}

bool event_patterns_match(const char *const *patterns, size_t n, const char *type)
{
    for (size_t i = 0; i < n; i++)
        if (event_pattern_matches(patterns[i], type))
            return true;
    return false;
}

bool event_pattern_known(const char *pattern)
{
    if (strcmp(pattern, "*") == 0)
        return true;
    for (size_t i = 0; i < sizeof known_events / sizeof *known_events; i++)
        if (event_pattern_matches(pattern, known_events[i]))
            return true;
    return false;
}

// Code points of well-formed UTF-8; SIZE_MAX when it is not, or holds control characters.
static size_t printable_length(const char *text)
{
    struct bytes bytes = bytes_of_string(text);
    if (!json_utf8_valid(bytes))
        return SIZE_MAX;
    size_t n = 0;
    for (size_t i = 0; i < bytes.length; i++) {
        uint8_t c = bytes.at[i];
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
            return SIZE_MAX;
        n += (c & 0xc0) != 0x80;
    }
    return n;
}

enum status endpoint_check_url(const char *url, bool allow_private, struct problem *problem)
{
    if (!url || !*url)
        return problem_invalid(problem, "url", "A URL is required.");
    if (strlen(url) > URL_MAX)
        return problem_invalid(problem, "url", "The URL is longer than 2048 characters.");
    return guard_url(url, allow_private, problem);
}

enum status endpoint_check_events(const char *const *patterns, size_t n, struct problem *problem)
{
    if (n == 0)
        return problem_invalid(problem, "events", "At least one event is required.");
    if (n > ENDPOINT_PATTERNS_MAX)
        return problem_invalid(problem, "events", "At most 50 events can be named.");
    for (size_t i = 0; i < n; i++) {
        if (event_pattern_known(patterns[i]))
            continue;
        char param[PROBLEM_PARAM_MAX];
        snprintf(param, sizeof param, "events[%zu]", i);
        return problem_invalid(problem, param, "There is no such event.");
    }
    return STATUS_OK;
}

enum status endpoint_check_description(const char *description, struct problem *problem)
{
    if (!description)
        return STATUS_OK;
    size_t length = printable_length(description);
    if (length == SIZE_MAX)
        return problem_invalid(problem, "description",
                               "No control characters but tab and newline.");
    if (length > ENDPOINT_DESCRIPTION_MAX)
        return problem_invalid(problem, "description", "At most 500 characters.");
    if (card_number_in(description))
        return problem_invalid(problem, "description", "This looks like a card number.");
    return STATUS_OK;
}

enum status endpoint_check_secret(const char *secret, struct problem *problem)
{
    size_t length = secret ? strlen(secret) : 0;
    if (length == 0 || length > ENDPOINT_SECRET_MAX)
        return problem_invalid(problem, "secret", "1 to 255 characters.");
    for (size_t i = 0; i < length; i++)
        if (secret[i] <= ' ' || secret[i] > '~')
            return problem_invalid(problem, "secret", "Printable ASCII without spaces.");
    return STATUS_OK;
}

char *endpoint_secret_new(struct arena *arena)
{
    uint8_t random[SECRET_BYTES];
    crypto_random(random, sizeof random);
    char *text = crypto_base64(arena, BYTES_OF_ARRAY(random));
    crypto_wipe(random, sizeof random);
    return text ? arena_printf(arena, "whsec_%s", text) : NULL;
}
