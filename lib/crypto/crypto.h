// Digests, signatures, sealing, randomness and their text forms; with tls.h, the only room with
// OpenSSL.
// Every function is thread-safe. A failing primitive (out of memory, no entropy) aborts the
// process: going on without it would be worse.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

#define SHA256_BYTES 32
#define SHA256_HEX_SIZE 65

struct sha256 {
    uint8_t at[SHA256_BYTES];
};

struct sha256 crypto_sha256(struct bytes message);
// Over the parts one after the other, each preceded by its length in eight bytes, so that no two
// lists of parts give the same message.
struct sha256 crypto_sha256_parts(const struct bytes *parts, size_t n);
struct sha256 crypto_hmac_sha256(struct bytes key, struct bytes message);
struct sha256 crypto_hmac_sha256_parts(struct bytes key, const struct bytes *parts, size_t n);

// Of everything from where the descriptor stands to the end. False: it can't be read.
MUST_USE bool crypto_sha256_file(int fd, struct sha256 *ret);

// Same time whatever differs. Different lengths are unequal (at once).
bool crypto_equal(struct bytes a, struct bytes b);
void crypto_random(void *out, size_t length);
void crypto_wipe(void *secret, size_t length); // not optimised away; NULL is fine

// Text forms, in the arena; NULL (false) when it is full. Hex is written in lower case and read in
// both. Base64 is RFC 4648 section 4, padded. Decoding is strict: no blanks, no stray bits, one
// text per value.
char *crypto_hex(struct arena *arena, struct bytes bytes);
bool crypto_hex_decode(struct arena *arena, const char *text, struct bytes *ret);
char *crypto_base64(struct arena *arena, struct bytes bytes);
bool crypto_base64_decode(struct arena *arena, const char *text, size_t length, struct bytes *ret);

#define SHA512_BYTES 64
struct sha512 {
    uint8_t at[SHA512_BYTES];
};
struct sha512 crypto_sha512(struct bytes message);

// --- What providers ask for, beyond our own needs.
#define AES_KEY_BYTES 32
#define AES_BLOCK_BYTES 16
// AES-256-CBC with PKCS #7 padding (NIST SP 800-38A, RFC 5652 section 6.3). In the arena; at NULL
// when it is full, and on decrypting also when the padding is wrong. No integrity: for messages to
// those who ask for it only.
struct bytes crypto_aes_cbc_encrypt(struct arena *arena, const uint8_t key[AES_KEY_BYTES],
                                    const uint8_t iv[AES_BLOCK_BYTES], struct bytes message);
struct bytes crypto_aes_cbc_decrypt(struct arena *arena, const uint8_t key[AES_KEY_BYTES],
                                    const uint8_t iv[AES_BLOCK_BYTES], struct bytes sealed);
// RSA with PKCS #1 v1.5 padding (RFC 8017, section 7.2) to a public key given as base64 of its
// SubjectPublicKeyInfo; 1024 bits at least (Airtel's). at NULL: no such key, too long a message,
// the arena is full.
struct bytes crypto_rsa_encrypt(struct arena *arena, const char *public_key, struct bytes message);
// For the other end, in sandboxes: a fresh key pair, and what was encrypted to it. Handles are
// freed by crypto_rsa_free; NULL from a failing generation never comes (it aborts). The padding
// alone tells what was for another key: once in some hundred thousand it passes, as random bytes.
struct crypto_rsa;
struct crypto_rsa *crypto_rsa_new(int bits);
void crypto_rsa_free(struct crypto_rsa *key);
const char *crypto_rsa_public(const struct crypto_rsa *key); // base64 of its SubjectPublicKeyInfo
struct bytes crypto_rsa_decrypt(const struct crypto_rsa *key, struct arena *arena,
                                struct bytes sealed); // at NULL: not for this key

// --- Secrets at rest: AES-256-GCM under named keys.
// A sealed secret is: one byte of version, one byte of key id, 12 of nonce, ciphertext, 16 of tag.
// The context (tenant and object id) is authenticated with it, so a row's secret can't be moved to
// another.
#define KEYRING_MAX 8
struct keyring {
    struct {
        uint8_t id;
        uint8_t key[32];
    } keys[KEYRING_MAX];
    size_t n;            // the first one seals, all of them open
    bool has_mac;        // mac_key was given by itself
    uint8_t mac_key[32]; // else derived (HMAC, label "mac") from the key with the lowest id:
                         // digests and fingerprints
};

// "1:<64 hex>" or "2:<64 hex>,1:<64 hex>". False when malformed or a key id comes twice. Digests
// made with mac_key outlive the key that it is derived from: before the key with the lowest id is
// taken away, "mac:<64 hex>" takes its place in the list (`obol keys mac` says it).
bool keyring_parse(const char *text, struct keyring *ret);
// NULL view only when the arena is full.
struct bytes keyring_seal(const struct keyring *ring, struct arena *arena, struct bytes secret,
                          const char *context);
// DATA_LOSS: malformed, tampered with, another context, or sealed by a key that the ring doesn't
// hold. RESOURCE_EXHAUSTED: the arena is full.
MUST_USE enum status keyring_open(const struct keyring *ring, struct arena *arena,
                                  struct bytes sealed, const char *context, struct bytes *ret);
// Of a column whose rows of earlier versions are plain: what is sealed is opened, the rest is given
// as it stands. For JSON and protobuf messages, neither of which begins with the version byte.
MUST_USE enum status keyring_read(const struct keyring *ring, struct arena *arena,
                                  struct bytes stored, const char *context, struct bytes *ret);
// HMAC-SHA256 under mac_key, domain-separated by a label ("api_key", "card").
struct sha256 keyring_mac(const struct keyring *ring, const char *label, struct bytes message);
