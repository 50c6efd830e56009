#include "card.h"

#include <string.h>

bool card_digits(const char *text, size_t from, size_t to)
{
    size_t length = text ? strspn(text, "0123456789") : 0;
    return text && text[length] == '\0' && length >= from && length <= to;
}

bool card_luhn(const char *number)
{
    int sum = 0;
    size_t length = strlen(number);
    for (size_t i = 0; i < length; i++) {
        int digit = number[length - 1 - i] - '0';
        if (i % 2)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return sum % 10 == 0;
}
