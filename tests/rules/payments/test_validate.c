#include <criterion/criterion.h>
#include <string.h>

#include "order.h"
#include "validate.h"
#include "validate_text.h"

static Google__Protobuf__Int64Value amount = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
static Google__Protobuf__StringValue text = GOOGLE__PROTOBUF__STRING_VALUE__INIT;

static Obol__Payments__V1__CreatePaymentRequest good(void)
{
    Obol__Payments__V1__CreatePaymentRequest request =
        OBOL__PAYMENTS__V1__CREATE_PAYMENT_REQUEST__INIT;
    amount.value = 100;
    request.order_id = "ref 1";
    request.amount = &amount;
    request.currency = "INR";
    request.method = "upi";
    request.vpa = "user@paytm";
    return request;
}

static void refused(const Obol__Payments__V1__CreatePaymentRequest *request, const char *param,
                    const char *code)
{
    struct problem problem = {0};
    cr_assert_eq(validate_payment(request, &problem), STATUS_INVALID_ARGUMENT, "%s", param);
    cr_assert_str_eq(problem.param, param);
    cr_assert_str_eq(problem.code, code);
}

Test(validate, takes_a_plain_payment)
{
    struct problem problem = {0};
    Obol__Payments__V1__CreatePaymentRequest request = good();
    cr_assert_eq(validate_payment(&request, &problem), STATUS_OK);
    cr_assert_eq(validate_reference(&request, &problem), STATUS_OK);
    request.method = "card";
    request.vpa = "";
    request.card_token = "tok_01aaaa";
    cr_assert_eq(validate_payment(&request, &problem), STATUS_OK);
}

#define REFUSE(change, param, code)                                                                \
    do {                                                                                           \
        Obol__Payments__V1__CreatePaymentRequest request = good();                                 \
        change;                                                                                    \
        refused(&request, param, code);                                                            \
    } while (0)

Test(validate, names_the_field_at_fault)
{
    Obol__Payments__V1__CardDetails card = OBOL__PAYMENTS__V1__CARD_DETAILS__INIT;
    char long_id[66];
    memset(long_id, 'x', 65);
    long_id[65] = '\0';
    REFUSE(request.order_id = "", "order_id", "invalid_request");
    REFUSE(request.order_id = long_id, "order_id", "invalid_request");
    REFUSE(request.order_id = "a\x01", "order_id", "invalid_request");
    REFUSE(amount.value = 0, "amount", "invalid_request");
    REFUSE(amount.value = -5, "amount", "invalid_request");
    REFUSE(amount.value = 100000000000, "amount", "amount_too_large");
    REFUSE(request.currency = "inr", "currency", "invalid_request");
    REFUSE(request.currency = "ZZZ", "currency", "currency_unsupported");
    REFUSE(request.method = "", "method", "invalid_request");
    REFUSE(request.method = "cash", "method", "invalid_request");
    REFUSE(request.vpa = "", "vpa", "invalid_request");
    REFUSE(request.vpa = "user", "vpa", "invalid_request");
    REFUSE(request.vpa = "user@@paytm", "vpa", "invalid_request");
    REFUSE(request.vpa = "us er@paytm", "vpa", "invalid_request");
    REFUSE(request.vpa = "@paytm", "vpa", "invalid_request");
    REFUSE(request.card_token = "tok_1", "card_token", "invalid_request");
    REFUSE(request.card = &card, "card", "invalid_request");
    REFUSE(request.method = "card", "vpa", "invalid_request");
    REFUSE(request.method = "card"; request.vpa = "", "card", "invalid_request");
    REFUSE(request.method = "card"; request.vpa = "";
           request.card = &card, "card", "invalid_request");
    REFUSE(request.method = "card"; request.vpa = "";
           request.card_token = "x", "card_token", "invalid_request");
    REFUSE(request.capture = "later", "capture", "invalid_request");
    REFUSE(request.description = &text; text.value = "a\rb", "description", "invalid_request");
    REFUSE(request.description = &text; text.value = "a\xff", "description", "invalid_request");
}

Test(validate, bounds_descriptions_in_characters_not_bytes)
{
    static char wide[1004];
    struct problem problem = {0};
    for (int i = 0; i < 1000; i += 2)
        memcpy(wide + i, "\xc3\xa9", 2);
    Obol__Payments__V1__CreatePaymentRequest request = good();
    request.description = &text;
    text.value = wide;
    cr_assert_eq(validate_payment(&request, &problem), STATUS_OK);
    memcpy(wide + 1000, "x", 2);
    refused(&request, "description", "invalid_request");
    text.value = "tab\tand\nnewline";
    cr_assert_eq(validate_payment(&request, &problem), STATUS_OK);
}

