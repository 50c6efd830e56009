#include "validate.h"

#include <string.h>

#include "base/id.h"
#include "money.h"
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
    if (payment->vpa[0] != '\0')
        return problem_invalid(problem, "vpa", "A card payment has no VPA.");
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
    if (payment->card)
        return problem_invalid(problem, "card", "A UPI payment has no card.");
    if (payment->card_token[0] != '\0')
        return problem_invalid(problem, "card_token", "A UPI payment has no card.");
    if (payment->vpa[0] == '\0')
        return problem_invalid(problem, "vpa", "The VPA is missing.");
    if (!vpa_shaped(payment->vpa))
        return problem_invalid(problem, "vpa", "A VPA has the form name@handle.");
    return STATUS_OK;
}

static enum status check_method(const Obol__Payments__V1__CreatePaymentRequest *payment,
                                struct problem *problem)
{
    if (strcmp(payment->method, "upi") == 0)
        return check_upi(payment, problem);
    if (strcmp(payment->method, "card") == 0)
        return check_card(payment, problem);
    return problem_invalid(problem, "method",
                           payment->method[0] ? "The method is upi or card."
                                              : "The method is missing.");
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
