#include "http/form.h"

#include <string.h>

#include "http/server.h"

static bool is_unreserved(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("-._~", c));
}

static size_t encoded_length(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += is_unreserved(*text) ? 1 : 3;
    return length;
}

// Straight into its place, by no library's or buffer's heap: forms carry card numbers, of which no
// copy may stay behind.
static char *encode_to(char *at, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text; text++) {
        if (is_unreserved(*text)) {
            *at++ = *text;
        } else {
            unsigned byte = (unsigned char)*text;
            *at++ = '%';
            *at++ = digits[byte >> 4];
            *at++ = digits[byte & 15];
        }
    }
    return at;
}

char *http_encode(struct arena *arena, const char *text)
{
    char *encoded = arena_alloc(arena, encoded_length(text) + 1);
    if (encoded)
        *encode_to(encoded, text) = '\0';
    return encoded;
}

char *http_form_write(struct arena *arena, const struct http_field *fields, size_t n)
{
    size_t length = 1;
    for (size_t i = 0; i < n; i++)
        if (fields[i].value)
            length += encoded_length(fields[i].name) + encoded_length(fields[i].value) + 2;
    char *form = arena_alloc(arena, length), *at = form;
    if (!form)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].value)
            continue;
        if (at != form)
            *at++ = '&';
        at = encode_to(at, fields[i].name);
        *at++ = '=';
        at = encode_to(at, fields[i].value);
    }
    *at = '\0';
    return form;
}

// Decodes only what could be it: a body full of strange names costs the arena nothing.
static bool is_name(struct arena *arena, const char *raw, size_t length, const char *name)
{
    size_t wanted = strlen(name);
    if (length < wanted || length > 3 * wanted)
        return false;
    if (!memchr(raw, '%', length) && !memchr(raw, '+', length))
        return length == wanted && memcmp(raw, name, length) == 0;
    const char *decoded = http_decode(arena, raw, length, true);
    return decoded && strcmp(decoded, name) == 0;
}

char *http_form_get(struct arena *arena, struct bytes body, const char *name)
{
    if (body.length == 0 || body.length > HTTP_FORM_BYTES_MAX)
        return NULL;
    const char *at = (const char *)body.at, *end = at + body.length;
    for (int i = 0; i < HTTP_FORM_FIELDS_MAX && at < end; i++) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop)
            stop = end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *name_end = equals ? equals : stop;
        const char *value = equals ? equals + 1 : stop;
        if (stop > at && is_name(arena, at, (size_t)(name_end - at), name))
            return http_decode(arena, value, (size_t)(stop - value), true);
        at = stop == end ? end : stop + 1;
    }
    return NULL;
}
