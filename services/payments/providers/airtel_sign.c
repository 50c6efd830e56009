#include "providers/airtel.h"

#include "crypto/crypto.h"

// "base64Key:base64IV", encrypted to Airtel's key.
static const char *seal_pair(struct arena *arena, const char *public_key, struct bytes key,
                             struct bytes iv)
{
    const char *key_text = crypto_base64(arena, key);
    const char *iv_text = crypto_base64(arena, iv);
    const char *pair = key_text && iv_text ? arena_printf(arena, "%s:%s", key_text, iv_text) : NULL;
    if (!pair)
        return NULL;
    struct bytes sealed = crypto_rsa_encrypt(arena, public_key, bytes_of_string(pair));
    return sealed.at ? crypto_base64(arena, sealed) : NULL;
}

// x-signature is the message itself, encrypted: whoever can open it has seen what was meant.
bool airtel_sign(struct arena *arena, const char *session, const char *body,
                 struct provider_header ret[2])
{
    const struct json_value *parsed;
    uint8_t key[AES_KEY_BYTES], iv[AES_BLOCK_BYTES];
    if (!session || json_parse(arena, bytes_of_string(session), &parsed) != STATUS_OK)
        return false;
    const char *public_key = json_get_string(parsed, "key");
    if (!public_key)
        return false;
    crypto_random(key, sizeof key);
    crypto_random(iv, sizeof iv);
    struct bytes sealed = crypto_aes_cbc_encrypt(arena, key, iv, bytes_of_string(body));
    const char *signature = sealed.at ? crypto_base64(arena, sealed) : NULL;
    const char *pair = seal_pair(arena, public_key, BYTES_OF_ARRAY(key), BYTES_OF_ARRAY(iv));
    crypto_wipe(key, sizeof key);
    ret[0] = (struct provider_header){"x-signature", signature};
    ret[1] = (struct provider_header){"x-key", pair};
    return signature && pair;
}
