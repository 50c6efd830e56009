// What a card number is, for all providers of the sandbox. Pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Digits only, from `from` to `to` of them; NULL is none.
bool card_digits(const char *text, size_t from, size_t to);
// The check digit (ISO/IEC 7812-1, annex B) of a text of digits.
bool card_luhn(const char *number);
