#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "slices.h"

#define S NS_PER_S

static const struct slice_terms fast = {6000, 900, 2}; // a slice is 25
static const struct slice_terms slow = {60, 10, 2};    // a slice is 1
static struct slices *slices;
static int64_t returned;

static void setup(void)
{
    slices = slices_new();
}

static void teardown(void)
{
    slices_free(slices);
}

TestSuite(slices, .init = setup, .fini = teardown);

static struct slice *a_slice(void)
{
    return slices_find(slices, "tenant:a", S);
}

static void grant(struct slice *slice, int64_t granted, int64_t now_ns)
{
    slice_granted(
        slice,
        &(struct slice_grant){.granted = granted, .remaining = 7, .reset_ms = 1500, .next_ms = 200},
        now_ns);
}

static void lease(struct slice *slice, const struct slice_terms *terms, int64_t now_ns)
{
    slice->waiting_n = 1;
    int64_t wanted = slice_ask(slice, terms, now_ns, &returned);
    slice->waiting_n = 0;
    cr_assert_gt(wanted, 0);
    grant(slice, wanted, now_ns);
}

Test(slices, an_empty_one_waits_for_one_lease)
{
    struct slice *slice = a_slice();
    cr_assert_eq(slice_take(slice, &slow, S), SLICE_WAITS);
    cr_assert_eq(slice_ask(slice, &slow, S, &returned), 0); // nobody waits
    slice->waiting_n = 1;
    cr_assert_eq(slice_ask(slice, &slow, S, &returned), 1);
    cr_assert_eq(slice_ask(slice, &slow, S, &returned), 0); // one is under way
    grant(slice, 1, S);
    slice->waiting_n = 0;
    cr_assert_eq(slice_take(slice, &slow, S), SLICE_TAKEN);
    cr_assert_eq(slice_take(slice, &slow, S), SLICE_WAITS);
}

Test(slices, a_crowd_asks_for_what_it_needs)
{
    struct slice *slice = a_slice();
    slice->waiting_n = 80;
    cr_assert_eq(slice_ask(slice, &fast, S, &returned), 80);
}

Test(slices, are_asked_for_ahead_of_need)
{
    struct slice *slice = a_slice();
    lease(slice, &fast, S);
    int taken = 0;
    while (slice_ask(slice, &fast, S, &returned) == 0) {
        cr_assert_eq(slice_take(slice, &fast, S), SLICE_TAKEN);
        taken++;
    }
    cr_assert_eq(taken, 14); // 11 of 25 are left, and the next are on their way
    grant(slice, 25, S);
    for (int i = 0; i < 36; i++)
        cr_assert_eq(slice_take(slice, &fast, S), SLICE_TAKEN);
    cr_assert_eq(slice_take(slice, &fast, S), SLICE_WAITS);
}

Test(slices, are_spent_within_a_second_or_go_back)
{
    struct slice *slice = a_slice();
    lease(slice, &fast, S);
    cr_assert_eq(slice_take(slice, &fast, 2 * S - 1), SLICE_TAKEN);
    cr_assert_eq(slice_take(slice, &fast, 2 * S), SLICE_WAITS);
    slice->waiting_n = 1;
    cr_assert_eq(slice_ask(slice, &fast, 2 * S, &returned), 25);
    cr_assert_eq(returned, 24);
}

Test(slices, what_is_left_of_the_lease_before_keeps_its_own_time)
{
    struct slice *slice = a_slice();
    lease(slice, &fast, S);
    for (int i = 0; i < 15; i++)
        (void)slice_take(slice, &fast, S);
    cr_assert_eq(slice_ask(slice, &fast, S + S / 2, &returned), 25);
    grant(slice, 25, S + S / 2);
    cr_assert_eq(slice_take(slice, &fast, 2 * S), SLICE_TAKEN); // of the newer
    cr_assert_eq(slice->spare, 10);
    cr_assert_eq(slice->tokens, 24);
}

