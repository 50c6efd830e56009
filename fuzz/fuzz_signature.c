// Webhooks going out: secrets, signatures, event patterns, what a receiver answers.
#include <string.h>

#include "crypto/crypto.h"
#include "endpoint.h"
#include "schedule.h"
#include "signature.h"
#include "support/fuzz.h"
#include "text.h"
#include "json/json.h"

static void check_signature(struct arena *arena, const char *secret, const char *older,
                            struct bytes body)
{
    struct signature made, again;
    if (!signature_make(arena, secret, older, "evt_1", "1700000000", body, &made))
        return;
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(secret), body);
    const char *hex = crypto_hex(arena, BYTES_OF_ARRAY(mac.at));
    assert(hex && strcmp(made.hex, hex) == 0);
    size_t one = strlen("v1,") + 44;
    assert(strlen(made.standard) == (older ? 2 * one + 1 : one));
    assert(strncmp(made.standard, "v1,", 3) == 0);
    if (!older)
        return;
    assert(strncmp(made.standard + one, " v1,", 4) == 0);
    // Each is what the secret makes alone.
    assert(signature_make(arena, older, NULL, "evt_1", "1700000000", body, &again));
    assert(strcmp(made.standard + one + 1, again.standard) == 0);
}

static void check_pattern(const char *pattern)
{
    struct problem problem = {0};
    const char *const patterns[] = {pattern};
    bool known = event_pattern_known(pattern);
    enum status status = endpoint_check_events(patterns, 1, &problem);
    assert((status == STATUS_OK) == known);
    if (!known)
        fuzz_check_refusal(status, &problem);
    if (event_pattern_matches(pattern, "payment.succeeded"))
        assert(known && strcmp(pattern, "payment.succeeded") * strcmp(pattern, "payment.*") *
                                strcmp(pattern, "*") ==
                            0);
}

static void check_answer(struct arena *arena, const char *retry_after, struct bytes body)
{
    static const int64_t now_us = INT64_C(1700000000) * 1000000;
    int64_t after_s = schedule_retry_after_s(retry_after, now_us);
    assert(after_s >= -1);
    for (int64_t made = -1; made <= SCHEDULE_ATTEMPTS; made++) {
        int64_t next_us = schedule_next_us(schedule_intervals_s(false), made, now_us, after_s);
        assert(next_us >= now_us &&
               next_us - now_us <= SCHEDULE_RETRY_AFTER_MAX_S * INT64_C(1000000));
    }
    const char *clean = text_clean(arena, body);
    assert(clean && strlen(clean) <= body.length);
    fuzz_check_text(clean, body.length);
    if (json_utf8_valid(body))
        assert(strlen(clean) == body.length && memcmp(clean, body.at, body.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct problem problem = {0};
    struct arena *arena = fuzz_begin(data, size, &input);
    const char *secret = fuzz_line(&input, arena), *older = fuzz_line(&input, arena);
    const char *pattern = fuzz_line(&input, arena), *retry_after = fuzz_line(&input, arena);
    struct bytes body = fuzz_rest(&input);
    enum status status = endpoint_check_secret(secret, &problem);
    if (status != STATUS_OK)
        fuzz_check_refusal(status, &problem);
    else
        assert(strlen(secret) <= ENDPOINT_SECRET_MAX && !strpbrk(secret, " \t\r\n\x7f"));
    check_signature(arena, secret, *older ? older : NULL, body);
    check_pattern(pattern);
    check_answer(arena, retry_after, body);
    return 0;
}
