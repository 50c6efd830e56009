// One tenant's setup, read and opened. Private to setup.c.
#pragma once
#include <stdatomic.h>

#include "setup/setup.h"

struct held {
    struct setup setup; // first: a setup is a held
    atomic_size_t holders;
    struct arena *arena; // NULL: there is nothing that would need one
    char tenant_id[];
};

struct setup_source {
    const struct keyring *ring;
    const struct credential *simulator; // NULL: none
    const char *callback_base_url;      // "": none
};

// DATA_LOSS when a credential can't be opened: a setup without it would send payments elsewhere.
// *ret has one holder.
MUST_USE enum status setup_load(const struct setup_source *source, struct db *db,
                                const char *tenant_id, struct held **ret);
