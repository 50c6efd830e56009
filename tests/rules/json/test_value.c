#include <criterion/criterion.h>
#include <string.h>

#include "json/json.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void tear_down(void)
{
    arena_free(arena);
}

TestSuite(value, .init = set_up, .fini = tear_down);

static const struct json_value *parsed(const char *text)
{
    const struct json_value *value = NULL;
    cr_assert_eq(json_parse(arena, bytes_of_string(text), &value), STATUS_OK);
    return value;
}

Test(value, finds_members_by_path)
{
    const struct json_value *value =
        parsed("{\"error\":{\"code\":\"declined\",\"n\":-3,\"ok\":true},"
               "\"items\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"f\":1.5,\"none\":null}");
    int64_t integer = 0;
    bool boolean = false;
    cr_assert_str_eq(json_get_string(value, "error.code"), "declined");
    cr_assert(json_get_integer(value, "error.n", &integer));
    cr_assert_eq(integer, -3);
    cr_assert(json_get_bool(value, "error.ok", &boolean));
    cr_assert(boolean);
    cr_assert_str_eq(json_get_string(value, "items.1.id"), "b");
}

Test(value, finds_nothing_when_absent_or_of_another_type)
{
    const struct json_value *value = parsed("{\"s\":\"x\",\"i\":1,\"f\":1.5,\"a\":[1]}");
    int64_t integer = 7;
    bool boolean = true;
    cr_assert_null(json_get_string(value, "i"));
    cr_assert_null(json_get_string(value, "no"));
    cr_assert_null(json_get_string(value, "s.deeper"));
    cr_assert_null(json_get_string(value, ""));
    cr_assert_not(json_get_integer(value, "f", &integer));
    cr_assert_not(json_get_integer(value, "s", &integer));
    cr_assert_not(json_get_integer(value, "a.1", &integer));
    cr_assert_not(json_get_integer(value, "a.x", &integer));
    cr_assert_not(json_get_integer(value, "a.", &integer));
    cr_assert_not(json_get_bool(value, "i", &boolean));
    cr_assert_eq(integer, 7);
    cr_assert(boolean);
}

Test(value, is_refused_when_malformed)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "5",
                                      "\"x\"",
                                      "{\"a\":1,\"a\":2}",
                                      "{} {}",
                                      "\xff",
                                      "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
                                      "{\"a\":\"\\u0000\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const struct json_value *value = NULL;
        cr_assert_eq(json_parse(arena, bytes_of_string(bad[i]), &value), STATUS_INVALID_ARGUMENT,
                     "%s", bad[i]);
        cr_assert_null(value);
    }
}

Test(value, reports_exhaustion_when_arena_is_full)
{
    struct arena *small = arena_new(1);
    const struct json_value *value = NULL;
    cr_assert_eq(json_parse(small, bytes_of_string("{}"), &value), STATUS_RESOURCE_EXHAUSTED);
    arena_free(small);
}
