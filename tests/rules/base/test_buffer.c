#include <criterion/criterion.h>
#include <string.h>

#include "base/buffer.h"

Test(buffer, add_appends_and_terminates)
{
    CLEANUP(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, 1000);
    cr_assert_null(buffer.at);
    buffer_adds(&buffer, "a");
    buffer_add(&buffer, "bcd", 2);
    buffer_addf(&buffer, "%03d", 7);
    cr_assert_str_eq(buffer.at, "abc007");
    cr_assert_eq(buffer.length, 6);
    cr_assert_not(buffer.full);
    struct bytes view = buffer_bytes(&buffer);
    cr_assert_eq(view.length, 6);
    cr_assert_eq((const char *)view.at, buffer.at);
}

Test(buffer, add_takes_exactly_the_maximum)
{
    CLEANUP(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, 4);
    buffer_adds(&buffer, "abcd");
    cr_assert_not(buffer.full);
    buffer_add(&buffer, "", 0);
    cr_assert_not(buffer.full);
    buffer_adds(&buffer, "e");
    cr_assert(buffer.full);
    cr_assert_str_eq(buffer.at, "abcd");
}

Test(buffer, add_drops_whole_writes_once_full)
{
    CLEANUP(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, 4);
    buffer_adds(&buffer, "ab");
    buffer_addf(&buffer, "%s", "cde");
    cr_assert(buffer.full);
    buffer_adds(&buffer, "z");
    cr_assert_str_eq(buffer.at, "ab");
    buffer_clear(&buffer);
    cr_assert_not(buffer.full);
    cr_assert_str_eq(buffer.at, "");
    buffer_adds(&buffer, "z");
    cr_assert_str_eq(buffer.at, "z");
}

Test(buffer, add_grows_to_large_sizes)
{
    CLEANUP(buffer_deinit) struct buffer buffer;
    buffer_init(&buffer, 1 << 20);
    for (int i = 0; i < (1 << 20) / 4; i++)
        buffer_addf(&buffer, "%04d", i % 10000);
    cr_assert_not(buffer.full);
    cr_assert_eq(buffer.length, 1 << 20);
    cr_assert_eq(memcmp(buffer.at + 4 * 1234, "1234", 4), 0);
}

Test(buffer, clear_and_deinit_take_an_empty_buffer)
{
    struct buffer buffer;
    buffer_init(&buffer, 4);
    buffer_clear(&buffer);
    buffer_deinit(&buffer);
    buffer_deinit(&buffer);
    cr_assert_null(buffer.at);
}
