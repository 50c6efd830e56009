#include "db/rows.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "db/params.h"

#define OID_NAME 19
#define OID_JSON 114
#define OID_BPCHAR 1042
#define OID_VARCHAR 1043
#define OID_TEXT_ARRAY 1009

size_t db_count(const struct db_rows *rows)
{
    if (PQresultStatus(rows->result) == PGRES_TUPLES_OK)
        return (size_t)PQntuples(rows->result);
    return strtoull(PQcmdTuples(rows->result), NULL, 10);
}

bool db_is_null(const struct db_rows *rows, size_t row, int column)
{
    assert(row < (size_t)PQntuples(rows->result));
    assert(column >= 0 && column < PQnfields(rows->result));
    return PQgetisnull(rows->result, (int)row, column);
}

// NULL for SQL NULL. libpq puts a NUL behind every value.
static const char *cell(const struct db_rows *rows, size_t row, int column)
{
    if (db_is_null(rows, row, column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, column);
}

static bool is_text(Oid type)
{
    return type == DB_OID_TEXT || type == OID_VARCHAR || type == OID_BPCHAR || type == OID_NAME ||
           type == OID_JSON;
}

const char *db_get_text(const struct db_rows *rows, size_t row, int column)
{
    assert(is_text(PQftype(rows->result, column)));
    return cell(rows, row, column);
}

static int64_t read_be64(const char *at)
{
    uint64_t be;
    memcpy(&be, at, sizeof be);
    return (int64_t)be64toh(be);
}

static int32_t read_be32(const char *at)
{
    uint32_t be;
    memcpy(&be, at, sizeof be);
    return (int32_t)be32toh(be);
}

int64_t db_get_int(const struct db_rows *rows, size_t row, int column)
{
    Oid type = PQftype(rows->result, column);
    assert(type == DB_OID_INT8 || type == DB_OID_INT4 || type == DB_OID_INT2);
    const char *at = cell(rows, row, column);
    if (!at)
        return 0;
    if (type == DB_OID_INT8)
        return read_be64(at);
    if (type == DB_OID_INT4)
        return read_be32(at);
    uint16_t be;
    memcpy(&be, at, sizeof be);
    return (int16_t)be16toh(be);
}

bool db_get_bool(const struct db_rows *rows, size_t row, int column)
{
    assert(PQftype(rows->result, column) == DB_OID_BOOL);
    const char *at = cell(rows, row, column);
    return at && at[0];
}

int64_t db_get_time(const struct db_rows *rows, size_t row, int column)
{
    assert(PQftype(rows->result, column) == DB_OID_TIMESTAMPTZ);
    const char *at = cell(rows, row, column);
    if (!at)
        return DB_TIME_NULL;
    // 'infinity' and '-infinity' are the ends of the range and would overflow.
    int64_t us = read_be64(at);
    return us > INT64_MAX - DB_EPOCH_US ? INT64_MAX : us + DB_EPOCH_US;
}

struct bytes db_get_bytea(const struct db_rows *rows, size_t row, int column)
{
    assert(PQftype(rows->result, column) == DB_OID_BYTEA);
    const char *at = cell(rows, row, column);
    if (!at)
        return (struct bytes){0};
    return (struct bytes){(const uint8_t *)at, (size_t)PQgetlength(rows->result, (int)row, column)};
}

const char **db_get_texts(const struct db_rows *rows, size_t row, int column, struct arena *arena,
                          size_t *ret_n)
{
    assert(PQftype(rows->result, column) == OID_TEXT_ARRAY);
    const char *at = cell(rows, row, column);
    size_t n = 0;
    if (at && read_be32(at) > 0) {
        assert(read_be32(at) == 1);
        n = (size_t)read_be32(at + 12);
    }
    const char **items = ARENA_ARRAY(arena, n, const char *);
    if (!items)
        return NULL;
    at += n > 0 ? 20 : 0;
    for (size_t i = 0; i < n; i++) {
        int32_t length = read_be32(at);
        assert(length >= 0);
        items[i] = arena_strndup(arena, at + 4, (size_t)length);
        if (!items[i])
            return NULL;
        at += 4 + length;
    }
    *ret_n = n;
    return items;
}
