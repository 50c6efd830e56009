#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/internal.h"

#define RSA_BITS_MIN 1024
#define RSA_PADDING_BYTES ((size_t)11) // at least: RFC 8017, section 7.2.1

DEFINE_CLEANUP(EVP_PKEY_free, EVP_PKEY *)
DEFINE_CLEANUP(EVP_PKEY_CTX_free, EVP_PKEY_CTX *)

static EVP_PKEY *rsa_read(struct arena *arena, const char *text)
{
    struct bytes der;
    if (!crypto_base64_decode(arena, text, strlen(text), &der) || der.length > LONG_MAX)
        return NULL;
    const uint8_t *end = der.at;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &end, (long)der.length);
    if (key && end == der.at + der.length && EVP_PKEY_is_a(key, "RSA") &&
        EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

// Failures here are the key's (no modulus to divide by): it came from outside.
static struct bytes rsa_encrypt(struct arena *arena, EVP_PKEY *key, struct bytes message)
{
    const struct bytes none = {NULL, 0};
    size_t length = (size_t)EVP_PKEY_get_size(key);
    if (message.length > length - RSA_PADDING_BYTES)
        return none;
    uint8_t *sealed = arena_alloc(arena, length);
    if (!sealed)
        return none;
    CLEANUP(EVP_PKEY_CTX_free) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!context)
        crypto_die("rsa");
    const uint8_t *at = message.at ? message.at : (const uint8_t *)"";
    if (EVP_PKEY_encrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_encrypt(context, sealed, &length, at, message.length) != 1)
        return none;
    return (struct bytes){sealed, length};
}

struct bytes crypto_rsa_encrypt(struct arena *arena, const char *public_key, struct bytes message)
{
    struct bytes sealed = {NULL, 0};
    // An error left in the thread's queue would be taken for the next TLS connection's.
    ERR_set_mark();
    CLEANUP(EVP_PKEY_free) EVP_PKEY *key = rsa_read(arena, public_key);
    if (key)
        sealed = rsa_encrypt(arena, key, message);
    ERR_pop_to_mark();
    return sealed;
}

struct crypto_rsa {
    EVP_PKEY *key;
    char *text;
};

static char *rsa_text(const EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    char *text = length > 0 ? malloc(((size_t)length + 2) / 3 * 4 + 1) : NULL;
    if (!text)
        crypto_die("rsa");
    EVP_EncodeBlock((unsigned char *)text, der, length);
    OPENSSL_free(der);
    return text;
}

struct crypto_rsa *crypto_rsa_new(int bits)
{
    struct crypto_rsa *key = malloc(sizeof *key);
    EVP_PKEY *pair =
        bits < RSA_BITS_MIN ? NULL : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    if (!key || !pair)
        crypto_die("rsa");
    *key = (struct crypto_rsa){pair, rsa_text(pair)}; // cppcheck-suppress nullPointerRedundantCheck
    return key;
}

void crypto_rsa_free(struct crypto_rsa *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    free(key->text);
    free(key);
}

const char *crypto_rsa_public(const struct crypto_rsa *key)
{
    return key->text;
}

// Later OpenSSL answers bad padding with random bytes, so that a server tells nobody which it was;
// a sandbox is asked just that. A release that doesn't know the parameter passes over it.
static EVP_PKEY_CTX *rsa_decrypt_begin(EVP_PKEY *key)
{
    unsigned implicit = 0;
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint("implicit-rejection", &implicit),
                               OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (!context || EVP_PKEY_decrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1 ||
        EVP_PKEY_CTX_set_params(context, parameters) != 1)
        crypto_die("rsa");
    return context;
}

struct bytes crypto_rsa_decrypt(const struct crypto_rsa *key, struct arena *arena,
                                struct bytes sealed)
{
    size_t length = (size_t)EVP_PKEY_get_size(key->key);
    uint8_t *message = sealed.length == length ? arena_alloc(arena, length) : NULL;
    if (!message)
        return (struct bytes){NULL, 0};
    CLEANUP(EVP_PKEY_CTX_free) EVP_PKEY_CTX *context = rsa_decrypt_begin(key->key);
    ERR_set_mark();
    bool is_ours = EVP_PKEY_decrypt(context, message, &length, sealed.at, sealed.length) == 1;
    ERR_pop_to_mark();
    return is_ours ? (struct bytes){message, length} : (struct bytes){NULL, 0};
}
