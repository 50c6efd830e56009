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

static void wipe_bytes(struct bytes bytes)
{
    if (bytes.length > 0)
        crypto_wipe((void *)(uintptr_t)bytes.at, bytes.length);
}

static void wipe_request(void *argument)
{
    struct request *request = argument;
    Obol__Payments__V1__CreatePaymentRequest *payment = (void *)request->message;
    if (payment && payment->card) {
        wipe(payment->card->number);
        wipe(payment->card->cvv);
        payment->card = NULL;
    }
    wipe_bytes(http_body(request->exchange));
}

// A payment that is refused before it is read may hold a card too.
bool cards_guard(struct request *request)
{
    return request->method != METHOD_PaymentService_CreatePayment ||
           arena_defer(request->arena, wipe_request, request);
}

static void exchanged(struct hop_call *hop_call)
{
    struct request *request = hop_call->owner;
    Obol__Payments__V1__CreatePaymentRequest *payment = (void *)request->message;
    Obol__Payments__V1__TokenizeCardResponse *answer = NULL;
    request->problem = hop_call->call.problem;
    wipe_request(request);
    wipe_bytes(hop_call->call.request_bytes);
    if (request->problem.status == STATUS_OK)
        answer = (void *)message_unpack(request->arena, hop_call->call.method->output,
                                        hop_call->call.packed);
    if (!answer) {
        // No payment was accepted, whatever became of the exchange.
        enum status status = request->problem.status;
        if (status == STATUS_OK || status == STATUS_UNKNOWN || status == STATUS_DEADLINE_EXCEEDED)
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
    Obol__Payments__V1__CreatePaymentRequest judged = *payment;
    judged.card = NULL;
    message.card = payment->card;
    message.payment = &judged;
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
