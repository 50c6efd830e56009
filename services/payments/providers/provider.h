// A payment provider, as the rest of the service sees it: what it declares of itself, and functions
// that build a request and read a response. They do no I/O and keep no state, so one loop runs them
// all and tests need no network. docs/providers.md tells how to add one.
//
// The reference is ours (the operation's id) and the same in every try; each adapter gives it the
// shape that its provider takes. What a response does not prove is OUTCOME_LOST: only a refusal
// that the provider itself spoke is OUTCOME_FAILED.
//
// An operation may take several requests, one after the other: stages. A stage that "prepares"
// moves no money (an invoice is made, a 3-D Secure registration), so its loss is no loss; its
// answer is OUTCOME_PREPARED with what the next stage needs as provider_reference.
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "http/client.h"
#include "setup/credential.h"

enum operation_kind { OPERATION_CHARGE = 1, OPERATION_CAPTURE, OPERATION_CANCEL, OPERATION_REFUND };
#define OPERATION_KINDS (OPERATION_REFUND + 1)

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
    OUTCOME_PREPARED,  // nothing moved; the next stage may go
    OUTCOME_MUTE,      // there is no way to ask
};

struct outcome {
    enum outcome_kind kind;
    bool elsewhere;       // FAILED: not the payer's doing; another provider may take it
    bool session_refused; // NOT_SENT, LOST to a query: our access token is not good any more
    bool unwell;          // whatever else it is: the provider is not well (for the circuit breaker)
    const char *error_code, *error_message; // FAILED, EXPIRED; for a merchant's eyes
    const char *action_url;                 // REQUIRES_ACTION
    const char *provider_reference;         // the provider's own name for it; NULL: nothing new
    int http_status;                        // for the attempt's row; 0 when none
};
const char *outcome_name(enum outcome_kind kind);

struct provider_act {
    enum operation_kind kind;
    const char *reference;
    int64_t stage;                         // how many stages are done
    const char *provider_reference;        // of this operation; NULL: none yet
    bool acting;                           // the payer has been given something to do
    const char *charge_reference;          // of the payment's charge; for all but charges
    const char *charge_provider_reference; // its provider_reference; NULL: none
    int64_t amount, charge_amount;         // minor units; of this act, of the payment
    const char *currency, *method, *vpa, *msisdn, *network;
    const char *token; // opened; NULL unless method is card
    bool capture;      // at once
    const char *return_url, *description, *email, *phone, *name; // NULL where not given
    int64_t created_us;
};

struct provider_card {
    const char *number, *cvv, *holder_name;
    int64_t expiry_month, expiry_year;
};

struct provider_header {
    const char *name, *value;
};

// A callback as it came.
struct provider_callback {
    const char *address; // of the sender, as the edge saw it; "" when unknown
    const struct provider_header *headers;
    size_t headers_n;
    struct bytes body;
};
enum callback_proof {
    CALLBACK_FORGED,   // a secret is configured and its proof is missing or wrong
    CALLBACK_UNPROVEN, // no secret is configured, or the provider signs nothing
    CALLBACK_PROVEN,
};

#define PROVIDER_SESSIONS_MAX 2

// Whom a request is for. Functions allocate from the arena.
struct provider_use {
    const struct provider *provider;
    const struct credential *credential;
    struct arena *arena;
    const char *sessions[PROVIDER_SESSIONS_MAX]; // their text; NULL where not asked for
    const char *callback_url;                    // NULL: none
};

// Something that a provider grants for a while and wants to see again: an access token, a key.
struct provider_session {
    const char *name;
    unsigned needs; // bits of the sessions that asking for it needs
};
struct session_grant {
    const char *text;       // NULL: not granted
    int64_t lives_s;        // from now
    struct outcome outcome; // when not granted: FAILED (the credential is wrong), NOT_SENT, LOST
};

enum provider_ask {
    ASK_BUILT,
    ASK_FULL,  // the arena is
    ASK_NEVER, // there is no way to ask about this: its callbacks, or a person
};

// What it takes. Lists are separated by blanks; NULL: any.
struct provider_support {
    const char *method;     // "mobile_money"; the list ends with NULL
    const char *currencies; // "ZMW UGX"
    const char *networks;   // of mobile_money: "mtn"
    bool manual_capture;
};

enum instrument { INSTRUMENT_EITHER, INSTRUMENT_TEST, INSTRUMENT_LIVE };

