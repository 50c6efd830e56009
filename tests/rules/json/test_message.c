#include <criterion/criterion.h>
#include <string.h>

#include "obol/payments/v1/payments.pb-c.h"
#include "json/message.h"

typedef Obol__Payments__V1__Payment payment;
static const ProtobufCMessageDescriptor *const type = &obol__payments__v1__payment__descriptor;

static struct bytes packed_payment(struct arena *arena)
{
    payment *made = MESSAGE_NEW(arena, obol__payments__v1__payment, payment);
    made->id = "pay_1";
    made->order_id = "a text that needs some room, more than a full arena has left, certainly";
    return message_pack(arena, &made->base);
}

Test(message, comes_back_as_it_was)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const payment *read = (const void *)message_unpack(arena, type, packed_payment(arena));
    cr_assert_str_eq(read->id, "pay_1");
    cr_assert_not_null(strstr(read->order_id, "certainly"));
    cr_assert_not_null(message_unpack(arena, type, (struct bytes){NULL, 0}));
}

Test(message, is_null_when_the_arena_is_full)
{
    CLEANUP(arena_free) struct arena *full = arena_new(64);
    payment whole = OBOL__PAYMENTS__V1__PAYMENT__INIT;
    whole.order_id = "a text that needs some room, more than a full arena has left, certainly";
    while (arena_alloc(full, 1))
        ;
    cr_assert_null(MESSAGE_NEW(full, obol__payments__v1__payment, payment));
    cr_assert_null(message_pack(full, &whole.base).at);
}

Test(message, that_is_malformed_is_told_from_one_that_finds_no_memory)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct bytes packed = packed_payment(arena);
    cr_assert_null(message_unpack(arena, type, bytes_of_string("\xff\xff")));
    cr_assert_eq(message_unread(arena), STATUS_INVALID_ARGUMENT);
    const ProtobufCMessage *read = NULL;
    for (size_t cap = 16; !read; cap += 16) {
        CLEANUP(arena_free) struct arena *small = arena_new(cap);
        read = message_unpack(small, type, packed);
        cr_assert(read || message_unread(small) == STATUS_RESOURCE_EXHAUSTED, "%zu", cap);
    }
}
