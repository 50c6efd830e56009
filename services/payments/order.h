// An order: an amount to be paid, once. The rules that bind a payment to it. Pure.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "obol/payments/v1/payments.pb-c.h"

struct order {
    const char *tenant_id, *id;
    int64_t amount;
    const char *currency, *receipt;
    const char *notes;  // a JSON object of strings, or NULL
    const char *status; // "created" | "attempted" | "paid"
    bool reusable;      // never taken, never paid: for demonstrations
    const char *active_payment_id;
    int64_t created_us;
};

// Amount and currency, where the payment gives them too, must agree: 422 order_amount_mismatch.
enum status order_check_amount(const struct order *order,
                               const Obol__Payments__V1__CreatePaymentRequest *payment,
                               struct problem *problem);
// Why an order could not be taken: 409 order_already_paid or order_in_progress.
enum status order_refuse(bool paid, struct problem *problem);
