#include <criterion/criterion.h>
#include <string.h>

#include "http/form.h"

static struct arena *arena;

static void setup(void)
{
    arena = arena_new((size_t)4 << 20);
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(form, .init = setup, .fini = teardown);

static const char *get(const char *body, const char *name)
{
    return http_form_get(arena, bytes_of_string(body), name);
}

Test(form, encodes_all_but_unreserved_characters)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"AZaz09-._~", "AZaz09-._~"},
        {"a b", "a%20b"},
        {"+&=%", "%2B%26%3D%25"},
        {"/?#[]@", "%2F%3F%23%5B%5D%40"},
        {"!$'()*,;:", "%21%24%27%28%29%2A%2C%3B%3A"},
        {"€", "%E2%82%AC"},
        {"\x7f\x80\xff\n", "%7F%80%FF%0A"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(http_encode(arena, cases[i][0]), cases[i][1]);
}

Test(form, writes_fields_in_order_without_those_that_are_null)
{
    const struct http_field fields[] = {{"none", NULL}, {"a", "1"},    {"gone", NULL},
                                        {"b c", "x y"}, {"empty", ""}, {"last", NULL}};
    cr_expect_str_eq(http_form_write(arena, fields, 6), "a=1&b%20c=x%20y&empty=");
    cr_expect_str_eq(http_form_write(arena, fields, 1), "");
    cr_expect_str_eq(http_form_write(arena, NULL, 0), "");
}

Test(form, writes_nothing_when_the_arena_is_full)
{
    CLEANUP(arena_free) struct arena *small = arena_new(16);
    const struct http_field fields[] = {{"name", "0123456789"}, {"more", "0123456789"}};
    cr_expect_null(http_form_write(small, fields, 2));
    cr_expect_null(http_encode(small, "                    "));
}

Test(form, reads_the_first_field_of_a_name)
{
    static const char body[] = "&&a=1&b=x+y%2B&a=2&empty=&bare&b%20c=3&d+e=4&k=v=w&&last=%E2%82%AC";
    cr_expect_str_eq(get(body, "a"), "1");
    cr_expect_str_eq(get(body, "b"), "x y+");
    cr_expect_str_eq(get(body, "empty"), "");
    cr_expect_str_eq(get(body, "bare"), "");
    cr_expect_str_eq(get(body, "b c"), "3");
    cr_expect_str_eq(get(body, "d e"), "4");
    cr_expect_str_eq(get(body, "k"), "v=w");
    cr_expect_str_eq(get(body, "last"), "€");
    cr_expect_null(get(body, "A"));
    cr_expect_null(get(body, "las"));
    cr_expect_null(get(body, "lastt"));
    cr_expect_null(get(body, "v"));
    cr_expect_null(get(body, ""));
    cr_expect_null(get("", "a"));
    cr_expect_str_eq(get("=v", ""), "v");
    cr_expect_str_eq(get("%61%62=1", "ab"), "1");
}

Test(form, refuses_a_malformed_value)
{
    static const char *const bad[] = {"a=%", "a=%2", "a=%zz", "a=x%00y", "a=%&a=1", "a=100%&b=1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_null(get(bad[i], "a"), "%s", bad[i]);
    cr_expect_str_eq(get("a=%&b=1", "b"), "1");
    cr_expect_str_eq(get("%6=0&ab=1", "ab"), "1");
    const struct bytes nul = {(const uint8_t *)"a=x\0y", 5};
    cr_expect_null(http_form_get(arena, nul, "a"));
}

Test(form, reads_no_further_than_the_body)
{
    const struct bytes body = {(const uint8_t *)"a=12345&b=6", 4};
    cr_expect_str_eq(http_form_get(arena, body, "a"), "12");
    cr_expect_null(http_form_get(arena, body, "b"));
    cr_expect_null(http_form_get(arena, (struct bytes){0}, "a"));
}

Test(form, reads_what_it_writes)
{
    char every[256];
    for (int i = 0; i < 255; i++)
        every[i] = (char)(i + 1);
    every[255] = '\0';
    const struct http_field fields[] = {{"plain", "x"}, {every, "named"}, {"every", every}};
    const char *body = http_form_write(arena, fields, 3);
    cr_assert_str_eq(get(body, "every"), every);
    cr_assert_str_eq(get(body, every), "named");
}

Test(form, sees_so_many_fields_and_no_more)
{
    char body[2 * HTTP_FORM_FIELDS_MAX + 8];
    for (size_t i = 0; i < HTTP_FORM_FIELDS_MAX; i++)
        memcpy(body + 2 * i, "x&", 2);
    memcpy(body + 2 * HTTP_FORM_FIELDS_MAX, "y=1", 4);
    cr_expect_null(get(body, "y"));
    cr_expect_str_eq(get(body + 2, "y"), "1");
}

Test(form, has_no_fields_when_the_body_is_too_long)
{
    uint8_t *body = arena_alloc(arena, HTTP_FORM_BYTES_MAX + 1);
    memset(body, 'x', HTTP_FORM_BYTES_MAX + 1);
    memcpy(body, "a=1&", 4);
    cr_expect_str_eq(http_form_get(arena, (struct bytes){body, HTTP_FORM_BYTES_MAX}, "a"), "1");
    cr_expect_null(http_form_get(arena, (struct bytes){body, HTTP_FORM_BYTES_MAX + 1}, "a"));
}

Test(form, strange_names_cost_the_arena_nothing)
{
    static const char body[] = "%78%78%78%78%78%78=1&aaaaaaaaaaaaaaaaaaaa=2&b=4";
    size_t before = arena_used(arena);
    cr_expect_null(get(body, "c"));
    cr_expect_eq(arena_used(arena), before);
}
