// Access tokens that the mimicked providers give out.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "mimics/internal.h"

const char *mimic_grant(struct mimic *mimic, struct arena *arena, const char *kind, int64_t ttl_us)
{
    uint8_t random[24];
    crypto_random(random, sizeof random);
    const char *token = crypto_hex(arena, BYTES_OF_ARRAY(random));
    if (!token)
        return NULL;
    struct grant *grant = &mimic->grants[mimic->grants_n++ % GRANTS_MAX];
    *grant = (struct grant){.expires_us = clock_unix_us() + ttl_us};
    (void)snprintf(grant->kind, sizeof grant->kind, "%s", kind);
    (void)snprintf(grant->token, sizeof grant->token, "%s", token);
    return token;
}

// From the newest: that is the one that nearly every request shows.
const char *mimic_grant_kind(const struct mimic *mimic, const char *token)
{
    size_t n = mimic->grants_n < GRANTS_MAX ? mimic->grants_n : GRANTS_MAX;
    for (size_t i = 1; i <= n; i++) {
        const struct grant *grant = &mimic->grants[(mimic->grants_n - i) % GRANTS_MAX];
        if (strcmp(grant->token, token) == 0)
            return clock_unix_us() < grant->expires_us ? grant->kind : NULL;
    }
    return NULL;
}

bool mimic_granted(struct mimic *mimic, const char *kind, const char *token)
{
    const char *granted = mimic_grant_kind(mimic, token);
    return granted && strcmp(granted, kind) == 0;
}