Test(validate, checks_the_customer)
{
    Obol__Payments__V1__Customer customer = OBOL__PAYMENTS__V1__CUSTOMER__INIT;
    struct problem problem = {0};
    cr_assert_eq(validate_customer(&customer, &problem), STATUS_OK);
    customer.email = &text;
    text.value = "a@b.example";
    cr_assert_eq(validate_customer(&customer, &problem), STATUS_OK);
    text.value = "nobody";
    cr_assert_neq(validate_customer(&customer, &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "customer.email");
    customer.email = NULL;
    customer.phone = &text;
    text.value = "+91 (22) 1234-567";
    cr_assert_eq(validate_customer(&customer, &problem), STATUS_OK);
    text.value = "call me";
    cr_assert_neq(validate_customer(&customer, &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "customer.phone");
}

Test(validate, refuses_pairs_that_would_not_survive_javascript)
{
    struct problem problem = {0};
    struct pair pairs[2] = {{"a", "1"}, {"b", "2"}};
    cr_assert_eq(validate_pairs(pairs, 2, "metadata", &problem), STATUS_OK);
    const char *bad[] = {"", "12", "0", "-7", "01", "a\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pairs[1].key = bad[i];
        cr_assert_neq(validate_pairs(pairs, 2, "metadata", &problem), STATUS_OK, "%s", bad[i]);
        cr_assert_str_eq(problem.param, "metadata");
    }
    pairs[1].key = "a";
    cr_assert_neq(validate_pairs(pairs, 2, "metadata", &problem), STATUS_OK);
    pairs[1] = (struct pair){"ok", "\x01"};
    cr_assert_neq(validate_pairs(pairs, 2, "metadata", &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "metadata.ok");
    cr_assert_neq(validate_pairs(pairs, 51, "notes", &problem), STATUS_OK);
}

Test(validate, asks_for_amount_and_currency_where_no_order_has_them)
{
    struct problem problem = {0};
    Obol__Payments__V1__CreatePaymentRequest request = good();
    request.currency = "";
    cr_assert_neq(validate_reference(&request, &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "currency");
    request.amount = NULL;
    cr_assert_neq(validate_reference(&request, &problem), STATUS_OK);
    cr_assert_str_eq(problem.code, "order_not_found");
    request.currency = "INR";
    cr_assert_neq(validate_reference(&request, &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "amount");
}

Test(validate, an_order_must_agree_with_what_is_given)
{
    struct problem problem = {0};
    struct order order = {.amount = 100, .currency = "INR"};
    Obol__Payments__V1__CreatePaymentRequest request = good();
    cr_assert_eq(order_check_amount(&order, &request, &problem), STATUS_OK);
    order.currency = "USD";
    cr_assert_neq(order_check_amount(&order, &request, &problem), STATUS_OK);
    order = (struct order){.amount = 99, .currency = "INR"};
    cr_assert_neq(order_check_amount(&order, &request, &problem), STATUS_OK);
    cr_assert_str_eq(problem.code, "order_amount_mismatch");
}

Test(validate, checks_orders_and_imports)
{
    struct problem problem = {0};
    Obol__Payments__V1__CreateOrderRequest order = OBOL__PAYMENTS__V1__CREATE_ORDER_REQUEST__INIT;
    Obol__Payments__V1__ImportOrderRequest import = OBOL__PAYMENTS__V1__IMPORT_ORDER_REQUEST__INIT;
    cr_assert_neq(validate_order(&order, &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "amount");
    order.amount = &amount;
    amount.value = 5;
    cr_assert_neq(validate_order(&order, &problem), STATUS_OK);
    cr_assert_str_eq(problem.param, "currency");
    order.currency = "JPY";
    cr_assert_eq(validate_order(&order, &problem), STATUS_OK);
    cr_assert_neq(validate_import(&import, &problem), STATUS_OK);
    import.id = "order_123";
    cr_assert_neq(validate_import(&import, &problem), STATUS_OK);
    import.order = &order;
    cr_assert_eq(validate_import(&import, &problem), STATUS_OK);
}
