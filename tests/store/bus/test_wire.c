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
    const struct event both[] = {event, {.id = "evt_2", .type = "payment.created"}};
    struct event *events;
    size_t n;
    cr_assert_eq(events_unpack(arena, events_pack(arena, both, 2), &events, &n), STATUS_OK);
    cr_assert_eq(n, 2);
    cr_assert_str_eq(events[1].id, "evt_2");
    struct event back = events[0];
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
    struct event *back;
    size_t n;
    cr_assert_eq(events_unpack(arena, bytes_of_string("\xff\xff\xff"), &back, &n),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_eq(events_unpack(arena, bytes_of_string(""), &back, &n), STATUS_INVALID_ARGUMENT);
    const struct event nameless[] = {{.id = "evt_1", .type = "a"}, {.id = "", .type = "a"}};
    cr_assert_eq(events_unpack(arena, events_pack(arena, nameless, 2), &back, &n),
                 STATUS_INVALID_ARGUMENT);
    struct arena *small = arena_new(16);
    const struct event event = {.id = "evt_1", .type = "a-type-that-does-not-fit"};
    cr_assert_null(events_pack(small, &event, 1).at);
    arena_free(small);
    arena_free(arena);
}

// Who takes the one for the other throws away what is good.
Test(wire, tells_what_is_malformed_from_what_finds_no_memory)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const struct event event = {.id = "evt_1", .type = "payment.created"};
    struct bytes packed = events_pack(arena, &event, 1);
    struct event *back;
    size_t n, cap = 16;
    enum status status = STATUS_RESOURCE_EXHAUSTED;
    for (; status == STATUS_RESOURCE_EXHAUSTED && cap < 8192; cap += 16) {
        struct arena *small = arena_new(cap);
        status = events_unpack(small, packed, &back, &n);
        arena_free(small);
    }
    cr_assert_eq(status, STATUS_OK);
    cr_assert_gt(cap, 256);
    arena_free(arena);
}
