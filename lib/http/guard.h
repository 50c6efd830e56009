// Which URLs Obol may be made to call (server-side request forgery). Pure; thread-safe.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/problem.h"

#define URL_MAX 2048

// Public unicast addresses only: not loopback, private (RFC 1918, 4193, 6598), link-local (metadata
// services), multicast, reserved, documentation, unspecified; an IPv4-mapped, 6to4, Teredo or NAT64
// address is judged by the IPv4 address in it. Azure's 168.63.129.16 counts as a metadata service.
bool guard_address_public(const struct sockaddr *address);

// Not one of the ports that browsers refuse too (WHATWG Fetch, port blocking): mail, DNS, IRC,
// SIP….
bool guard_port_allowed(uint16_t port);

// The shape of a merchant's URL: absolute, https (http too when allow_private), a host, no user
// info, no fragment, at most URL_MAX characters; port and literal address are checked at once
// (unless allow_private). Names are resolved and checked when the URL is called. Code
// "invalid_request", param "url".
MUST_USE enum status guard_url(const char *url, bool allow_private, struct problem *problem);