#define STAGE(n) (1u << (n))
#define STAGES_ALL (~0u)

struct provider {
    const char *name, *title;
    const struct provider_support *supports;
    const struct credential_field *fields; // ends with name NULL
    const char *sandbox_url, *live_url;    // without a slash at the end; NULL: base_url is required

    unsigned repeatable[OPERATION_KINDS]; // stages that may be sent again under the same reference
    unsigned prepares[OPERATION_KINDS];   // stages that move nothing
    bool calls_back;                      // its news come by themselves, mostly at once
    bool speaks_by_callback; // a proven callback is its word: there is no way to ask for it
    bool partial_refunds;
    int64_t connect_ms, total_ms;
    int64_t query_after_ms; // ask no sooner after an act
    int64_t settle_ms;      // its own delay, after which "not found" is final
    const void *context;    // the adapter's own

    const struct provider_session *sessions;
    size_t sessions_n;
    bool (*session)(const struct provider_use *, size_t which, struct http_request *ret);
    void (*read_session)(const struct provider_use *, size_t which, const struct http_response *,
                         struct session_grant *ret);
    // The sessions that an act and its query travel under, as bits. NULL: none.
    unsigned (*needs)(const struct provider_use *, const struct provider_act *);

    // Each fills *ret from the arena; false when it can't be built (the arena is full).
    bool (*act)(const struct provider_use *, const struct provider_act *, struct http_request *ret);
    enum provider_ask (*query)(const struct provider_use *, const struct provider_act *,
                               struct http_request *ret); // NULL: ASK_NEVER
    void (*read_act)(const struct provider_use *, const struct provider_act *,
                     const struct http_response *, struct outcome *ret);
    // Also of a proven callback, where speaks_by_callback: its body with status 200.
    void (*read_query)(const struct provider_use *, const struct provider_act *,
                       const struct http_response *, struct outcome *ret);
    // Why an act can never go, before anything is accepted: false with *ret FAILED. NULL: always.
    bool (*accepts)(const struct provider_use *, const struct provider_act *, struct outcome *ret);

    // Cards; NULL where it takes none. The sessions of bit 0 are granted if there are any.
    bool (*tokenize)(const struct provider_use *, const struct provider_card *,
                     struct http_request *ret);
    // The provider's token, or NULL with *ret saying why (FAILED: refused; NOT_SENT or LOST).
    const char *(*read_token)(const struct provider_use *, const struct http_response *,
                              struct outcome *ret);
    // Published test instruments, and those that can't be. NULL: either.
    enum instrument (*instrument)(const struct provider_act *, const struct provider_card *);

    enum callback_proof (*callback_proof)(const struct provider_use *,
                                          const struct provider_callback *);
    // Our reference in a callback, from the arena; NULL when it has none.
    const char *(*callback_reference)(struct arena *, const struct provider_callback *);

    // A request that shows whether the credential works, moving nothing: sessions are granted
    // first, where there are any, which is the test for most. NULL: sessions are all.
    bool (*probe)(const struct provider_use *, const char *currency, struct http_request *ret);
    // What is wrong, in a sentence for an operator; NULL: nothing.
    const char *(*read_probe)(const struct provider_use *, const char *currency,
                              const struct http_response *);
};

#define PROVIDER_RESPONSE_MAX ((size_t)64 << 10)

// --- The registry
struct payments_settings;
struct providers;
struct providers *providers_new(const struct payments_settings *settings);
void providers_free(struct providers *providers);
// NULL when there is none of that name.
const struct provider *providers_find(const struct providers *providers, const char *name);
const struct provider *providers_at(const struct providers *providers, size_t i); // NULL: the end
// The credential of the simulator, which everybody has in an installation with one; NULL: none.
const struct credential *providers_simulator(const struct providers *providers);
int64_t providers_total_ms_max(const struct providers *providers);

// Whether it takes this; currency and network NULL: any.
bool provider_supports(const struct provider *provider, const char *method, const char *currency,
                       const char *network, bool manual_capture);
// The sessions that this act and its query travel under, as bits.
unsigned provider_needs(const struct provider_use *use, const struct provider_act *act);
bool provider_prepares(const struct provider *provider, enum operation_kind kind, int64_t stage);
bool provider_repeats(const struct provider *provider, enum operation_kind kind, int64_t stage);
