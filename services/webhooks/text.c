#include "text.h"

#include <string.h>

#include "json/json.h"

// Bytes of the well-formed character at the start, 0 when there is none.
static size_t character_length(struct bytes rest)
{
    uint8_t lead = rest.at[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > rest.length || !json_utf8_valid((struct bytes){rest.at, length}))
        return 0;
    return length;
}

char *text_clean(struct arena *arena, struct bytes bytes)
{
    if (json_utf8_valid(bytes))
        return arena_strndup(arena, (const char *)bytes.at, bytes.length);
    char *out = arena_alloc(arena, bytes.length + 1);
    if (!out)
        return NULL;
    for (size_t i = 0; i < bytes.length;) {
        size_t length = character_length((struct bytes){bytes.at + i, bytes.length - i});
        if (length == 0)
            out[i++] = '?';
        for (size_t end = i + length; length > 0 && i < end; i++)
            out[i] = (char)bytes.at[i];
    }
    return out;
}

char *text_join(struct arena *arena, const char *const *parts)
{
    size_t length = 0;
    for (const char *const *part = parts; *part; part++)
        length += strlen(*part);
    char *out = arena_alloc(arena, length + 1), *end = out;
    for (const char *const *part = parts; out && *part; part++)
        end = stpcpy(end, *part);
    return out;
}
