// Whose request it is, behind proxies: a second reading of the header, as one list from the right,
// with addresses as numbers of 128 bits. TRUSTED_PROXIES, the peer, then the header's lines.
#include <arpa/inet.h>
#include <string.h>

#include "proxies.h"
#include "support/fuzz.h"

#define LINES_MAX 8
#define TOKENS_MAX 2048

// An address as IPv6 (an IPv4 one mapped), as the kernel would say it.
static bool number_of(const char *text, unsigned __int128 *ret)
{
    uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
    char copy[INET6_ADDRSTRLEN];
    size_t length = strlen(text);
    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length + 1);
    if (inet_pton(AF_INET, copy, bytes + 12) != 1 && inet_pton(AF_INET6, copy, bytes) != 1)
        return false;
    *ret = 0;
    for (size_t i = 0; i < 16; i++)
        *ret = *ret << 8 | bytes[i];
    return true;
}

static unsigned __int128 start_of(const struct address_range *range)
{
    unsigned __int128 start = range->family == AF_INET ? 0xffff : 0;
    for (size_t i = 0; i < (range->family == AF_INET ? 4 : 16); i++)
        start = start << 8 | range->prefix[i];
    return start;
}

static bool trusts(const struct proxies *proxies, unsigned __int128 address)
{
    for (size_t i = 0; i < proxies->n; i++) {
        const struct address_range *range = &proxies->ranges[i];
        int free_bits = (range->family == AF_INET ? 32 : 128) - range->bits;
        // IPv6 networks wide enough to hold all of IPv4 are not about IPv4.
        bool of_ipv4 = address >> 32 == 0xffff;
        if (of_ipv4 == (range->family == AF_INET) &&
            (free_bits == 128 || address >> free_bits == start_of(range) >> free_bits))
            return true;
    }
    return false;
}

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    for (size_t n = strlen(text); n > 0 && strchr(" \t", text[n - 1]); n--)
        text[n - 1] = '\0';
    return text;
}

// All lines as one list.
static size_t tokens_of(struct arena *arena, const char *const *lines, size_t n, char **ret)
{
    size_t tokens = 0;
    for (size_t i = 0; i < n; i++) {
        char *rest = arena_strdup(arena, lines[i]);
        assert(rest);
        for (char *token; tokens < TOKENS_MAX && (token = strsep(&rest, ","));)
            ret[tokens++] = trimmed(token);
    }
    return tokens;
}

static void check_client(const struct proxies *proxies, const char *peer, const char *said,
                         char **tokens, size_t n)
{
    unsigned __int128 known, next, claimed;
    if (!number_of(peer, &known)) {
        assert(strncmp(said, peer, ADDRESS_TEXT_SIZE - 1) == 0);
        return;
    }
    while (n > 0 && trusts(proxies, known) && number_of(tokens[n - 1], &next)) {
        known = next;
        n--;
    }
    assert(number_of(said, &claimed) && claimed == known);
}

// Customers of IPv6 have a network, of IPv4 an address.
static void check_counted(const char *address)
{
    char counted[ADDRESS_TEXT_SIZE], again[ADDRESS_TEXT_SIZE];
    struct address_range range, one;
    proxies_counted(address, counted);
    if (!address_range_parse(address, strlen(address), &one))
        return;
    assert(address_range_parse(counted, strlen(counted), &range));
    assert(range.family == one.family && range.bits == (one.family == AF_INET ? 32 : 64));
    assert(address_range_holds(&range, &one));
    proxies_counted(counted, again);
    assert(strcmp(counted, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *tokens[TOKENS_MAX];
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    struct proxies proxies;
    const char *lines[LINES_MAX + 1], *peer;
    char client[ADDRESS_TEXT_SIZE], spoofed[ADDRESS_TEXT_SIZE];
    size_t n = 0;
    if (!proxies_read(fuzz_line(&input, arena), &proxies))
        return 0;
    peer = fuzz_line(&input, arena);
    if (strchr(peer, '/')) // no socket's peer is a network
        return 0;
    lines[0] = "192.0.2.66, 198.51.100.66"; // what a client writes before all others
    while (n < LINES_MAX && input.left)
        lines[++n] = fuzz_line(&input, arena);
    proxies_client(&proxies, peer, lines + 1, n, client);
    check_client(&proxies, peer, client, tokens, tokens_of(arena, lines + 1, n, tokens));
    proxies_client(&proxies, peer, lines, n + 1, spoofed);
    check_client(&proxies, peer, spoofed, tokens, tokens_of(arena, lines, n + 1, tokens));
    unsigned __int128 known;
    if (number_of(client, &known) && !trusts(&proxies, known))
        assert(strcmp(client, spoofed) == 0);
    check_counted(client);
    return 0;
}
