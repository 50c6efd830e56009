// How a delivery is signed, in both forms that merchants verify.
//
// X-Webhook-Signature: hex HMAC-SHA256 of the body, keyed with the whole secret string.
// webhook-signature (Standard Webhooks 1.0): "v1," and the base64 HMAC-SHA256 of
// "id.timestamp.body", keyed with what stands after "whsec_" as base64, or with its raw bytes where
// that is no base64; while an older secret still signs, a second one follows after a space.
#pragma once
#include "base/arena.h"

struct signature {
    const char *hex;      // X-Webhook-Signature
    const char *standard; // webhook-signature
};

// older_secret may be NULL; the timestamp is in seconds. False when the arena is full.
bool signature_make(struct arena *arena, const char *secret, const char *older_secret,
                    const char *event_id, const char *timestamp, struct bytes body,
                    struct signature *ret);
