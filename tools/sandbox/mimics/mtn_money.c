// MTN MoMo: requests to pay, transfers and refunds; what becomes of them, asked for or told.
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "callbacks.h"
#include "crypto/crypto.h"
#include "mtn.h"

#define NOTE_MAX 160
#define PARTY_MAX 63
#define TRANSACTION_DIGITS 10

struct order {
    const char *product, *resource; // "collection", "requesttopay"
    const char *party_name;         // "payer", "payee"; NULL: the original's payer
    enum entry_kind kind;
};

static const struct order request_order = {"collection", "requesttopay", "payer", ENTRY_CHARGE};
static const struct order transfer_order = {"disbursement", "transfer", "payee", ENTRY_REFUND};
static const struct order refund_order = {"disbursement", "refund", NULL, ENTRY_REFUND};

static void bad_request(struct mimic_call *call, const char *message)
{
    mtn_refuse(call, 400, "BAD_REQUEST", message);
}

static const char *text_of(const struct mimic_call *call, const char *path)
{
    const char *text = json_get_string(call->body, path);
    return text ? text : "";
}

// Everything that makes up a URL's host (RFC 3986, section 3.2.2); "" for what is no http URL.
static const char *host_of(struct arena *arena, const char *url)
{
    const char *host = strstr(url, "://");
    if (strncasecmp(url, "http", 4) != 0 || !host)
        return "";
    return arena_strndup(arena, host + 3, strcspn(host + 3, ":/?#"));
}

// What the caller was provisioned with may be a host or a URL.
static bool callback_allowed(struct mimic_call *call, const struct order *order, const char *url)
{
    const char *allowed = mtn_callback_host(call, mtn_caller(call, order->product));
    const char *given = host_of(call->arena, url);
    if (!given || !*given)
        return false;
    if (!allowed || !*allowed)
        return true;
    const char *host = strstr(allowed, "://") ? host_of(call->arena, allowed) : allowed;
    size_t length = host ? strcspn(host, ":/") : 0;
    return host && strlen(given) == length && strncasecmp(given, host, length) == 0;
}

static bool party_valid(const char *type, const char *party)
{
    size_t length = strlen(party);
    if (strcasecmp(type, "MSISDN") == 0)
        return length >= 8 && length <= 15 && strspn(party, "0123456789") == length;
    return length > 0 && length <= PARTY_MAX &&
           (strcasecmp(type, "EMAIL") == 0 || strcasecmp(type, "PARTY_CODE") == 0);
}

// The headers, and that this reference is new.
static bool headers_fit(struct mimic_call *call, const struct order *order)
{
    const char *reference = mimic_header(call, "X-Reference-Id");
    const char *callback_url = mimic_header(call, "X-Callback-Url");
    if (!mtn_uuid4(reference))
        bad_request(call, "X-Reference-Id is not a UUID of version 4.");
    else if (mimic_find(call->mimic, reference))
        mtn_refuse(call, 409, "RESOURCE_ALREADY_EXIST",
                   "Duplicated reference id. Creation of resource failed.");
    else if (*callback_url && !callback_allowed(call, order, callback_url))
        mtn_refuse(call, 500, "INVALID_CALLBACK_URL_HOST",
                   "Callback URL with different host name than the one registered.");
    else
        return true;
    return false;
}

// amount, currency, notes and the party into the entry.
static bool body_fits(struct mimic_call *call, const struct order *order, struct entry *entry)
{
    const char *currency = text_of(call, "currency");
    if (strlen(currency) != 3 || strlen(text_of(call, "payerMessage")) > NOTE_MAX ||
        strlen(text_of(call, "payeeNote")) > NOTE_MAX) {
        bad_request(call, "Currency, payerMessage or payeeNote is not valid.");
        return false;
    }
    if (strcmp(currency, mtn_currency(call)) != 0) {
        mtn_refuse(call, 500, "INVALID_CURRENCY", "Currency not supported.");
        return false;
    }
    if (!mimic_amount(call, "amount", currency, &entry->amount)) {
        bad_request(call, "Amount is not valid.");
        return false;
    }
    (void)snprintf(entry->currency, sizeof entry->currency, "%s", currency);
    if (!order->party_name)
        return true;
    const char *type =
        text_of(call, arena_printf(call->arena, "%s.partyIdType", order->party_name));
    const char *party = text_of(call, arena_printf(call->arena, "%s.partyId", order->party_name));
    if (!party_valid(type, party)) {
        bad_request(call, "The party is not valid.");
        return false;
    }
    (void)snprintf(entry->payer, sizeof entry->payer, "%s", party);
    return true;
}

