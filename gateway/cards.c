// A card number goes no further than one call: it is exchanged for a token, wiped here, and the
// payment is created with the token. The exchange looks the idempotency key up first, so a replay
// makes no token.
#include <string.h>

#include "crypto/crypto.h"
#include "gateway.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/payments.pb-c.h"

bool cards_wanted(const struct request *request)
{
    if (request->method != METHOD_PaymentService_CreatePayment)
        return false;
    return ((const Obol__Payments__V1__CreatePaymentRequest *)request->message)->card != NULL;
}

static void wipe(char *text)
{
    if (text)
        crypto_wipe(text, strlen(text));
}

static void wipe_card(struct request *request, struct hop_call *hop_call)
{
    Obol__Payments__V1__CreatePaymentRequest *payment = (void *)request->message;
    struct bytes body = http_body(request->exchange);
    wipe(payment->card->number);
    wipe(payment->card->cvv);
    payment->card = NULL;
    crypto_wipe((void *)(uintptr_t)body.at, body.length);
    crypto_wipe((void *)(uintptr_t)hop_call->call.request_bytes.at,
                hop_call->call.request_bytes.length);
}

static void exchanged(struct hop_call *hop_call)
{
    struct request *request = hop_call->owner;
    Obol__Payments__V1__CreatePaymentRequest *payment = (void *)request->message;
    Obol__Payments__V1__TokenizeCardResponse *answer = NULL;
    request->problem = hop_call->call.problem;
    wipe_card(request, hop_call);
    if (request->problem.status == STATUS_OK)
        answer = (void *)message_unpack(request->arena, hop_call->call.method->output,
                                        hop_call->call.packed);
    if (!answer) {
        // No payment was accepted, whatever became of the exchange.
        if (request->problem.status == STATUS_OK || request->problem.status == STATUS_UNKNOWN)
            (void)problem_unavailable(&request->problem);
        request_refuse(request);
        return;
    }
    payment->card_token = answer->card_token;
    request_call(request);
}

void cards_exchange(struct request *request)
{
    const Obol__Payments__V1__CreatePaymentRequest *payment = (const void *)request->message;
    Obol__Payments__V1__TokenizeCardRequest message =
        OBOL__PAYMENTS__V1__TOKENIZE_CARD_REQUEST__INIT;
    message.card = payment->card;
    if (payment->card_token && payment->card_token[0]) {
        (void)problem_invalid(&request->problem, "card_token", "Give a card or a token, not both.");
        request_refuse(request);
        return;
    }
    struct hop_call *hop_call = request_new_call(
        request, request->arena, METHOD_PaymentService_TokenizeCard, &message.base, exchanged);
    if (hop_call) {
        hop_send(request->edge->hops[UPSTREAM_PAYMENTS], hop_call);
        return;
    }
    (void)problem_unavailable(&request->problem);
    request_refuse(request);
}
