// MTN MoMo: what it shows of a payment, to those who ask and to the callback URL.
#include <string.h>

#include "callbacks.h"
#include "mtn.h"

#define MEMBERS_MAX 12
#define BALANCE "1000000"

static bool failed(const struct entry *entry)
{
    return entry->status != ENTRY_SUCCEEDED && entry->status != ENTRY_PENDING;
}

static const char *status_word(const struct entry *entry)
{
    if (failed(entry))
        return "FAILED";
    return entry->status == ENTRY_SUCCEEDED ? "SUCCESSFUL" : entry->state;
}

static void add(struct json_member *members, size_t *n, struct json_member member)
{
    if (member.string)
        members[(*n)++] = member;
}

// Both occur at MTN's: a word, and an object.
static struct json_member reason(struct arena *arena, const struct entry *entry,
                                 const char *resource)
{
    if (strcmp(resource, "refund") != 0 &&
        strcmp(entry->code, "COULD_NOT_PERFORM_TRANSACTION") != 0)
        return (struct json_member)JSON_S("reason", entry->code);
    const char *object = json_object(
        arena, (struct json_member[]){
                   JSON_S("code", entry->code), JSON_S("message", "The payment failed."), {0}});
    return (struct json_member)JSON_R("reason", object);
}

// What was sent, with what came of it; what was not sent is not there.
const char *mtn_status_body(struct arena *arena, const struct entry *entry)
{
    struct json_member members[MEMBERS_MAX] = {0};
    const struct json_value *extra;
    size_t n = 0;
    const char *text = entry->extra ? entry->extra : "{}";
    if (json_parse(arena, bytes_of_string(text), &extra) != STATUS_OK)
        return NULL;
    const char *party = json_get_string(extra, "party");
    const char *resource = json_get_string(extra, "resource");
    if (entry->status == ENTRY_SUCCEEDED)
        add(members, &n, (struct json_member)JSON_S("financialTransactionId", entry->id));
    add(members, &n,
        (struct json_member)JSON_S("externalId", json_get_string(extra, "externalId")));
    add(members, &n,
        (struct json_member)JSON_S("amount", mimic_decimal(arena, entry->amount, entry->currency)));
    add(members, &n, (struct json_member)JSON_S("currency", entry->currency));
    if (party)
        add(members, &n,
            (struct json_member)JSON_R(
                party,
                json_object(arena, (struct json_member[]){
                                       JSON_S("partyIdType", json_get_string(extra, "partyIdType")),
                                       JSON_S("partyId", entry->payer),
                                       {0}})));
    add(members, &n,
        (struct json_member)JSON_S("payerMessage", json_get_string(extra, "payerMessage")));
    add(members, &n, (struct json_member)JSON_S("payeeNote", json_get_string(extra, "payeeNote")));
    add(members, &n, (struct json_member)JSON_S("status", status_word(entry)));
    if (failed(entry))
        add(members, &n, reason(arena, entry, resource ? resource : ""));
    return json_object(arena, members);
}

bool mtn_tell(struct mimic *mimic, struct arena *arena, const struct entry *entry, bool forged,
              struct mimic_answer *ret)
{
    const char *secret = mimic_setting(mimic, "WEBHOOK_SECRET");
    ret->body = mtn_status_body(arena, entry);
    if (!ret->body)
        return false;
    if (!*secret)
        return true;
    ret->headers[0][0] = "X-Signature-256";
    ret->headers[0][1] =
        callback_signature(arena, forged ? "not the secret" : secret, bytes_of_string(ret->body));
    return ret->headers[0][1] != NULL;
}

static bool is_of(struct arena *arena, const struct entry *entry, const char *resource)
{
    const struct json_value *extra;
    const char *text = entry->extra ? entry->extra : "{}";
    if (json_parse(arena, bytes_of_string(text), &extra) != STATUS_OK)
        return false;
    const char *found = json_get_string(extra, "resource");
    return found && strcmp(found, resource) == 0;
}

static void status_get(struct mimic_call *call, const char *product, const char *resource)
{
    if (!mtn_admit(call, product))
        return;
    const struct entry *entry = mimic_find(call->mimic, call->names[0]);
    if (!mtn_uuid4(call->names[0]))
        mtn_refuse(call, 400, "BAD_REQUEST", "The reference id is not a UUID of version 4.");
    else if (!entry || !is_of(call->arena, entry, resource))
        mtn_refuse(call, 404, "RESOURCE_NOT_FOUND", "Requested resource was not found.");
    else
        mimic_reply(call, 200, mtn_status_body(call->arena, entry));
}

void mtn_request_get(struct mimic_call *call)
{
    status_get(call, "collection", "requesttopay");
}

void mtn_transfer_get(struct mimic_call *call)
{
    status_get(call, "disbursement", "transfer");
}

void mtn_refund_get(struct mimic_call *call)
{
    status_get(call, "disbursement", "refund");
}

// Nobody is there under a number that a payment answers with "not found".
static void active_get(struct mimic_call *call, const char *product, bool transfer)
{
    if (!mtn_admit(call, product))
        return;
    const char *code = mtn_outcome_of(call->names[1], transfer)->code;
    bool active = strcmp(code, transfer ? "PAYEE_NOT_FOUND" : "PAYER_NOT_FOUND") != 0;
    mimic_reply(call, 200, active ? "{\"result\":true}" : "{\"result\":false}");
}

void mtn_collection_active(struct mimic_call *call)
{
    active_get(call, "collection", false);
}

void mtn_disbursement_active(struct mimic_call *call)
{
    active_get(call, "disbursement", true);
}

static void balance_get(struct mimic_call *call, const char *product)
{
    if (!mtn_admit(call, product))
        return;
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){JSON_S("availableBalance", BALANCE),
                                                        JSON_S("currency", mtn_currency(call)),
                                                        {0}}));
}

void mtn_collection_balance(struct mimic_call *call)
{
    balance_get(call, "collection");
}

void mtn_disbursement_balance(struct mimic_call *call)
{
    balance_get(call, "disbursement");
}
