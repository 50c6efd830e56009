// What moves money at Airtel: pushes, refunds, disbursements. An id is taken once, whatever it was
// taken for; what was refused at once leaves its id free.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/currency.h"
#include "crypto/crypto.h"
#include "mimics/airtel.h"

#define ID_SHORTEST 4
#define ID_LONGEST 64
#define FOREVER_US (3650 * 24 * 3600 * US_PER_S)

struct order {
    const char *id, *msisdn, *currency;
    int64_t amount;
};

static bool id_valid(const char *id)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t length = strspn(id, allowed);
    return !id[length] && length >= ID_SHORTEST && length <= ID_LONGEST;
}

// True when the member is absent or says what the header says.
static bool agrees(const struct mimic_call *call, const char *member, const char *header)
{
    const char *said = json_get_string(call->body, member);
    return !said || strcmp(said, mimic_header(call, header)) == 0;
}

static bool place_agrees(struct mimic_call *call)
{
    if (!agrees(call, "subscriber.country", "X-Country") ||
        !agrees(call, "transaction.country", "X-Country"))
        airtel_refuse(call, 200, "ESB000034");
    else if (!agrees(call, "subscriber.currency", "X-Currency") ||
             !agrees(call, "transaction.currency", "X-Currency"))
        airtel_refuse(call, 200, "ESB000035");
    else
        return true;
    return false;
}

// The amount is a number: text in its place is refused as Airtel refuses it.
static bool order_read(struct mimic_call *call, const char *payer, struct order *ret)
{
    const struct json_value *body = call->body;
    ret->currency = mimic_header(call, "X-Currency");
    ret->id = body ? json_get_string(body, "transaction.id") : NULL;
    ret->msisdn = body ? json_get_string(body, payer) : NULL;
    if (!ret->id || !ret->msisdn || !json_get_string(body, "reference")) {
        airtel_refuse(call, 400, "ROUTER003");
        return false;
    }
    if (!place_agrees(call) || !airtel_msisdn_valid(call, ret->msisdn))
        return false;
    if (!id_valid(ret->id) || json_get_string(body, "transaction.amount") ||
        !mimic_amount(call, "transaction.amount", ret->currency, &ret->amount)) {
        airtel_refuse(call, 200, "ESB000008");
        return false;
    }
    if (mimic_find(call->mimic, ret->id)) {
        airtel_refuse(call, 200, "ESB000041");
        return false;
    }
    return true;
}

