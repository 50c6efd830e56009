// Airtel's callbacks: {"transaction":{…},"hash":"…"}, where the hash is over the transaction as
// Airtel wrote it down when it signed. Which rendering that is has never been said, so there are
// several, and a credential may name the one that is right.
#include "providers/airtel.h"

#include <string.h>

#include "crypto/crypto.h"
#include "json/members.h"

#define MEMBER "transaction"

// Behind the string that begins at `at` (its quote); end when it doesn't end.
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at < end ? at + 1 : end;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && strchr(" \t\r\n", *at))
        at++;
    return at;
}

// The object that begins at `at`, as it stands; of JSON that was parsed before.
static struct bytes object_at(const char *at, const char *end)
{
    const char *start = at;
    int depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = string_end(at, end);
            continue;
        }
        depth += *at == '{';
        depth -= *at == '}';
        at++;
        if (depth == 0)
            return (struct bytes){(const uint8_t *)start, (size_t)(at - start)};
    }
    return (struct bytes){0};
}

// The member's value as it came: the signature is over bytes, which no parser keeps.
static struct bytes transaction_of(struct bytes body)
{
    static const char name[] = "\"" MEMBER "\"";
    const char *at = (const char *)body.at, *end = at + body.length;
    int depth = 0;
    while (at < end) {
        if (*at != '"') {
            depth += *at == '{' || *at == '[';
            depth -= *at == '}' || *at == ']';
            at++;
            continue;
        }
        const char *behind = string_end(at, end);
        const char *next = skip_blanks(behind, end);
        bool is_it = depth == 1 && next < end && *next == ':' &&
                     (size_t)(behind - at) == strlen(name) && memcmp(at, name, strlen(name)) == 0;
        if (is_it) {
            next = skip_blanks(next + 1, end);
            return next < end && *next == '{' ? object_at(next, end) : (struct bytes){0};
        }
        at = behind;
    }
    return (struct bytes){0};
}

static struct bytes as_received(struct arena *arena, struct bytes transaction,
                                const struct json_value *body)
{
    (void)arena;
    (void)body;
    return transaction;
}

static struct bytes as_compact(struct arena *arena, struct bytes transaction,
                               const struct json_value *body)
{
    (void)transaction;
    return bytes_of_string(json_value_text(arena, json_member_of(body, MEMBER)));
}

static const struct {
    const char *name;
    struct bytes (*render)(struct arena *, struct bytes, const struct json_value *);
} renderings[] = {
    {"received", as_received}, {"compact", as_compact}, // parsed and written anew
};

static const char *key_of(const struct provider_use *use)
{
    const char *key = credential_get(use->credential, "callback_hash_key");
    return *key ? key : credential_get(use->credential, "webhook_secret");
}

static bool hash_fits(const char *key, struct bytes message, struct bytes hash)
{
    if (!message.at)
        return false;
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(key), message);
    return crypto_equal(hash, BYTES_OF_ARRAY(mac.at));
}

enum callback_proof airtel_callback_proof(const struct provider_use *use,
                                          const struct provider_callback *callback)
{
    const char *key = key_of(use);
    const char *wanted = credential_get(use->credential, "callback_rendering");
    const struct json_value *body;
    struct bytes hash;
    if (!*key)
        return CALLBACK_UNPROVEN;
    if (json_parse(use->arena, callback->body, &body) != STATUS_OK)
        return CALLBACK_FORGED;
    const char *text = json_get_string(body, "hash");
    struct bytes transaction = transaction_of(callback->body);
    if (!text || !transaction.at || !crypto_base64_decode(use->arena, text, strlen(text), &hash))
        return CALLBACK_FORGED;
    bool is_proven = false;
    for (size_t i = 0; i < sizeof renderings / sizeof *renderings; i++)
        if (!*wanted || strcmp(wanted, renderings[i].name) == 0)
            is_proven |= hash_fits(key, renderings[i].render(use->arena, transaction, body), hash);
    return is_proven ? CALLBACK_PROVEN : CALLBACK_FORGED;
}

const char *airtel_callback_reference(struct arena *arena, const struct provider_callback *callback)
{
    const struct json_value *body;
    if (json_parse(arena, callback->body, &body) != STATUS_OK)
        return NULL;
    const char *id = json_get_string(body, MEMBER ".id");
    return id ? reference_expand(arena, id) : NULL;
}
