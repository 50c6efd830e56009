#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "json/members.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void tear_down(void)
{
    arena_free(arena);
}

TestSuite(members, .init = set_up, .fini = tear_down);

static const struct json_value *parsed(const char *text)
{
    const struct json_value *value = NULL;
    cr_assert_eq(json_parse(arena, bytes_of_string(text), &value), STATUS_OK);
    return value;
}

Test(members, are_found_by_name_and_not_by_path)
{
    const struct json_value *value = parsed("{\"a.b\":{\"x\":1},\"a\":{\"b\":[]},\"n\":null}");
    cr_assert(json_is_an_object(json_member_of(value, "a.b")));
    cr_assert_not(json_is_an_object(json_member_of(json_member_of(value, "a"), "b")));
    cr_assert_not(json_is_an_object(json_member_of(value, "n")));
    cr_assert_null(json_member_of(value, "c"));
    cr_assert_null(json_member_of(json_member_of(value, "c"), "d"));
    cr_assert_null(json_member_of(parsed("[1]"), "0"));
    cr_assert_not(json_is_an_object(NULL));
}

Test(members, are_written_as_they_were_read)
{
    static const char text[] = "{\"z\":{\"b\":[1,\"\xc3\xa9\",null,true],\"a\":{}},\"n\":-1}";
    const struct json_value *value = parsed(text);
    cr_assert_str_eq(json_value_text(arena, value), text);
    cr_assert_str_eq(json_value_text(arena, json_member_of(value, "n")), "-1");
    cr_assert_str_eq(json_value_text(arena, json_member_of(json_member_of(value, "z"), "a")), "{}");
    cr_assert_null(json_value_text(arena, NULL));
}

static void append(void *context, const char *name, const char *text)
{
    char *out = context;
    size_t length = strlen(out);
    snprintf(out + length, 512 - length, "%s=%s;", name, text);
}

Test(members, are_flattened_as_forms_have_them)
{
    char out[512] = "";
    json_leaves(arena,
                parsed("{\"a\":\"x y\",\"b\":{\"c\":[7,true,{\"d\":0.1}],\"none\":null},\"e\":{}}"),
                "data", append, out);
    cr_assert_str_eq(out, "data[a]=x y;data[b][c][0]=7;data[b][c][1]=true;data[b][c][2][d]=0.1;");
}

Test(members, of_what_is_no_object_are_none)
{
    char out[512] = "";
    json_leaves(arena, parsed("[1,2]"), "data", append, out);
    json_leaves(arena, NULL, "data", append, out);
    cr_assert_str_eq(out, "");
}

Test(members, that_do_not_fit_are_left_out)
{
    const struct json_value *value = parsed("{\"a\":1}");
    struct arena *small = arena_new(1);
    char out[512] = "";
    json_leaves(small, value, "data", append, out);
    cr_assert_str_eq(out, "");
    cr_assert_null(json_value_text(small, value));
    arena_free(small);
}
