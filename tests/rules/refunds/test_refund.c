#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "refund.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(refund, .init = setup, .fini = teardown);

static Google__Protobuf__Int64Value *number(int64_t value)
{
    Google__Protobuf__Int64Value *wrapped =
        MESSAGE_NEW(arena, google__protobuf__int64_value, Google__Protobuf__Int64Value);
    wrapped->value = value;
    return wrapped;
}

static enum status read_amount(Google__Protobuf__Int64Value *amount, char *reason,
                               struct problem *problem)
{
    Obol__Refunds__V1__CreateRefundRequest request = OBOL__REFUNDS__V1__CREATE_REFUND_REQUEST__INIT;
    Google__Protobuf__StringValue text = GOOGLE__PROTOBUF__STRING_VALUE__INIT;
    struct call_context context = {
        .tenant_id = "ten_1", .actor = "key_1", .request_id = "r", .traceparent = "t"};
    struct refund refund;
    request.payment_id = (char *)"pay_01abc";
    request.amount = amount;
    text.value = reason;
    request.reason = reason ? &text : NULL;
    *problem = (struct problem){0};
    return refund_read(&request, &context, &refund, problem);
}

Test(refund, takes_an_amount_or_none)
{
    struct problem problem;
    cr_assert_eq(read_amount(NULL, NULL, &problem), STATUS_OK);
    cr_assert_eq(read_amount(number(1), (char *)"too small\n\tshoes", &problem), STATUS_OK);
}

Test(refund, refuses_amounts_that_are_no_amounts)
{
    struct problem problem;
    cr_assert_eq(read_amount(number(0), NULL, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "amount");
    cr_assert_str_eq(problem.code, "invalid_request");
    cr_assert_eq(read_amount(number(-5), NULL, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(read_amount(number(AMOUNT_MAX + 1), NULL, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, "amount_too_large");
}

Test(refund, counts_a_reason_in_characters)
{
    struct problem problem;
    char reason[2 * 501 + 1];
    for (int i = 0; i < 501; i++)
        memcpy(reason + 2 * i, "é", 2);
    reason[2 * 500] = '\0';
    cr_assert_eq(read_amount(NULL, reason, &problem), STATUS_OK);
    memcpy(reason + 2 * 500, "é", 3);
    cr_assert_eq(read_amount(NULL, reason, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(read_amount(NULL, (char *)"a\x01", &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(read_amount(NULL, (char *)"\xff", &problem), STATUS_INVALID_ARGUMENT);
}

static struct refund pending(void)
{
    struct refund refund = {.tenant_id = "ten_1",
                            .id = "rfnd_1",
                            .payment_id = "pay_1",
                            .currency = "",
                            .status = "reserving",
                            .request_id = "r",
                            .traceparent = "t",
                            .actor = "key_1",
                            .processed_us = DB_TIME_NULL};
    refund_reserved(&refund, 500, "INR");
    return refund;
}

static bool tell(struct refund *refund, const char *status, int64_t revision)
{
    Obol__Payments__V1__RefundOperation news = OBOL__PAYMENTS__V1__REFUND_OPERATION__INIT;
    news.refund_id = (char *)"rfnd_1";
    news.status = (char *)status;
    news.revision = revision;
    return refund_told(refund, &news, clock_unix_us());
}

Test(refund, follows_the_news_and_counts_its_events)
{
    struct refund refund = pending();
    cr_assert_eq(refund.sequence, 1);
    cr_assert(!tell(&refund, "pending", 1), "news that says nothing new changes nothing");
    cr_assert(tell(&refund, "unknown", 2));
    cr_assert_eq(refund.sequence, 2);
    cr_assert(tell(&refund, "processed", 3));
    cr_assert_eq(refund.sequence, 3);
    cr_assert_neq(refund.processed_us, DB_TIME_NULL);
    cr_assert(refund_final(&refund));
}

Test(refund, ignores_older_news_and_any_after_the_end)
{
    struct refund refund = pending();
    cr_assert(tell(&refund, "unknown", 5));
    cr_assert(!tell(&refund, "failed", 5));
    cr_assert(!tell(&refund, "failed", 4));
    cr_assert(tell(&refund, "failed", 6));
    cr_assert(!tell(&refund, "processed", 7), "what has ended stays");
    cr_assert_str_eq(refund.status, "failed");
    cr_assert(!tell(&refund, "nonsense", 8));
}

Test(refund, renders_the_event_of_its_state)
{
    struct refund refund = pending();
    struct event event;
    cr_assert(refund_event(arena, &refund, 1763721352123000, &event));
    cr_assert_str_eq(event.type, "refund.created");
    const char *body = (const char *)event.body.at;
    cr_assert(strstr(body, "\"event\":\"refund.created\""), "%s", body);
    cr_assert(strstr(body, "\"sequence\":1,\"data\":{\"refund\":{\"id\":\"rfnd_1\",\"object\":"
                           "\"refund\",\"payment_id\":\"pay_1\",\"amount\":500"),
              "%s", body);
    cr_assert(strstr(body, "\"error\":null"), "%s", body);
}

Test(refund, ends_as_failed_when_it_was_given_up_elsewhere)
{
    struct refund refund = pending();
    cr_assert(!tell(&refund, "absent", 0));
    cr_assert(tell(&refund, "released", 2));
    cr_assert_str_eq(refund.status, "failed");
    cr_assert_str_eq(refund.error_code, "payment_not_refundable");
    cr_assert_eq(refund.processed_us, DB_TIME_NULL);
}

Test(refund, is_answered_as_it_was_created)
{
    struct refund refund = pending();
    refund.operation_revision = 1;
    cr_assert(tell(&refund, "processed", 2));
    struct refund created = refund_as_created(&refund);
    cr_assert_str_eq(created.status, "pending");
    cr_assert_eq(created.sequence, 1);
    cr_assert_eq(created.amount, 500);
    cr_assert_eq(created.processed_us, DB_TIME_NULL);
    cr_assert_str_eq(refund.status, "processed");
}
