#include <stdlib.h>
#include <string.h>

#include "json/parse.h"

// A json_value is jansson's json_t under a name that can leave this room.
static json_t *json_of(const struct json_value *value)
{
    return (json_t *)value;
}

static void tree_free(void *tree)
{
    json_decref(tree);
}

enum status json_parse(struct arena *arena, struct bytes text, const struct json_value **ret)
{
    struct problem problem;
    json_t *root = NULL;
    enum status status = json_load_strict(text, &root, &problem);

    if (status)
        return status == STATUS_INVALID_ARGUMENT ? status : STATUS_RESOURCE_EXHAUSTED;
    if (!json_is_object(root) && !json_is_array(root)) {
        json_decref(root);
        return STATUS_INVALID_ARGUMENT;
    }
    if (!arena_defer(arena, tree_free, root))
        return STATUS_RESOURCE_EXHAUSTED;
    *ret = (const struct json_value *)root;
    return STATUS_OK;
}

static json_t *item_at(const json_t *array, const char *segment, size_t length)
{
    if (length == 0 || strspn(segment, "0123456789") < length)
        return NULL;
    return json_array_get(array, strtoul(segment, NULL, 10));
}

static json_t *value_find(const struct json_value *value, const char *path)
{
    json_t *at = json_of(value);

    while (at) {
        size_t length = strcspn(path, ".");
        at = json_is_array(at) ? item_at(at, path, length) : json_object_getn(at, path, length);
        if (!path[length])
            break;
        path += length + 1;
    }
    return at;
}

const char *json_get_string(const struct json_value *value, const char *path)
{
    return json_string_value(value_find(value, path));
}

bool json_get_integer(const struct json_value *value, const char *path, int64_t *ret)
{
    const json_t *found = value_find(value, path);

    if (!json_is_integer(found))
        return false;
    *ret = json_integer_value(found);
    return true;
}

bool json_get_number(const struct json_value *value, const char *path, double *ret)
{
    const json_t *found = value_find(value, path);

    if (!json_is_number(found))
        return false;
    *ret = json_number_value(found);
    return true;
}

bool json_get_bool(const struct json_value *value, const char *path, bool *ret)
{
    const json_t *found = value_find(value, path);

    if (!json_is_boolean(found))
        return false;
    *ret = json_is_true(found);
    return true;
}
