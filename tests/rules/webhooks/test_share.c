#include "share.h"

#include <criterion/criterion.h>

static const struct share_limits wide = {64, 16, 32};
static size_t turn;

Test(share, gives_what_is_due_when_there_is_room)
{
    struct waiting items[] = {{.tenant_id = "a", .endpoint_id = "1", .due = 3},
                              {.tenant_id = "b", .endpoint_id = "2", .due = 1}};
    cr_assert_eq(share_slots(items, 2, wide, &turn), 4);
    cr_assert_eq(items[0].allowed, 3);
    cr_assert_eq(items[1].allowed, 1);
}

Test(share, keeps_one_endpoint_from_taking_all)
{
    struct waiting items[] = {
        {.tenant_id = "a", .endpoint_id = "1", .due = 1000, .in_flight = 6, .tenant_in_flight = 6}};
    cr_assert_eq(share_slots(items, 1, wide, &turn), 10);
    cr_assert_eq(items[0].allowed, 10);
}

Test(share, keeps_one_tenant_from_taking_all)
{
    struct waiting items[5];
    for (int i = 0; i < 4; i++)
        items[i] = (struct waiting){.tenant_id = "a", .endpoint_id = "x", .due = 100};
    items[4] = (struct waiting){.tenant_id = "b", .endpoint_id = "y", .due = 100};
    cr_assert_eq(share_slots(items, 5, wide, &turn), 32 + 16);
    cr_assert_eq(items[4].allowed, 16);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(items[i].allowed, 8);
}

Test(share, lets_tenants_take_turns_when_slots_are_few)
{
    struct waiting items[] = {{.tenant_id = "a", .endpoint_id = "1", .due = 9},
                              {.tenant_id = "a", .endpoint_id = "2", .due = 9},
                              {.tenant_id = "a", .endpoint_id = "3", .due = 9},
                              {.tenant_id = "b", .endpoint_id = "4", .due = 9}};
    cr_assert_eq(share_slots(items, 4, (struct share_limits){4, 4, 4}, &turn), 4);
    cr_assert_eq(items[3].allowed, 2);
    cr_assert_eq(items[0].allowed, 1);
    cr_assert_eq(items[1].allowed, 1);
    cr_assert_eq(items[2].allowed, 0);
}

Test(share, gives_nothing_when_nothing_is_free_or_due)
{
    struct waiting items[] = {{.tenant_id = "a", .endpoint_id = "1", .due = 9, .allowed = 7}};
    cr_assert_eq(share_slots(items, 1, (struct share_limits){0, 4, 4}, &turn), 0);
    cr_assert_eq(items[0].allowed, 0);
    cr_assert_eq(share_slots(items, 0, wide, &turn), 0);
}

Test(share, goes_on_behind_the_last_that_got_a_slot)
{
    for (size_t i = 0; i < 7; i++) {
        struct waiting items[] = {{.tenant_id = "a", .endpoint_id = "1", .due = 9},
                                  {.tenant_id = "a", .endpoint_id = "2", .due = 9},
                                  {.tenant_id = "b", .endpoint_id = "3", .due = 9}};
        cr_assert_eq(share_slots(items, 3, (struct share_limits){1, 4, 4}, &turn), 1);
        cr_assert_eq(items[i % 3].allowed, 1, "%zu", i);
        cr_assert_eq(turn, (i + 1) % 3);
    }
}

Test(share, keeps_to_the_bounds_wherever_it_begins)
{
    for (size_t begin = 0; begin < 4; begin++) {
        struct waiting items[] = {
            {.tenant_id = "a", .endpoint_id = "1", .due = 9, .tenant_in_flight = 2},
            {.tenant_id = "a", .endpoint_id = "2", .due = 9, .in_flight = 2},
            {.tenant_id = "a", .endpoint_id = "3", .due = 9},
            {.tenant_id = "b", .endpoint_id = "4", .due = 9}};
        turn = begin;
        cr_assert_eq(share_slots(items, 4, (struct share_limits){64, 3, 6}, &turn), 4 + 3);
        cr_assert_leq(items[1].allowed, 1);
        cr_assert_eq(items[0].allowed + items[1].allowed + items[2].allowed, 4);
        cr_assert_eq(items[3].allowed, 3);
    }
}
