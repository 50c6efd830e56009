// What the payer's browser sees: 3-D Secure and the hosted checkout.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "mimics/blumon.h"

#define CHECKOUT_S 86400

static const char *text_of(const struct entry *entry, struct arena *arena, const char *name)
{
    const struct json_value *kept;
    if (!entry->extra || json_parse(arena, bytes_of_string(entry->extra), &kept) != STATUS_OK)
        return NULL;
    return json_get_string(kept, name);
}

// Only what is ours goes into the page: nobody's text needs escaping. A browser is sent on to where
// the merchant wants it by a header, so that programs that only press the button stay here.
static void show(struct mimic_call *call, const struct entry *entry, const char *form)
{
    const char *page =
        arena_printf(call->arena,
                     "<!doctype html><html lang=\"es\"><title>Blumon</title><h1>Blumon</h1>"
                     "<p>%s %s %s</p>%s</html>\n",
                     entry->id, mimic_decimal(call->arena, entry->amount, entry->currency),
                     entry->currency, form);
    const char *back = text_of(entry, call->arena, "returnUrl");
    call->answer = (struct mimic_answer){200, page, "text/html; charset=utf-8", {{0}}, 0};
    if (entry->status != ENTRY_OPEN && entry->status != ENTRY_PENDING && back) {
        call->answer.headers[0][0] = "Refresh";
        call->answer.headers[0][1] = arena_printf(call->arena, "1; url=%s", back);
    }
}

static void keep_return(struct mimic_call *call, struct entry *entry, const char *url)
{
    char *kept = json_object(call->arena, (struct json_member[]){JSON_S("returnUrl", url), {0}});
    entry->extra = url ? kept : NULL;
}

static const char *outcome_of(const struct mimic_call *call)
{
    const char *outcome =
        call->body ? json_get_string(call->body, "outcome") : mimic_form(call, "outcome");
    return outcome ? outcome : "";
}

static void registration_show(struct mimic_call *call, const struct entry *entry)
{
    bool waits = strcmp(entry->state, "3ds") == 0;
    const char *status = strcmp(entry->state, "3ds_declined") == 0 ? "REJECTED" : "AUTHENTICATED";
    const char *url = arena_printf(call->arena, "%s/mpi/3ds/%s", blumon_base(call), entry->id);
    blumon_approve(call, entry->id,
                   json_object(call->arena, (struct json_member[]){
                                                JSON_S("threeDSTransactionId", entry->id),
                                                JSON_S("status", waits ? "CHALLENGE" : status),
                                                JSON_S("authenticationUrl", waits ? url : NULL),
                                                {0},
                                            }));
}

void blumon_challenge_post(struct mimic_call *call)
{
    struct blumon_order order;
    struct blumon_card card;
    if (!blumon_authorized(call) || !blumon_order_read(call, &order) ||
        !blumon_card_read(call, &card))
        return;
    order.reference = NULL; // the charge's; it is not made yet
    struct entry entry = blumon_entry(call, ENTRY_INVOICE, &order);
    (void)snprintf(entry.state, sizeof entry.state, card.challenged ? "3ds" : "3ds_approved");
    (void)snprintf(entry.payer, sizeof entry.payer, "%s", card.last_four);
    keep_return(call, &entry, json_get_string(call->body, "returnUrl"));
    const struct entry *added = mimic_add(call->mimic, &entry);
    if (!added) {
        blumon_full(call);
        return;
    }
    registration_show(call, added);
}

// NULL after answering.
static struct entry *registration_of(struct mimic_call *call)
{
    struct entry *entry = mimic_find_id(call->mimic, call->names[0]);
    if (entry && strncmp(entry->state, "3ds", 3) == 0)
        return entry;
    blumon_refuse(call, 404, "3DS_NOT_FOUND", "No such registration");
    return NULL;
}

void blumon_challenge_get(struct mimic_call *call)
{
    const struct entry *entry = blumon_authorized(call) ? registration_of(call) : NULL;
    if (entry)
        registration_show(call, entry);
}

void blumon_challenge_page_get(struct mimic_call *call)
{
    const struct entry *entry = registration_of(call);
    if (entry)
        show(call, entry,
             "<form method=\"post\"><button name=\"outcome\" value=\"approve\">Approve</button> "
             "<button name=\"outcome\" value=\"decline\">Decline</button></form>");
}

