// What a request may say, judged without looking anything up. Every refusal is INVALID_ARGUMENT and
// names the field; the limits are the contract's. Pure.
#pragma once
#include <stdbool.h>

#include "base/problem.h"
#include "obol/payments/v1/payments.pb-c.h"

#define ORDER_ID_MAX 64
#define RECEIPT_MAX 255
#define DESCRIPTION_MAX 500
#define REASON_MAX 500
#define PROVIDER_REFERENCE_MAX 255
#define PAIRS_MAX 50
#define PAIR_KEY_MAX 40
#define PAIR_VALUE_MAX 500

// What belongs to a tenant needs one: PERMISSION_DENIED tenant_missing.
enum status validate_tenant(const char *tenant_id, struct problem *problem);
enum status validate_order(const Obol__Payments__V1__CreateOrderRequest *order,
                           struct problem *problem);
enum status validate_import(const Obol__Payments__V1__ImportOrderRequest *import,
                            struct problem *problem);
// Everything but what depends on the order and the card token.
enum status validate_payment(const Obol__Payments__V1__CreatePaymentRequest *payment,
                             struct problem *problem);
// amount and currency of a payment that names no order of ours.
enum status validate_reference(const Obol__Payments__V1__CreatePaymentRequest *payment,
                               struct problem *problem);

#define METHODS_SENTENCE "The method is upi, card, mobile_money or checkout."
bool validate_method_known(const char *method);
enum status validate_amount(int64_t amount, const char *param, struct problem *problem);
enum status validate_currency(const char *currency, struct problem *problem);
// UTF-8, at most max characters, no control characters but tab and newline.
enum status validate_text(const char *text, size_t characters_max, const char *param,
                          struct problem *problem);
