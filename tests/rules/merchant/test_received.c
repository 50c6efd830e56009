#include <criterion/criterion.h>
#include <stdio.h>

#include "received.h"

static struct receipts *receipts;

static void setup(void)
{
    receipts = receipts_new();
}

static void teardown(void)
{
    receipts_free(receipts);
}

TestSuite(received, .init = setup, .fini = teardown);

static void add(const char *id, bool verified, int status)
{
    struct received received = {.id = (char *)id,
                                .event = (char *)"payment.created",
                                .object_id = (char *)"pay_1",
                                .sequence = 1,
                                .verified = verified,
                                .status = status,
                                .body = bytes_of_string("{}")};
    cr_assert(receipts_add(receipts, &received));
}

Test(received, knows_what_was_verified_and_taken)
{
    add("evt_1", true, 200);
    add("evt_2", false, 401);
    add("evt_3", true, 503);
    cr_assert(receipts_knows(receipts, "evt_1"));
    cr_assert_not(receipts_knows(receipts, "evt_2"));
    cr_assert_not(receipts_knows(receipts, "evt_3"));
    cr_assert_not(receipts_knows(receipts, "evt_4"));
    cr_assert_str_eq((const char *)receipts_at(receipts, 1)->body.at, "{}");
    cr_assert_eq(receipts_at(receipts, 2)->index, 2);
}

Test(received, forgets_the_oldest_beyond_its_bound)
{
    char id[32];
    for (size_t i = 0; i < RECEIVED_MAX + 5; i++) {
        snprintf(id, sizeof id, "evt_%zu", i);
        add(id, true, 200);
    }
    cr_assert_eq(receipts_first(receipts), 5);
    cr_assert_eq(receipts_end(receipts), RECEIVED_MAX + 5);
    cr_assert_not(receipts_knows(receipts, "evt_4"));
    cr_assert(receipts_knows(receipts, "evt_5"));
    cr_assert_str_eq(receipts_at(receipts, RECEIVED_MAX + 4)->id, id);
}

Test(received, goes_on_counting_when_cleared)
{
    add("evt_1", true, 200);
    receipts_clear(receipts);
    cr_assert_not(receipts_knows(receipts, "evt_1"));
    add("evt_2", true, 200);
    cr_assert_eq(receipts_first(receipts), 1);
    cr_assert_eq(receipts_end(receipts), 2);
}
