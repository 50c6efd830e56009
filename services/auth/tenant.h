// A tenant: a merchant, to whom keys, payments and everything else belong. Rules only, no I/O.
#pragma once
#include "base/arena.h"
#include "base/problem.h"
#include "obol/auth/v1/auth.pb-c.h"

#define TENANT_PREFIX "ten"
#define NAME_CHARACTERS_MAX 100
#define RATE_PER_MIN_MAX 10000000LL
#define RATE_DEFAULT (-1LL) // the installation's

struct tenant {
    const char *id;
    const char *name;
    int64_t created_us;
    int64_t rate_per_min; // requests; 0: no limit; RATE_DEFAULT
};

// 1 to NAME_CHARACTERS_MAX characters of UTF-8, none of them a control character.
MUST_USE enum status name_check(const char *name, struct problem *problem);
// Fills *ret from a request, with a fresh id where none is given; borrows the request's strings.
MUST_USE enum status tenant_make(struct arena *arena,
                                 const Obol__Auth__V1__CreateTenantRequest *request,
                                 struct tenant *ret, struct problem *problem);
// What a request says of a rate: RATE_DEFAULT where it says nothing.
MUST_USE enum status tenant_read_rate(const Google__Protobuf__Int64Value *given, int64_t *ret,
                                      struct problem *problem);
// NULL when the arena is full.
Obol__Auth__V1__Tenant *tenant_message(struct arena *arena, const struct tenant *tenant);
// NULL when the arena is full.
Google__Protobuf__Timestamp *timestamp_message(struct arena *arena, int64_t unix_us);
