#include "crypto/crypto.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "crypto/internal.h"

DEFINE_CLEANUP(EVP_MAC_CTX_free, EVP_MAC_CTX *)
DEFINE_CLEANUP(EVP_MD_CTX_free, EVP_MD_CTX *)

// OpenSSL would be taken down when the program begins to exit, while threads of other libraries
// (gRPC's) may still use it and end: what it keeps for each of them would stay behind. The process
// gives everything back anyway. Before any library's first use of it, whose word would count.
__attribute__((constructor)) static void keep_until_the_end(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

// Fetched once: an implicit fetch at every call costs more than the digest of a short message.
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256, *sha512;
static EVP_MAC_CTX *hmac_unkeyed; // copied for every use

void crypto_die(const char *primitive)
{
    log_error("cryptographic primitive failed", LOG_S("primitive", primitive));
    abort();
}

static EVP_MAC_CTX *fetch_hmac(void)
{
    char name[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", name, 0),
                               OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); // the context holds it
    if (!context || EVP_MAC_CTX_set_params(context, parameters) != 1)
        crypto_die("fetch");
    return context;
}

static void fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
    hmac_unkeyed = fetch_hmac();
    if (!sha256 || !sha512)
        crypto_die("fetch");
}

struct sha256 crypto_sha256(struct bytes message)
{
    struct sha256 digest;
    pthread_once(&fetch_once, fetch);
    if (EVP_Digest(message.at, message.length, digest.at, NULL, sha256, NULL) != 1)
        crypto_die("sha256");
    return digest;
}

struct sha512 crypto_sha512(struct bytes message)
{
    struct sha512 digest;
    pthread_once(&fetch_once, fetch);
    if (EVP_Digest(message.at, message.length, digest.at, NULL, sha512, NULL) != 1)
        crypto_die("sha512");
    return digest;
}

// What stands before each part, so that no two lists of parts read alike.
struct length_prefix {
    uint8_t at[8];
};

static struct length_prefix length_prefix(size_t length)
{
    struct length_prefix prefix;
    for (size_t i = 0; i < sizeof prefix.at; i++)
        prefix.at[i] = (uint8_t)((uint64_t)length >> (8 * (7 - i)));
    return prefix;
}

struct sha256 crypto_sha256_parts(const struct bytes *parts, size_t n)
{
    struct sha256 digest;
    pthread_once(&fetch_once, fetch);
    CLEANUP(EVP_MD_CTX_free) EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex2(context, sha256, NULL) == 1;
    for (size_t i = 0; done && i < n; i++) {
        struct length_prefix length = length_prefix(parts[i].length);
        done = EVP_DigestUpdate(context, length.at, sizeof length.at) == 1 &&
               EVP_DigestUpdate(context, parts[i].at, parts[i].length) == 1;
    }
    if (!done || EVP_DigestFinal_ex(context, digest.at, NULL) != 1)
        crypto_die("sha256");
    return digest;
}

static void hmac_add(EVP_MAC_CTX *context, const void *at, size_t length)
{
    if (length && EVP_MAC_update(context, at, length) != 1)
        crypto_die("hmac");
}

static EVP_MAC_CTX *hmac_begin(struct bytes key)
{
    pthread_once(&fetch_once, fetch);
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(hmac_unkeyed);
    // A NULL key would mean "keep the old one", an empty key is a key.
    const uint8_t *at = key.at ? key.at : (const uint8_t *)"";
    if (!context || EVP_MAC_init(context, at, key.length, NULL) != 1)
        crypto_die("hmac");
    return context;
}

static struct sha256 hmac_end(EVP_MAC_CTX *context)
{
    struct sha256 digest;
    size_t length;
    if (EVP_MAC_final(context, digest.at, &length, sizeof(digest.at)) != 1)
        crypto_die("hmac");
    return digest;
}

struct sha256 crypto_hmac_sha256(struct bytes key, struct bytes message)
{
    CLEANUP(EVP_MAC_CTX_free) EVP_MAC_CTX *context = hmac_begin(key);
    hmac_add(context, message.at, message.length);
    return hmac_end(context);
}

struct sha256 crypto_hmac_sha256_parts(struct bytes key, const struct bytes *parts, size_t n)
{
    CLEANUP(EVP_MAC_CTX_free) EVP_MAC_CTX *context = hmac_begin(key);
    for (size_t i = 0; i < n; i++) {
        struct length_prefix length = length_prefix(parts[i].length);
        hmac_add(context, length.at, sizeof length.at);
        hmac_add(context, parts[i].at, parts[i].length);
    }
    return hmac_end(context);
}

bool crypto_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length == 0 || CRYPTO_memcmp(a.at, b.at, a.length) == 0);
}

void crypto_random(void *out, size_t length)
{
    uint8_t *at = out;
    while (length) {
        size_t piece = length < INT_MAX ? length : INT_MAX;
        if (RAND_bytes(at, (int)piece) != 1)
            crypto_die("random");
        at += piece;
        length -= piece;
    }
}

void crypto_wipe(void *secret, size_t length)
{
    if (secret)
        OPENSSL_cleanse(secret, length);
}
