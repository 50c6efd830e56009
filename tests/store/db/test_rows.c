#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

static struct test_database database;
static struct db *db;
static struct arena *arena;

static void setup(void)
{
    database = test_database_new();
    db = test_db_open(&database, "store", NULL);
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void teardown(void)
{
    arena_free(arena);
    db_free(db);
    test_database_drop(&database);
}

TestSuite(rows, .init = setup, .fini = teardown, .timeout = 60);

static struct db_rows *run(const char *text, struct db_params *params)
{
    struct db_rows *rows = NULL;
    cr_ok(db_run(db, arena, &(struct db_statement){"", text}, params, &rows));
    return rows;
}

Test(rows, give_back_every_scalar)
{
    struct db_params *params = db_params(arena);
    db_text(params, "grüße \"x\" {y,z}");
    db_int(params, INT64_MIN);
    db_bool(params, true);
    db_bool(params, false);
    db_time(params, 1700000000123456);
    db_bytea(params, (struct bytes){(const uint8_t *)"a\0b", 3});
    struct db_rows *rows = run("SELECT $1::text, $2::int8, $3::bool, $4::bool, $5::timestamptz,"
                               " $6::bytea, extract(epoch FROM $5::timestamptz)::text",
                               params);
    cr_assert_eq(db_count(rows), 1);
    cr_assert_str_eq(db_get_text(rows, 0, 0), "grüße \"x\" {y,z}");
    cr_assert_eq(db_get_int(rows, 0, 1), INT64_MIN);
    cr_assert(db_get_bool(rows, 0, 2));
    cr_assert_not(db_get_bool(rows, 0, 3));
    cr_assert_eq(db_get_time(rows, 0, 4), 1700000000123456);
    struct bytes bytes = db_get_bytea(rows, 0, 5);
    cr_assert_eq(bytes.length, 3);
    cr_assert_eq(memcmp(bytes.at, "a\0b", 3), 0);
    cr_assert_str_eq(db_get_text(rows, 0, 6), "1700000000.123456");
}

Test(rows, give_back_null_as_the_header_says)
{
    struct db_params *params = db_params(arena);
    db_text(params, NULL);
    db_time(params, DB_TIME_NULL);
    db_bytea(params, (struct bytes){0});
    struct db_rows *rows =
        run("SELECT $1::text, $2::timestamptz, $3::bytea, NULL::int8, NULL::bool,"
            " ''::bytea, ''::text",
            params);
    for (int column = 0; column < 5; column++)
        cr_assert(db_is_null(rows, 0, column));
    cr_assert_null(db_get_text(rows, 0, 0));
    cr_assert_eq(db_get_time(rows, 0, 1), DB_TIME_NULL);
    cr_assert_null(db_get_bytea(rows, 0, 2).at);
    cr_assert_eq(db_get_int(rows, 0, 3), 0);
    cr_assert_not(db_get_bool(rows, 0, 4));
    cr_assert_not(db_is_null(rows, 0, 5));
    cr_assert_eq(db_get_bytea(rows, 0, 5).length, 0);
    cr_assert_not_null(db_get_bytea(rows, 0, 5).at);
    cr_assert_str_eq(db_get_text(rows, 0, 6), "");
}

Test(rows, read_every_width_of_integer_and_kind_of_text)
{
    struct db_rows *rows =
        run("SELECT (-2)::int2, (-70000)::int4, 5000000000::int8, 'v'::varchar, 'c'::char(2),"
            " 'n'::name, '{\"a\": 1}'::json, timestamptz '-infinity', timestamptz 'infinity'",
            NULL);
    cr_assert_eq(db_get_int(rows, 0, 0), -2);
    cr_assert_eq(db_get_int(rows, 0, 1), -70000);
    cr_assert_eq(db_get_int(rows, 0, 2), 5000000000);
    cr_assert_str_eq(db_get_text(rows, 0, 3), "v");
    cr_assert_str_eq(db_get_text(rows, 0, 4), "c ");
    cr_assert_str_eq(db_get_text(rows, 0, 5), "n");
    cr_assert_str_eq(db_get_text(rows, 0, 6), "{\"a\": 1}");
    cr_assert_lt(db_get_time(rows, 0, 7), 0);
    cr_assert_eq(db_get_time(rows, 0, 8), INT64_MAX);
}

struct item {
    const char *text;
    int64_t number;
    bool flag;
    int64_t time_us;
    struct bytes bytes;
};

Test(rows, unnest_columns_of_structs_with_nulls)
{
    const struct item items[] = {
        {"one", -1, true, 1000001, {(const uint8_t *)"\0\1", 2}},
        {NULL, INT64_MAX, false, DB_TIME_NULL, {0}},
        {"", 0, true, 0, {(const uint8_t *)"", 0}},
    };
    struct db_params *params = db_params(arena);
    db_texts(params, 3, DB_COLUMN(items, text));
    db_ints(params, 3, DB_COLUMN(items, number));
    db_bools(params, 3, DB_COLUMN(items, flag));
    db_times(params, 3, DB_COLUMN(items, time_us));
    db_byteas(params, 3, DB_COLUMN(items, bytes));
    struct db_rows *rows = run("SELECT * FROM unnest($1::text[], $2::int8[], $3::bool[],"
                               " $4::timestamptz[], $5::bytea[])",
                               params);
    cr_assert_eq(db_count(rows), 3);
    for (size_t i = 0; i < 3; i++) {
        if (items[i].text)
            cr_assert_str_eq(db_get_text(rows, i, 0), items[i].text);
        else
            cr_assert(db_is_null(rows, i, 0));
        cr_assert_eq(db_get_int(rows, i, 1), items[i].number);
        cr_assert_eq(db_get_bool(rows, i, 2), items[i].flag);
        cr_assert_eq(db_get_time(rows, i, 3), items[i].time_us);
        cr_assert_eq(db_is_null(rows, i, 4), items[i].bytes.at == NULL);
        cr_assert_eq(db_get_bytea(rows, i, 4).length, items[i].bytes.length);
    }
}

Test(rows, pass_empty_arrays)
{
    const struct item items[1] = {0};
    struct db_params *params = db_params(arena);
    db_texts(params, 0, DB_COLUMN(items, text));
    db_ints(params, 0, DB_COLUMN(items, number));
    struct db_rows *rows = run("SELECT cardinality($1::text[]), cardinality($2::int8[])", params);
    cr_assert_eq(db_get_int(rows, 0, 0), 0);
    cr_assert_eq(db_get_int(rows, 0, 1), 0);
}

Test(rows, give_back_text_arrays)
{
    struct db_rows *rows = run("SELECT ARRAY['a', '', 'c,d'], '{}'::text[], NULL::text[]", NULL);
    size_t n = 99;
    const char **texts = db_get_texts(rows, 0, 0, arena, &n);
    cr_assert_eq(n, 3);
    cr_assert_str_eq(texts[0], "a");
    cr_assert_str_eq(texts[1], "");
    cr_assert_str_eq(texts[2], "c,d");
    cr_assert_not_null(db_get_texts(rows, 0, 1, arena, &n));
    cr_assert_eq(n, 0);
    n = 99;
    cr_assert_not_null(db_get_texts(rows, 0, 2, arena, &n));
    cr_assert_eq(n, 0);
}

Test(rows, count_what_a_write_touched)
{
    test_sql(db, arena, "CREATE TABLE t (n int8)");
    struct db_rows *rows = run("INSERT INTO t SELECT generate_series(1, 7)", NULL);
    cr_assert_eq(db_count(rows), 7);
    rows = run("UPDATE t SET n = n + 1 WHERE n > 4", NULL);
    cr_assert_eq(db_count(rows), 3);
    rows = run("DELETE FROM t WHERE n > 100", NULL);
    cr_assert_eq(db_count(rows), 0);
}

Test(rows, carry_large_batches_both_ways)
{
    enum { N = 20000 };
    char *text = arena_alloc(arena, 101);
    memset(text, 'x', 100);
    struct arena *large = arena_new(ARENA_CAP_BATCH);
    struct item *items = ARENA_ARRAY(large, N, struct item);
    for (size_t i = 0; i < N; i++)
        items[i] = (struct item){.text = text, .number = (int64_t)i};
    struct db_params *params = db_params(large);
    db_texts(params, N, DB_COLUMN(items, text));
    db_ints(params, N, DB_COLUMN(items, number));
    struct db_rows *rows;
    cr_ok(db_run(db, large,
                 &(struct db_statement){"", "SELECT * FROM unnest($1::text[], $2::int8[])"}, params,
                 &rows));
    cr_assert_eq(db_count(rows), N);
    cr_assert_eq(db_get_int(rows, N - 1, 1), N - 1);
    cr_assert_eq(strlen(db_get_text(rows, N - 1, 0)), 100);
    arena_free(large);
}

Test(rows, refuse_when_the_arena_is_full)
{
    struct arena *small = arena_new(2048);
    const char *texts[64];
    for (size_t i = 0; i < 64; i++)
        texts[i] = "0123456789012345678901234567890123456789012345678901234567890123456789";
    struct db_params *params = db_params(small);
    db_texts(params, 64, texts, sizeof *texts);
    db_int(params, 1); // ignored from now on
    cr_assert_eq(
        db_run(db, small, &(struct db_statement){"", "SELECT $1::text[], $2::int8"}, params, NULL),
        STATUS_RESOURCE_EXHAUSTED);
    while (arena_alloc(small, 64))
        ;
    while (arena_alloc(small, 1))
        ;
    struct db_params *none = db_params(small);
    db_int(none, 1);
    cr_assert_eq(db_run(db, arena, &(struct db_statement){"", "SELECT $1::int8"}, none, NULL),
                 STATUS_RESOURCE_EXHAUSTED);
    cr_ok(db_ping(db));
    arena_free(small);
}

Test(rows, assert_the_type_of_a_getter, .signal = SIGABRT)
{
    struct db_rows *rows = run("SELECT 'text'::text", NULL);
    (void)db_get_int(rows, 0, 0);
}

Test(rows, assert_the_bounds_of_a_row, .signal = SIGABRT)
{
    struct db_rows *rows = run("SELECT 1::int8", NULL);
    (void)db_get_int(rows, 1, 0);
}
