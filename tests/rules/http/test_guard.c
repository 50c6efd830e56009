#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

#include "guarded.h"

Test(guard, refuses_addresses_that_are_not_public)
{
    static const char *const refused[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.1", "100.127.255.255",
        "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1",
        "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::2", "::127.0.0.1", "::8.8.8.8",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::8.8.8.8", "100::1",
        "2001::1", "2001:2::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1",
        "2002:0a00:0001::", "3fff::1", "3fff:fff::1", "4000::1", "5f00::1", "fc00::1", "fd12::1",
        "fe80::1", "fec0::1", "ff02::1",
        // Teredo: a private server, then a client behind 192.168.0.1 (bits flipped)
        "2001:0:0a00:1:0:0:f7f7:f7f7", "2001:0:0808:0808:0:0:3f57:fffe"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        cr_expect_not(is_public(refused[i]), "%s", refused[i]);
}

Test(guard, allows_public_addresses)
{
    static const char *const allowed[] = {
        "1.1.1.1",          "8.8.8.8",         "9.255.255.255",
        "11.0.0.0",         "100.63.255.255",  "100.128.0.0",
        "126.255.255.255",  "128.0.0.1",       "172.15.255.255",
        "172.32.0.0",       "192.167.255.255", "192.169.0.0",
        "198.17.255.255",   "198.20.0.0",      "223.255.255.255",
        "2606:4700::1111",  "2a00:1450::1",    "2001:4860:4860::8888",
        "2001:200::1",      "3ffe:ffff::1",    "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:0:0808:0808:0:0:f7f7:f7f7"};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        cr_expect(is_public(allowed[i]), "%s", allowed[i]);
}

Test(guard, refuses_an_address_of_another_family)
{
    struct sockaddr address = {.sa_family = AF_UNIX};
    cr_assert_not(guard_address_public(&address));
}

Test(guard, refuses_urls_when_private_addresses_are_not_allowed)
{
    static const char *const refused[] = {"",
                                          "example.com",
                                          "/hook",
                                          "//example.com/",
                                          "ftp://example.com/",
                                          "file:///etc/passwd",
                                          "gopher://example.com/",
                                          "http://example.com/",
                                          "https:/example.com/",
                                          "https:///x",
                                          "https://",
                                          "https://user@example.com/",
                                          "https://user:pw@example.com/",
                                          "https://@example.com/",
                                          "https://example.com/#top",
                                          "https://example.com/#",
                                          "https://example.com/a b",
                                          "https://example.com/\n",
                                          "https://example.com\\@10.0.0.1/",
                                          "https://ex\xc3\xa4mple.com/",
                                          "https://example.com:0/",
                                          "https://example.com:65536/",
                                          "https://example.com:x/",
                                          "https://exa$mple.com/",
                                          "https://.example.com/",
                                          "https://example.com../",
                                          "https://127.0.0.1/",
                                          "https://127.0.0.1./",
                                          "https://127.1/",
                                          "https://0x7f.1/",
                                          "https://0x7f000001/",
                                          "https://2130706433/",
                                          "https://017700000001/",
                                          "https://0/",
                                          "https://[::1]/",
                                          "https://[::ffff:127.0.0.1]/",
                                          "https://[::ffff:7f00:1]/",
                                          "https://[fe80::1%25eth0]/",
                                          "https://169.254.169.254/latest/meta-data/",
                                          "https://%31%30.0.0.1/",
                                          "https://10.0.0.1:8443/hook",
                                          "https://[::1/"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct problem problem = {0};
        cr_expect_eq(guard_url(refused[i], false, &problem), STATUS_INVALID_ARGUMENT, "%s",
                     refused[i]);
        cr_expect_str_eq(problem.param, "url");
        cr_expect_str_eq(problem.code, "invalid_request");
        cr_expect_str_neq(problem.detail, "");
    }
}

Test(guard, allows_urls_of_public_hosts)
{
    static const char *const allowed[] = {"https://example.com",
                                          "https://example.com/hook?a=b&c=%20",
                                          "HTTPS://Example.COM:8443/x",
                                          "https://xn--exmple-cua.com/",
                                          "https://example.com./",
                                          "https://8.8.8.8/hook",
                                          "https://[2606:4700::1111]:8443/",
                                          "https://hook_1.example-shop.com/a@b:c"};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        struct problem problem = {0};
        cr_expect_eq(guard_url(allowed[i], false, &problem), STATUS_OK, "%s: %s", allowed[i],
                     problem.detail);
    }
}

Test(guard, allows_plain_and_private_urls_in_development_only)
{
    struct problem problem = {0};
    cr_expect_eq(guard_url("http://127.0.0.1:4000/webhook", true, &problem), STATUS_OK);
    cr_expect_eq(guard_url("http://[::1]:4000/webhook", true, &problem), STATUS_OK);
    cr_expect_eq(guard_url("http://u@127.0.0.1/", true, &problem), STATUS_INVALID_ARGUMENT);
    cr_expect_eq(guard_url("http://127.0.0.1/#x", true, &problem), STATUS_INVALID_ARGUMENT);
    cr_expect_eq(guard_url("ftp://127.0.0.1/", true, &problem), STATUS_INVALID_ARGUMENT);
    cr_expect_eq(guard_url(NULL, true, &problem), STATUS_INVALID_ARGUMENT);
}

Test(guard, refuses_a_url_that_is_too_long)
{
    char url[URL_MAX + 2] = "https://example.com/";
    memset(url + 20, 'a', sizeof url - 21);
    url[URL_MAX + 1] = '\0';
    struct problem problem = {0};
    cr_assert_eq(guard_url(url, false, &problem), STATUS_INVALID_ARGUMENT);
    url[URL_MAX] = '\0';
    cr_assert_eq(guard_url(url, false, &problem), STATUS_OK);
}
