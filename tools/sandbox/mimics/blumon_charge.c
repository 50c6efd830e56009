// Charges, and what takes them back.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "mimics/blumon.h"

#define AMOUNT_MAX 100000000 // minor units
#define URL_MAX 2048

// ISO 4217 in digits, as this provider wants them.
static const char *currency_of(const char *number)
{
    static const char *const known[][2] = {{"484", "MXN"}, {"840", "USD"}, {"978", "EUR"}};
    for (size_t i = 0; number && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], number) == 0)
            return known[i][1];
    return NULL;
}

static const char *order_flaw(const struct mimic_call *call, struct blumon_order *order)
{
    if (!call->body)
        return "the body is not JSON";
    order->currency = currency_of(json_get_string(call->body, "currency"));
    if (!order->currency)
        return "currency is \"484\", \"840\" or \"978\"";
    if (json_get_string(call->body, "amount") ||
        !mimic_amount(call, "amount", order->currency, &order->amount))
        return "amount is a number above 0";
    order->reference = json_get_string(call->body, "reference");
    if (order->reference && (!*order->reference || strlen(order->reference) > MIMIC_REFERENCE_MAX))
        return "reference has 1 to 100 characters";
    return NULL;
}

bool blumon_order_read(struct mimic_call *call, struct blumon_order *ret)
{
    const char *flaw = order_flaw(call, ret);
    if (flaw)
        blumon_refuse(call, 400, "VALIDATION", flaw);
    return !flaw;
}

// A number: webhooks show it as one.
static void id_choose(struct mimic_call *call, struct entry *entry)
{
    int64_t number = call->now_us;
    do
        (void)snprintf(entry->id, sizeof entry->id, "%" PRId64, number++);
    while (mimic_find_id(call->mimic, entry->id));
}

struct entry blumon_entry(struct mimic_call *call, enum entry_kind kind,
                          const struct blumon_order *order)
{
    struct entry entry = {.kind = kind, .status = ENTRY_OPEN, .amount = order->amount};
    id_choose(call, &entry);
    (void)snprintf(entry.reference, sizeof entry.reference, "%s",
                   order->reference ? order->reference : entry.id);
    (void)snprintf(entry.currency, sizeof entry.currency, "%s", order->currency);
    const char *url = call->body ? json_get_string(call->body, "notificationUrl") : NULL;
    if (!url)
        url = mimic_setting(call->mimic, "WEBHOOK_URL");
    if (*url && strlen(url) <= URL_MAX)
        entry.callback_url = arena_strdup(call->arena, url);
    return entry;
}

char *blumon_note(struct mimic_call *call, const struct blumon_card *card, const char *return_url)
{
    uint8_t random[3];
    crypto_random(random, sizeof random);
    const char *authorization = crypto_hex(call->arena, BYTES_OF_ARRAY(random));
    return json_object(call->arena, (struct json_member[]){
                                        JSON_S("authorization", authorization),
                                        JSON_S("lastFour", card->last_four),
                                        JSON_S("brand", card->brand),
                                        JSON_S("returnUrl", return_url),
                                        {0},
                                    });
}

static const char *approval(struct mimic_call *call, const struct entry *entry,
                            const struct blumon_card *card)
{
    const struct json_value *kept;
    if (json_parse(call->arena, bytes_of_string(entry->extra), &kept) != STATUS_OK)
        return NULL;
    const char *bin =
        json_object(call->arena, (struct json_member[]){JSON_S("bank", "BANCO DE PRUEBA"),
                                                        JSON_S("brand", card->brand),
                                                        JSON_S("product", "CREDITO"),
                                                        {0}});
    return json_object(call->arena,
                       (struct json_member[]){
                           JSON_S("authorization", json_get_string(kept, "authorization")),
                           JSON_S("description", blumon_description("00")),
                           JSON_R("binInformation", bin ? bin : "{}"),
                           {0},
                       });
}

void blumon_decide(struct mimic_call *call, struct entry *charge, const struct blumon_card *card)
{
    const char *code = charge->amount > AMOUNT_MAX ? "TX_001" : card->code;
    if (strcmp(code, "00") != 0) {
        mimic_settle(call->mimic, charge, ENTRY_FAILED, code);
        blumon_decline(call, charge->id, code);
        return;
    }
    mimic_settle(call->mimic, charge, ENTRY_SUCCEEDED, "");
    blumon_approve(call, charge->id, approval(call, charge, card));
}

static bool agrees(const struct entry *registration, const struct blumon_order *order,
                   const struct blumon_card *card)
{
    return registration->amount == order->amount &&
           strcmp(registration->currency, order->currency) == 0 &&
           strcmp(registration->payer, card->last_four) == 0;
}

