// Host names to addresses, off the client's thread (getaddrinfo), in a few threads started when
// needed. A host is looked up once at a time however many ask for it, so a name server that doesn't
// answer for one host holds one thread; one that doesn't for many holds a share of the threads, and
// the rest is kept for hosts that have answered before. Results are kept for a few seconds. Private
// to the room; all calls but `wake`, which comes from a resolver's thread, belong to the client's
// thread.
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "http/url.h"

#define RESOLVED_MAX 8

union resolved_address {
    struct sockaddr any;
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
};

struct resolved {
    size_t n;        // 0: no such host, or no answer
    bool all_public; // of every address that the host has, also those past RESOLVED_MAX
    union resolved_address addresses[RESOLVED_MAX];
};

struct resolver;
// wake(context) is called when a result is ready, never after resolver_close has returned.
struct resolver *resolver_new(void (*wake)(void *), void *context);
// Doesn't wait for a look-up under way: its thread frees what is left when it comes back.
void resolver_close(struct resolver *resolver);

// True when the answer is known already.
bool resolver_cached(struct resolver *resolver, const char *host, struct resolved *ret);
// Asks for a host; false when too many are waiting.
bool resolver_ask(struct resolver *resolver, const char *host);
// One finished look-up; false when there is none.
bool resolver_take(struct resolver *resolver, char host[HOST_MAX + 1], struct resolved *ret);
