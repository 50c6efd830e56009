// An operation in hand: its request, what was heard of it, what is to be recorded. Belongs to the
// processor's thread.
#pragma once
#include "http/traced.h"
#include "processor/turn.h"
#include "setup/setup.h"

struct slot {
    enum {
        SLOT_FREE,
        SLOT_WAITING, // for an access token
        SLOT_OUT,     // a request is
        SLOT_HELD,    // the provider is at it: a moment's wait for its callback, then ANSWERED
        SLOT_ANSWERED,
    } state;
    struct arena *arena;       // of its requests; made when first used, emptied with the slot
    const struct setup *setup; // held while in use; NULL: the simulator's credential
    struct provider_use use;
    struct provider_act act;
    const struct provider *provider;
    enum outcome_step step; // of the newest request
    int asks;               // queries under this claim
    bool is_long;           // it may take long (CLAIM_LONG_MS)
    bool renewed;           // its access token was refused once, under this request
    struct bytes testimony; // at NULL: none
    int64_t held_until_ns;
    struct http_request request;
    struct http_span span; // of the request
    struct finished finished;
};

// What became of an attempt to send.
enum slot_sent {
    SENT_OUT,   // it is on its way
    SENT_WAITS, // for an access token: try again when there is news of one
    SENT_NOT,   // nothing left: *ret_outcome is what was heard instead
};

// Takes a free slot for what was claimed; false when it can't be begun: nothing has left then, and
// slot_is_named tells whether that can be recorded.
bool slot_take(struct slot *slot, const struct payments_state *state, struct db *db,
               const struct claimed *claimed);
// Sends what was claimed, or asks.
enum slot_sent slot_send(struct slot *slot, const struct payments_state *state,
                         struct http_client *client, struct outcome *ret_outcome);
// Asks once more under the same claim. False: not sent; what was heard before stands.
bool slot_ask(struct slot *slot, const struct payments_state *state, struct http_client *client);
// What the response says. From the slot's arena. *ret_again: the access token was refused, it is to
// be sent once more.
struct outcome slot_read(struct slot *slot, const struct payments_state *state,
                         const struct http_response *response, bool *ret_again);
// The request is over: as a span of the trace that made the operation.
void slot_trace(const struct slot *slot, const struct http_response *response,
                const struct outcome *outcome);
void slot_note(struct slot *slot, const struct outcome *outcome, int64_t duration_us);
bool slot_is_named(const struct slot *slot);
void slot_empty(struct slot *slot);
