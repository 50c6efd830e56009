#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/internal.h"

#define SEAL_VERSION 1
#define SEAL_HEADER_BYTES ((size_t)2)
#define SEAL_NONCE_BYTES ((size_t)12)
#define SEAL_TAG_BYTES ((size_t)16)
#define SEAL_BYTES (SEAL_HEADER_BYTES + SEAL_NONCE_BYTES + SEAL_TAG_BYTES)
#define SEAL_SECRET_MAX ((size_t)1 << 24)

static const uint8_t *keyring_find(const struct keyring *ring, uint8_t id)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ring->keys[i].id == id)
            return ring->keys[i].key;
    return NULL;
}

// "mac:hex": returns what follows it, NULL when malformed.
static const char *keyring_parse_mac(const char *text, struct keyring *ring)
{
    if (ring->has_mac || !crypto_hex_read(text + 4, ring->mac_key, sizeof ring->mac_key))
        return NULL;
    ring->has_mac = true;
    return text + 4 + 2 * sizeof ring->mac_key;
}

// One "id:hex"; returns what follows it, NULL when malformed.
static const char *keyring_parse_key(const char *text, struct keyring *ring)
{
    char *end;
    if (strncmp(text, "mac:", 4) == 0)
        return keyring_parse_mac(text, ring);
    if (*text < '0' || *text > '9' || ring->n == KEYRING_MAX)
        return NULL;
    unsigned long id = strtoul(text, &end, 10);
    if (id < 1 || id > 255 || *end != ':' || keyring_find(ring, (uint8_t)id))
        return NULL;
    if (!crypto_hex_read(end + 1, ring->keys[ring->n].key, sizeof(ring->keys[0].key)))
        return NULL;
    ring->keys[ring->n++].id = (uint8_t)id;
    return end + 1 + 2 * sizeof(ring->keys[0].key);
}

static void keyring_derive(struct keyring *ring)
{
    size_t lowest = 0;
    for (size_t i = 1; i < ring->n; i++)
        if (ring->keys[i].id < ring->keys[lowest].id)
            lowest = i;
    struct sha256 mac =
        crypto_hmac_sha256(BYTES_OF_ARRAY(ring->keys[lowest].key), bytes_of_string("mac"));
    memcpy(ring->mac_key, mac.at, sizeof(ring->mac_key));
    crypto_wipe(&mac, sizeof(mac));
}

bool keyring_parse(const char *text, struct keyring *ret)
{
    struct keyring ring = {0};
    const char *at = text ? keyring_parse_key(text, &ring) : NULL;
    while (at && *at)
        at = *at == ',' ? keyring_parse_key(at + 1, &ring) : NULL;
    bool good = at && ring.n > 0;
    if (good && !ring.has_mac)
        keyring_derive(&ring);
    if (good)
        *ret = ring;
    crypto_wipe(&ring, sizeof(ring));
    return good;
}

// Fetching the cipher takes longer than sealing a small secret, and so does a new context: the one
// is fetched once, the other kept by its thread until that ends.
static pthread_once_t gcm_once = PTHREAD_ONCE_INIT;
static pthread_key_t gcm_key;
static EVP_CIPHER *gcm_cipher;

static void gcm_free(void *context)
{
    EVP_CIPHER_CTX_free(context);
}

static void gcm_prepare(void)
{
    gcm_cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!gcm_cipher || pthread_key_create(&gcm_key, gcm_free) != 0)
        crypto_die("aes-256-gcm");
}

static EVP_CIPHER_CTX *gcm_context(void)
{
    (void)pthread_once(&gcm_once, gcm_prepare);
    EVP_CIPHER_CTX *context = pthread_getspecific(gcm_key);
    if (context)
        return context;
    context = EVP_CIPHER_CTX_new();
    if (!context || pthread_setspecific(gcm_key, context) != 0)
        crypto_die("aes-256-gcm");
    return context;
}

