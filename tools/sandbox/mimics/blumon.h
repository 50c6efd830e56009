// Between the files of the Blumon mimic. All of it runs in a handler, with the mimic's lock held.
#pragma once
#include "mimics/mimic.h"

// What is kept of a card: never its number.
struct blumon_card {
    const char *last_four, *brand;
    const char *code; // what its issuer answers; "00" approves
    bool challenged;  // wants 3-D Secure
};

struct blumon_order {
    int64_t amount; // minor units
    const char *currency;
    const char *reference; // the caller's; NULL: none
};

// False when it is no card number. Everything in the card is static or in the arena.
bool blumon_card_of_number(struct arena *arena, const char *number, struct blumon_card *ret);
bool blumon_card_of_token(struct mimic_call *call, const char *token, struct blumon_card *ret);
// noPresentCardData of the body, by number or token; answers the call and is false when it can't be
// read.
bool blumon_card_read(struct mimic_call *call, struct blumon_card *ret);
// amount, currency and reference of the body; answers the call and is false when they don't hold.
bool blumon_order_read(struct mimic_call *call, struct blumon_order *ret);
// The issuer's answer under the HTTP status that it comes with.
const char *blumon_description(const char *code);
int blumon_http_status(const char *code);

// An entry of this kind, OPEN, not in the book yet; its id is new, its reference the order's or
// the id.
struct entry blumon_entry(struct mimic_call *call, enum entry_kind kind,
                          const struct blumon_order *order);
// Settles a charge in the book as its card has it and answers the call.
void blumon_decide(struct mimic_call *call, struct entry *charge, const struct blumon_card *card);
// What is written down beside a charge, in the arena: what a webhook tells of the card, and where
// the browser goes. return_url may be NULL. NULL when the arena is full.
char *blumon_note(struct mimic_call *call, const struct blumon_card *card, const char *return_url);

// False after answering 401.
bool blumon_authorized(struct mimic_call *call);
void blumon_approve(struct mimic_call *call, const char *id, const char *data);
void blumon_refuse(struct mimic_call *call, int status, const char *code, const char *description);
// Refuses with what the issuer says.
void blumon_decline(struct mimic_call *call, const char *id, const char *code);
void blumon_full(struct mimic_call *call);
// "dd/MM/yyyy HH:mm:ss", UTC.
const char *blumon_time(struct arena *arena, int64_t unix_us);
// Where the caller reaches this mimic, without a slash at the end.
const char *blumon_base(const struct mimic_call *call);

// --- Handlers.
void blumon_token_post(struct mimic_call *call);
void blumon_card_post(struct mimic_call *call);
void blumon_charge_post(struct mimic_call *call);
void blumon_cancel_post(struct mimic_call *call);
void blumon_refund_post(struct mimic_call *call);
void blumon_challenge_post(struct mimic_call *call);
void blumon_challenge_get(struct mimic_call *call);
void blumon_challenge_page_get(struct mimic_call *call);
void blumon_challenge_page_post(struct mimic_call *call);
void blumon_checkout_post(struct mimic_call *call);
void blumon_checkout_page_get(struct mimic_call *call);
void blumon_checkout_page_post(struct mimic_call *call);
