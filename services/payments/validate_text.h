// The pieces that validate.c is made of. Pure.
#pragma once
#include <stdbool.h>

#include "base/problem.h"
#include "obol/payments/v1/payments.pb-c.h"

struct pair {
    const char *key, *value;
};

enum status validate_optional(const Google__Protobuf__StringValue *value, size_t characters_max,
                              const char *param, struct problem *problem);
enum status validate_pairs(const struct pair *pairs, size_t n, const char *param,
                           struct problem *problem);
enum status validate_customer(const Obol__Payments__V1__Customer *customer,
                              struct problem *problem);
bool vpa_shaped(const char *vpa); // name@handle
