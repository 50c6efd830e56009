#include "setup/credential.h"

#include <string.h>

#include "base/address_range.h"
#include "providers/provider.h"

#define BLANKS " "

const struct credential_field credential_common_fields[] = {
    {"base_url", "where requests go, when not to the provider's own host", false, false},
    {"webhook_secret", "signs callbacks, where the provider does that", false, true},
    {"callback_addresses", "whence callbacks may come: addresses and networks, with blanks between",
     false, false},
    {"ledger_url", "a sandbox's book, for reconciliation", false, false},
    {0},
};

const char *credential_get(const struct credential *credential, const char *name)
{
    const char *value = credential->fields ? json_get_string(credential->fields, name) : NULL;
    return value ? value : "";
}

const char *credential_base_url(const struct credential *credential,
                                const struct provider *provider)
{
    const char *own = credential_get(credential, "base_url");
    const char *theirs = credential->live ? provider->live_url : provider->sandbox_url;
    if (own[0])
        return own;
    return theirs ? theirs : "";
}

bool credential_allows(const struct credential *credential, const char *address)
{
    const char *at = credential_get(credential, "callback_addresses");
    struct address_range from, range;
    at += strspn(at, BLANKS);
    if (!*at)
        return true;
    if (!address_range_parse(address, strlen(address), &from))
        return false;
    while (*at) {
        size_t length = strcspn(at, BLANKS);
        if (address_range_parse(at, length, &range) && address_range_holds(&range, &from))
            return true;
        at += length;
        at += strspn(at, BLANKS);
    }
    return false;
}
