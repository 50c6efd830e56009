#include "validate.h"

#include <string.h>

#include "base/currency.h"
#include "base/id.h"
#include "base/phone.h"
#include "http/guard.h"
#include "payment.h"
#include "validate_text.h"

#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum status try_ = (expression);                                                           \
        if (try_ != STATUS_OK)                                                                     \
            return try_;                                                                           \
    } while (0)

enum status validate_tenant(const char *tenant_id, struct problem *problem)
{
    if (!tenant_id || tenant_id[0] == '\0')
        return problem_set(problem, STATUS_PERMISSION_DENIED, "tenant_missing", NULL,
                           "This call needs a tenant.");
    return STATUS_OK;
}

enum status validate_amount(int64_t amount, const char *param, struct problem *problem)
{
    if (amount < 1)
        return problem_invalid(problem, param, "The amount is at least 1, in minor units.");
    if (amount > PAYMENT_AMOUNT_MAX)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "amount_too_large", param,
                           "At most %lld.", PAYMENT_AMOUNT_MAX);
    return STATUS_OK;
}

enum status validate_currency(const char *currency, struct problem *problem)
{
    if (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        return problem_invalid(problem, "currency",
                               "A currency is three capital letters (ISO 4217).");
    if (!currency_known(currency, NULL))
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "currency_unsupported", "currency",
                           "This is not a currency that can be paid in.");
    return STATUS_OK;
}

static bool printable(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at < 0x20 || *at > 0x7e)
            return false;
    return true;
}

enum status validate_order(const Obol__Payments__V1__CreateOrderRequest *order,
                           struct problem *problem)
{
    struct pair pairs[PAIRS_MAX] = {0};
    if (!order->amount)
        return problem_invalid(problem, "amount", "The amount is missing.");
    TRY(validate_amount(order->amount->value, "amount", problem));
    if (order->currency[0] == '\0')
        return problem_invalid(problem, "currency", "The currency is missing.");
    TRY(validate_currency(order->currency, problem));
    TRY(validate_optional(order->receipt, RECEIPT_MAX, "receipt", problem));
    for (size_t i = 0; i < order->n_notes && i < PAIRS_MAX; i++)
        pairs[i] = (struct pair){order->notes[i]->key, order->notes[i]->value};
    return validate_pairs(pairs, order->n_notes, "notes", problem);
}

enum status validate_import(const Obol__Payments__V1__ImportOrderRequest *import,
                            struct problem *problem)
{
    if (!id_looks_like("order", import->id) || strlen(import->id) > ORDER_ID_MAX)
        return problem_invalid(problem, "id", "An order's id begins with order_.");
    if (!import->order)
        return problem_invalid(problem, "order", "The order is missing.");
    return validate_order(import->order, problem);
}

static enum status check_card(const Obol__Payments__V1__CreatePaymentRequest *payment,
                              struct problem *problem)
{
    if (payment->card)
        return problem_invalid(problem, "card", "Exchange the card with TokenizeCard.");
    if (payment->card_token[0] == '\0')
        return problem_invalid(problem, "card", "The card is missing.");
    if (!id_looks_like("tok", payment->card_token))
        return problem_invalid(problem, "card_token", "There is no such card token.");
    return STATUS_OK;
}

static enum status check_upi(const Obol__Payments__V1__CreatePaymentRequest *payment,
                             struct problem *problem)
{
    if (payment->vpa[0] == '\0')
        return problem_invalid(problem, "vpa", "The VPA is missing.");
    if (!vpa_shaped(payment->vpa))
        return problem_invalid(problem, "vpa", "A VPA has the form name@handle.");
    return STATUS_OK;
}

static enum status check_mobile_money(const Obol__Payments__V1__CreatePaymentRequest *payment,
                                      struct problem *problem)
{
    const Obol__Payments__V1__MobileMoney *money = payment->mobile_money;
    char msisdn[PHONE_SIZE];
    if (!money)
        return problem_invalid(problem, "mobile_money", "The payer's number is missing.");
    if (!phone_read(money->msisdn, NULL, msisdn))
        return problem_invalid(problem, "mobile_money.msisdn",
                               "A number has a country code and 8 to 15 digits in all.");
    size_t length = strlen(money->operator_);
    if (length < 2 || length > 32 ||
        strspn(money->operator_, "abcdefghijklmnopqrstuvwxyz_") != length)
        return problem_invalid(problem, "mobile_money.operator",
                               "An operator is mtn, airtel, zamtel, orange, wave or the like.");
    return STATUS_OK;
}

