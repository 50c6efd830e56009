#include "base/escape.h"

#include <stdio.h>
#include <string.h>

// Length of the well-formed UTF-8 character at `at`, 0 when it is malformed (RFC 3629: no overlong
// forms, no surrogates, nothing above U+10FFFF).
static size_t utf8_length(const unsigned char *at)
{
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

static size_t escape_short(char letter, char out[ESCAPE_MAX])
{
    out[0] = '\\';
    out[1] = letter;
    return 2;
}

static size_t escape_control(unsigned char c, char out[ESCAPE_MAX])
{
    switch (c) {
    case '\b':
        return escape_short('b', out);
    case '\f':
        return escape_short('f', out);
    case '\n':
        return escape_short('n', out);
    case '\r':
        return escape_short('r', out);
    case '\t':
        return escape_short('t', out);
    default:
        snprintf(out, ESCAPE_MAX, "\\u%04x", c);
        return 6;
    }
}

size_t escape_next(const char **text, char out[ESCAPE_MAX])
{
    const unsigned char *at = (const unsigned char *)*text;
    if (!*at)
        return 0;
    size_t length = utf8_length(at);
    *text += length ? length : 1;
    if (!length) {
        memcpy(out, "\xef\xbf\xbd", 3);
        return 3;
    }
    if (*at < 0x20 || *at == 0x7f)
        return escape_control(*at, out);
    if (*at == '"' || *at == '\\')
        return escape_short((char)*at, out);
    memcpy(out, at, length);
    return length;
}

void escape_string(struct buffer *out, const char *text)
{
    if (!text) {
        buffer_adds(out, "null");
        return;
    }
    char piece[ESCAPE_MAX];
    buffer_adds(out, "\"");
    for (size_t length; (length = escape_next(&text, piece));)
        buffer_add(out, piece, length);
    buffer_adds(out, "\"");
}
