#include "base/card_number.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MIN 13
#define DIGITS_MAX 19

static bool luhn(const char *digits, size_t length)
{
    int sum = 0;
    for (size_t i = 0; i < length; i++) {
        int digit = digits[length - 1 - i] - '0';
        if (i % 2 == 1)
            digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return length > 0 && sum % 10 == 0;
}

bool card_number_luhn(const char *digits)
{
    size_t length = strspn(digits, "0123456789");
    return digits[length] == '\0' && luhn(digits, length);
}

// Leading four digits, inclusive, and the lengths in use.
static const struct issue {
    int from, to;
    size_t shortest, longest;
} issues[] = {
    {4000, 4999, 13, 13}, {4000, 4999, 16, 16}, {4000, 4999, 19, 19}, {5100, 5599, 16, 16},
    {2221, 2720, 16, 16}, {3400, 3499, 15, 15}, {3700, 3799, 15, 15}, {3000, 3059, 14, 19},
    {3095, 3095, 14, 19}, {3600, 3699, 14, 19}, {3800, 3999, 14, 19}, {3528, 3589, 16, 19},
    {6011, 6011, 16, 19}, {6200, 6299, 16, 19}, {6440, 6599, 16, 19}, {6069, 6085, 16, 16},
    {5085, 5089, 16, 16}, {8100, 8171, 16, 19}, {5018, 5038, 16, 19}, {5600, 5899, 16, 19},
    {6304, 6304, 16, 19}, {6759, 6763, 16, 19},
};

static bool issued(const char *digits, size_t length)
{
    char lead[5] = {0};
    memcpy(lead, digits, 4);
    int number = (int)strtol(lead, NULL, 10);
    for (size_t i = 0; i < sizeof issues / sizeof *issues; i++)
        if (number >= issues[i].from && number <= issues[i].to && length >= issues[i].shortest &&
            length <= issues[i].longest)
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// A number that begins at this group of digits: it ends with any of the groups that follow.
static bool begins_here(const char *at)
{
    char digits[DIGITS_MAX];
    size_t n = 0;
    for (;; at++) {
        while (is_digit(*at) && n < DIGITS_MAX)
            digits[n++] = *at++;
        if (isalnum((unsigned char)*at))
            return false;
        if (n >= DIGITS_MIN && issued(digits, n) && luhn(digits, n))
            return true;
        if ((*at != ' ' && *at != '-') || !is_digit(at[1]))
            return false;
    }
}

bool card_number_in(const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '+' && is_digit(at[1])) // a telephone number
            at += strspn(at + 1, "0123456789 -");
        bool first = at == text || !isalnum((unsigned char)at[-1]);
        if (first && is_digit(*at) && begins_here(at))
            return true;
    }
    return false;
}
