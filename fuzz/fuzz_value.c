// What payers and merchants type: VPAs, phone numbers, cards, amounts, currencies, times, ids. A
// regular expression, or a second way to reckon, says what each may be.
#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/card_number.h"
#include "base/clock.h"
#include "base/currency.h"
#include "base/id.h"
#include "base/phone.h"
#include "creation/card.h"
#include "support/fuzz.h"
#include "validate.h"
#include "validate_text.h"

static bool matches(const char *pattern, const char *text)
{
    static struct {
        const char *pattern;
        regex_t compiled;
    } known[8];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!known[i].pattern) {
            assert(regcomp(&known[i].compiled, pattern, REG_EXTENDED | REG_NOSUB) == 0);
            known[i].pattern = pattern;
        }
        if (known[i].pattern == pattern)
            return regexec(&known[i].compiled, text, 0, NULL, 0) == 0;
    }
    abort();
}

static void check_vpa(const char *text)
{
    static const char name[] = "^[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9.-]*$";
    size_t length = strlen(text), before = strcspn(text, "@"), after = length - before - 1;
    bool right = matches(name, text) && before <= 255 && after >= 2 && after <= 64;
    assert(vpa_shaped(text) == right);
}

static void check_phone(const char *text)
{
    static const char international[] = "^[1-9][0-9]{7,14}$";
    char number[PHONE_SIZE] = "";
    if (phone_read(text, NULL, number)) {
        assert(matches(international, number));
        assert(strcmp(text + strspn(text, "+0"), number) == 0);
        const char *country = phone_country_of(number);
        const char *code = country ? phone_country_code(country) : NULL;
        assert(!country || (code && phone_national(number, code)));
    }
    if (phone_read(text, "260", number))
        assert(matches(international, number));
}

static bool luhn(const char *digits)
{
    unsigned sum = 0;
    size_t length = strlen(digits);
    for (size_t i = 0; i < length; i++) {
        unsigned digit = (unsigned)(digits[i] - '0');
        if ((length - i) % 2 == 0)
            digit = digit * 2 / 10 + digit * 2 % 10;
        sum += digit;
    }
    return sum % 10 == 0;
}

static void check_card(struct fuzz_input *input, struct arena *arena)
{
    static const char digits[] = "^[0-9]{12,19}$", code[] = "^[0-9]{3,4}$";
    struct card_check card = {.number = fuzz_line(input, arena), .cvv = fuzz_line(input, arena)};
    struct problem problem = {0};
    const char *year = fuzz_line(input, arena), *month = fuzz_line(input, arena);
    card.has_year = *year;
    card.has_month = *month;
    card.expiry_year = strtoll(year, NULL, 10);
    card.expiry_month = strtoll(month, NULL, 10);
    card.now_us = INT64_C(1800000000) * US_PER_S; // January 2027
    bool right = matches(digits, card.number) && luhn(card.number) && card.has_month &&
                 card.expiry_month >= 1 && card.expiry_month <= 12 && card.has_year &&
                 card.expiry_year >= 2027 && card.expiry_year <= 2099 && matches(code, card.cvv);
    enum status status = card_validate(&card, &problem);
    assert((status == STATUS_OK) == right);
    if (status != STATUS_OK)
        fuzz_check_refusal(status, &problem);
    char last4[5];
    card_last4(card.number, last4);
    assert(strlen(last4) <= 4 && card_brand(card.number));
}

// A brand's numbers: their first digits and how many there are.
static bool issued(const char *digits)
{
    static const char brands[] =
        "^(4[0-9]{12}([0-9]{3}){0,2}"
        "|(5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"
        "|3[47][0-9]{13}"
        "|(30[0-5][0-9]|3095|36[0-9]{2}|3[89][0-9]{2})[0-9]{10,15}"
        "|(35(2[89]|[3-8][0-9])|6011|62[0-9]{2}|64[4-9][0-9]|65[0-9]{2})[0-9]{12,15}"
        "|(60(69|7[0-9]|8[0-5])|508[5-9])[0-9]{12}"
        "|(81([0-6][0-9]|7[01])|50(1[89]|2[0-9]|3[0-8])|5[6-8][0-9]{2})[0-9]{12,15}"
        "|(6304|6759|676[0-3])[0-9]{12,15})$";
    return matches(brands, digits);
}

static bool separated(const char *at)
{
    return (*at == ' ' || *at == '-') && isdigit((unsigned char)at[1]);
}

// One that begins here, however many groups it takes.
static bool card_begins(const char *at)
{
    char digits[20] = "";
    for (size_t n = 0; n < sizeof digits - 1; at++) {
        if (separated(at))
            continue;
        if (!isdigit((unsigned char)*at))
            return false;
        digits[n++] = *at;
        digits[n] = '\0';
        if (!isalnum((unsigned char)at[1]) && issued(digits) && luhn(digits))
            return true;
    }
    return false;
}

// A plus sign makes a telephone number of the digits, blanks and hyphens behind it.
static void check_found(const char *text)
{
    bool found = false;
    for (const char *at = text; *at && !found; at++) {
        if (*at == '+' && isdigit((unsigned char)at[1]))
            at += strspn(at + 1, "0123456789 -");
        else if (isdigit((unsigned char)*at) && (at == text || !isalnum((unsigned char)at[-1])))
            found = card_begins(at);
    }
    assert(card_number_in(text) == found);
}

// Digits and at most one point; written again it differs in zeros only.
static void check_amount(struct fuzz_input *input, struct arena *arena)
{
    static const char decimal[] = "^[0-9]+([.][0-9]+)?$";
    const char *code = fuzz_line(input, arena), *text = fuzz_line(input, arena);
    int64_t amount = -7, again = -7;
    struct problem problem = {0};
    bool known = currency_known(code, NULL);
    assert((validate_currency(code, &problem) == STATUS_OK) == known);
    static const char letters[] = "^[A-Z]{3}$";
    assert(!known || matches(letters, code));
    if (!currency_parse(text, code, &amount)) {
        assert(amount == -7);
        return;
    }
    assert(known && amount >= 0 && matches(decimal, text));
    const char *shown = currency_decimal(arena, amount, code, false);
    assert(shown && currency_parse(shown, code, &again) && again == amount);
    double about = strtod(text, NULL), exact = strtod(shown, NULL);
    assert(about <= exact && about >= exact);
}

static void check_time(const char *text)
{
    int64_t unix_us = -7, again = 0;
    char shown[RFC3339_SIZE];
    if (!clock_parse_rfc3339(text, &unix_us))
        return;
    assert(unix_us >= 0 && unix_us / US_PER_S <= INT64_C(253402300799));
    clock_rfc3339(unix_us, shown);
    assert(clock_parse_rfc3339(shown, &again) && again == unix_us / 1000 * 1000);
}

static void check_id(const char *text)
{
    static const char id[] = "^order_[A-Za-z0-9_-]+$";
    assert(id_looks_like("order", text) == (matches(id, text) && strlen(text) <= ID_TEXT_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    struct problem problem = {0};
    switch (fuzz_line(&input, arena)[0]) {
    case 'c':
        check_card(&input, arena);
        break;
    case 'a':
        check_amount(&input, arena);
        break;
    default: {
        const char *text = fuzz_text(&input, arena);
        check_vpa(text);
        check_phone(text);
        check_time(text);
        check_id(text);
        check_found(text);
        if (validate_text(text, 500, "text", &problem) == STATUS_OK)
            fuzz_check_text(text, 2000);
    }
    }
    return 0;
}
