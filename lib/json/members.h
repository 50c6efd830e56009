// A JSON value whose member names nobody knows beforehand, as providers have them: to be passed on
// as it stands, or flattened. Everything else reads by path (json.h). Thread-safe.
#pragma once
#include "json/json.h"

// A member of an object, borrowed from it; NULL when there is none. The name is no path.
const struct json_value *json_member_of(const struct json_value *value, const char *name);
bool json_is_an_object(const struct json_value *value); // NULL is none
// Compact JSON text of any value. NULL when the arena is full, or for NULL.
char *json_value_text(struct arena *arena, const struct json_value *value);
// Calls visit for each string, number and boolean below an object, in order, named as a form has
// it: "prefix[member][0]". Text as it is, numbers and booleans as JSON has them; null is left out.
// What no longer fits into the arena is left out.
void json_leaves(struct arena *arena, const struct json_value *value, const char *prefix,
                 void (*visit)(void *context, const char *name, const char *text), void *context);
