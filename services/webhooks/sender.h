// The dispatcher's hands: a thread that sends attempts and takes their answers while the dispatcher
// waits for PostgreSQL. It owns the slots that it was handed until they are taken back.
#pragma once
#include "base/bell.h"
#include "http/traced.h"
#include "sending.h"

struct slot {
    enum slot_state { SLOT_FREE, SLOT_OUT, SLOT_DONE } state; // the dispatcher's alone
    struct slot *next;   // in one list: the dispatcher's, or one of the sender's
    struct arena *arena; // made when first used; everything below lives in it
    struct attempt attempt;
    int64_t send_by_ns;
    struct http_request request;
    const char *header_lines;
    struct http_span span;
    struct outcome outcome; // status NULL: not sent, and left to its lease
    bool tried;             // a request was made: its outcome says something about the endpoint
};

struct sender;
// What rules points to and the bell are borrowed. The bell is rung when slots can be taken back.
// NULL when it can't be started.
struct sender *sender_new(const struct sending_rules *rules, size_t slots, struct bell *bell);
void sender_free(struct sender *sender); // aborts what is under way; NULL is fine
// A list of slots with their attempts.
void sender_hand(struct sender *sender, struct slot *slots);
// The slots that are done since the last call, a list.
struct slot *sender_take(struct sender *sender);
