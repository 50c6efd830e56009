// What a handler reads of its request and how it puts its answer.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/currency.h"
#include "crypto/crypto.h"
#include "http/form.h"
#include "mimics/internal.h"

#define DOUBLE_DIGITS 15 // what a double holds of decimal digits for sure (DBL_DIG)

void mimic_reply(struct mimic_call *call, int status, const char *json)
{
    call->answer.status = status;
    call->answer.body = json;
}

void mimic_replyf(struct mimic_call *call, int status, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = length < 0 ? NULL : arena_alloc(call->arena, (size_t)length + 1);
    if (text)
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    mimic_reply(call, status, text);
}

const char *mimic_header(const struct mimic_call *call, const char *name)
{
    const char *value = http_header_in(call->exchange, name);
    return value ? value : "";
}

const char *mimic_parameter(const struct mimic_call *call, const char *name)
{
    return http_form_get(call->arena, bytes_of_string(http_query(call->exchange)), name);
}

const char *mimic_form(const struct mimic_call *call, const char *name)
{
    return http_form_get(call->arena, call->raw, name);
}

// What follows the scheme (RFC 9110, section 11.4: its case does not matter); NULL for another one.
static const char *credentials(const struct mimic_call *call, const char *scheme)
{
    const char *header = mimic_header(call, "Authorization");
    size_t length = strlen(scheme);
    if (strncasecmp(header, scheme, length) != 0 || header[length] != ' ')
        return NULL;
    return header + length + strspn(header + length, " ");
}

bool mimic_basic(const struct mimic_call *call, const char **ret_user, const char **ret_password)
{
    const char *encoded = credentials(call, "Basic");
    struct bytes decoded;
    if (!encoded || !crypto_base64_decode(call->arena, encoded, strlen(encoded), &decoded))
        return false;
    char *user = arena_strndup(call->arena, (const char *)decoded.at, decoded.length);
    char *colon = user ? strchr(user, ':') : NULL;
    if (!colon)
        return false;
    *colon = '\0';
    *ret_user = user;
    *ret_password = colon + 1;
    return true;
}

const char *mimic_bearer(const struct mimic_call *call)
{
    const char *token = credentials(call, "Bearer");
    return token ? token : "";
}

bool mimic_amount(const struct mimic_call *call, const char *path, const char *currency,
                  int64_t *ret)
{
    double number;
    int64_t integer, amount;
    if (!call->body)
        return false;
    const char *text = json_get_string(call->body, path);
    if (!text && json_get_integer(call->body, path, &integer))
        text = arena_printf(call->arena, "%lld", (long long)integer);
    else if (!text && json_get_number(call->body, path, &number))
        text = arena_printf(call->arena, "%.*g", DOUBLE_DIGITS, number);
    if (!text || !currency_parse(text, currency, &amount) || amount <= 0)
        return false;
    *ret = amount;
    return true;
}

const char *mimic_decimal(struct arena *arena, int64_t amount, const char *currency)
{
    return currency_decimal(arena, amount, currency, true);
}
