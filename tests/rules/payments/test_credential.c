#include <criterion/criterion.h>
#include <string.h>

#include "base/address_range.h"
#include "providers/provider.h"
#include "setup/credential.h"

static struct arena *arena;

static void begin(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(credential, .init = begin, .fini = end);

static struct credential credential_of(const char *json)
{
    struct credential credential = {.id = "cred_1"};
    cr_assert_eq(json_parse(arena, bytes_of_string(json), &credential.fields), STATUS_OK);
    return credential;
}

Test(credential, gives_nothing_for_what_is_absent)
{
    struct credential credential = credential_of("{\"api_key\":\"k\"}");
    struct credential bare = {.id = "default"};
    cr_assert_str_eq(credential_get(&credential, "api_key"), "k");
    cr_assert_str_eq(credential_get(&credential, "api_user"), "");
    cr_assert_str_eq(credential_get(&bare, "api_key"), "");
}

Test(credential, goes_to_its_own_host_first)
{
    struct provider provider = {.sandbox_url = "https://test.example",
                                .live_url = "https://live.example"};
    struct credential credential = credential_of("{}");
    cr_assert_str_eq(credential_base_url(&credential, &provider), "https://test.example");
    credential.live = true;
    cr_assert_str_eq(credential_base_url(&credential, &provider), "https://live.example");
    provider.live_url = NULL;
    cr_assert_str_eq(credential_base_url(&credential, &provider), "");
    credential = credential_of("{\"base_url\":\"https://own.example/x\"}");
    cr_assert_str_eq(credential_base_url(&credential, &provider), "https://own.example/x");
}

static bool allows(const char *ranges, const char *address)
{
    const char *json =
        json_object(arena, (struct json_member[]){JSON_S("callback_addresses", ranges), {0}});
    struct credential credential = credential_of(json);
    return credential_allows(&credential, address);
}

Test(credential, allows_every_address_when_it_names_none)
{
    struct credential credential = credential_of("{}");
    cr_assert(credential_allows(&credential, "192.0.2.1"));
    cr_assert(credential_allows(&credential, ""));
}

Test(credential, allows_only_the_addresses_that_it_names)
{
    const char *ranges = "198.51.100.7  192.0.2.128/25 2001:db8:8000::/33";
    static const char *const inside[] = {
        "198.51.100.7",    "192.0.2.128",         "192.0.2.255",       "2001:db8:8000::1",
        "2001:db8:ffff::", "::ffff:198.51.100.7", "::ffff:192.0.2.200"};
    static const char *const outside[] = {"198.51.100.8",   "198.51.100.70", "192.0.2.127",
                                          "2001:db8::1",    "2001:db9::",    "::c633:6407",
                                          "198.51.100.7.",  " 198.51.100.7", "",
                                          "198.51.100.0/24"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        cr_expect(allows(ranges, inside[i]), "%s", inside[i]);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        cr_expect_not(allows(ranges, outside[i]), "%s", outside[i]);
    cr_assert(allows("0.0.0.0/0", "203.0.113.9"));
    cr_assert_not(allows("0.0.0.0/0", "2001:db8::1"));
    cr_assert(allows("::ffff:192.0.2.0/120", "192.0.2.77"));
}

Test(address_range, refuses_what_is_neither_address_nor_network)
{
    static const char *const refused[] = {"",
                                          "x",
                                          "192.0.2",
                                          "192.0.2.1/33",
                                          "192.0.2.1/24",
                                          "192.0.2.0/",
                                          "192.0.2.0/-1",
                                          "192.0.2.0/ 24",
                                          "192.0.2.0/24x",
                                          "2001:db8::1/32",
                                          "::/129",
                                          "1.2.3.4/0032",
                                          "192.0.2.0/24/24",
                                          "fe80::1%eth0",
                                          "1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111"};
    struct address_range range;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect_not(address_range_parse(refused[i], strlen(refused[i]), &range), "%s",
                      refused[i]);
    cr_assert(address_range_parse("192.0.2.0/24 and more", 12, &range));
    cr_assert_eq(range.bits, 24);
}