// What 3-D Secure says to this charge; NULL: nothing against it. A registration serves once.
static const char *challenge_refuses(struct mimic_call *call, const struct blumon_order *order,
                                     const struct blumon_card *card)
{
    const char *id = json_get_string(call->body, "threeDSTransactionId");
    if (!id)
        return card->challenged ? "3DS_REQUIRED" : NULL;
    struct entry *registration = mimic_find_id(call->mimic, id);
    if (!registration || strncmp(registration->state, "3ds", 3) != 0)
        return "3DS_NOT_FOUND";
    if (!agrees(registration, order, card))
        return "3DS_MISMATCH";
    if (strcmp(registration->state, "3ds_used") == 0)
        return "3DS_USED";
    if (strcmp(registration->state, "3ds_approved") == 0)
        (void)snprintf(registration->state, sizeof registration->state, "3ds_used");
    else
        return strcmp(registration->state, "3ds_declined") == 0 ? "3DS_REJECTED" : "3DS_PENDING";
    return NULL;
}

void blumon_charge_post(struct mimic_call *call)
{
    struct blumon_order order;
    struct blumon_card card;
    if (!blumon_authorized(call) || !blumon_order_read(call, &order) ||
        !blumon_card_read(call, &card))
        return;
    const char *against = challenge_refuses(call, &order, &card);
    if (against && strcmp(against, "3DS_REJECTED") == 0) {
        card.code = against;
    } else if (against) {
        blumon_refuse(call, 400, against, "threeDSTransactionId of an approved registration");
        return;
    }
    struct entry entry = blumon_entry(call, ENTRY_CHARGE, &order);
    entry.extra = blumon_note(call, &card, NULL);
    (void)snprintf(entry.payer, sizeof entry.payer, "%s", card.last_four);
    struct entry *charge = entry.extra ? mimic_add(call->mimic, &entry) : NULL;
    if (charge)
        blumon_decide(call, charge, &card);
    else
        blumon_full(call);
}

// The charge that the path names; NULL after answering.
static struct entry *original(struct mimic_call *call)
{
    struct entry *charge = mimic_find_id(call->mimic, call->names[0]);
    if (charge && charge->kind == ENTRY_CHARGE && charge->status == ENTRY_SUCCEEDED)
        return charge;
    blumon_decline(call, NULL, "914");
    return NULL;
}

static bool amount_read(struct mimic_call *call, const struct entry *charge, int64_t *ret)
{
    if (call->body && !json_get_string(call->body, "amount") &&
        mimic_amount(call, "amount", charge->currency, ret))
        return true;
    blumon_refuse(call, 400, "VALIDATION", "amount is a number above 0");
    return false;
}

// What takes a charge back, done at once.
static void follow(struct mimic_call *call, struct entry *charge, enum entry_kind kind,
                   int64_t amount)
{
    const char *reference = json_get_string(call->body, "reference");
    if (reference && (!*reference || strlen(reference) > MIMIC_REFERENCE_MAX)) {
        blumon_refuse(call, 400, "VALIDATION", "reference has 1 to 100 characters");
        return;
    }
    struct blumon_order order = {amount, charge->currency, reference};
    struct entry entry = blumon_entry(call, kind, &order);
    (void)snprintf(entry.related, sizeof entry.related, "%s", charge->reference);
    entry.extra = charge->extra;
    struct entry *added = mimic_add(call->mimic, &entry);
    if (!added) {
        blumon_full(call);
        return;
    }
    if (kind == ENTRY_VOID)
        (void)snprintf(charge->state, sizeof charge->state, "voided");
    mimic_settle(call->mimic, added, ENTRY_SUCCEEDED, "");
    const char *data = json_object(
        call->arena, (struct json_member[]){JSON_S("description", blumon_description("00")), {0}});
    blumon_approve(call, added->id, data);
}

void blumon_cancel_post(struct mimic_call *call)
{
    if (!blumon_authorized(call))
        return;
    struct entry *charge = original(call);
    int64_t amount;
    if (!charge || !amount_read(call, charge, &amount))
        return;
    if (strcmp(charge->state, "voided") == 0)
        blumon_decline(call, charge->id, "94");
    else if (amount != charge->amount)
        blumon_refuse(call, 400, "VALIDATION", "a cancel is of the whole amount");
    else if (mimic_refundable(call->mimic, charge) != charge->amount)
        blumon_refuse(call, 400, "VALIDATION", "the charge has refunds");
    else
        follow(call, charge, ENTRY_VOID, amount);
}

void blumon_refund_post(struct mimic_call *call)
{
    if (!blumon_authorized(call))
        return;
    struct entry *charge = original(call);
    int64_t amount;
    if (!charge || !amount_read(call, charge, &amount))
        return;
    if (strcmp(charge->state, "voided") == 0)
        blumon_decline(call, charge->id, "914");
    else if (amount > mimic_refundable(call->mimic, charge))
        blumon_refuse(call, 400, "VALIDATION", "more than is left of the charge");
    else
        follow(call, charge, ENTRY_REFUND, amount);
}
