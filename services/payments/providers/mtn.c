// MTN MoMo, collection and disbursement v1_0 (momodeveloper.mtn.com). Its X-Reference-Id is an
// idempotency key, so everything may be sent again: a second time is a 409.
#include <string.h>

#include "base/currency.h"
#include "providers/adapters.h"
#include "providers/mtn.h"

#define MESSAGE_MAX ((size_t)160)
#define TEST_NUMBERS "467331234"

static const struct credential_field fields[] = {
    {"api_user", "the API user's id (a UUID)", true, false},
    {"api_key", "that user's key", true, true},
    {"subscription_key", "the collection product's subscription key", true, true},
    {"disbursement_user", "API user of refunds, when it is another one", false, false},
    {"disbursement_key", "that user's key", false, true},
    {"disbursement_subscription_key", "the disbursement product's subscription key", false, true},
    {"target_environment", "sandbox, or the market: mtnzambia, mtnuganda, …", false, false},
    {0},
};

static const struct provider_support supports[] = {
    {"mobile_money", "ZMW UGX GHS XAF XOF SZL LRD GNF ZAR RWF EUR", "mtn", false},
    {0},
};

// What an act's refusal says, and the reason of a payment that failed. A 500 may be final here.
static const struct provider_error errors[] = {
    {"RESOURCE_ALREADY_EXIST", FAULT_DUPLICATE, NULL, NULL},
    {"SERVICE_UNAVAILABLE", FAULT_RETRYABLE, NULL, NULL},
    {"INTERNAL_PROCESSING_ERROR", FAULT_UNKNOWN, NULL, NULL},
    {"PAYER_NOT_FOUND", FAULT_PERMANENT, "payer_not_found", "The payer has no MTN MoMo account."},
    {"PAYEE_NOT_FOUND", FAULT_SETUP, "payee_not_found", "The receiving account does not exist."},
    {"PAYEE_NOT_ALLOWED_TO_RECEIVE", FAULT_SETUP, "payee_not_allowed",
     "The receiving account may not receive this."},
    {"NOT_ENOUGH_FUNDS", FAULT_PERMANENT, "insufficient_funds",
     "The paying account does not hold enough money."},
    {"PAYER_LIMIT_REACHED", FAULT_PERMANENT, "limit_exceeded",
     "The paying account has reached its limit."},
    {"NOT_ALLOWED", FAULT_SETUP, "provider_setup", "MTN does not allow this operation."},
    {"NOT_ALLOWED_TARGET_ENVIRONMENT", FAULT_SETUP, "provider_setup",
     "The credential may not use its target environment."},
    {"INVALID_CALLBACK_URL_HOST", FAULT_SETUP, "provider_setup",
     "The callback address is not the one that MTN was given."},
    {"INVALID_CURRENCY", FAULT_SETUP, "currency_unsupported",
     "MTN does not take this currency in this market."},
    {"BAD_REQUEST", FAULT_SETUP, "provider_setup", "MTN does not understand the request."},
    {"RESOURCE_NOT_FOUND", FAULT_PERMANENT, "not_processed",
     "MTN does not know the payment that this is about."},
    {"APPROVAL_REJECTED", FAULT_PERMANENT, "payer_refused", "The payer refused."},
    {"PAYMENT_NOT_APPROVED", FAULT_PERMANENT, "payer_refused", "The payer did not approve."},
    {"TRANSACTION_CANCELED", FAULT_PERMANENT, "payer_refused", "The payer canceled."},
    {"EXPIRED", FAULT_PERMANENT, "expired", "The payer did not approve in time."},
    {"COULD_NOT_PERFORM_TRANSACTION", FAULT_PERMANENT, "expired",
     "The payer did not approve in time."},
    {"TRANSFER_TYPE_UNKNOWN", FAULT_SETUP, "provider_setup",
     "MTN does not offer this kind of transfer to the account."},
    {0},
};

