#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"

static char order[8];
static size_t order_n;

static void note(void *argument)
{
    order[order_n++] = *(const char *)argument;
}

Test(arena, alloc_gives_zeroed_aligned_pieces)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    for (size_t bytes = 1; bytes < 5000; bytes += 7) {
        uint8_t *at = arena_alloc(arena, bytes);
        cr_assert_not_null(at);
        cr_assert_eq((uintptr_t)at % alignof(max_align_t), 0);
        for (size_t i = 0; i < bytes; i++)
            cr_assert_eq(at[i], 0);
        memset(at, 0xff, bytes);
    }
}

Test(arena, alloc_refuses_past_the_cap_and_goes_on_below_it)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(1024);
    cr_assert_null(arena_alloc(arena, 1025));
    cr_assert_null(arena_alloc(arena, SIZE_MAX));
    cr_assert_null(arena_alloc(arena, SIZE_MAX - 3));
    cr_assert_eq(arena_used(arena), 0);
    cr_assert_not_null(arena_alloc(arena, 1008));
    cr_assert_not_null(arena_alloc(arena, 16));
    cr_assert_eq(arena_used(arena), 1024);
    cr_assert_null(arena_alloc(arena, 1));
    cr_assert_null(arena_alloc(arena, 0));
}

Test(arena, alloc_counts_rounding_against_the_cap)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(20);
    cr_assert_not_null(arena_alloc(arena, 1));
    cr_assert_null(arena_alloc(arena, 3));
}

Test(arena, is_exhausted_from_its_first_refusal_until_it_is_reset)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(1024);
    cr_assert_not_null(arena_alloc(arena, 1024));
    cr_assert_not(arena_exhausted(arena));
    cr_assert_null(arena_alloc(arena, 1));
    cr_assert(arena_exhausted(arena));
    arena_reset(arena);
    cr_assert_not(arena_exhausted(arena));
    cr_assert_null(arena_array(arena, SIZE_MAX, 2));
    cr_assert(arena_exhausted(arena));
}

Test(arena, alloc_zero_bytes_gives_distinct_pointers)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(1024);
    void *one = arena_alloc(arena, 0), *two = arena_alloc(arena, 0);
    cr_assert_not_null(one);
    cr_assert_not_null(two);
    cr_assert_neq(one, two);
}

Test(arena, alloc_serves_a_piece_larger_than_any_block)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    uint8_t *large = arena_alloc(arena, 5 << 20);
    cr_assert_not_null(large);
    large[0] = large[(5 << 20) - 1] = 1;
    cr_assert_not_null(arena_alloc(arena, 2 << 20));
    cr_assert_null(arena_alloc(arena, 2 << 20));
}

Test(arena, array_refuses_overflow)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(1024);
    cr_assert_null(arena_array(arena, SIZE_MAX / 2, 3));
    cr_assert_not_null(ARENA_ARRAY(arena, 4, int64_t));
    cr_assert_not_null(ARENA_NEW(arena, int64_t));
}

Test(arena, reset_zeroes_and_gives_the_cap_back)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 1000; i++) {
            uint8_t *at = arena_alloc(arena, 512);
            cr_assert_not_null(at);
            cr_assert_eq(at[0] | at[511], 0, "turn %d", turn);
            memset(at, 0xee, 512);
        }
        arena_reset(arena);
        cr_assert_eq(arena_used(arena), 0);
    }
}

Test(arena, defer_runs_in_reverse_once)
{
    struct arena *arena = arena_new(1024);
    cr_assert(arena_defer(arena, note, "a"));
    cr_assert(arena_defer(arena, note, "b"));
    arena_reset(arena);
    cr_assert_str_eq(order, "ba");
    cr_assert(arena_defer(arena, note, "c"));
    arena_free(arena);
    cr_assert_str_eq(order, "bac");
}

Test(arena, defer_runs_at_once_when_full)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(8);
    cr_assert_not(arena_defer(arena, note, "x"));
    cr_assert_str_eq(order, "x");
}

Test(arena, free_takes_null)
{
    arena_free(NULL);
}

Test(arena, strings_are_copied_with_their_nul)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(1024);
    const char four[4] = {'a', 'b', 'c', 'd'};
    cr_assert_str_eq(arena_strdup(arena, "payment"), "payment");
    cr_assert_str_eq(arena_strdup(arena, ""), "");
    cr_assert_null(arena_strdup(arena, NULL));
    cr_assert_null(arena_strndup(arena, NULL, 3));
    cr_assert_str_eq(arena_strndup(arena, four, 4), "abcd");
    cr_assert_str_eq(arena_strndup(arena, "ab", 40), "ab");
    cr_assert_str_eq(arena_printf(arena, "%s-%d", "x", 42), "x-42");
    struct bytes copy = arena_copy(arena, (struct bytes){(const uint8_t *)four, 4});
    cr_assert_eq(copy.length, 4);
    cr_assert_str_eq((const char *)copy.at, "abcd");
    cr_assert_not_null(arena_copy(arena, (struct bytes){NULL, 0}).at);
}

Test(arena, strings_are_null_when_full)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(16);
    cr_assert_null(arena_strdup(arena, "longer than sixteen bytes"));
    cr_assert_null(arena_printf(arena, "%s", "longer than sixteen bytes"));
    cr_assert_null(arena_copy(arena, BYTES_OF_ARRAY("longer than sixteen bytes")).at);
    cr_assert_null(arena_copy(arena, (struct bytes){NULL, SIZE_MAX}).at);
    cr_assert_str_eq(arena_printf(arena, "%d", 7), "7");
}
