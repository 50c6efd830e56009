#include "signature.h"

#include <string.h>

#include "crypto/crypto.h"
#include "text.h"

#define PREFIX "whsec_"

static struct bytes standard_key(struct arena *arena, const char *secret)
{
    const char *part = secret;
    if (strncmp(secret, PREFIX, sizeof PREFIX - 1) == 0)
        part += sizeof PREFIX - 1;
    struct bytes key = bytes_of_string(part);
    struct bytes decoded = {0};
    if (crypto_base64_decode(arena, part, key.length, &decoded) && decoded.length > 0)
        return decoded;
    return key;
}

// "id.timestamp.body"
static struct bytes standard_message(struct arena *arena, const char *event_id,
                                     const char *timestamp, struct bytes body)
{
    const char *head = text_join(arena, (const char *[]){event_id, ".", timestamp, ".", NULL});
    size_t head_length = head ? strlen(head) : 0;
    uint8_t *message = head ? arena_alloc(arena, head_length + body.length) : NULL;
    if (!message)
        return (struct bytes){0};
    memcpy(message, head, head_length);
    if (body.length > 0)
        memcpy(message + head_length, body.at, body.length);
    return (struct bytes){message, head_length + body.length};
}

static const char *standard_signature(struct arena *arena, const char *secret, struct bytes message)
{
    struct sha256 mac = crypto_hmac_sha256(standard_key(arena, secret), message);
    char *text = crypto_base64(arena, BYTES_OF_ARRAY(mac.at));
    return text ? text_join(arena, (const char *[]){"v1,", text, NULL}) : NULL;
}

bool signature_make(struct arena *arena, const char *secret, const char *older_secret,
                    const char *event_id, const char *timestamp, struct bytes body,
                    struct signature *ret)
{
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(secret), body);
    const char *hex = crypto_hex(arena, BYTES_OF_ARRAY(mac.at));
    struct bytes message = standard_message(arena, event_id, timestamp, body);
    if (!hex || !message.at)
        return false;
    const char *standard = standard_signature(arena, secret, message);
    if (standard && older_secret) {
        const char *older = standard_signature(arena, older_secret, message);
        standard = older ? text_join(arena, (const char *[]){standard, " ", older, NULL}) : NULL;
    }
    if (!standard)
        return false;
    *ret = (struct signature){hex, standard};
    return true;
}
