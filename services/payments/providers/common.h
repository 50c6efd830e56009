// What adapters of providers share: building a request, reading an answer, a provider's error codes
// as a table, callbacks signed by HMAC, and the shapes that our references take outside. Pure; what
// is returned lives in the arena or is borrowed from the response.
#pragma once
#include "providers/provider.h"
#include "json/json.h"

// --- Requests
#define OUTGOING_HEADERS_MAX 12

struct outgoing {
    const char *method; // NULL: POST with a body, GET without
    const char *base;   // NULL: the credential's host
    const char *path;   // "/v1/charges?a=b"
    const char *body;   // NULL: none
    const char *type;   // of the body; NULL: application/json
    // The first without a name ends them. Accept and Content-Type are added.
    struct provider_header headers[OUTGOING_HEADERS_MAX];
};
// False when the arena is full, now or before: a path NULL, or a header whose value is NULL.
bool outgoing_build(const struct provider_use *use, const struct outgoing *outgoing,
                    struct http_request *ret);
char *outgoing_bearer(struct arena *arena, const char *token); // "Bearer …", "" for NULL
char *outgoing_basic(struct arena *arena, const char *user, const char *password); // RFC 7617
// json_object that leaves out strings that are NULL. A raw member that is NULL makes it NULL: it
// was to be built before.
char *outgoing_object(struct arena *arena, const struct json_member *members);

// --- Answers
// False when none came: *ret then is NOT_SENT or LOST, and the provider unwell. Otherwise *ret is
// LOST, for the adapter to know better, and *ret_body the answer's JSON, NULL when it is none.
bool answer_open(struct arena *arena, const struct http_response *response,
                 const struct json_value **ret_body, struct outcome *ret);
// A string or an integer, as text; NULL when absent (or the arena is full).
const char *answer_text(struct arena *arena, const struct json_value *body, const char *path);
// {"access_token","expires_in"} (RFC 6749, section 5.1), expires_in also as text; without it
// default_s; 30 days at most. Otherwise: 400, 401 and 403 are FAILED (elsewhere) with a general
// sentence, 429 is NOT_SENT.
void answer_grant(struct arena *arena, const struct http_response *response, int64_t default_s,
                  struct session_grant *ret);
// Why a probe (or a session) was not answered at all, in a sentence; NULL when it was.
const char *answer_missing(struct arena *arena, const struct http_response *response);

// --- Error codes
enum fault {
    FAULT_PERMANENT = 1, // FAILED: the payer's doing, or the payment's
    FAULT_SETUP,         // FAILED, elsewhere: ours or the provider's; another provider may take it
    FAULT_RETRYABLE,     // NOT_SENT, unwell: certainly nothing was accepted
    FAULT_DUPLICATE,     // ACCEPTED: our reference is known there, a query tells how it stands
    FAULT_UNKNOWN,       // LOST, unwell: no telling
};
// merchant_code is out of a vocabulary that all providers share, so that a merchant's code need not
// know who charged: insufficient_funds, limit_exceeded, amount_invalid, payer_not_found,
// payee_not_found, payee_not_allowed, payer_refused, wrong_pin, declined, expired,
// currency_unsupported, phone_invalid, provider_setup, provider_unavailable, not_processed; cards:
// card_declined, expired_card, incorrect_cvc, card_not_supported.
struct provider_error {
    const char *code; // the provider's; a table ends with NULL
    enum fault fault;
    const char *merchant_code, *sentence; // for a merchant's eyes; NULL where not FAILED
};
const struct provider_error *provider_error_find(const struct provider_error *table,
                                                 const char *code); // NULL: unknown, or code NULL
// Sets kind, elsewhere, unwell, error_code and error_message; the rest of *ret stays.
void provider_error_apply(const struct provider_error *error, struct outcome *ret);
// Both: false, and *ret stays, for a code that is not in the table.
bool provider_error_read(const struct provider_error *table, const char *code, struct outcome *ret);
// The provider says that it has failed for good, and this code as the reason: FAILED whatever the
// code (declined, where the table doesn't know it), elsewhere where the fault is the setup's or
// could be tried again.
void provider_error_final(const struct provider_error *table, const char *code,
                          struct outcome *ret);
// FAILED in the adapter's own words, before anything was sent.
void outcome_refuse(struct outcome *ret, const char *code, const char *message, bool elsewhere);

// --- Callbacks
// X-Signature-256: the hex of HMAC-SHA256(secret, body), with or without "sha256=" before it.
// secret "": UNPROVEN.
enum callback_proof callback_prove(struct arena *arena, const char *secret,
                                   const struct provider_callback *callback);
// The same by the credential's webhook_secret, to stand in a struct provider.
enum callback_proof callback_prove_hmac(const struct provider_use *use,
                                        const struct provider_callback *callback);
const char *callback_header(const struct provider_callback *callback,
                            const char *name); // any case; NULL when absent

// --- Our references, outside. NULL when the arena is full.
// Shaped like a UUID of version 4 (RFC 9562, section 5.4), always the same for a reference: the
// first 16 bytes of its SHA-256.
char *reference_uuid(struct arena *arena, const char *reference);
char *reference_compact(struct arena *arena, const char *reference); // "op_01abc": "op01abc"
// And back; NULL also for what is not ours.
char *reference_expand(struct arena *arena, const char *compact);
