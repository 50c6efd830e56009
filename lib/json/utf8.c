#include "json/utf8.h"

#include "json/json.h"

size_t json_utf8_length(const uint8_t *at, size_t left)
{
    uint8_t first = at[0], low = 0x80, high = 0xbf;
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4 || left < length)
        return 0;
    if (first == 0xe0)
        low = 0xa0; // overlong below
    else if (first == 0xed)
        high = 0x9f; // surrogates above
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

bool json_utf8_valid(struct bytes text)
{
    for (size_t i = 0, length = 0; i < text.length; i += length) {
        length = json_utf8_length(text.at + i, text.length - i);
        if (length == 0 || text.at[i] == 0)
            return false;
    }
    return true;
}
