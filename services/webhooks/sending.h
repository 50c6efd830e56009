// One attempt as an HTTP request, and what its response makes of the delivery. No I/O.
#pragma once
#include "crypto/crypto.h"
#include "http/client.h"
#include "queue.h"
#include "schedule.h"
#include "secrets.h"

#define RESPONSE_KEPT_MAX 4096
#define WEBHOOK_USER_AGENT "Obol/" OBOL_VERSION

struct sending_rules {
    const struct keyring *ring;
    struct secrets *secrets; // of the batch, the sending thread's
    const int64_t *intervals_s;
    bool allow_private;
    int64_t timeout_ms;
};

// Fills the request, signed for now, and its headers as lines of text for the log. DATA_LOSS when
// the secret can't be opened, RESOURCE_EXHAUSTED when the arena is full.
MUST_USE enum status sending_request(struct arena *arena, const struct sending_rules *rules,
                                     const struct attempt *attempt, int64_t now_us,
                                     struct http_request *ret, const char **ret_header_lines);

// What the response means: delivered, to be tried again, or failed for good.
struct outcome sending_outcome(struct arena *arena, const struct sending_rules *rules,
                               const struct attempt *attempt, const struct http_response *response,
                               int64_t now_us);

// An attempt that was not sent and never will be.
struct outcome sending_refusal(const struct attempt *attempt, const char *error);
