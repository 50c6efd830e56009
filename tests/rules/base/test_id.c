#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"

Test(id, new_has_prefix_and_26_crockford_characters)
{
    struct id id = id_new("pay");
    cr_assert_eq(strlen(id.text), 4 + 26);
    cr_assert_eq(strncmp(id.text, "pay_", 4), 0);
    cr_assert_eq(strspn(id.text + 4, "0123456789abcdefghjkmnpqrstvwxyz"), 26);
    cr_assert(id_looks_like("pay", id.text));
}

Test(id, new_takes_the_longest_prefix)
{
    struct id id = id_new("twelve_chars");
    cr_assert_eq(strlen(id.text), ID_SIZE - 1);
}

Test(id, new_never_repeats)
{
    static struct id ids[2000];
    for (int i = 0; i < 2000; i++) {
        ids[i] = id_new("x");
        for (int k = 0; k < i; k++)
            cr_assert_str_neq(ids[i].text, ids[k].text);
    }
}

Test(id, new_keeps_the_order_of_one_thread)
{
    struct id last = id_new("evt");
    for (int i = 0; i < 100000; i++) {
        struct id next = id_new("evt");
        cr_assert_lt(strcmp(last.text, next.text), 0, "%s then %s", last.text, next.text);
        last = next;
    }
}

Test(id, new_carries_the_present_time)
{
    int64_t before_ms = clock_unix_us() / 1000;
    struct id id = id_new("pay");
    int64_t after_ms = clock_unix_us() / 1000;
    cr_assert(strcmp(id.text, id_floor("pay", before_ms).text) >= 0);
    cr_assert(strcmp(id.text, id_floor("pay", after_ms + 1).text) < 0);
}

Test(id, floor_writes_the_specifications_time_part)
{
    // The example of github.com/ulid/spec's reference implementation: 1469918176385 -> 01ARYZ6S41.
    cr_assert_str_eq(id_floor("a", 1469918176385).text, "a_01aryz6s410000000000000000");
    cr_assert_str_eq(id_floor("a", 0).text, "a_00000000000000000000000000");
}

Test(id, floor_stays_within_48_bits)
{
    cr_assert_str_eq(id_floor("a", -1).text, id_floor("a", 0).text);
    cr_assert_str_eq(id_floor("a", INT64_MAX).text, "a_7zzzzzzzzz0000000000000000");
}

Test(id, floor_sorts_bytewise_by_time)
{
    int64_t ms = 1;
    for (int i = 0; i < 47; i++, ms *= 2)
        cr_assert(strcmp(id_floor("a", ms - 1).text, id_floor("a", ms).text) < 0);
}

Test(id, looks_like_judges_the_shape)
{
    cr_assert(id_looks_like("order", "order_123"));
    cr_assert(id_looks_like("order", "order_A-b_9"));
    cr_assert_not(id_looks_like("order", "order_"));
    cr_assert_not(id_looks_like("order", "order"));
    cr_assert_not(id_looks_like("order", "orders_1"));
    cr_assert_not(id_looks_like("order", "pay_1"));
    cr_assert_not(id_looks_like("order", ""));
    cr_assert_not(id_looks_like("order", NULL));
    cr_assert_not(id_looks_like("order", "order_1 "));
    cr_assert_not(id_looks_like("order", "order_1/2"));
    cr_assert_not(id_looks_like("order", "order_\xc3\xa9"));
}

Test(id, looks_like_bounds_the_length)
{
    char text[ID_TEXT_MAX + 2];
    memset(text, 'a', sizeof(text));
    memcpy(text, "pay_", 4);
    text[ID_TEXT_MAX + 1] = '\0';
    cr_assert_not(id_looks_like("pay", text));
    text[ID_TEXT_MAX] = '\0';
    cr_assert(id_looks_like("pay", text));
}
