// What the fields of a credential may be, and how a change of some of them is taken. Refusals name
// the field ("fields.api_key") and never its value. Pure.
#pragma once
#include "base/problem.h"
#include "providers/provider.h"
#include "setup/credential.h"

#define CREDENTIAL_VALUE_MAX 4096 // characters

struct field_change {
    const char *name, *value; // value "": it goes
};

struct field_rules {
    const struct provider *provider;
    bool live, allow_http;
};

struct field_values {
    char *json; // an object with all that are set: secrets in it, to be wiped
    const char **names;
    size_t n;
};
// What stood there before (NULL: nothing) with the changes made. Of a name that comes twice the
// last one counts.
MUST_USE enum status credential_fields_change(struct arena *arena, const struct field_rules *rules,
                                              const struct json_value *before,
                                              const struct field_change *changes, size_t n,
                                              struct field_values *ret, struct problem *problem);