// The thread's context set up with key and nonce, the header and the caller's context
// authenticated.
static EVP_CIPHER_CTX *gcm_begin(const uint8_t *sealed, const uint8_t *key, const char *context,
                                 int encrypt)
{
    EVP_CIPHER_CTX *cipher = gcm_context();
    int written;
    const uint8_t *nonce = sealed + SEAL_HEADER_BYTES;
    size_t context_length = strlen(context);
    if (context_length > SEAL_SECRET_MAX ||
        EVP_CipherInit_ex2(cipher, gcm_cipher, key, nonce, encrypt, NULL) != 1 ||
        EVP_CipherUpdate(cipher, NULL, &written, sealed, (int)SEAL_HEADER_BYTES) != 1 ||
        (context_length && EVP_CipherUpdate(cipher, NULL, &written, (const uint8_t *)context,
                                            (int)context_length) != 1))
        crypto_die("aes-256-gcm");
    return cipher;
}

struct bytes keyring_seal(const struct keyring *ring, struct arena *arena, struct bytes secret,
                          const char *context)
{
    uint8_t *sealed = NULL;
    if (ring->n == 0)
        crypto_die("seal without a key");
    if (secret.length <= SEAL_SECRET_MAX)
        sealed = arena_alloc(arena, SEAL_BYTES + secret.length);
    if (!sealed)
        return (struct bytes){NULL, 0};
    sealed[0] = SEAL_VERSION;
    sealed[1] = ring->keys[0].id;
    crypto_random(sealed + SEAL_HEADER_BYTES, SEAL_NONCE_BYTES);
    uint8_t *text = sealed + SEAL_HEADER_BYTES + SEAL_NONCE_BYTES, *tag = text + secret.length;
    int written = 0;
    EVP_CIPHER_CTX *cipher = gcm_begin(sealed, ring->keys[0].key, context, 1);
    if ((secret.length &&
         EVP_CipherUpdate(cipher, text, &written, secret.at, (int)secret.length) != 1) ||
        EVP_CipherFinal_ex(cipher, tag, &written) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, (int)SEAL_TAG_BYTES, tag) != 1)
        crypto_die("aes-256-gcm");
    return (struct bytes){sealed, SEAL_BYTES + secret.length};
}

enum status keyring_open(const struct keyring *ring, struct arena *arena, struct bytes sealed,
                         const char *context, struct bytes *ret)
{
    if (sealed.length < SEAL_BYTES || sealed.length > SEAL_BYTES + SEAL_SECRET_MAX ||
        sealed.at[0] != SEAL_VERSION)
        return STATUS_DATA_LOSS;
    const uint8_t *key = keyring_find(ring, sealed.at[1]);
    if (!key)
        return STATUS_DATA_LOSS;
    size_t length = sealed.length - SEAL_BYTES;
    uint8_t *secret = arena_alloc(arena, length + 1);
    if (!secret)
        return STATUS_RESOURCE_EXHAUSTED;
    const uint8_t *text = sealed.at + SEAL_HEADER_BYTES + SEAL_NONCE_BYTES;
    uint8_t tag[16], rest[16];
    memcpy(tag, text + length, sizeof(tag));
    int written = 0;
    EVP_CIPHER_CTX *cipher = gcm_begin(sealed.at, key, context, 0);
    if ((length && EVP_CipherUpdate(cipher, secret, &written, text, (int)length) != 1) ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, (int)SEAL_TAG_BYTES, tag) != 1)
        crypto_die("aes-256-gcm");
    if (EVP_CipherFinal_ex(cipher, rest, &written) != 1) {
        crypto_wipe(secret, length);
        return STATUS_DATA_LOSS;
    }
    *ret = (struct bytes){secret, length};
    return STATUS_OK;
}

enum status keyring_read(const struct keyring *ring, struct arena *arena, struct bytes stored,
                         const char *context, struct bytes *ret)
{
    if (stored.length > 0 && stored.at[0] == SEAL_VERSION)
        return keyring_open(ring, arena, stored, context, ret);
    *ret = stored;
    return STATUS_OK;
}

struct sha256 keyring_mac(const struct keyring *ring, const char *label, struct bytes message)
{
    const struct bytes parts[] = {bytes_of_string(label), message};
    return crypto_hmac_sha256_parts(BYTES_OF_ARRAY(ring->mac_key), parts, 2);
}