Test(slices, are_dry_until_the_bucket_has_more)
{
    struct slice *slice = a_slice();
    slice->waiting_n = 1;
    cr_assert_eq(slice_ask(slice, &slow, S, &returned), 1);
    grant(slice, 0, S);
    cr_assert_eq(slice_take(slice, &slow, S), SLICE_DRY);
    cr_assert_eq(slice_ask(slice, &slow, S, &returned), 0); // the auth service is left in peace
    cr_assert_eq(slice_retry_s(slice, &slow, S), 1);
    cr_assert_eq(slice_take(slice, &slow, S + 200 * NS_PER_MS), SLICE_WAITS);
}

Test(slices, tell_what_is_left)
{
    struct slice *slice = a_slice();
    lease(slice, &fast, S);
    cr_assert_eq(slice_remaining(slice), 7 + 25);
    cr_assert_eq(slice_reset_s(slice, S), 2);
    cr_assert_eq(slice_reset_s(slice, 10 * S), 0);
}

// 30 a minute for each of two loops, five at once.
Test(slices, go_on_with_their_share_while_nobody_leases)
{
    struct slice *slice = a_slice();
    slice->waiting_n = 1;
    cr_assert_eq(slice_ask(slice, &slow, S, &returned), 1);
    slice_failed(slice, S);
    slice->waiting_n = 0;
    for (int i = 0; i < 5; i++)
        cr_assert_eq(slice_take(slice, &slow, S), SLICE_TAKEN);
    cr_assert_eq(slice_take(slice, &slow, S), SLICE_DRY);
    cr_assert_eq(slice_retry_s(slice, &slow, S), 2);
    cr_assert_eq(slice_take(slice, &slow, 3 * S), SLICE_TAKEN);
    cr_assert_eq(slice_take(slice, &slow, 3 * S), SLICE_DRY);
    slice_give_back(slice, &slow, 3 * S);
    cr_assert_eq(slice_take(slice, &slow, 3 * S), SLICE_TAKEN);
    cr_assert_eq(slice_ask(slice, &slow, 2 * S - 1, &returned), 0);
    cr_assert_eq(slice_ask(slice, &slow, 2 * S, &returned), 1); // asks again every second
    cr_assert_eq(returned, 0);
    grant(slice, 1, 2 * S);
    cr_assert_eq(slice_take(slice, &slow, 2 * S), SLICE_TAKEN);
}

Test(slices, give_back_what_was_not_needed)
{
    struct slice *slice = a_slice();
    lease(slice, &slow, S);
    cr_assert_eq(slice_take(slice, &slow, S), SLICE_TAKEN);
    slice_give_back(slice, &slow, S);
    cr_assert_eq(slice_take(slice, &slow, S), SLICE_TAKEN);
    slice_give_back(slice, &slow, 5 * S);
    cr_assert_eq(slice_take(slice, &slow, 5 * S), SLICE_WAITS);
    cr_assert_eq(slice->spare, 1);
}

Test(slices, a_flood_of_names_forgets_who_was_idle_longest)
{
    char key[SLICE_KEY_SIZE];
    struct slice *busy = a_slice();
    lease(busy, &fast, S);
    busy->held = true;
    for (int i = 0; i < 10 * SLICES_MAX; i++) {
        snprintf(key, sizeof key, "failures:%d", i);
        cr_assert_not_null(slices_find(slices, key, 2 * S + i));
    }
    cr_assert_eq(slices_find(slices, "tenant:a", 3 * S)->tokens, 25); // not this one
    busy->held = false;
    for (int i = 0; i < 10 * SLICES_MAX; i++) {
        snprintf(key, sizeof key, "cards:%d", i);
        (void)slices_find(slices, key, 20 * S + i);
    }
    cr_assert_eq(slices_find(slices, "tenant:a", 30 * S)->tokens, 0);
}

Test(slices, have_no_room_where_all_are_in_use)
{
    char key[SLICE_KEY_SIZE], longest[SLICE_KEY_SIZE + 1];
    size_t none = 0;
    for (int i = 0; i < 4 * SLICES_MAX; i++) {
        snprintf(key, sizeof key, "failures:%d", i);
        struct slice *slice = slices_find(slices, key, S);
        none += slice == NULL;
        if (slice)
            slice->held = true;
    }
    cr_assert_eq(none, 3 * SLICES_MAX);
    memset(longest, 'a', SLICE_KEY_SIZE);
    longest[SLICE_KEY_SIZE] = '\0';
    cr_assert_null(slices_find(slices, longest, S));
}
