// A card is exchanged for its provider's token before a payment is accepted. Its number and code
// live in this call's memory, are wiped here, and are in no row and no log.
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "card.h"
#include "obol/payments/v1/payments.obol.h"
#include "rpc.h"
#include "store.h"

#define INSERT_TRIES 3

static void wipe_text(char *text)
{
    crypto_wipe(text, strlen(text));
}

static void wipe_request(struct call *call)
{
    const Obol__Payments__V1__CardDetails *card =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest)->card;
    if (card && card->number[0])
        wipe_text(card->number);
    if (card && card->cvv[0])
        wipe_text(card->cvv);
    crypto_wipe((void *)(uintptr_t)call->request_bytes.at, call->request_bytes.length);
}

// Whether CreatePayment would find its key taken. The claim is only a look: it is rolled back.
static bool key_known(struct worker *worker, struct call *call)
{
    struct claim claim = {
        .tenant_id = call->context.tenant_id,
        .key = call->context.idempotency_key,
        .hash = journal_hash(worker->journal, call->method->path, call->context.fingerprint,
                             call->request_bytes),
        .object_id = "tok",
        .method = METHOD_PaymentService_CreatePayment->path,
        .now_us = clock_unix_us(),
    };
    if (!claim.key || db_begin(worker->db) != STATUS_OK)
        return false;
    enum status status = journal_claim(worker->journal, worker->db, call->arena, &claim, 1);
    db_rollback(worker->db);
    return status == STATUS_OK && claim.result != CLAIM_WON;
}

static enum status answer_token(struct call *call, const char *token, bool replay)
{
    Obol__Payments__V1__TokenizeCardResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__tokenize_card_response,
                    Obol__Payments__V1__TokenizeCardResponse);
    if (!response)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    response->card_token = (char *)(uintptr_t)token;
    response->replay = replay;
    call_answer(call, &response->base);
    return STATUS_OK;
}

static enum status check_card(const Obol__Payments__V1__CardDetails *card, struct call *call)
{
    if (!card)
        return problem_invalid(&call->problem, "card", "The card is missing.");
    if (card->holder_name) {
        enum status status =
            validate_text(card->holder_name->value, 255, "card.holder_name", &call->problem);
        if (status != STATUS_OK)
            return status;
    }
    struct card_check check = {
        .number = card->number,
        .cvv = card->cvv,
        .has_month = card->expiry_month != NULL,
        .has_year = card->expiry_year != NULL,
        .expiry_month = card->expiry_month ? card->expiry_month->value : 0,
        .expiry_year = card->expiry_year ? card->expiry_year->value : 0,
        .now_us = clock_unix_us(),
    };
    return card_validate(&check, &call->problem);
}

// One request, waited for. False when there was no response within its time.
static bool ask(struct arena *arena, const struct http_request *request, struct http_response *ret)
{
    struct http_client *client = http_client_new(1, "Obol/" OBOL_VERSION);
    bool answered = false;
    if (client && http_client_start(client, request) == STATUS_OK) {
        int64_t until_ns = clock_deadline_ns(request->total_ms + 1000);
        while (!answered && clock_left_ms(until_ns) > 0)
            answered = http_client_collect(client, arena, clock_left_ms(until_ns), ret, 1) == 1;
    }
    if (client)
        http_client_free(client);
    return answered;
}

