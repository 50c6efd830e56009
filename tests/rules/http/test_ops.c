#include <criterion/criterion.h>

#include "http/ops.h"

Test(ops, splits_an_address)
{
    char host[16];
    uint16_t port = 0;
    cr_assert(ops_split_address("127.0.0.1:8000", host, sizeof host, &port));
    cr_expect_str_eq(host, "127.0.0.1");
    cr_expect_eq(port, 8000);
    cr_assert(ops_split_address("[::1]:0", host, sizeof host, &port));
    cr_expect_str_eq(host, "[::1]");
    cr_expect_eq(port, 0);
}

Test(ops, refuses_what_is_no_address)
{
    static const char *const refused[] = {
        "",      "localhost", "a:",   "a:65536",     "a:+80",
        "a: 80", "a:-1",      "a:8o", "a:080808080", "a-name-too-long-by-two:80"};
    char host[16];
    uint16_t port = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(ops_split_address(refused[i], host, sizeof host, &port), "%s", refused[i]);
}
