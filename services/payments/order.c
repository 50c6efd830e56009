#include "order.h"

#include <string.h>

enum status order_check_amount(const struct order *order,
                               const Obol__Payments__V1__CreatePaymentRequest *payment,
                               struct problem *problem)
{
    if (payment->amount && payment->amount->value != order->amount)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "order_amount_mismatch", "amount",
                           "The order's amount is %lld.", (long long)order->amount);
    if (payment->currency[0] != '\0' && strcmp(payment->currency, order->currency) != 0)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "order_amount_mismatch", "currency",
                           "The order's currency is %s.", order->currency);
    return STATUS_OK;
}

enum status order_refuse(bool paid, struct problem *problem)
{
    if (paid)
        return problem_set(problem, STATUS_FAILED_PRECONDITION, "order_already_paid", "order_id",
                           "This order is paid.");
    return problem_set(problem, STATUS_FAILED_PRECONDITION, "order_in_progress", "order_id",
                       "A payment of this order is under way.");
}
