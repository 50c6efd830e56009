// Who gets the free slots: tenants take turns, and within a tenant its endpoints, so that neither a
// tenant with many endpoints nor an endpoint with a long queue, or one that hangs, takes them all.
// No I/O.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiting {
    const char *tenant_id, *endpoint_id;
    int64_t due;              // deliveries that could go now
    int64_t first_us;         // no delivery of this endpoint was due earlier
    bool lost;                // the lease of an attempt has run out
    int64_t in_flight;        // of this endpoint
    int64_t tenant_in_flight; // of the whole tenant, in its first item
    int64_t allowed;          // out: how many to claim
    size_t turn, of_tenant;   // scratch
};

struct share_limits {
    int64_t free_slots, per_endpoint, per_tenant;
};

// items are sorted by tenant and endpoint. *turn: whose turn it is; afterwards, who comes behind
// the last that got a slot. Returns how many slots were given.
int64_t share_slots(struct waiting *items, size_t n, struct share_limits limits, size_t *turn);
