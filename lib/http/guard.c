#include "http/guard.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "http/url.h"

struct prefix4 {
    uint32_t network;
    int bits;
};

// IANA IPv4 special-purpose registry (RFC 6890 and successors): what is not globally reachable
// unicast.
static const struct prefix4 refused4[] = {
    {0x00000000, 8},  // this network
    {0x0a000000, 8},  // private
    {0x64400000, 10}, // shared (carrier-grade NAT)
    {0x7f000000, 8},  // loopback
    {0xa83f8110, 32}, // 168.63.129.16: Azure's platform, public by range, answered inside only
    {0xa9fe0000, 16}, // link-local, metadata services
    {0xac100000, 12}, // private
    {0xc0000000, 24}, // protocol assignments
    {0xc0000200, 24}, // documentation
    {0xc0586300, 24}, // 6to4 relays
    {0xc0a80000, 16}, // private
    {0xc6120000, 15}, // benchmarking
    {0xc6336400, 24}, // documentation
    {0xcb007100, 24}, // documentation
    {0xe0000000, 4},  // multicast
    {0xf0000000, 4},  // reserved, broadcast
};

static bool public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof refused4 / sizeof refused4[0]; i++) {
        uint32_t mask = UINT32_MAX << (32 - refused4[i].bits);
        if ((address & mask) == refused4[i].network)
            return false;
    }
    return true;
}

static uint32_t word_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool begins(const uint8_t address[16], const uint8_t *prefix, int bits)
{
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(address, prefix, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ prefix[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}

static bool public6(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}; // RFC 4291
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};                    // RFC 6052
    static const uint8_t six_to_four[] = {0x20, 0x02};                            // RFC 3056
    static const uint8_t teredo[] = {0x20, 0x01, 0x00, 0x00};                     // RFC 4380
    static const uint8_t protocols[] = {0x20, 0x01, 0x00};                        // RFC 2928
    static const uint8_t documentation[] = {0x20, 0x01, 0x0d, 0xb8};              // RFC 3849
    static const uint8_t documentation_large[] = {0x3f, 0xff, 0x00};              // RFC 9637
    static const uint8_t global[] = {0x20};                                       // RFC 4291

    if (begins(address, mapped, 96) || begins(address, nat64, 96))
        return public4(word_at(address + 12));
    if (begins(address, six_to_four, 16))
        return public4(word_at(address + 2));
    if (begins(address, teredo,
               32)) // the relay's server, and the client's address with its bits flipped
        return public4(word_at(address + 4)) && public4(~word_at(address + 12));
    if (begins(address, protocols, 23) || begins(address, documentation, 32) ||
        begins(address, documentation_large, 20))
        return false;
    return begins(address, global, 3);
}

bool guard_address_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, address, sizeof in);
        return public6(in.sin6_addr.s6_addr);
    }
    return false;
}

// WHATWG Fetch, "port blocking": services that would take a line of HTTP for one of their own.
static const uint16_t refused_ports[] = {
    0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,
    37,   42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,
    110,  111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,  389,
    427,  465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,
    563,  587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045,
    4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};

bool guard_port_allowed(uint16_t port)
{
    for (size_t i = 0; i < sizeof refused_ports / sizeof refused_ports[0]; i++) {
        if (refused_ports[i] == port)
            return false;
    }
    return true;
}

static const char *guard_fault(const char *text, const struct url *url, bool allow_private)
{
    if (strchr(text, '#'))
        return "The URL may not carry a fragment.";
    if (allow_private)
        return NULL;
    if (!url->tls)
        return "The URL must begin with https://.";
    if (!guard_port_allowed(url->port))
        return "The URL's port belongs to another service than HTTP.";
    if (url->literal && !guard_address_public((const struct sockaddr *)&url->address))
        return "The URL must lead to a public address.";
    return NULL;
}

enum status guard_url(const char *url, bool allow_private, struct problem *problem)
{
    struct url parsed;
    const char *text = url ? url : "", *fault = url_parse(text, &parsed);
    if (!fault)
        fault = guard_fault(text, &parsed, allow_private);
    url_deinit(&parsed);
    return fault ? problem_invalid(problem, "url", fault) : STATUS_OK;
}