// What the answers to questions repeat.
static char *extra_of(struct mimic_call *call, const struct order *order)
{
    const char *type =
        order->party_name
            ? text_of(call, arena_printf(call->arena, "%s.partyIdType", order->party_name))
            : NULL;
    return json_object(
        call->arena,
        (struct json_member[]){JSON_S("resource", order->resource),
                               JSON_S("party", order->party_name),
                               JSON_S("partyIdType", type),
                               JSON_S("externalId", json_get_string(call->body, "externalId")),
                               JSON_S("payerMessage", json_get_string(call->body, "payerMessage")),
                               JSON_S("payeeNote", json_get_string(call->body, "payeeNote")),
                               {0}});
}

static void transaction_id(char *ret, size_t size)
{
    uint64_t random;
    crypto_random(&random, sizeof random);
    (void)snprintf(ret, size, "%0*llu", TRANSACTION_DIGITS,
                   (unsigned long long)(random % 10000000000U));
}

static void accept_order(struct mimic_call *call, const struct order *order, struct entry *entry,
                         const struct mtn_outcome *outcome)
{
    struct mimic *mimic = call->mimic;
    const char *callback_url = mimic_header(call, "X-Callback-Url");
    entry->kind = order->kind;
    entry->status = ENTRY_PENDING;
    entry->to = outcome->to;
    entry->due_us = call->now_us + mimic_settle_ms(mimic) * 1000;
    if (outcome->after_us < 0)
        entry->due_us = INT64_MAX;
    else
        entry->due_us += mimic_scaled_us(mimic, outcome->after_us);
    (void)snprintf(entry->reference, sizeof entry->reference, "%s",
                   mimic_header(call, "X-Reference-Id"));
    (void)snprintf(entry->code, sizeof entry->code, "%s", outcome->code);
    (void)snprintf(entry->state, sizeof entry->state, "%s", outcome->state);
    transaction_id(entry->id, sizeof entry->id);
    entry->callback_url = *callback_url ? mimic_keep(mimic, callback_url) : NULL;
    const char *extra = extra_of(call, order);
    entry->extra = extra ? mimic_keep(mimic, extra) : NULL;
    if (entry->extra && mimic_add(mimic, entry))
        mimic_reply(call, 202, "");
    else
        mtn_refuse(call, 503, "SERVICE_UNAVAILABLE", "The book is full.");
}

static void order_post(struct mimic_call *call, const struct order *order)
{
    struct entry entry = {0};
    if (!mtn_admit(call, order->product))
        return;
    if (!call->body) {
        bad_request(call, "The body is not JSON.");
        return;
    }
    if (!headers_fit(call, order) || !body_fits(call, order, &entry))
        return;
    const struct mtn_outcome *outcome = mtn_outcome_of(entry.payer, order->kind == ENTRY_REFUND);
    if (outcome->http)
        mtn_refuse(call, outcome->http, outcome->code, "As this test number has it.");
    else
        accept_order(call, order, &entry, outcome);
}

void mtn_request_post(struct mimic_call *call)
{
    order_post(call, &request_order);
}

void mtn_transfer_post(struct mimic_call *call)
{
    order_post(call, &transfer_order);
}

// What would give back more than was paid is accepted, and fails.
void mtn_refund_post(struct mimic_call *call)
{
    static const struct mtn_outcome done = {.code = "", .state = "PENDING", .to = ENTRY_SUCCEEDED};
    static const struct mtn_outcome fails = {
        .code = "NOT_ALLOWED", .state = "PENDING", .to = ENTRY_FAILED};
    struct entry entry = {0};
    if (!mtn_admit(call, refund_order.product))
        return;
    if (!call->body) {
        bad_request(call, "The body is not JSON.");
        return;
    }
    if (!headers_fit(call, &refund_order) || !body_fits(call, &refund_order, &entry))
        return;
    const struct entry *charge = mimic_find(call->mimic, text_of(call, "referenceIdToRefund"));
    if (!charge || charge->kind != ENTRY_CHARGE) {
        mtn_refuse(call, 404, "RESOURCE_NOT_FOUND", "Requested resource was not found.");
        return;
    }
    (void)snprintf(entry.related, sizeof entry.related, "%s", charge->reference);
    (void)snprintf(entry.payer, sizeof entry.payer, "%s", charge->payer);
    bool covered = strcmp(charge->currency, entry.currency) == 0 &&
                   entry.amount <= mimic_refundable(call->mimic, charge);
    accept_order(call, &refund_order, &entry, covered ? &done : &fails);
}
