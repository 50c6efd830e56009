#include "processing.h"

TestSuite(cards, .init = processing_begin, .fini = processing_end);

static struct call *tokenize(const char *number, const char *key)
{
    Obol__Payments__V1__TokenizeCardRequest *request =
        NEW(f.arena, tokenize_card_request, TokenizeCardRequest);
    request->card = NEW(f.arena, card_details, CardDetails);
    request->card->number = arena_strdup(f.arena, number);
    request->card->cvv = arena_strdup(f.arena, "123");
    request->card->expiry_month = int_value(f.arena, 12);
    request->card->expiry_year = int_value(f.arena, 2040);
    return call_new(f.arena, METHOD_PaymentService_TokenizeCard, &request->base, key);
}

static struct call *card_call(const char *token, const char *key)
{
    struct call *call = create_call(f.arena, "r", 900, key);
    Obol__Payments__V1__CreatePaymentRequest *request =
        (Obol__Payments__V1__CreatePaymentRequest *)(uintptr_t)call->request;
    request->method = arena_strdup(f.arena, "card");
    request->vpa = arena_strdup(f.arena, "");
    request->card_token = arena_strdup(f.arena, token);
    call->context.fingerprint = bytes_of_string("as sent");
    return call;
}

Test(cards, charges_a_card_by_its_token_alone)
{
    struct call *call = tokenize("4242424242424242", "k");
    cr_ok(rpc_tokenize_card(&f.worker, call));
    const Obol__Payments__V1__TokenizeCardResponse *token =
        (const Obol__Payments__V1__TokenizeCardResponse *)call->response;
    cr_assert_not(token->replay);
    const Obol__Payments__V1__TokenizeCardRequest *wiped =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest);
    cr_assert_eq(wiped->card->number[0], '\0');
    cr_assert_eq(wiped->card->cvv[0], '\0');
    struct call *create = card_call(token->card_token, "k");
    rpc_create_payment(&f.worker, &create, 1);
    cr_assert_str_eq(payment_answer(create)->card->last4, "4242");
    cr_assert_str_eq(payment_answer(create)->card->brand, "visa");
    // The key is known now: no provider is asked, and the payment replays without a token.
    call = tokenize("4242424242424242", "k");
    cr_ok(rpc_tokenize_card(&f.worker, call));
    cr_assert(((const Obol__Payments__V1__TokenizeCardResponse *)call->response)->replay);
    struct call *again = card_call("", "k");
    rpc_create_payment(&f.worker, &again, 1);
    cr_assert(again->replayed);
    start_processor();
    wait_status(payment_answer(create)->id, "succeeded");
    cr_assert(strstr(fake.operations[0].body, "\"token\":\"stok_1\""), "%s",
              fake.operations[0].body);
    cr_assert_str_eq(sql("SELECT count(*) FROM card_tokens WHERE encode(provider_token, 'escape') "
                         "LIKE '%stok_1%'"),
                     "0");
}

Test(cards, refuses_cards_and_tokens_that_are_none)
{
    struct call *call = tokenize("4242424242424241", NULL);
    cr_assert_eq(rpc_tokenize_card(&f.worker, call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "card.number");
    call = card_call(id_new("tok").text, NULL);
    rpc_create_payment(&f.worker, &call, 1);
    cr_assert_eq(call->problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "card_token");
    http_server_stop(fake.server, 100);
    call = tokenize("4242424242424242", NULL);
    cr_assert_eq(rpc_tokenize_card(&f.worker, call), STATUS_UNAVAILABLE);
    fake_listen(0);
}
