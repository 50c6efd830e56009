// An API key: an id that is shown and a secret that is shown once. Kept is a keyed digest of both,
// so that a copy of the table verifies nothing and a digest can't be moved to another key. No I/O.
#pragma once
#include "crypto/crypto.h"
#include "tenant.h"

#define KEY_PREFIX "key"
#define KEY_SECRET_PREFIX "secret_"
#define KEY_SECRET_MIN 16
#define KEY_SECRET_MAX 256
#define KEY_SECRET_RANDOM_BYTES 24 // 48 hexadecimal characters

struct api_key {
    const char *id;
    const char *tenant_id;
    const char *name;
    struct sha256 digest; // not read back by lists
    int64_t created_us;
    int64_t revoked_us; // DB_TIME_NULL: it stands
};

// A key with a fresh id and secret. *ret_secret lives in the arena.
MUST_USE enum status key_make(struct arena *arena, const struct keyring *ring,
                              const Obol__Auth__V1__CreateKeyRequest *request, struct api_key *ret,
                              const char **ret_secret, struct problem *problem);
// A key as it was made elsewhere.
MUST_USE enum status key_take(const struct keyring *ring,
                              const Obol__Auth__V1__ImportKeyRequest *request, struct api_key *ret,
                              struct problem *problem);
// What X-Api-Key may carry: [A-Za-z0-9_-], 1 to ID_TEXT_MAX characters.
bool key_id_valid(const char *id);
struct sha256 key_digest(const struct keyring *ring, const char *id, const char *secret);
// In the same time whatever differs. stored at NULL: an unknown key, never equal.
bool key_matches(const struct keyring *ring, const char *id, const char *secret,
                 struct bytes stored);
// Without the secret. NULL when the arena is full.
Obol__Auth__V1__ApiKey *key_message(struct arena *arena, const struct api_key *key);
