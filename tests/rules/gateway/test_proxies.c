#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proxies.h"

static struct proxies trusted(const char *text)
{
    struct proxies proxies;
    cr_assert(proxies_read(text, &proxies), "%s", text);
    return proxies;
}

Test(proxies, are_addresses_and_networks)
{
    cr_assert_eq(trusted("").n, 0);
    cr_assert_eq(trusted("192.0.2.7").n, 1);
    cr_assert_eq(trusted("192.0.2.7, 10.0.0.0/8,2001:db8::/32 ").n, 3);
    static const char *const refused[] = {
        ",", "10.0.0.0/8,", "10.0.0.1/8", "proxy.example", "10.0.0.0/33", "*"};
    struct proxies proxies;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(proxies_read(refused[i], &proxies), "%s", refused[i]);
    char many[PROXIES_MAX * 9 + 10] = "10.0.0.1";
    for (int i = 1; i < PROXIES_MAX; i++)
        strncat(many, ",10.0.0.1", sizeof many - strlen(many) - 1);
    cr_assert_eq(trusted(many).n, PROXIES_MAX);
    strncat(many, ",10.0.0.1", sizeof many - strlen(many) - 1);
    cr_assert_not(proxies_read(many, &proxies));
}

struct way {
    const char *peer, *first, *second; // lines; NULL: none
    const char *client;
};

Test(proxies, client_is_the_first_from_the_right_who_is_not_trusted)
{
    static const struct way ways[] = {
        {"203.0.113.9", NULL, NULL, "203.0.113.9"},
        {"203.0.113.9", "198.51.100.1", NULL, "203.0.113.9"}, // it is no proxy of ours
        {"10.0.0.1", NULL, NULL, "10.0.0.1"},
        {"10.0.0.1", "", NULL, "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1", NULL, "198.51.100.1"},
        {"10.0.0.1", "192.0.2.66, 198.51.100.1", NULL, "198.51.100.1"}, // spoofed
        {"10.0.0.1", "198.51.100.1, 10.2.2.2", NULL, "198.51.100.1"},
        {"10.0.0.1", "192.0.2.66,198.51.100.1 ,\t10.2.2.2", NULL, "198.51.100.1"},
        {"10.0.0.1", "192.0.2.66", "198.51.100.1", "198.51.100.1"}, // two lines are one list
        {"10.0.0.1", "198.51.100.1", "10.2.2.2", "198.51.100.1"},
        {"10.0.0.1", "10.3.3.3", "10.2.2.2", "10.3.3.3"}, // nobody but ours
        {"10.0.0.1", "198.51.100.1, nonsense", NULL, "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1, nonsense, 10.2.2.2", NULL, "10.2.2.2"},
        {"10.0.0.1", "198.51.100.1, , 10.2.2.2", NULL, "10.2.2.2"},
        {"10.0.0.1", "198.51.100.1,", NULL, "10.0.0.1"},
        {"10.0.0.1", "198.51.100.0/24", NULL, "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1/32", NULL, "10.0.0.1"},
        {"10.0.0.1", "unknown", NULL, "10.0.0.1"},
        {"10.0.0.1", "2001:DB8::0:1", NULL, "2001:db8::1"},
        {"10.0.0.1", "::ffff:198.51.100.1", NULL, "198.51.100.1"},
        {"::ffff:10.0.0.1", "198.51.100.1", NULL, "198.51.100.1"},
        {"fd00::5", "198.51.100.1", NULL, "198.51.100.1"},
        {"fe80::1%eth0", "198.51.100.1", NULL, "fe80::1%eth0"},
    };
    const struct proxies proxies = trusted("10.0.0.0/8, fd00::/8");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const char *lines[] = {ways[i].first, ways[i].second};
        char client[ADDRESS_TEXT_SIZE];
        size_t n = (size_t)(ways[i].first != NULL) + (ways[i].second != NULL);
        proxies_client(&proxies, ways[i].peer, lines, n, client);
        cr_expect_str_eq(client, ways[i].client, "%zu: %s", i, client);
    }
}

Test(proxies, count_a_customers_network_as_one)
{
    static const char *const cases[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2::", "2001:db8:1:2::/64"},
        {"somebody", "somebody"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char counted[ADDRESS_TEXT_SIZE];
        proxies_counted(cases[i][0], counted);
        cr_expect_str_eq(counted, cases[i][1]);
    }
}
