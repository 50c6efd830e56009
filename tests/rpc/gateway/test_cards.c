#include "edge.h"

TestSuite(cards, .init = edge_start, .fini = edge_stop, .timeout = 60);

#define CARD                                                                                       \
    "\"card\":{\"number\":\"" CARD_NUMBER                                                          \
    "\",\"expiry_month\":12,\"expiry_year\":2030,\"cvv\":\"123\"}"
#define PAYMENT                                                                                    \
    "{\"order_id\":\"o\",\"amount\":5,\"currency\":\"INR\",\"method\":\"card\"," CARD "}"

static struct reply pay(const char *headers, const char *body)
{
    return say("POST", "/api/v1/payments", headers, body);
}

Test(cards, are_exchanged_and_go_no_further)
{
    REPLY reply = pay(JSON "Idempotency-Key: k1\r\n", PAYMENT);
    expect(reply, 201, "\"id\":\"pay_1\"");
    cr_assert_str_eq(scene.token, "tok_1");
    cr_assert_str_eq(scene.number, "", "the number came to CreatePayment");
    cr_assert(scene.wiped, "the body is wiped before the payment is created");
    cr_assert_null(strstr(reply.text, CARD_NUMBER));
}

Test(cards, are_not_wanted_beside_a_token)
{
    REPLY reply = pay(JSON, "{\"method\":\"card\",\"card_token\":\"tok_9\"," CARD "}");
    expect(reply, 400, "\"param\":\"card_token\"");
    cr_assert_eq(scene.tokenized, 0);
    cr_assert_eq(scene.created, 0);
}

Test(cards, need_no_exchange_with_a_token)
{
    REPLY reply = pay(JSON, "{\"method\":\"card\",\"card_token\":\"tok_9\"}");
    expect(reply, 201, "");
    cr_assert_str_eq(scene.token, "tok_9");
    cr_assert_eq(scene.tokenized, 0);
}

Test(cards, that_are_refused_make_no_payment)
{
    scene.tokenize_fails = STATUS_INVALID_ARGUMENT;
    REPLY reply = pay(JSON, PAYMENT);
    expect(reply, 422, "\"code\":\"by_test\"");
    cr_assert_eq(scene.created, 0);
}

Test(cards, whose_exchange_was_lost_were_certainly_not_charged)
{
    static const enum status lost[] = {STATUS_UNKNOWN, STATUS_DEADLINE_EXCEEDED,
                                       STATUS_UNAVAILABLE};
    for (int i = 0; i < 3; i++) {
        scene.tokenize_fails = lost[i];
        REPLY reply = pay(JSON, PAYMENT);
        expect(reply, 503, "");
    }
    cr_assert_eq(scene.created, 0);
}

Test(cards, are_wiped_from_requests_that_are_refused_first)
{
    REPLY stranger = pay("Content-Type: application/json\r\n", PAYMENT);
    expect(stranger, 401, "");
    cr_assert(scene.wiped_at_end);
    scene.wiped_at_end = false;
    REPLY unknown = pay(JSON, "{" CARD ",\"nonsense\":1}");
    expect(unknown, 400, "\"param\":\"nonsense\"");
    cr_assert(scene.wiped_at_end);
    cr_assert_null(strstr(unknown.text, CARD_NUMBER));
    cr_assert_eq(scene.tokenized, 0);
}
