#include "base/address_range.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PREFIX_TEXT_MAX 3 // "128"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool bits_read(const char *text, size_t length, int most, int *ret)
{
    int bits = 0;
    if (length == 0 || length > PREFIX_TEXT_MAX)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        bits = bits * 10 + text[i] - '0';
    }
    *ret = bits;
    return bits <= most;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
    size_t whole = (size_t)bits / 8;
    int rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool ends_with_zeros(const struct address_range *range)
{
    size_t bytes = range->family == AF_INET ? 4 : 16;
    for (size_t i = (size_t)range->bits; i < bytes * 8; i++)
        if (range->prefix[i / 8] & 0x80 >> i % 8)
            return false;
    return true;
}

static void unmap(struct address_range *range)
{
    if (range->family != AF_INET6 || range->bits < 96 || memcmp(range->prefix, mapped, 12) != 0)
        return;
    memmove(range->prefix, range->prefix + 12, 4);
    memset(range->prefix + 4, 0, 12);
    range->family = AF_INET;
    range->bits -= 96;
}

bool address_range_parse(const char *text, size_t length, struct address_range *ret)
{
    const char *slash = memchr(text, '/', length);
    size_t address = slash ? (size_t)(slash - text) : length;
    char copy[INET6_ADDRSTRLEN];
    struct address_range range = {0};
    if (address >= sizeof copy)
        return false;
    memcpy(copy, text, address);
    copy[address] = '\0';
    range.family = memchr(copy, ':', address) ? AF_INET6 : AF_INET;
    range.bits = range.family == AF_INET6 ? 128 : 32;
    if (inet_pton(range.family, copy, range.prefix) != 1)
        return false;
    if (slash && !bits_read(slash + 1, length - address - 1, range.bits, &range.bits))
        return false;
    if (!ends_with_zeros(&range))
        return false;
    unmap(&range);
    *ret = range;
    return true;
}

bool address_range_holds(const struct address_range *range, const struct address_range *address)
{
    return range->family == address->family && range->bits <= address->bits &&
           same_bits(range->prefix, address->prefix, range->bits);
}

void address_range_print(const struct address_range *range, char ret[ADDRESS_TEXT_SIZE])
{
    char text[INET6_ADDRSTRLEN] = "";
    bool whole = range->bits == (range->family == AF_INET ? 32 : 128);
    inet_ntop(range->family, range->prefix, text, sizeof text);
    if (whole)
        snprintf(ret, ADDRESS_TEXT_SIZE, "%s", text);
    else
        snprintf(ret, ADDRESS_TEXT_SIZE, "%s/%d", text, range->bits);
}

struct address_range address_range_cut(const struct address_range *range, int bits)
{
    struct address_range cut = {.family = range->family, .bits = bits};
    for (int i = 0; i < bits; i++)
        cut.prefix[i / 8] |= (uint8_t)(range->prefix[i / 8] & (0x80 >> i % 8));
    return cut;
}
