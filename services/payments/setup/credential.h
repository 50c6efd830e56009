// What a provider gave to a tenant to be known by: keys and secrets, under the provider's own
// names. Opened ones live in memory only (setup.h); at rest they are sealed. Pure.
#pragma once
#include <stdbool.h>

#include "json/json.h"

struct provider;

// One of the things that a credential is made of.
struct credential_field {
    const char *name; // "api_key"
    const char *help; // one line, for `obol provider set`
    bool required, secret;
};
// Every provider's, beside its own: base_url (another host than the provider's own),
// webhook_secret (signs callbacks, where the provider does that), callback_addresses (whence
// callbacks may come: addresses or networks such as 192.0.2.0/24, separated by blanks), ledger_url
// (a sandbox's book, for reconciliation; never of live ones; without a query it is asked for with
// ?provider=<name>).
extern const struct credential_field credential_common_fields[]; // ends with name NULL

struct credential {
    const char *id; // cred_…, or the simulator's
    const char *tenant_id;
    const char *provider;
    bool live, enabled;
    const char *label; // for people; "" when none
    const struct json_value *fields;
    const char *callback_url; // where its callbacks reach us; NULL: nowhere
    int64_t created_us, updated_us;
};

// "" when absent. Borrowed from the credential.
const char *credential_get(const struct credential *credential, const char *name);
// The host that requests go to, without a slash at the end.
const char *credential_base_url(const struct credential *credential,
                                const struct provider *provider);
// Whether a callback may come from there: always, unless callback_addresses says otherwise.
bool credential_allows(const struct credential *credential, const char *address);
