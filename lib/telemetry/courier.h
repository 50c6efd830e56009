// Parcels to one URL, one at a time, again and again while that makes sense. Belongs to one thread.
#pragma once
#include "http/client.h"

#define COURIER_TRIES_MAX 5
#define COURIER_WAIT_MAX_MS 60000

enum verdict {
    VERDICT_TAKEN,
    VERDICT_AGAIN, // away, or too busy
    VERDICT_REFUSED,
};
// Pure. OTLP's rule: 429, 502, 503 and 504 may be sent again, and what found no answer.
enum verdict courier_verdict(enum http_failure failure, int status);
// Pure: before the try after `tries` of them. retry_after: the header's text or NULL; seconds.
int64_t courier_wait_ms(int tries, const char *retry_after);

struct courier {
    struct http_client *client;
    char url[2304];
    struct http_header headers[4];
    size_t headers_n;
    bool gives_up_when_limited; // 429 ends a parcel, and the wait is for the next
    struct arena *arena;        // of the parcel
    struct http_request request;
    size_t items; // in the parcel; 0: none
    int tries;
    bool out;
    int64_t not_before_ns;
};
// What became of a parcel.
enum sent { SENT_WAITS, SENT_TAKEN, SENT_LOST };

MUST_USE enum status courier_init(struct courier *courier, struct http_client *client);
void courier_deinit(struct courier *courier);
// Nothing is with it.
bool courier_free(const struct courier *courier);
// It is free and may send now.
bool courier_ready(const struct courier *courier);
// The body lies in courier->arena.
void courier_load(struct courier *courier, struct bytes body, size_t items);
// Sends what is due. To be called often.
void courier_go(struct courier *courier);
// After SENT_TAKEN and SENT_LOST *ret_items tells how many these were, and the courier is free.
enum sent courier_hear(struct courier *courier, const struct http_response *response,
                       size_t *ret_items);