void blumon_challenge_page_post(struct mimic_call *call)
{
    struct entry *entry = registration_of(call);
    const char *outcome = outcome_of(call);
    bool approve = strcmp(outcome, "approve") == 0;
    if (!entry)
        return;
    if (!approve && strcmp(outcome, "decline") != 0) {
        blumon_refuse(call, 400, "VALIDATION", "outcome is approve or decline");
        return;
    }
    if (strcmp(entry->state, "3ds") != 0) {
        blumon_refuse(call, 409, "3DS_USED", "The payer has decided");
        return;
    }
    (void)snprintf(entry->state, sizeof entry->state, approve ? "3ds_approved" : "3ds_declined");
    mimic_settle(call->mimic, entry, approve ? ENTRY_SUCCEEDED : ENTRY_FAILED,
                 approve ? "" : "3DS_REJECTED");
    show(call, entry, approve ? "<p>Approved.</p>" : "<p>Declined.</p>");
}

// The end of the day "YYYY-MM-DD" says; 0 when it says none.
static int64_t end_of_day(struct arena *arena, const char *day)
{
    int64_t at_us;
    const char *text = day ? arena_printf(arena, "%sT23:59:59Z", day) : NULL;
    return text && clock_parse_rfc3339(text, &at_us) ? at_us : 0;
}

void blumon_checkout_post(struct mimic_call *call)
{
    struct blumon_order order;
    if (!blumon_authorized(call) || !blumon_order_read(call, &order))
        return;
    const char *expiration = json_get_string(call->body, "expiration");
    int64_t last_us = end_of_day(call->arena, expiration);
    if (expiration && last_us <= call->now_us) {
        blumon_refuse(call, 400, "VALIDATION", "expiration is a day (YYYY-MM-DD) to come");
        return;
    }
    struct entry entry = blumon_entry(call, ENTRY_CHARGE, &order);
    entry.status = ENTRY_PENDING;
    entry.to = ENTRY_EXPIRED;
    entry.due_us = call->now_us + mimic_scaled_us(call->mimic, CHECKOUT_S * US_PER_S);
    if (last_us && last_us < entry.due_us)
        entry.due_us = last_us;
    const char *back = json_get_string(call->body, "returnUrl");
    keep_return(call, &entry, back ? back : json_get_string(call->body, "urlCallback"));
    const struct entry *added = mimic_add(call->mimic, &entry);
    if (!added) {
        blumon_full(call);
        return;
    }
    const char *path = arena_printf(call->arena, "/checkout/%s", added->id);
    const char *url = arena_printf(call->arena, "%s%s", blumon_base(call), path ? path : "");
    blumon_approve(
        call, added->id,
        json_object(call->arena,
                    (struct json_member[]){JSON_S("payOrder", path), JSON_S("url", url), {0}}));
}

// NULL after answering.
static struct entry *checkout_of(struct mimic_call *call)
{
    struct entry *entry = mimic_find_id(call->mimic, call->names[0]);
    if (entry && entry->kind == ENTRY_CHARGE)
        return entry;
    blumon_refuse(call, 404, "914", blumon_description("914"));
    return NULL;
}

void blumon_checkout_page_get(struct mimic_call *call)
{
    const struct entry *entry = checkout_of(call);
    if (entry)
        show(call, entry,
             "<form method=\"post\">"
             "<label>Card <input name=\"card\" value=\"4242424242424242\"></label> "
             "<button name=\"outcome\" value=\"pay\">Pay</button> "
             "<button name=\"outcome\" value=\"cancel\">Cancel</button></form>");
}

// Pays with the card of the form; without one, with a card that is approved.
static void pay(struct mimic_call *call, struct entry *entry)
{
    struct blumon_card card;
    const char *number =
        call->body ? json_get_string(call->body, "card") : mimic_form(call, "card");
    if (!blumon_card_of_number(call->arena, number ? number : "4242424242424242", &card)) {
        blumon_refuse(call, 400, "CARD_NUMBER", "card is not valid");
        return;
    }
    const char *note = blumon_note(call, &card, text_of(entry, call->arena, "returnUrl"));
    char *kept = note ? mimic_keep(call->mimic, note) : NULL;
    if (!kept) {
        blumon_full(call);
        return;
    }
    entry->extra = kept;
    (void)snprintf(entry->payer, sizeof entry->payer, "%s", card.last_four);
    blumon_decide(call, entry, &card);
    show(call, entry, entry->status == ENTRY_SUCCEEDED ? "<p>Paid.</p>" : "<p>Declined.</p>");
}

void blumon_checkout_page_post(struct mimic_call *call)
{
    struct entry *entry = checkout_of(call);
    const char *outcome = outcome_of(call);
    if (!entry)
        return;
    if (entry->status != ENTRY_PENDING) {
        blumon_refuse(call, 409, "94", "The checkout is over");
        return;
    }
    if (strcmp(outcome, "pay") == 0) {
        pay(call, entry);
    } else if (strcmp(outcome, "cancel") == 0) {
        mimic_settle(call->mimic, entry, ENTRY_CANCELED, "CANCELED");
        show(call, entry, "<p>Canceled.</p>");
    } else {
        blumon_refuse(call, 400, "VALIDATION", "outcome is pay or cancel");
    }
}
