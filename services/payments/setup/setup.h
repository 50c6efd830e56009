// What a tenant has arranged: credentials at providers, routes, limits. Read from the database when
// first asked for, opened, and kept for SETUP_FRESH_MS; changed by others within that time.
//
// A struct setup is immutable and counted: whoever got it holds it until setup_release, in any
// thread. The cache is thread-safe; loading happens on the caller's connection, outside a
// transaction or in it.
#pragma once
#include "crypto/crypto.h"
#include "db/db.h"
#include "setup/credential.h"

#define SETUP_FRESH_MS 1000
#define SETUP_CREDENTIALS_MAX 50
#define SETUP_ROUTES_MAX 200
#define SETUP_LIMITS_MAX 50

struct providers;

// Where payments go. Routes are tried in their order; the first that fits.
struct route {
    const char *id;                 // route_…
    int64_t place;                  // lowest first
    const char *method;             // "mobile_money"
    const char *currency;           // "": any
    const char *network;            // "": any
    int64_t amount_min, amount_max; // minor units; 0: no bound
    const char *credential_id;
};

struct limit {
    const char *currency;
    int64_t minimum, maximum; // of a payment; 0: none
    int64_t daily;            // of a day (UTC); 0: none
    int64_t review_above;     // a person looks at larger ones first; 0: never
};

struct setup {
    const char *tenant_id;
    // New payments move real money: live credentials alone take them, never the simulator. Else the
    // simulator and credentials for tests do. By the tenant's mode; where none is settled, by what
    // its credentials are.
    bool live;
    bool mode_settled;
    const struct credential *credentials;
    size_t credentials_n;
    const struct route *routes; // by place
    size_t routes_n;
    const struct limit *limits;
    size_t limits_n;
    const struct credential *simulator; // NULL: none, or live
};

struct setups;
struct setups *setups_new(const struct keyring *ring, const struct providers *providers,
                          const char *callback_base_url);
void setups_free(struct setups *setups); // NULL is fine
// *ret is held by the caller until setup_release.
MUST_USE enum status setups_get(struct setups *setups, struct db *db, const char *tenant_id,
                                const struct setup **ret);
// The setup whose credential this is; NOT_FOUND where there is none of that id and provider.
MUST_USE enum status setups_find(struct setups *setups, struct db *db, const char *provider,
                                 const char *credential_id, const struct setup **ret,
                                 const struct credential **ret_credential);
void setup_release(const struct setup *setup); // NULL is fine
// After a change by this process: the next setups_get reads.
void setups_forget(struct setups *setups, const char *tenant_id);

// NULL when there is none of that id. Disabled ones are found: what was begun with them goes on.
const struct credential *setup_credential(const struct setup *setup, const char *id);
const struct limit *setup_limit(const struct setup *setup, const char *currency); // NULL: none
