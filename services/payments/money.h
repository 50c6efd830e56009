// ISO 4217: the active currency codes and their exponents. Amounts are integers in minor units.
#pragma once
#include <stdbool.h>

// Exact, upper case. False for codes that are not money of a country or union (XAU, XXX, XTS, …).
bool currency_known(const char *code, int *ret_exponent);
