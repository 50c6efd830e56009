// What the guard says of an address given as text.
#pragma once
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "http/guard.h"

static inline bool is_public(const char *text)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
        return guard_address_public((struct sockaddr *)&in4);
    cr_assert_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1, "%s", text);
    return guard_address_public((struct sockaddr *)&in6);
}
