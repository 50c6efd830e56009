// A card is exchanged for its provider's token before a payment is accepted. Its number and code
// live in this call's memory, are wiped here, and are in no row and no log.
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "creation/card.h"
#include "creation/create.h"
#include "creation/gate.h"
#include "http/traced.h"
#include "measure.h"
#include "obol/payments/v1/payments.obol.h"
#include "rpc.h"
#include "setup/fetch.h"
#include "setup/routing.h"
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

// What the exchange is made with. The setup is held until it is over.
struct exchange {
    const struct payments_state *state;
    struct call *call;
    const struct setup *setup;
    const struct provider *provider;
    const struct credential *credential;
};

// One try. *ret_renewed: the access token was refused and is being fetched anew.
static const char *exchange_once(const struct exchange *exchange, const struct provider_card *card,
                                 struct outcome *ret, bool *ret_renewed)
{
    struct call *call = exchange->call;
    const struct provider *provider = exchange->provider;
    unsigned needs = provider->sessions_n > 0 ? 1 : 0;
    struct provider_use use = {
        .provider = provider, .credential = exchange->credential, .arena = call->arena};
    struct http_request request;
    struct http_response response = {.failure = HTTP_NO_CONNECTION};
    *ret = (struct outcome){.kind = OUTCOME_NOT_SENT};
    if (needs && sessions_wait(exchange->state->sessions, exchange->setup, needs,
                               call->context.deadline_ns, &use, ret) != SESSION_READY)
        return NULL;
    if (!provider->tokenize(&use, card, &request))
        return NULL;
    request.tls_required = state_tls_required(exchange->state, exchange->credential);
    struct http_span sent;
    if (!http_trace(&request, call->arena, call->context.traceparent, &sent))
        return NULL;
    int64_t began_ns = clock_now_ns();
    bool answered = fetch_once(call->arena, &request, call->context.deadline_ns, &response);
    crypto_wipe((void *)(uintptr_t)request.body.at, request.body.length);
    const char *token = answered ? provider->read_token(&use, &response, ret) : NULL;
    enum outcome_kind heard = answered ? ret->kind : OUTCOME_LOST;
    measure_request(provider->name, "tokenize", token ? OUTCOME_SUCCEEDED : heard,
                    (clock_now_ns() - began_ns) / 1000);
    const struct span span = {.name = "provider tokenize",
                              .kind = SPAN_CLIENT,
                              .traceparent = sent.traceparent,
                              .parent = call->context.traceparent,
                              .began_ns = sent.began_ns,
                              .failed = !token};
    span_end(&span, LOG_S("obol.provider", provider->name),
             LOG_I("http.response.status_code", response.status),
             LOG_S("obol.request_id", call->context.request_id),
             LOG_S("obol.tenant_id", call->context.tenant_id));
    *ret_renewed = !token && ret->session_refused;
    if (*ret_renewed)
        sessions_refused(exchange->state->sessions, exchange->setup, needs, &use);
    return token;
}

static enum status exchange_card(const struct exchange *exchange,
                                 const Obol__Payments__V1__CardDetails *card, const char **ret)
{
    struct call *call = exchange->call;
    struct provider_card details = {
        .number = card->number,
        .cvv = card->cvv,
        .holder_name = card->holder_name ? card->holder_name->value : NULL,
        .expiry_month = card->expiry_month->value,
        .expiry_year = card->expiry_year->value,
    };
    struct provider_act act = {.kind = OPERATION_CHARGE, .method = "card"};
    struct outcome outcome;
    bool renewed = false;
    enum status status = route_check_instrument(exchange->provider, exchange->credential->live,
                                                &act, &details, &call->problem);
    if (status != STATUS_OK)
        return status;
    *ret = exchange_once(exchange, &details, &outcome, &renewed);
    if (!*ret && renewed)
        *ret = exchange_once(exchange, &details, &outcome, &renewed);
    if (*ret)
        return STATUS_OK;
    if (outcome.kind == OUTCOME_FAILED && !outcome.elsewhere)
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "card_refused", "card", "%s",
                           outcome.error_message);
    log_warn("card not exchanged", LOG_S("provider", exchange->provider->name),
             LOG_S("outcome", outcome_name(outcome.kind)), LOG_S("code", outcome.error_code),
             LOG_CALL(&call->context));
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

