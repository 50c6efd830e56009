#include "db/params.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <string.h>

#define OID_BOOL_ARRAY 1000
#define OID_BYTEA_ARRAY 1001
#define OID_TEXT_ARRAY 1009
#define OID_INT8_ARRAY 1016
#define OID_TIMESTAMPTZ_ARRAY 1185

// ndim, flags, element type, dimension, lower bound
#define ARRAY_HEAD_BYTES 20

struct db_params *db_params(struct arena *arena)
{
    // Stands in when there is no memory for a real one; never written to.
    static struct db_params none = {.full = true};
    struct db_params *params = ARENA_NEW(arena, struct db_params);
    if (!params)
        return &none;
    params->arena = arena;
    return params;
}

static void add(struct db_params *params, Oid type, const void *value, size_t length)
{
    if (params->full)
        return;
    assert(params->n < DB_PARAMS_MAX);
    if (length > INT_MAX) {
        params->full = true;
        return;
    }
    params->types[params->n] = type;
    params->values[params->n] = value;
    params->lengths[params->n] = (int)length;
    params->n++;
}

static void *room(struct db_params *params, size_t bytes)
{
    if (params->full)
        return NULL;
    void *at = arena_alloc(params->arena, bytes);
    params->full = !at;
    return at;
}

static uint64_t time_be(int64_t unix_us)
{
    return htobe64((uint64_t)(unix_us - DB_EPOCH_US));
}

static void add_be64(struct db_params *params, Oid type, uint64_t be)
{
    void *at = room(params, sizeof be);
    if (at)
        add(params, type, memcpy(at, &be, sizeof be), sizeof be);
}

void db_text(struct db_params *params, const char *value)
{
    add(params, DB_OID_TEXT, value, value ? strlen(value) : 0);
}

void db_int(struct db_params *params, int64_t value)
{
    add_be64(params, DB_OID_INT8, htobe64((uint64_t)value));
}

void db_bool(struct db_params *params, bool value)
{
    add(params, DB_OID_BOOL, value ? "\1" : "\0", 1);
}

void db_time(struct db_params *params, int64_t unix_us)
{
    if (unix_us == DB_TIME_NULL)
        add(params, DB_OID_TIMESTAMPTZ, NULL, 0);
    else
        add_be64(params, DB_OID_TIMESTAMPTZ, time_be(unix_us));
}

void db_bytea(struct db_params *params, struct bytes value)
{
    add(params, DB_OID_BYTEA, value.at, value.at ? value.length : 0);
}

// --- Arrays: PostgreSQL's array_send form, one dimension, NULL elements as length -1.
struct array {
    uint8_t *start, *at;
};

static void put32(struct array *array, uint32_t value)
{
    uint32_t be = htonl(value);
    memcpy(array->at, &be, sizeof be);
    array->at += sizeof be;
}

static void put_item(struct array *array, const void *value, size_t length)
{
    put32(array, value ? (uint32_t)length : UINT32_MAX);
    if (value && length > 0)
        memcpy(array->at, value, length);
    array->at += value ? length : 0;
}

// items_bytes: of all elements, without their length words.
static bool array_start(struct db_params *params, struct array *array, Oid element, size_t n,
                        size_t items_bytes)
{
    if (n > INT_MAX / 8 || items_bytes > INT_MAX / 2)
        params->full = true;
    array->start = array->at = room(params, ARRAY_HEAD_BYTES + n * 4 + items_bytes);
    if (!array->start)
        return false;
    put32(array, n > 0 ? 1 : 0);
    put32(array, 1); // may hold NULLs
    put32(array, element);
    if (n > 0) {
        put32(array, (uint32_t)n);
        put32(array, 1);
    }
    return true;
}

static void array_end(struct db_params *params, struct array *array, Oid type)
{
    add(params, type, array->start, (size_t)(array->at - array->start));
}

static const void *item_at(const void *first, size_t i, size_t stride)
{
    return (const char *)first + i * stride;
}

void db_texts(struct db_params *params, size_t n, const char *const *first, size_t stride)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const char *const *item = item_at(first, i, stride);
        bytes += *item ? strlen(*item) : 0;
    }
    struct array array;
    if (!array_start(params, &array, DB_OID_TEXT, n, bytes))
        return;
    for (size_t i = 0; i < n; i++) {
        const char *const *item = item_at(first, i, stride);
        put_item(&array, *item, *item ? strlen(*item) : 0);
    }
    array_end(params, &array, OID_TEXT_ARRAY);
}

void db_ints(struct db_params *params, size_t n, const int64_t *first, size_t stride)
{
    struct array array;
    if (!array_start(params, &array, DB_OID_INT8, n, n * sizeof(int64_t)))
        return;
    for (size_t i = 0; i < n; i++) {
        uint64_t be = htobe64((uint64_t) * (const int64_t *)item_at(first, i, stride));
        put_item(&array, &be, sizeof be);
    }
    array_end(params, &array, OID_INT8_ARRAY);
}

void db_bools(struct db_params *params, size_t n, const bool *first, size_t stride)
{
    struct array array;
    if (!array_start(params, &array, DB_OID_BOOL, n, n))
        return;
    for (size_t i = 0; i < n; i++) {
        uint8_t item = *(const bool *)item_at(first, i, stride);
        put_item(&array, &item, sizeof item);
    }
    array_end(params, &array, OID_BOOL_ARRAY);
}

void db_times(struct db_params *params, size_t n, const int64_t *first, size_t stride)
{
    struct array array;
    if (!array_start(params, &array, DB_OID_TIMESTAMPTZ, n, n * sizeof(int64_t)))
        return;
    for (size_t i = 0; i < n; i++) {
        int64_t item = *(const int64_t *)item_at(first, i, stride);
        uint64_t be = item == DB_TIME_NULL ? 0 : time_be(item);
        put_item(&array, item == DB_TIME_NULL ? NULL : &be, sizeof be);
    }
    array_end(params, &array, OID_TIMESTAMPTZ_ARRAY);
}

void db_byteas(struct db_params *params, size_t n, const struct bytes *first, size_t stride)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += ((const struct bytes *)item_at(first, i, stride))->length;
    struct array array;
    if (!array_start(params, &array, DB_OID_BYTEA, n, bytes))
        return;
    for (size_t i = 0; i < n; i++) {
        const struct bytes *item = item_at(first, i, stride);
        put_item(&array, item->at, item->length);
    }
    array_end(params, &array, OID_BYTEA_ARRAY);
}
