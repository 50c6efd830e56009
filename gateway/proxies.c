#include "proxies.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define COUNTED_BITS 64

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool parse(const char *text, size_t length, struct address_range *ret)
{
    while (length > 0 && blank(text[0]))
        text++, length--;
    while (length > 0 && blank(text[length - 1]))
        length--;
    return address_range_parse(text, length, ret);
}

bool proxies_read(const char *text, struct proxies *ret)
{
    *ret = (struct proxies){0};
    if (!text[0])
        return true;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (ret->n == PROXIES_MAX || !parse(at, length, &ret->ranges[ret->n++]))
            return false;
        at += length;
        if (!*at)
            return true;
    }
}

static bool trusted(const struct proxies *proxies, const struct address_range *address)
{
    for (size_t i = 0; i < proxies->n; i++)
        if (address_range_holds(&proxies->ranges[i], address))
            return true;
    return false;
}

// Nobody's address is a network, not even one of a single address.
static bool parse_address(const char *text, size_t length, struct address_range *ret)
{
    return !memchr(text, '/', length) && parse(text, length, ret);
}

// From the right end of a line. False: the walk ends, *known is the client.
static bool walk(const struct proxies *proxies, const char *line, struct address_range *known)
{
    size_t end = strlen(line);
    for (;;) {
        size_t start = end;
        while (start > 0 && line[start - 1] != ',')
            start--;
        struct address_range address;
        if (!parse_address(line + start, end - start, &address))
            return false;
        *known = address;
        if (!trusted(proxies, known))
            return false;
        if (start == 0)
            return true;
        end = start - 1;
    }
}

void proxies_client(const struct proxies *proxies, const char *peer, const char *const *lines,
                    size_t n, char ret[ADDRESS_TEXT_SIZE])
{
    struct address_range known;
    snprintf(ret, ADDRESS_TEXT_SIZE, "%s", peer);
    if (!address_range_parse(peer, strlen(peer), &known))
        return;
    bool goes_on = trusted(proxies, &known);
    for (size_t i = n; goes_on && i > 0; i--)
        goes_on = walk(proxies, lines[i - 1], &known);
    address_range_print(&known, ret);
}

void proxies_counted(const char *address, char ret[ADDRESS_TEXT_SIZE])
{
    struct address_range range;
    snprintf(ret, ADDRESS_TEXT_SIZE, "%s", address);
    if (!address_range_parse(address, strlen(address), &range))
        return;
    if (range.family == AF_INET6)
        range = address_range_cut(&range, COUNTED_BITS);
    address_range_print(&range, ret);
}