// Amount and currency, where the payment leaves them to its order.
static enum status fill_ask(struct worker *worker, struct call *call, struct route_ask *ask)
{
    const Obol__Payments__V1__CreatePaymentRequest *payment =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest)->payment;
    const struct order *order = NULL;
    *ask = (struct route_ask){.method = "card"};
    if (!payment)
        return STATUS_OK;
    ask->currency = payment->currency[0] ? payment->currency : NULL;
    ask->amount = payment->amount ? payment->amount->value : 0;
    ask->manual_capture = strcmp(payment->capture, "manual") == 0;
    if (ask->currency)
        return STATUS_OK;
    const struct key key = {call->context.tenant_id, payment->order_id};
    enum status status = store_orders_get(worker->db, call->arena, &key, 1, &order);
    if (status == STATUS_OK && order) {
        ask->currency = order->currency;
        ask->amount = order->amount;
    }
    return status;
}

static enum status check_gate(struct worker *worker, struct call *call)
{
    const struct payments_state *state = worker->state;
    bool stopped = false;
    enum status status = gate_read(state->gate, worker->db, &stopped);
    if (status != STATUS_OK)
        return call_refuse_status(call, status == STATUS_UNKNOWN ? STATUS_UNAVAILABLE : status);
    return stopped ? gate_refuse(&call->problem) : STATUS_OK;
}

static enum status choose(struct worker *worker, struct call *call, struct exchange *ret)
{
    const struct payments_state *state = worker->state;
    struct route_ask route;
    enum status status = fill_ask(worker, call, &route);
    if (status == STATUS_OK)
        status = setups_get(state->setups, worker->db, call->context.tenant_id, &ret->setup);
    if (status != STATUS_OK)
        return call_refuse_status(call, status == STATUS_UNKNOWN ? STATUS_UNAVAILABLE : status);
    status = route_check_mode(ret->setup, &call->problem);
    if (status != STATUS_OK)
        return status;
    ret->credential = route_choose(ret->setup, state->providers, &route);
    ret->provider =
        ret->credential ? providers_find(state->providers, ret->credential->provider) : NULL;
    if (!ret->provider || !ret->provider->tokenize)
        return call_refuse(call, STATUS_INVALID_ARGUMENT, "method_unsupported", "method",
                           "No provider takes cards.");
    return STATUS_OK;
}

static enum status make_token(struct worker *worker, struct call *call,
                              const struct exchange *exchange)
{
    const struct payments_state *state = worker->state;
    const Obol__Payments__V1__CardDetails *card =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest)->card;
    const char *secret = NULL;
    bool simulator = exchange->credential == providers_simulator(state->providers);
    struct card_token token = {
        .tenant_id = call->context.tenant_id,
        .id = arena_strdup(call->arena, id_new("tok").text),
        .provider = exchange->provider->name, // NOLINT: choose() has refused where there is none
        .credential_id = simulator ? NULL : exchange->credential->id,
        .brand = card_brand(card->number),
        .expiry_month = card->expiry_month->value,
        .expiry_year = card->expiry_year->value,
        .fingerprint = keyring_mac(state->ring, "card", bytes_of_string(card->number)),
        .created_us = clock_unix_us(),
    };
    token.expires_us = token.created_us + state->settings->card_token_ttl_s * US_PER_S;
    card_last4(card->number, token.last4);
    enum status status = exchange_card(exchange, card, &secret);
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

static enum status tokenize(struct worker *worker, struct call *call)
{
    const Obol__Payments__V1__TokenizeCardRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest);
    struct exchange exchange = {.state = worker->state, .call = call};
    enum status status = check_payment(request, call);
    if (status == STATUS_OK)
        status = check_card(request->card, call);
    if (status == STATUS_OK)
        status = check_gate(worker, call);
    if (status == STATUS_OK)
        status = choose(worker, call, &exchange);
    if (status == STATUS_OK)
        status = make_token(worker, call, &exchange);
    setup_release(exchange.setup);
    return status;
}

enum status rpc_tokenize_card(void *context, struct call *call)
{
    struct worker *worker = context;
    enum status status =
        key_known(worker, call) ? answer_token(call, "", true) : tokenize(worker, call);
    wipe_request(call);
    return status;
}
