// Card numbers by their looks, without asking anybody. Pure.
#pragma once
#include <stdbool.h>

bool card_number_luhn(const char *digits); // ISO/IEC 7812-1 annex B; digits only
// Whether a text holds what looks like one: 13 to 19 digits in a row or in groups with one blank or
// hyphen between them, no letter or digit beside it, with the leading digits and the length of a
// brand, and a right check digit. What begins with a plus
// sign is a telephone number. Of random numbers of 16 digits some three in a hundred look so.
bool card_number_in(const char *text);
