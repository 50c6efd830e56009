// A payment provider, as the processor sees it: what it can do, and functions that build a request
// and read a response. They do no I/O and keep no state, so one loop runs them all and tests need
// no network.
//
// The reference is ours (the operation's id) and the same in every try. What a response does not
// prove is OUTCOME_LOST: only a refusal that the provider itself spoke is OUTCOME_FAILED.
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "http/client.h"

enum operation_kind { OPERATION_CHARGE = 1, OPERATION_CAPTURE, OPERATION_CANCEL, OPERATION_REFUND };

enum outcome_kind {
    OUTCOME_ACCEPTED = 1, // it knows the reference and is at it
    OUTCOME_SUCCEEDED,
    OUTCOME_AUTHORIZED,
    OUTCOME_FAILED,
    OUTCOME_CANCELED,
    OUTCOME_EXPIRED,
    OUTCOME_REQUIRES_ACTION,
    OUTCOME_NOT_FOUND, // a query: it doesn't know the reference (now)
    OUTCOME_NOT_SENT,  // certainly nothing accepted; may be tried again
    OUTCOME_LOST,      // no telling
};

struct outcome {
    enum outcome_kind kind;
    const char *error_code, *error_message; // FAILED, EXPIRED; for a merchant's eyes
    const char *action_url;                 // REQUIRES_ACTION
    int http_status;                        // for the attempt's row; 0 when none
};
const char *outcome_name(enum outcome_kind kind);

struct provider_act {
    enum operation_kind kind;
    const char *reference;
    const char *charge_reference; // of the payment's charge; for all but charges
    int64_t amount;               // minor units
    const char *currency, *method, *vpa;
    const char *token; // opened; NULL unless method is card
    bool capture;      // at once
};

struct provider_card {
    const char *number, *cvv, *holder_name;
    int64_t expiry_month, expiry_year;
};

struct provider_header {
    const char *name, *value;
};

struct provider {
    const char *name;
    const char *const *methods; // ends with NULL
    bool idempotent_reference;  // the same reference twice is harmless
    bool can_query;
    bool calls_back;            // its news come by themselves, mostly at once
    int64_t connect_ms, total_ms;
    int64_t query_after_ms; // ask no sooner after an act without answer
    int64_t settle_ms;      // its own delay, after which "not found" is final
    const void *settings;   // the adapter's own

    // Each fills *ret from the arena; false when it can't be built (arena full).
    bool (*act)(const struct provider *, struct arena *, const struct provider_act *,
                struct http_request *ret);
    bool (*query)(const struct provider *, struct arena *, const char *reference,
                  struct http_request *ret);
    bool (*tokenize)(const struct provider *, struct arena *, const struct provider_card *,
                     struct http_request *ret);

    void (*read_act)(const struct provider *, struct arena *, const struct http_response *,
                     struct outcome *ret);
    void (*read_query)(const struct provider *, struct arena *, const struct http_response *,
                       struct outcome *ret);
    // The provider's token, or NULL with *ret saying why (FAILED: refused, NOT_SENT or LOST: no
    // answer).
    const char *(*read_token)(const struct provider *, struct arena *, const struct http_response *,
                              struct outcome *ret);

    // Whether the callback's signature fits the secret of that credential.
    bool (*callback_verify)(const struct provider *, const char *credential_id,
                            const struct provider_header *headers, size_t headers_n,
                            struct bytes body);
    // Our reference in a callback, from the arena; NULL when it has none.
    const char *(*callback_reference)(struct arena *, struct bytes body);
};

#define PROVIDER_RESPONSE_MAX ((size_t)64 << 10)

// --- The registry
struct payments_settings;
struct providers;
struct providers *providers_new(const struct payments_settings *settings);
void providers_free(struct providers *providers);
// NULL when there is none of that name.
const struct provider *providers_find(const struct providers *providers, const char *name);
// The one that a new payment by this method goes to; NULL when none takes it.
const struct provider *providers_route(const struct providers *providers, const char *method);
