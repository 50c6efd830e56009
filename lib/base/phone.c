#include "base/phone.h"

#include <stddef.h>
#include <string.h>

#define PHONE_DIGITS_MIN 8

// ITU-T E.164's list of assigned codes. Most national plans write a zero before a number dialled
// within the country; in three of them numbers themselves begin with it.
static const struct country {
    char name[3], code[4];
    bool keeps_zero;
} countries[] = {
    {"BF", "226", false}, {"BJ", "229", true},  {"CD", "243", false}, {"CG", "242", true},
    {"CI", "225", true},  {"CM", "237", false}, {"GA", "241", false}, {"GH", "233", false},
    {"GN", "224", false}, {"IN", "91", false},  {"KE", "254", false}, {"LR", "231", false},
    {"MG", "261", false}, {"ML", "223", false}, {"MW", "265", false}, {"MX", "52", false},
    {"NE", "227", false}, {"NG", "234", false}, {"RW", "250", false}, {"SC", "248", false},
    {"SE", "46", false},  {"SN", "221", false}, {"SS", "211", false}, {"SZ", "268", false},
    {"TD", "235", false}, {"TG", "228", false}, {"TZ", "255", false}, {"UG", "256", false},
    {"ZA", "27", false},  {"ZM", "260", false},
};
#define COUNTRIES (sizeof countries / sizeof *countries)

static bool all_digits(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

// No country code begins with a zero.
static bool phone_write(const char *code, const char *rest, char ret[PHONE_SIZE])
{
    size_t before = strlen(code), length = before + strlen(rest);
    char first = before ? *code : *rest;
    if (length < PHONE_DIGITS_MIN || length >= PHONE_SIZE || first == '0' || !all_digits(code) ||
        !all_digits(rest))
        return false;
    memcpy(ret, code, before);
    memcpy(ret + before, rest, length - before + 1);
    return true;
}

static bool keeps_zero(const char *country_code)
{
    for (size_t i = 0; i < COUNTRIES; i++)
        if (strcmp(countries[i].code, country_code) == 0)
            return countries[i].keeps_zero;
    return false;
}

bool phone_read(const char *text, const char *country_code, char ret[PHONE_SIZE])
{
    if (text[0] == '+')
        return phone_write("", text + 1, ret);
    if (text[0] == '0' && text[1] == '0')
        return phone_write("", text + 2, ret);
    if (text[0] != '0')
        return phone_write("", text, ret);
    if (!country_code || !*country_code)
        return false;
    return phone_write(country_code, keeps_zero(country_code) ? text : text + 1, ret);
}

const char *phone_national(const char *msisdn, const char *country_code)
{
    size_t length = strlen(country_code);
    if (strncmp(msisdn, country_code, length) != 0 || msisdn[length] == '\0')
        return NULL;
    return msisdn + length;
}

const char *phone_country_of(const char *msisdn)
{
    const struct country *found = NULL;
    for (size_t i = 0; i < COUNTRIES; i++)
        if (phone_national(msisdn, countries[i].code) &&
            (!found || strlen(countries[i].code) > strlen(found->code)))
            found = &countries[i];
    return found ? found->name : NULL;
}

const char *phone_country_code(const char *country)
{
    for (size_t i = 0; i < COUNTRIES; i++)
        if (strcmp(countries[i].name, country) == 0)
            return countries[i].code;
    return NULL;
}