// --- Acts
// As much of a description as MTN takes, cut between characters (RFC 3629).
static const char *message_of(struct arena *arena, const char *description)
{
    if (!description || !*description)
        return "Payment";
    size_t length = strnlen(description, MESSAGE_MAX + 1);
    if (length <= MESSAGE_MAX)
        return description;
    length = MESSAGE_MAX;
    while (length > 0 && ((unsigned char)description[length] & 0xc0) == 0x80)
        length--;
    return arena_strndup(arena, description, length);
}

static char *charge_body(struct arena *arena, const struct provider_act *act, const char *amount)
{
    const char *message = message_of(arena, act->description);
    const char *payer = json_object(arena, (struct json_member[]){JSON_S("partyIdType", "MSISDN"),
                                                                  JSON_S("partyId", act->msisdn),
                                                                  {0}});
    if (!message)
        return NULL;
    return outgoing_object(arena, (struct json_member[]){JSON_S("amount", amount),
                                                         JSON_S("currency", act->currency),
                                                         JSON_S("externalId", act->reference),
                                                         JSON_R("payer", payer),
                                                         JSON_S("payerMessage", message),
                                                         JSON_S("payeeNote", act->reference),
                                                         {0}});
}

static char *refund_body(struct arena *arena, const struct provider_act *act, const char *amount)
{
    const char *charge = reference_uuid(arena, act->charge_reference);
    if (!charge)
        return NULL;
    return outgoing_object(arena, (struct json_member[]){JSON_S("amount", amount),
                                                         JSON_S("currency", act->currency),
                                                         JSON_S("externalId", act->reference),
                                                         JSON_S("payerMessage", "Refund"),
                                                         JSON_S("payeeNote", act->reference),
                                                         JSON_S("referenceIdToRefund", charge),
                                                         {0}});
}

static bool mtn_act(const struct provider_use *use, const struct provider_act *act,
                    struct http_request *ret)
{
    const char *amount = currency_decimal(use->arena, act->amount, act->currency, true);
    bool is_charge = act->kind == OPERATION_CHARGE;
    if (!amount || (!is_charge && act->kind != OPERATION_REFUND))
        return false;
    struct outgoing outgoing =
        is_charge ? mtn_outgoing(use, MTN_COLLECTION, "/collection/v1_0/requesttopay")
                  : mtn_outgoing(use, MTN_DISBURSEMENT, "/disbursement/v1_0/refund");
    outgoing.headers[3] =
        (struct provider_header){"X-Reference-Id", reference_uuid(use->arena, act->reference)};
    if (use->callback_url)
        outgoing.headers[4] = (struct provider_header){"X-Callback-Url", use->callback_url};
    outgoing.body =
        is_charge ? charge_body(use->arena, act, amount) : refund_body(use->arena, act, amount);
    return outgoing.body && outgoing_build(use, &outgoing, ret);
}

static enum provider_ask mtn_query(const struct provider_use *use, const struct provider_act *act,
                                   struct http_request *ret)
{
    bool is_charge = act->kind == OPERATION_CHARGE;
    if (!is_charge && act->kind != OPERATION_REFUND)
        return ASK_NEVER;
    const char *reference = reference_uuid(use->arena, act->reference);
    const char *path = reference ? arena_printf(use->arena, "%s/%s",
                                                is_charge ? "/collection/v1_0/requesttopay"
                                                          : "/disbursement/v1_0/refund",
                                                reference)
                                 : NULL;
    struct outgoing outgoing =
        mtn_outgoing(use, is_charge ? MTN_COLLECTION : MTN_DISBURSEMENT, path);
    return outgoing_build(use, &outgoing, ret) ? ASK_BUILT : ASK_FULL;
}

// --- Answers
static void mtn_read_act(const struct provider_use *use, const struct provider_act *act,
                         const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    (void)act;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    const char *code = mtn_code(body);
    int status = response->status;
    if (status == 202) {
        ret->kind = OUTCOME_ACCEPTED;
    } else if (status == 401 || status == 403) {
        ret->kind = OUTCOME_NOT_SENT;
        ret->session_refused = status == 401;
    } else if (status == 429) {
        ret->kind = OUTCOME_NOT_SENT;
        ret->unwell = true;
    } else if (status >= 400 && status != 408 && !provider_error_read(errors, code, ret) && code &&
               status < 500) {
        outcome_refuse(ret, "declined", "MTN refused the operation.", false);
    }
}

