// Whether a credential works: its sessions are granted and the provider is probed, moving nothing
// and keeping nothing. Waits for the network.
#pragma once
#include "providers/provider.h"

struct credential_test {
    const struct provider *provider;
    const struct credential *credential;
    const char *currency; // "": any
    int64_t deadline_ns;
};

struct credential_finding {
    bool ok;
    const char *text; // a sentence, without any secret; NULL: the arena is full
};
struct credential_finding credential_test(struct arena *arena, const struct credential_test *test);
