// Whose request is it? The socket's peer, or where that is a trusted proxy, whom it says it speaks
// for (X-Forwarded-For). Everybody can write that header: each proxy adds at its right end the
// address that it saw, so it is read from the right, and only as far as trusted proxies wrote it.
// Pure.
#pragma once
#include "base/address_range.h"

#define PROXIES_MAX 64

struct proxies {
    struct address_range ranges[PROXIES_MAX];
    size_t n;
};

// TRUSTED_PROXIES: addresses and networks, comma-separated; "": none. False: it holds something
// else, or too many.
bool proxies_read(const char *text, struct proxies *ret);
// lines: the header's values, in the order in which they came. What can't be read as an address
// ends the walk: the last that is known for certain counts.
void proxies_client(const struct proxies *proxies, const char *peer, const char *const *lines,
                    size_t n, char ret[ADDRESS_TEXT_SIZE]);
// Under what an address is counted: itself, but of IPv6 the network of 64 bits, which is one
// customer's.
void proxies_counted(const char *address, char ret[ADDRESS_TEXT_SIZE]);
