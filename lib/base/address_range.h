// Addresses and networks in text: "192.0.2.7", "192.0.2.0/24", "2001:db8::/32" (RFC 4632, RFC
// 4291). An IPv4 address written as IPv6 (::ffff:192.0.2.7) is the IPv4 address. Pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address_range {
    int family; // AF_INET, AF_INET6
    uint8_t prefix[16];
    int bits; // how many of prefix count
};

// One of them, length bytes of text. False when it is none: also where bits are set beyond the
// prefix, which is mostly an address mistaken for a network.
bool address_range_parse(const char *text, size_t length, struct address_range *ret);
bool address_range_holds(const struct address_range *range, const struct address_range *address);
#define ADDRESS_TEXT_SIZE 50 // with a prefix length
// The network in text; "/bits" where bits are fewer than the family has.
void address_range_print(const struct address_range *range, char ret[ADDRESS_TEXT_SIZE]);
// Its first bits alone, which must not be more than it has.
struct address_range address_range_cut(const struct address_range *range, int bits);