// The reason is a word, or an object with one.
static void read_failed(const struct json_value *body, struct outcome *ret)
{
    const char *reason = json_get_string(body, "reason");
    if (!reason)
        reason = json_get_string(body, "reason.code");
    provider_error_final(errors, reason, ret);
    if (strcmp(ret->error_code, "expired") == 0)
        ret->kind = OUTCOME_EXPIRED;
}

static void read_status(struct arena *arena, const struct provider_act *act,
                        const struct json_value *body, struct outcome *ret)
{
    const char *status = json_get_string(body, "status");
    const char *whose = json_get_string(body, "externalId");
    if (!status || (whose && strcmp(whose, act->reference) != 0))
        return;
    ret->provider_reference = answer_text(arena, body, "financialTransactionId");
    if (strcmp(status, "SUCCESSFUL") == 0)
        ret->kind = OUTCOME_SUCCEEDED;
    else if (strcmp(status, "PENDING") == 0 || strcmp(status, "CREATED") == 0)
        ret->kind = OUTCOME_ACCEPTED;
    else if (strcmp(status, "FAILED") == 0)
        read_failed(body, ret);
}

static void mtn_read_query(const struct provider_use *use, const struct provider_act *act,
                           const struct http_response *response, struct outcome *ret)
{
    const struct json_value *body;
    if (!answer_open(use->arena, response, &body, ret))
        return;
    const char *code = mtn_code(body);
    ret->session_refused = response->status == 401;
    ret->unwell = ret->unwell || response->status == 429;
    if (response->status == 200 && body)
        read_status(use->arena, act, body, ret);
    else if (response->status == 404 && code && strcmp(code, "RESOURCE_NOT_FOUND") == 0)
        ret->kind = OUTCOME_NOT_FOUND;
}

static enum instrument mtn_instrument(const struct provider_act *act,
                                      const struct provider_card *card)
{
    (void)card;
    size_t prefix = strlen(TEST_NUMBERS);
    bool is_test = act->msisdn && strncmp(act->msisdn, TEST_NUMBERS, prefix) == 0 &&
                   strlen(act->msisdn) == prefix + 2;
    return is_test ? INSTRUMENT_TEST : INSTRUMENT_EITHER;
}

// --- Callbacks: the status answer, as it stands.
static const char *mtn_callback_reference(struct arena *arena,
                                          const struct provider_callback *callback)
{
    const struct json_value *body;
    if (json_parse(arena, callback->body, &body) != STATUS_OK)
        return NULL;
    return json_get_string(body, "externalId");
}

void mtn_init(struct provider *provider)
{
    *provider = (struct provider){
        .name = "mtn",
        .title = "MTN MoMo",
        .supports = supports,
        .fields = fields,
        .sandbox_url = "https://sandbox.momodeveloper.mtn.com",
        .live_url = "https://proxy.momoapi.mtn.com",
        .repeatable = {[OPERATION_CHARGE] = STAGES_ALL, [OPERATION_REFUND] = STAGES_ALL},
        .partial_refunds = true,
        .connect_ms = 3000,
        .total_ms = 10000,
        .query_after_ms = 1000,
        .settle_ms = 2000,
        .sessions = mtn_sessions,
        .sessions_n = MTN_SESSIONS,
        .session = mtn_session,
        .read_session = mtn_read_session,
        .needs = mtn_needs,
        .act = mtn_act,
        .query = mtn_query,
        .read_act = mtn_read_act,
        .read_query = mtn_read_query,
        .accepts = mtn_accepts,
        .instrument = mtn_instrument,
        .callback_proof = callback_prove_hmac,
        .callback_reference = mtn_callback_reference,
        .probe = mtn_probe,
        .read_probe = mtn_read_probe,
    };
}
