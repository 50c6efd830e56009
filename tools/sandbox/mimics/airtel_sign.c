#include <pthread.h>
#include <string.h>

#include "crypto/crypto.h"
#include "mimics/airtel.h"

#define KEY_BITS 1024 // Airtel's own size

// Made once a process: a mimic has no memory of its own beyond its book, and a client that kept
// the key while a mimic was made anew is still understood.
static pthread_once_t made = PTHREAD_ONCE_INIT;
static struct crypto_rsa *key;

static void make(void)
{
    key = crypto_rsa_new(KEY_BITS);
}

static const struct crypto_rsa *key_get(void)
{
    (void)pthread_once(&made, make);
    return key;
}

const char *airtel_public_key(void)
{
    return crypto_rsa_public(key_get());
}

struct bytes airtel_unseal(struct arena *arena, const char *text)
{
    struct bytes sealed;
    if (!crypto_base64_decode(arena, text, strlen(text), &sealed))
        return (struct bytes){0};
    return crypto_rsa_decrypt(key_get(), arena, sealed);
}

// "base64Key:base64IV"
static bool pair_read(struct arena *arena, struct bytes pair, struct bytes *ret_key,
                      struct bytes *ret_iv)
{
    const char *text = arena_strndup(arena, (const char *)pair.at, pair.length);
    const char *colon = text ? strchr(text, ':') : NULL;
    return colon && crypto_base64_decode(arena, text, (size_t)(colon - text), ret_key) &&
           crypto_base64_decode(arena, colon + 1, strlen(colon + 1), ret_iv) &&
           ret_key->length == AES_KEY_BYTES && ret_iv->length == AES_BLOCK_BYTES;
}

bool airtel_signed(const struct mimic_call *call)
{
    const char *signature = mimic_header(call, "x-signature");
    struct bytes pair = airtel_unseal(call->arena, mimic_header(call, "x-key"));
    struct bytes aes_key, iv, sealed;
    if (!pair.at || !pair_read(call->arena, pair, &aes_key, &iv) ||
        !crypto_base64_decode(call->arena, signature, strlen(signature), &sealed))
        return false;
    struct bytes message = crypto_aes_cbc_decrypt(call->arena, aes_key.at, iv.at, sealed);
    return message.at && crypto_equal(message, call->raw);
}

char *airtel_hash(struct arena *arena, const char *hash_key, const char *transaction)
{
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(hash_key), bytes_of_string(transaction));
    return crypto_base64(arena, BYTES_OF_ARRAY(mac.at));
}
