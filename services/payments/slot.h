// An operation in hand: its request, what was heard of it, what is to be recorded. Belongs to the
// processor's thread.
#pragma once
#include "http/client.h"
#include "turn.h"

struct slot {
    enum {
        SLOT_FREE,
        SLOT_OUT,  // a request is
        SLOT_HELD, // the provider is at it: a moment's wait for its callback, then ANSWERED
        SLOT_ANSWERED,
    } state;
    struct arena *arena; // of its requests; made when first used, emptied with the slot
    const struct provider *provider;
    enum outcome_step step; // of the newest request
    int asks;               // queries under this claim
    int64_t held_until_ns;
    struct http_request request;
    struct finished finished;
};

// Takes a free slot for what was claimed; false when it can't be begun.
bool slot_take(struct slot *slot, const struct payments_state *state,
               const struct claimed *claimed);
// Sends what was claimed. False: certainly nothing left.
bool slot_send(struct slot *slot, const struct payments_state *state, struct http_client *client,
               const struct claimed *claimed);
// Asks once more under the same claim. False: not sent; what was heard before stands.
bool slot_ask(struct slot *slot, struct http_client *client);
// What the response says. From the slot's arena.
struct outcome slot_read(struct slot *slot, const struct http_response *response);
void slot_note(struct slot *slot, const struct outcome *outcome, int64_t duration_us);
void slot_empty(struct slot *slot);
