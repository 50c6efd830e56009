// ISO 4217: the active currency codes and their exponents; amounts in minor units to and from
// decimal text. Pure; thread-safe.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

// Exact, upper case. False for codes that are not money of a country or union (XAU, XXX, XTS, …).
bool currency_known(const char *code, int *ret_exponent);
// The three digits of ISO 4217 ("484" for MXN); NULL for an unknown code. Static storage.
const char *currency_number(const char *code);
// 5050 of a currency with exponent 2: "50.50", or "50.5" and "50" when short. NULL: unknown code, a
// negative amount, or the arena is full.
char *currency_decimal(struct arena *arena, int64_t amount, const char *code, bool is_short);
// Digits, or digits, a point and digits: at most as many behind it as the exponent has, zeros
// beyond are fine ("1.500" of MXN, "1.0" of JPY), and so are leading zeros ("01"). False for
// anything else:
// "", "1.", ".5", signs, exponents (1e3), blanks, an unknown code, what int64_t does not hold. *ret
// then stays as it was.
bool currency_parse(const char *text, const char *code, int64_t *ret);
