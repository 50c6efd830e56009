#include "text.h"

#include <criterion/criterion.h>

static const char *clean(struct arena *arena, const char *text, size_t length)
{
    return text_clean(arena, (struct bytes){(const uint8_t *)text, length});
}

Test(text, leaves_well_formed_text_alone)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const char *text = "ok \u00e9 \u20ac \U0001f600\n";
    cr_assert_str_eq(clean(arena, text, strlen(text)), text);
    cr_assert_str_eq(clean(arena, "", 0), "");
}

Test(text, puts_a_question_mark_for_what_is_not)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    cr_assert_str_eq(clean(arena, "a\0b", 3), "a?b");
    cr_assert_str_eq(clean(arena, "a\xff\xfe", 3), "a??");
    cr_assert_str_eq(clean(arena, "\xc0\xaf", 2), "??");
    cr_assert_str_eq(clean(arena, "cut \xe2\x82", 6), "cut ??");
}

Test(text, joins_its_parts)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    cr_assert_str_eq(text_join(arena, (const char *[]){"a", "", "bc", "d", NULL}), "abcd");
    cr_assert_str_eq(text_join(arena, (const char *[]){NULL}), "");
}
