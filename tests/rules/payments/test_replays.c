#include <criterion/criterion.h>

#include "callbacks/replays.h"

static struct sha256 digest(uint64_t i)
{
    return crypto_sha256(BYTES_OF_ARRAY(((uint64_t[]){i})));
}

Test(replays, are_told_within_the_window)
{
    struct replays *replays = replays_new(10);
    struct sha256 one = digest(1), other = digest(2);
    cr_assert_not(replays_seen(replays, &one, 1000));
    cr_assert(replays_note(replays, &one, 1000));
    cr_assert(replays_seen(replays, &one, 1000));
    cr_assert(replays_seen(replays, &one, 10999));
    cr_assert_not(replays_seen(replays, &other, 1000));
    replays_free(replays);
}

Test(replays, do_not_prolong_the_window)
{
    struct replays *replays = replays_new(10);
    struct sha256 one = digest(1);
    cr_assert(replays_note(replays, &one, 0));
    cr_assert_not(replays_note(replays, &one, 9999), "it is there");
    cr_assert_not(replays_seen(replays, &one, 10000), "counted from the first");
    cr_assert(replays_note(replays, &one, 10000));
    cr_assert(replays_seen(replays, &one, 19999));
    replays_free(replays);
}

Test(replays, are_not_remembered_without_a_window)
{
    struct replays *replays = replays_new(0);
    struct sha256 one = digest(1);
    cr_assert(replays_note(replays, &one, 5));
    cr_assert_not(replays_seen(replays, &one, 5));
    cr_assert(replays_note(replays, &one, 5));
    replays_free(replays);
}

Test(replays, forget_the_oldest_when_there_is_no_room)
{
    struct replays *replays = replays_new(1000);
    uint64_t n = 2 * REPLAYS_MAX + 100;
    for (uint64_t i = 0; i < n; i++) {
        struct sha256 one = digest(i);
        cr_assert(replays_note(replays, &one, (int64_t)i / 1000));
    }
    for (uint64_t i = 0; i < n; i++) {
        struct sha256 one = digest(i);
        cr_assert_eq(replays_seen(replays, &one, 200), i >= n - REPLAYS_MAX, "%lu", i);
    }
    replays_free(replays);
}
