// Strings and pairs of strings.
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/card_number.h"
#include "validate.h"
#include "validate_text.h"
#include "json/json.h"

static size_t characters(const char *text)
{
    size_t n = 0;
    for (const char *at = text; *at; at++)
        n += ((unsigned char)*at & 0xc0) != 0x80;
    return n;
}

static bool has_controls(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;
        if ((*at < 0x20 && *at != '\t' && *at != '\n') || *at == 0x7f || c1)
            return true;
    }
    return false;
}

enum status validate_text(const char *text, size_t characters_max, const char *param,
                          struct problem *problem)
{
    if (!json_utf8_valid(bytes_of_string(text)))
        return problem_invalid(problem, param, "This is not valid UTF-8.");
    if (characters(text) > characters_max)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "invalid_request", param,
                           "At most %zu characters.", characters_max);
    if (has_controls(text))
        return problem_invalid(problem, param,
                               "No control characters but tab and newline are allowed.");
    // Texts are kept, shown and sent on; card numbers are not to be.
    if (card_number_in(text))
        return problem_invalid(problem, param,
                               "This looks like a card number, which belongs in card.number only.");
    return STATUS_OK;
}

enum status validate_optional(const Google__Protobuf__StringValue *value, size_t characters_max,
                              const char *param, struct problem *problem)
{
    return value ? validate_text(value->value, characters_max, param, problem) : STATUS_OK;
}

// JavaScript would move such a member to the front when it writes the object again, and the
// signature over the bytes would no longer fit.
static bool looks_like_integer(const char *key)
{
    const char *digits = key[0] == '-' ? key + 1 : key;
    return *digits && digits[strspn(digits, "0123456789")] == '\0';
}

static enum status check_pair(const struct pair *pair, const char *param, struct problem *problem)
{
    char path[PROBLEM_PARAM_MAX];
    if (pair->key[0] == '\0')
        return problem_invalid(problem, param, "A key has 1 to 40 characters.");
    if (looks_like_integer(pair->key))
        return problem_invalid(problem, param, "Keys must not look like integers.");
    enum status status = validate_text(pair->key, PAIR_KEY_MAX, param, problem);
    if (status != STATUS_OK)
        return status;
    snprintf(path, sizeof path, "%s.%s", param, pair->key);
    return validate_text(pair->value, PAIR_VALUE_MAX, path, problem);
}

enum status validate_pairs(const struct pair *pairs, size_t n, const char *param,
                           struct problem *problem)
{
    if (n > PAIRS_MAX)
        return problem_invalid(problem, param, "At most 50 pairs.");
    for (size_t i = 0; i < n; i++) {
        enum status status = check_pair(&pairs[i], param, problem);
        if (status != STATUS_OK)
            return status;
        for (size_t j = 0; j < i; j++)
            if (strcmp(pairs[i].key, pairs[j].key) == 0)
                return problem_invalid(problem, param, "A key comes twice.");
    }
    return STATUS_OK;
}

static bool email_shaped(const char *text)
{
    const char *at = strchr(text, '@');
    return at && at != text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " \t\n") &&
           strlen(text) <= 254;
}

static bool phone_shaped(const char *text)
{
    size_t digits = 0;
    for (const char *at = text; *at; at++) {
        if (*at >= '0' && *at <= '9')
            digits++;
        else if (!strchr("+-() .", *at))
            return false;
    }
    return digits >= 4 && digits <= 15 && strlen(text) <= 32;
}

enum status validate_customer(const Obol__Payments__V1__Customer *customer, struct problem *problem)
{
    if (!customer)
        return STATUS_OK;
    if (customer->email && !email_shaped(customer->email->value))
        return problem_invalid(problem, "customer.email", "This is not an e-mail address.");
    if (customer->phone && !phone_shaped(customer->phone->value))
        return problem_invalid(problem, "customer.phone", "This is not a telephone number.");
    enum status status = validate_optional(customer->email, 254, "customer.email", problem);
    return status == STATUS_OK ? validate_optional(customer->name, 255, "customer.name", problem)
                               : status;
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool vpa_shaped(const char *vpa)
{
    size_t name = strspn(vpa, ALNUM "._-");
    if (name < 1 || name > 255 || vpa[name] != '@')
        return false;
    const char *handle = vpa + name + 1;
    size_t length = strspn(handle, ALNUM ".-");
    return length >= 2 && length <= 64 && handle[length] == '\0' && strspn(handle, ALNUM) > 0;
}
