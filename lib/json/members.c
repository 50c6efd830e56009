#include "json/parse.h" // jansson before json.h

#include <stdlib.h>

#include "json/members.h"

struct walk {
    struct arena *arena;
    void (*visit)(void *context, const char *name, const char *text);
    void *context;
};

static json_t *json_of(const struct json_value *value)
{
    return (json_t *)value;
}

const struct json_value *json_member_of(const struct json_value *value, const char *name)
{
    return (const struct json_value *)json_object_get(json_of(value), name);
}

bool json_is_an_object(const struct json_value *value)
{
    return json_is_object(json_of(value));
}

static char *text_of(struct arena *arena, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    char *copy = arena_strdup(arena, text);
    free(text);
    return copy;
}

char *json_value_text(struct arena *arena, const struct json_value *value)
{
    return value ? text_of(arena, json_of(value)) : NULL;
}

static void leaf(const struct walk *walk, const char *name, const json_t *value)
{
    const char *text = json_string_value(value);
    if (!text && !json_is_null(value))
        text = text_of(walk->arena, value);
    if (text)
        walk->visit(walk->context, name, text);
}

// As deep as what was read, so at most JSON_DEPTH_MAX.
static void descend(const struct walk *walk, const char *prefix, json_t *value)
{
    const char *member;
    json_t *inner;
    size_t i;

    if (!prefix)
        return;
    if (json_is_object(value)) {
        json_object_foreach(value, member, inner)
            descend(walk, arena_printf(walk->arena, "%s[%s]", prefix, member), inner);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, inner)
            descend(walk, arena_printf(walk->arena, "%s[%zu]", prefix, i), inner);
    } else {
        leaf(walk, prefix, value);
    }
}

void json_leaves(struct arena *arena, const struct json_value *value, const char *prefix,
                 void (*visit)(void *context, const char *name, const char *text), void *context)
{
    const struct walk walk = {arena, visit, context};
    if (json_is_an_object(value))
        descend(&walk, prefix, json_of(value));
}