static enum status check_checkout(const Obol__Payments__V1__CreatePaymentRequest *payment,
                                  struct problem *problem)
{
    if (payment->return_url[0] == '\0')
        return problem_invalid(problem, "return_url",
                               "A checkout needs a URL for the payer to come back to.");
    return STATUS_OK;
}

bool validate_method_known(const char *method)
{
    return strcmp(method, "upi") == 0 || strcmp(method, "card") == 0 ||
           strcmp(method, "mobile_money") == 0 || strcmp(method, "checkout") == 0;
}

// The members of other methods are a mistake.
static enum status check_foreign(const Obol__Payments__V1__CreatePaymentRequest *payment,
                                 struct problem *problem)
{
    bool card = strcmp(payment->method, "card") == 0;
    if (payment->vpa[0] && strcmp(payment->method, "upi") != 0)
        return problem_invalid(problem, "vpa", "Only a UPI payment has a VPA.");
    if (payment->card && !card)
        return problem_invalid(problem, "card", "Only a card payment has a card.");
    if (payment->card_token[0] && !card)
        return problem_invalid(problem, "card_token", "Only a card payment has a card.");
    if (payment->mobile_money && strcmp(payment->method, "mobile_money") != 0)
        return problem_invalid(problem, "mobile_money", "Only a mobile money payment has this.");
    return STATUS_OK;
}

static enum status check_method(const Obol__Payments__V1__CreatePaymentRequest *payment,
                                struct problem *problem)
{
    if (!validate_method_known(payment->method))
        return problem_invalid(problem, "method",
                               payment->method[0] ? METHODS_SENTENCE : "The method is missing.");
    TRY(check_foreign(payment, problem));
    if (strcmp(payment->method, "upi") == 0)
        return check_upi(payment, problem);
    if (strcmp(payment->method, "card") == 0)
        return check_card(payment, problem);
    if (strcmp(payment->method, "mobile_money") == 0)
        return check_mobile_money(payment, problem);
    return check_checkout(payment, problem);
}

static enum status check_return_url(const char *url, struct problem *problem)
{
    if (url[0] == '\0' || guard_url(url, true, problem) == STATUS_OK)
        return STATUS_OK;
    return problem_invalid(problem, "return_url", "This is not an absolute http or https URL.");
}

enum status validate_payment(const Obol__Payments__V1__CreatePaymentRequest *payment,
                             struct problem *problem)
{
    struct pair pairs[PAIRS_MAX] = {0};
    if (payment->order_id[0] == '\0')
        return problem_invalid(problem, "order_id", "The order is missing.");
    if (strlen(payment->order_id) > ORDER_ID_MAX || !printable(payment->order_id))
        return problem_invalid(problem, "order_id",
                               "An order id has 1 to 64 printable ASCII characters.");
    if (payment->amount)
        TRY(validate_amount(payment->amount->value, "amount", problem));
    if (payment->currency[0] != '\0')
        TRY(validate_currency(payment->currency, problem));
    TRY(check_method(payment, problem));
    TRY(check_return_url(payment->return_url, problem));
    if (payment->capture[0] != '\0' && strcmp(payment->capture, "automatic") != 0 &&
        strcmp(payment->capture, "manual") != 0)
        return problem_invalid(problem, "capture", "Capture is automatic or manual.");
    TRY(validate_optional(payment->description, DESCRIPTION_MAX, "description", problem));
    TRY(validate_customer(payment->customer, problem));
    for (size_t i = 0; i < payment->n_metadata && i < PAIRS_MAX; i++)
        pairs[i] = (struct pair){payment->metadata[i]->key, payment->metadata[i]->value};
    return validate_pairs(pairs, payment->n_metadata, "metadata", problem);
}

enum status validate_reference(const Obol__Payments__V1__CreatePaymentRequest *payment,
                               struct problem *problem)
{
    bool has_currency = payment->currency[0] != '\0';
    if (!payment->amount && !has_currency)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "order_not_found", "order_id",
                           "No such order; give amount and currency for a reference of your own.");
    if (!payment->amount)
        return problem_invalid(problem, "amount", "The amount is missing.");
    if (!has_currency)
        return problem_invalid(problem, "currency", "The currency is missing.");
    return STATUS_OK;
}
