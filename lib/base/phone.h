// A subscriber's number: E.164 (ITU-T) without the plus, 8 to 15 digits, "260971234567". To it and
// from it, and whose country it is, for the countries that the providers serve. Pure; thread-safe.
#pragma once
#include <stdbool.h>

#define PHONE_SIZE 16 // 15 digits and the NUL

// Reads "+260971234567", "00260971234567", "260971234567", and with a country_code ("260", else
// NULL) a number dialled within that country, which begins with one zero: "0971234567". That zero
// is dropped, or kept where it belongs to the number (Benin, Congo, Côte d'Ivoire). Digits only: no
// blanks, hyphens or brackets. False for anything else, and ret stays as it was. Without a zero in
// front a number is taken as international whatever the country_code: phone_national tells whether
// it is of the country expected.
bool phone_read(const char *text, const char *country_code, char ret[PHONE_SIZE]);
// What follows the country code; NULL when the number doesn't begin with it, or ends there.
const char *phone_national(const char *msisdn, const char *country_code);
// ISO 3166-1 alpha-2 ("ZM") of the longest country code that it begins with; NULL for a country
// that no provider serves. Static storage.
const char *phone_country_of(const char *msisdn);
// "260" for "ZM"; NULL for a country that isn't in the table. Static storage.
const char *phone_country_code(const char *country);
