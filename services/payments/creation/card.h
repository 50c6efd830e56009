// What can be said of a card without asking anybody: check digit, brand, expiry. Pure. A number is
// read here and never kept.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"

#define CARD_DIGITS_MIN 12
#define CARD_DIGITS_MAX 19

// By the leading digits: visa, mastercard, amex, discover, diners, jcb, unionpay, rupay, maestro,
// unknown.
const char *card_brand(const char *digits);
void card_last4(const char *digits, char out[5]);

struct card_check {
    const char *number, *cvv;
    int64_t expiry_month, expiry_year;
    bool has_month, has_year;
    int64_t now_us; // expiry: good until the end of its month, anywhere on earth
};
// Refusals name card.number, card.expiry_month, card.expiry_year or card.cvv.
enum status card_validate(const struct card_check *card, struct problem *problem);
