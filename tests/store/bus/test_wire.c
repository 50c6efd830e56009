#include <criterion/criterion.h>
#include <string.h>

#include "bus/bus.h"

Test(wire, carries_an_event_whole)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const struct event event = {.id = "evt_1",
                                .tenant_id = "t",
                                .type = "payment.created",
                                .object_id = "pay_1",
                                .payment_id = "pay_2",
                                .request_id = "req",
                                .traceparent = "00-1",
                                .sequence = 7,
                                .created_us = 1700000000123456,
                                .body = bytes_of_string("{}"),
                                .payload = {(const uint8_t *)"\0\1", 2}};
    struct event back;
    cr_assert_eq(event_unpack(arena, event_pack(arena, &event), &back), STATUS_OK);
    cr_assert_str_eq(back.id, "evt_1");
    cr_assert_str_eq(back.tenant_id, "t");
    cr_assert_str_eq(back.type, "payment.created");
    cr_assert_str_eq(back.object_id, "pay_1");
    cr_assert_str_eq(back.payment_id, "pay_2");
    cr_assert_str_eq(back.request_id, "req");
    cr_assert_str_eq(back.traceparent, "00-1");
    cr_assert_eq(back.sequence, 7);
    cr_assert_eq(back.created_us, event.created_us);
    cr_assert_eq(back.body.length, 2);
    cr_assert_eq(memcmp(back.payload.at, "\0\1", 2), 0);
    arena_free(arena);
}

Test(wire, refuses_what_is_malformed)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct event back;
    cr_assert_eq(event_unpack(arena, bytes_of_string("\xff\xff\xff"), &back),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_eq(event_unpack(arena, bytes_of_string(""), &back), STATUS_INVALID_ARGUMENT);
    struct arena *small = arena_new(16);
    const struct event event = {.id = "evt_1", .type = "a-type-that-does-not-fit"};
    cr_assert_null(event_pack(small, &event).at);
    arena_free(small);
    arena_free(arena);
}
