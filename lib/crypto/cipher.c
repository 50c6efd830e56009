#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "crypto/internal.h"

#define CBC_MESSAGE_MAX ((size_t)INT_MAX - AES_BLOCK_BYTES)

DEFINE_CLEANUP(EVP_CIPHER_CTX_free, EVP_CIPHER_CTX *)

static EVP_CIPHER_CTX *cbc_begin(const uint8_t *key, const uint8_t *iv, int encrypt)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context || EVP_CipherInit_ex(context, EVP_aes_256_cbc(), NULL, key, iv, encrypt) != 1)
        crypto_die("aes-256-cbc");
    return context;
}

struct bytes crypto_aes_cbc_encrypt(struct arena *arena, const uint8_t key[AES_KEY_BYTES],
                                    const uint8_t iv[AES_BLOCK_BYTES], struct bytes message)
{
    uint8_t *sealed = NULL;
    if (message.length <= CBC_MESSAGE_MAX)
        sealed = arena_alloc(arena, message.length + AES_BLOCK_BYTES);
    if (!sealed)
        return (struct bytes){NULL, 0};
    CLEANUP(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *context = cbc_begin(key, iv, 1);
    int written = 0, last = 0;
    if ((message.length &&
         EVP_CipherUpdate(context, sealed, &written, message.at, (int)message.length) != 1) ||
        EVP_CipherFinal_ex(context, sealed + written, &last) != 1)
        crypto_die("aes-256-cbc");
    return (struct bytes){sealed, (size_t)(written + last)};
}

struct bytes crypto_aes_cbc_decrypt(struct arena *arena, const uint8_t key[AES_KEY_BYTES],
                                    const uint8_t iv[AES_BLOCK_BYTES], struct bytes sealed)
{
    if (sealed.length == 0 || sealed.length % AES_BLOCK_BYTES || sealed.length > CBC_MESSAGE_MAX)
        return (struct bytes){NULL, 0};
    uint8_t *message = arena_alloc(arena, sealed.length + AES_BLOCK_BYTES);
    if (!message)
        return (struct bytes){NULL, 0};
    CLEANUP(EVP_CIPHER_CTX_free) EVP_CIPHER_CTX *context = cbc_begin(key, iv, 0);
    int written = 0, last = 0;
    if (EVP_CipherUpdate(context, message, &written, sealed.at, (int)sealed.length) != 1)
        crypto_die("aes-256-cbc");
    // An error left in the thread's queue would be taken for the next TLS connection's.
    ERR_set_mark();
    bool is_padded = EVP_CipherFinal_ex(context, message + written, &last) == 1;
    ERR_pop_to_mark();
    if (!is_padded) {
        crypto_wipe(message, sealed.length);
        return (struct bytes){NULL, 0};
    }
    return (struct bytes){message, (size_t)(written + last)};
}
