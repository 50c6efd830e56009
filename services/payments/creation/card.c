#include "creation/card.h"

#include <stdlib.h>
#include <string.h>

#include "base/card_number.h"
#include "base/clock.h"

static size_t digits_only(const char *text)
{
    size_t length = strspn(text, "0123456789");
    return text[length] == '\0' ? length : 0;
}

// Leading six digits, inclusive; the first row that fits wins, so narrow ranges stand first.
static const struct brand_range {
    int from, to;
    const char *brand;
} brand_ranges[] = {
    {340000, 349999, "amex"},       {370000, 379999, "amex"},       {300000, 305999, "diners"},
    {309500, 309599, "diners"},     {360000, 369999, "diners"},     {380000, 399999, "diners"},
    {352800, 358999, "jcb"},        {400000, 499999, "visa"},       {508500, 508999, "rupay"},
    {606985, 607984, "rupay"},      {608001, 608500, "rupay"},      {652150, 653149, "rupay"},
    {510000, 559999, "mastercard"}, {222100, 272099, "mastercard"}, {601100, 601199, "discover"},
    {644000, 659999, "discover"},   {620000, 629999, "unionpay"},   {810000, 817199, "unionpay"},
    {500000, 509999, "maestro"},    {560000, 589999, "maestro"},    {630000, 639999, "maestro"},
    {670000, 679999, "maestro"},
};

const char *card_brand(const char *digits)
{
    char lead[7] = {0};
    if (digits_only(digits) < 6)
        return "unknown";
    memcpy(lead, digits, 6);
    int number = (int)strtol(lead, NULL, 10);
    for (size_t i = 0; i < sizeof brand_ranges / sizeof *brand_ranges; i++)
        if (number >= brand_ranges[i].from && number <= brand_ranges[i].to)
            return brand_ranges[i].brand;
    return "unknown";
}

void card_last4(const char *digits, char out[5])
{
    size_t length = strlen(digits);
    memset(out, 0, 5);
    memcpy(out, digits + (length > 4 ? length - 4 : 0), length > 4 ? 4 : length);
}

static enum status check_expiry(const struct card_check *card, struct problem *problem)
{
    if (!card->has_month || card->expiry_month < 1 || card->expiry_month > 12)
        return problem_invalid(problem, "card.expiry_month", "The expiry month is 1 to 12.");
    if (!card->has_year || card->expiry_year < 2000 || card->expiry_year > 2099)
        return problem_invalid(problem, "card.expiry_year", "The expiry year has four digits.");
    // Half a day back: the month may still last where the card comes from.
    char now[RFC3339_SIZE];
    clock_rfc3339(card->now_us - 12 * 3600 * US_PER_S, now);
    int64_t year = strtol(now, NULL, 10), month = strtol(now + 5, NULL, 10);
    if (card->expiry_year * 12 + card->expiry_month < year * 12 + month)
        return problem_invalid(problem,
                               card->expiry_year < year ? "card.expiry_year" : "card.expiry_month",
                               "The card has expired.");
    return STATUS_OK;
}

enum status card_validate(const struct card_check *card, struct problem *problem)
{
    size_t length = digits_only(card->number);
    if (length < CARD_DIGITS_MIN || length > CARD_DIGITS_MAX)
        return problem_invalid(problem, "card.number", "A card number has 12 to 19 digits.");
    if (!card_number_luhn(card->number))
        return problem_invalid(problem, "card.number", "This is not a valid card number.");
    enum status status = check_expiry(card, problem);
    if (status != STATUS_OK)
        return status;
    size_t cvv = digits_only(card->cvv);
    if (cvv != 3 && cvv != 4)
        return problem_invalid(problem, "card.cvv", "The security code has 3 or 4 digits.");
    return STATUS_OK;
}
