#include "key.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "db/db.h"
#include "rpc/call.h"

static enum status check_owner(const char *tenant_id, const char *name, struct problem *problem)
{
    if (!id_looks_like(TENANT_PREFIX, tenant_id))
        return problem_invalid(problem, "tenant_id", "tenant_id is not a tenant's id (ten_…).");
    return name_check(name, problem);
}

bool key_id_valid(const char *id)
{
    size_t length = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return length > 0 && length <= ID_TEXT_MAX && id[length] == '\0';
}

struct sha256 key_digest(const struct keyring *ring, const char *id, const char *secret)
{
    // The NUL between them stands in no id, so no two pairs make the same message. Longer secrets
    // than are ever made or taken are cut: they match nothing, and cost no more than others.
    char message[ID_TEXT_MAX + 1 + KEY_SECRET_MAX + 1] = {0};
    size_t id_length = strnlen(id, ID_TEXT_MAX);
    size_t secret_length = strnlen(secret, KEY_SECRET_MAX + 1);
    memcpy(message, id, id_length);
    memcpy(message + id_length + 1, secret, secret_length);
    struct bytes view = {(const uint8_t *)message, id_length + 1 + secret_length};
    struct sha256 digest = keyring_mac(ring, "api_key", view);
    crypto_wipe(message, sizeof message);
    return digest;
}

bool key_matches(const struct keyring *ring, const char *id, const char *secret,
                 struct bytes stored)
{
    static const struct sha256 nobody;
    bool known = stored.at && stored.length == SHA256_BYTES;
    struct sha256 given = key_digest(ring, id, secret);
    struct bytes expected = known ? stored : BYTES_OF_ARRAY(nobody.at);
    bool equal = crypto_equal(BYTES_OF_ARRAY(given.at), expected);
    return equal && known;
}

enum status key_make(struct arena *arena, const struct keyring *ring,
                     const Obol__Auth__V1__CreateKeyRequest *request, struct api_key *ret,
                     const char **ret_secret, struct problem *problem)
{
    enum status status = check_owner(request->tenant_id, request->name, problem);
    if (status != STATUS_OK)
        return status;
    uint8_t random[KEY_SECRET_RANDOM_BYTES];
    crypto_random(random, sizeof random);
    const char *text = crypto_hex(arena, BYTES_OF_ARRAY(random));
    crypto_wipe(random, sizeof random);
    const char *secret = text ? arena_printf(arena, KEY_SECRET_PREFIX "%s", text) : NULL;
    struct id fresh = id_new(KEY_PREFIX);
    const char *id = arena_strdup(arena, fresh.text);
    if (!secret || !id)
        return problem_internal(problem);
    *ret = (struct api_key){
        .id = id,
        .tenant_id = request->tenant_id,
        .name = request->name,
        .digest = key_digest(ring, id, secret),
        .created_us = clock_unix_us(),
        .revoked_us = DB_TIME_NULL,
    };
    *ret_secret = secret;
    return STATUS_OK;
}

static bool secret_printable(const char *secret)
{
    for (const char *at = secret; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return true;
}

enum status key_take(const struct keyring *ring, const Obol__Auth__V1__ImportKeyRequest *request,
                     struct api_key *ret, struct problem *problem)
{
    enum status status = check_owner(request->tenant_id, request->name, problem);
    if (status != STATUS_OK)
        return status;
    if (!id_looks_like(KEY_PREFIX, request->id))
        return problem_invalid(problem, "id", "id is not a key's id (key_…).");
    size_t length = strlen(request->secret);
    if (length < KEY_SECRET_MIN || length > KEY_SECRET_MAX || !secret_printable(request->secret))
        return problem_invalid(problem, "secret",
                               "secret has 16 to 256 printable characters without blanks.");
    *ret = (struct api_key){
        .id = request->id,
        .tenant_id = request->tenant_id,
        .name = request->name,
        .digest = key_digest(ring, request->id, request->secret),
        .created_us = clock_unix_us(),
        .revoked_us = DB_TIME_NULL,
    };
    return STATUS_OK;
}

Obol__Auth__V1__ApiKey *key_message(struct arena *arena, const struct api_key *key)
{
    Obol__Auth__V1__ApiKey *message =
        MESSAGE_NEW(arena, obol__auth__v1__api_key, Obol__Auth__V1__ApiKey);
    if (!message)
        return NULL;
    message->id = (char *)key->id;
    message->object = (char *)"api_key";
    message->tenant_id = (char *)key->tenant_id;
    message->name = (char *)key->name;
    message->created_at = timestamp_message(arena, key->created_us);
    if (!message->created_at)
        return NULL;
    if (key->revoked_us == DB_TIME_NULL)
        return message;
    message->revoked_at = timestamp_message(arena, key->revoked_us);
    return message->revoked_at ? message : NULL;
}