static enum status exchange(struct call *call, const struct provider *provider,
                            const Obol__Payments__V1__CardDetails *card, const char **ret)
{
    struct provider_card details = {
        .number = card->number,
        .cvv = card->cvv,
        .holder_name = card->holder_name ? card->holder_name->value : NULL,
        .expiry_month = card->expiry_month->value,
        .expiry_year = card->expiry_year->value,
    };
    struct http_request request;
    struct http_response response = {.failure = HTTP_NO_CONNECTION};
    struct outcome outcome = {.kind = OUTCOME_NOT_SENT};
    if (!provider->tokenize(provider, call->arena, &details, &request))
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    int64_t left_ms = clock_left_ms(call->context.deadline_ns);
    request.total_ms = left_ms < request.total_ms ? left_ms : request.total_ms;
    bool answered = ask(call->arena, &request, &response);
    crypto_wipe((void *)(uintptr_t)request.body.at, request.body.length);
    *ret = answered ? provider->read_token(provider, call->arena, &response, &outcome) : NULL;
    if (*ret)
        return STATUS_OK;
    if (outcome.kind == OUTCOME_FAILED)
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "card_refused", "card", "%s",
                           outcome.error_message);
    log_warn("card not exchanged", LOG_S("provider", provider->name),
             LOG_S("outcome", outcome_name(outcome.kind)));
    return problem_unavailable(&call->problem);
}

static enum status keep(struct worker *worker, struct call *call, const struct card_token *token)
{
    enum status status = STATUS_UNKNOWN;
    // The same id again is the same row: a lost answer may simply be asked for again.
    for (int tries = 0; tries < INSERT_TRIES && status == STATUS_UNKNOWN; tries++)
        status = store_card_tokens_insert(worker->db, call->arena, token);
    if (status == STATUS_OK)
        return status;
    // Nothing was accepted: a token that nobody knows of is no payment.
    return status == STATUS_UNKNOWN ? problem_unavailable(&call->problem)
                                    : call_refuse_status(call, status);
}

// The payment is judged as it will be once the card is a token. With another method it is refused
// for having a card at all.
static enum status check_payment(const Obol__Payments__V1__TokenizeCardRequest *request,
                                 struct call *call)
{
    if (!request->payment)
        return STATUS_OK;
    Obol__Payments__V1__CreatePaymentRequest payment = *request->payment;
    bool by_card = strcmp(payment.method, "card") == 0;
    payment.card = by_card ? NULL : request->card;
    if (by_card)
        payment.card_token = (char *)(uintptr_t) "tok_to_be_made";
    return validate_payment(&payment, &call->problem);
}

static enum status tokenize(struct worker *worker, struct call *call)
{
    const struct payments_state *state = worker->state;
    const Obol__Payments__V1__CardDetails *card =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest)->card;
    const struct provider *provider = providers_route(state->providers, "card");
    const char *secret = NULL;
    enum status status =
        check_payment(CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest), call);
    if (status == STATUS_OK)
        status = check_card(card, call);
    if (status != STATUS_OK)
        return status;
    if (!provider)
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "method_unsupported", "method",
                           "No provider takes cards.");
    struct card_token token = {
        .tenant_id = call->context.tenant_id,
        .id = arena_strdup(call->arena, id_new("tok").text),
        .provider = provider->name,
        .brand = card_brand(card->number),
        .expiry_month = card->expiry_month->value,
        .expiry_year = card->expiry_year->value,
        .fingerprint = keyring_mac(state->ring, "card", bytes_of_string(card->number)),
        .created_us = clock_unix_us(),
    };
    token.expires_us = token.created_us + state->settings->card_token_ttl_s * US_PER_S;
    card_last4(card->number, token.last4);
    status = exchange(call, provider, card, &secret);
    if (status != STATUS_OK)
        return status;
    const char *context =
        token.id ? card_token_context(call->arena, token.tenant_id, token.id) : NULL;
    if (context)
        token.provider_token =
            keyring_seal(state->ring, call->arena, bytes_of_string(secret), context);
    if (!token.provider_token.at)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    status = keep(worker, call, &token);
    return status == STATUS_OK ? answer_token(call, token.id, false) : status;
}

enum status rpc_tokenize_card(void *context, struct call *call)
{
    struct worker *worker = context;
    enum status status =
        key_known(worker, call) ? answer_token(call, "", true) : tokenize(worker, call);
    wipe_request(call);
    return status;
}
