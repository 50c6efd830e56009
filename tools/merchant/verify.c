#include "verify.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

#define SECRET_PREFIX "whsec_"
#define SCHEME "v1,"

static bool text_equal(const char *a, const char *b)
{
    return a && b && crypto_equal(bytes_of_string(a), bytes_of_string(b));
}

// The base64 after whsec_; where that part is none, its bytes as they are.
static struct bytes key_of(struct arena *arena, const char *secret)
{
    size_t prefix = strlen(SECRET_PREFIX);
    const char *part = strncmp(secret, SECRET_PREFIX, prefix) == 0 ? secret + prefix : secret;
    struct bytes key;
    return crypto_base64_decode(arena, part, strlen(part), &key) ? key : bytes_of_string(part);
}

static const char *expected_standard(struct arena *arena, const char *secret,
                                     const struct signed_request *request)
{
    size_t id = strlen(request->webhook_id), time = strlen(request->webhook_timestamp);
    size_t length = id + 1 + time + 1 + request->body.length;
    char *message = arena_alloc(arena, length + 1);
    if (!message)
        return NULL;
    memcpy(message, request->webhook_id, id);
    message[id] = '.';
    memcpy(message + id + 1, request->webhook_timestamp, time);
    message[id + 1 + time] = '.';
    if (request->body.length)
        memcpy(message + id + time + 2, request->body.at, request->body.length);
    struct sha256 mac =
        crypto_hmac_sha256(key_of(arena, secret), (struct bytes){(const uint8_t *)message, length});
    return crypto_base64(arena, BYTES_OF_ARRAY(mac.at));
}

// One of the signatures, separated by blanks, is ours; others may be of an older or newer secret.
static bool one_matches(struct arena *arena, const char *signatures, const char *expected)
{
    bool found = false;
    for (const char *at = signatures; *at;) {
        size_t length = strcspn(at, " ");
        const char *one = arena_strndup(arena, at, length);
        if (one && strncmp(one, SCHEME, strlen(SCHEME)) == 0)
            found |= text_equal(one + strlen(SCHEME), expected);
        at += length;
        at += strspn(at, " ");
    }
    return found;
}

static bool time_near(const char *text, int64_t now_s)
{
    char *end;
    long long at_s = strtoll(text, &end, 10);
    if (end == text || *end)
        return false;
    return at_s >= now_s - VERIFY_TOLERANCE_S && at_s <= now_s + VERIFY_TOLERANCE_S;
}

const char *verify_webhook(struct arena *arena, const char *secret,
                           const struct signed_request *request, int64_t now_s)
{
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(secret), request->body);
    if (!request->signature)
        return "no X-Webhook-Signature";
    if (!text_equal(request->signature, crypto_hex(arena, BYTES_OF_ARRAY(mac.at))))
        return "X-Webhook-Signature does not match";
    if (!request->webhook_id || !request->webhook_timestamp || !request->webhook_signature)
        return "webhook-id, webhook-timestamp or webhook-signature is missing";
    if (!time_near(request->webhook_timestamp, now_s))
        return "webhook-timestamp is more than five minutes away";
    const char *expected = expected_standard(arena, secret, request);
    if (!expected || !one_matches(arena, request->webhook_signature, expected))
        return "webhook-signature does not match";
    return NULL;
}