static void copy(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

static void id_make(struct mimic_call *call, const char *prefix, struct entry *entry)
{
    uint8_t random[8];
    crypto_random(random, sizeof random);
    (void)snprintf(entry->id, sizeof entry->id, "%s.%s", prefix,
                   crypto_hex(call->arena, BYTES_OF_ARRAY(random)));
}

static enum entry_status status_of(enum airtel_rest rest)
{
    if (rest == AIRTEL_PAID)
        return ENTRY_SUCCEEDED;
    return rest == AIRTEL_EXPIRED ? ENTRY_EXPIRED : ENTRY_FAILED;
}

// Ambiguous ones are TIP, then TA, then at rest: each for as long as an enquiry has to wait.
static int64_t due_us(const struct mimic_call *call, const struct airtel_outcome *outcome)
{
    int64_t settled_us = call->now_us + mimic_settle_ms(call->mimic) * 1000;
    if (outcome->rest == AIRTEL_NEVER)
        return call->now_us + FOREVER_US;
    if (outcome->is_ambiguous)
        return settled_us + mimic_scaled_us(call->mimic, 2 * AIRTEL_WAIT_US);
    return settled_us;
}

static struct entry entry_make(struct mimic_call *call, const struct order *order,
                               const struct airtel_outcome *outcome)
{
    struct entry entry = {
        .status = ENTRY_PENDING,
        .amount = order->amount,
        .to = status_of(outcome->rest),
        .due_us = due_us(call, outcome),
        .created_us = call->now_us,
    };
    copy(entry.reference, sizeof entry.reference, order->id);
    copy(entry.currency, sizeof entry.currency, order->currency);
    copy(entry.payer, sizeof entry.payer, order->msisdn);
    copy(entry.code, sizeof entry.code, outcome->code);
    copy(entry.state, sizeof entry.state, outcome->is_ambiguous ? "TA" : "");
    return entry;
}

// NULL: the call is answered.
static struct entry *book(struct mimic_call *call, const struct entry *entry)
{
    struct entry *booked = mimic_add(call->mimic, entry);
    if (!booked)
        airtel_refuse(call, 500, "ESB000004");
    return booked;
}

// True when the answer is not the usual one.
static bool answer_unusual(struct mimic_call *call, const struct airtel_outcome *outcome)
{
    if (!outcome->refusal)
        return false;
    if (*outcome->refusal)
        airtel_refuse(call, outcome->http, outcome->refusal);
    else
        airtel_time_out(call);
    return true;
}

static void push(struct mimic_call *call)
{
    struct order order;
    if (!order_read(call, "subscriber.msisdn", &order))
        return;
    const struct airtel_outcome *outcome = airtel_outcome(order.msisdn);
    if (outcome->rest != AIRTEL_NOTHING) {
        struct entry entry = entry_make(call, &order, outcome);
        const char *url = mimic_setting(call->mimic, "CALLBACK_URL");
        entry.kind = ENTRY_CHARGE;
        entry.callback_url = *url ? mimic_keep(call->mimic, url) : NULL;
        id_make(call, "MP", &entry);
        if (!book(call, &entry))
            return;
    }
    if (answer_unusual(call, outcome))
        return;
    airtel_answer(call,
                  json_object(call->arena, (struct json_member[]){JSON_S("id", order.id),
                                                                  JSON_S("status", "SUCCESS"),
                                                                  {0}}),
                  "ESB000010", AIRTEL_SENT);
}

void airtel_push_v1(struct mimic_call *call)
{
    if (!airtel_admitted(call))
        return;
    if (strcmp(mimic_header(call, "X-Country"), "ZM") == 0) // signing is mandatory there
        airtel_refuse(call, 403, AIRTEL_FORBIDDEN);
    else
        push(call);
}

void airtel_push_v2(struct mimic_call *call)
{
    if (!airtel_admitted(call))
        return;
    if (airtel_signed(call))
        push(call);
    else
        airtel_refuse(call, 403, AIRTEL_FORBIDDEN);
}

static bool pin_valid(struct mimic_call *call)
{
    const char *sealed = call->body ? json_get_string(call->body, "pin") : NULL;
    struct bytes pin = sealed ? airtel_unseal(call->arena, sealed) : (struct bytes){0};
    if (!sealed)
        airtel_refuse(call, 400, "ROUTER003");
    else if (!pin.at)
        airtel_refuse(call, 400, "ROUTER116");
    else if (!crypto_equal(pin, bytes_of_string(mimic_setting(call->mimic, "PIN"))))
        airtel_refuse(call, 400, "ROUTER115");
    else
        return true;
    return false;
}

// Disbursements don't wait for anybody's PIN: what is clear is clear at once.
static void disburse(struct mimic_call *call, const struct order *order)
{
    const struct airtel_outcome *outcome = airtel_outcome(order->msisdn);
    struct entry entry = entry_make(call, order, outcome);
    bool is_clear = !outcome->refusal && !outcome->is_ambiguous && outcome->rest != AIRTEL_NEVER;
    entry.kind = ENTRY_REFUND;
    if (is_clear)
        entry.status = entry.to;
    id_make(call, "CI", &entry);
    if (outcome->rest != AIRTEL_NOTHING && !book(call, &entry))
        return;
    if (!answer_unusual(call, outcome))
        airtel_report(call, &entry, false);
}

void airtel_disburse(struct mimic_call *call)
{
    struct order order;
    if (airtel_admitted(call) && pin_valid(call) && order_read(call, "payee.msisdn", &order))
        disburse(call, &order);
}

static struct entry refund_make(struct mimic_call *call, const struct entry *charge)
{
    struct entry refund = {
        .kind = ENTRY_REFUND,
        .status = ENTRY_SUCCEEDED,
        .amount = charge->amount,
        .created_us = call->now_us,
        .finished_us = call->now_us,
    };
    (void)snprintf(refund.reference, sizeof refund.reference, "%.64s.refund", charge->reference);
    copy(refund.related, sizeof refund.related, charge->reference);
    copy(refund.currency, sizeof refund.currency, charge->currency);
    copy(refund.payer, sizeof refund.payer, charge->payer);
    id_make(call, "RO", &refund);
    return refund;
}

static void refund_charge(struct mimic_call *call, const struct entry *charge)
{
    enum airtel_refund todo = airtel_outcome(charge->payer)->refund;
    struct entry refund = refund_make(call, charge);
    bool is_done = todo == REFUND_DONE || todo == REFUND_DONE_UNHEARD;
    if (is_done && !book(call, &refund))
        return;
    if (todo == REFUND_REFUSED)
        airtel_refuse(call, 200, "ESB000011");
    else if (todo != REFUND_DONE)
        airtel_time_out(call);
    else
        airtel_answer(
            call,
            json_object(call->arena, (struct json_member[]){JSON_S("airtel_money_id", refund.id),
                                                            JSON_S("status", "SUCCESS"),
                                                            {0}}),
            "ESB000010", "DP00800001001");
}

// The whole payment, once. An amount in the request is not looked at, as at Airtel.
void airtel_give_back(struct mimic_call *call)
{
    if (!airtel_admitted(call))
        return;
    const char *id = call->body ? json_get_string(call->body, "transaction.airtel_money_id") : NULL;
    const struct entry *charge = id ? mimic_find_id(call->mimic, id) : NULL;
    if (!id)
        airtel_refuse(call, 400, "ROUTER003");
    else if (!charge || charge->kind != ENTRY_CHARGE)
        airtel_refuse(call, 200, "ESB000045");
    else if (charge->status != ENTRY_SUCCEEDED ||
             mimic_refundable(call->mimic, charge) < charge->amount)
        airtel_refuse(call, 200, "ESB000011");
    else
        refund_charge(call, charge);
}
