#include <ctype.h>

#include "http/server.h"

static int hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

char *http_decode(struct arena *arena, const char *text, size_t length, bool plus_is_space)
{
    char *decoded = arena_alloc(arena, length + 1);
    if (!decoded)
        return NULL;
    char *end = decoded;
    for (size_t i = 0; i < length; i++) {
        int c = (unsigned char)text[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < length ? hex(text[i + 1]) : -1;
            int low = i + 2 < length ? hex(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            c = high * 16 + low;
            i += 2;
        }
        if (c == '\0')
            return NULL;
        *end++ = (char)c;
    }
    *end = '\0';
    return decoded;
}
