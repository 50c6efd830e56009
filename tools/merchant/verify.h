// Whether a webhook is genuine, as a merchant should check it: X-Webhook-Signature over the body,
// and the Standard Webhooks headers (github.com/standard-webhooks/standard-webhooks) over id, time
// and body. Pure; comparisons take the same time whatever differs.
#pragma once
#include "base/arena.h"

#define VERIFY_TOLERANCE_S 300

struct signed_request {
    const char *signature;                                          // X-Webhook-Signature
    const char *webhook_id, *webhook_timestamp, *webhook_signature; // NULL: absent
    struct bytes body;
};

// NULL when genuine, else why not. secret: "whsec_…", whole.
const char *verify_webhook(struct arena *arena, const char *secret,
                           const struct signed_request *request, int64_t now_s);
