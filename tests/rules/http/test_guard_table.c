#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "guarded.h"

// The ranges of the IANA special-purpose registries that no webhook may reach: refused from first
// to last, allowed just below and just above where that is not another such range.
struct range {
    const char *first, *last, *below, *above;
};

static const struct range ranges4[] = {
    {"0.0.0.0", "0.255.255.255", NULL, "1.0.0.0"}, // this network, unspecified
    {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
    {"100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0"}, // Alibaba: 100.100.100.200
    {"127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0"},
    {"168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17"}, // Azure's platform
    {"169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0"}, // 169.254.169.254
    {"172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0"},
    {"192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0"},
    {"192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0"},          // documentation
    {"192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0"}, // 6to4 relays
    {"192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0"},
    {"198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0"},    // benchmarking
    {"198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0"}, // documentation
    {"203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"},    // documentation
    {"224.0.0.0", "239.255.255.255", "223.255.255.255", NULL},           // multicast
    {"240.0.0.0", "255.255.255.255", NULL, NULL},                        // reserved, broadcast
    {"100.100.100.200", "100.100.100.200", NULL, NULL},
    {"169.254.169.254", "169.254.170.2", NULL, NULL}, // instances, containers
};

#define REST ":ffff:ffff:ffff:ffff:ffff:ffff"

static const struct range ranges6[] = {
    {"::", "::1", NULL, NULL},                                         // unspecified, loopback
    {"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, NULL}, // NAT64 of one's own
    {"100::", "100::ffff:ffff:ffff:ffff", NULL, NULL},                 // discard
    {"::2", "1fff:ffff" REST, NULL, "2000::"},                         // not unicast of the world
    {"2001:1::", "2001:1ff" REST, "2000:ffff" REST, "2001:200::"},     // protocols
    {"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", NULL, NULL},     // benchmarking
    {"2001:10::", "2001:2f" REST, NULL, NULL},                         // ORCHID
    {"2001:db8::", "2001:db8" REST, "2001:db7" REST, "2001:db9::"},    // documentation
    {"3fff::", "3fff:fff" REST, "3ffe:ffff" REST, "3fff:1000::"},      // documentation
    {"4000::", "fbff:ffff" REST, "3fff:ffff" REST, NULL},
    {"5f00::", "5f00:ffff" REST, NULL, NULL},      // segment routing
    {"fc00::", "fdff:ffff" REST, NULL, NULL},      // unique local
    {"fd00:ec2::254", "fd20:ce::254", NULL, NULL}, // metadata services: EC2, Google
    {"fe80::", "febf:ffff" REST, NULL, NULL},      // link-local
    {"fec0::", "feff:ffff" REST, NULL, NULL},      // site-local
    {"ff00::", "ffff:ffff" REST, NULL, NULL},      // multicast
};

static enum status judge(const char *url)
{
    struct problem problem = {0};
    enum status status = guard_url(url, false, &problem);
    cr_expect(status == STATUS_OK || strcmp(problem.param, "url") == 0, "%s", url);
    return status;
}

static void expect_address(const char *text, bool allowed)
{
    char url[128];
    if (!text)
        return;
    cr_expect_eq(is_public(text), allowed, "%s", text);
    snprintf(url, sizeof url, strchr(text, ':') ? "https://[%s]/" : "https://%s/hook", text);
    cr_expect_eq(judge(url), allowed ? STATUS_OK : STATUS_INVALID_ARGUMENT, "%s", url);
}

static void expect_range(const struct range *range)
{
    expect_address(range->first, false);
    expect_address(range->last, false);
    expect_address(range->below, true);
    expect_address(range->above, true);
}

Test(guard_table, refuses_each_range_to_its_edges)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof ranges4[0]; i++)
        expect_range(&ranges4[i]);
    for (size_t i = 0; i < sizeof ranges6 / sizeof ranges6[0]; i++)
        expect_range(&ranges6[i]);
}

// An IPv4 address in each of the IPv6 addresses that lead to it.
static void expect_embedded(const char *text, bool allowed)
{
    struct in_addr in;
    if (!text)
        return;
    cr_assert_eq(inet_pton(AF_INET, text, &in), 1, "%s", text);
    uint32_t a = ntohl(in.s_addr), high = a >> 16, low = a & 0xffff;
    uint32_t high_flipped = high ^ 0xffff, low_flipped = low ^ 0xffff;
    char forms[8][64];
    snprintf(forms[0], sizeof forms[0], "::ffff:%s", text);                    // mapped
    snprintf(forms[1], sizeof forms[1], "64:ff9b::%s", text);                  // NAT64
    snprintf(forms[2], sizeof forms[2], "2002:%x:%x::1", high, low);           // 6to4
    snprintf(forms[3], sizeof forms[3], "2001:0:%x:%x::f7f7:f7f7", high, low); // Teredo's server
    snprintf(forms[4], sizeof forms[4], "2001:0:808:808::%x:%x", high_flipped, low_flipped);
    for (int i = 0; i < 5; i++)
        expect_address(forms[i], allowed);
    snprintf(forms[5], sizeof forms[5], "::%x:%x", high, low); // IPv4-compatible, long gone
    snprintf(forms[6], sizeof forms[6], "::ffff:0:%s", text);  // IPv4-translated
    snprintf(forms[7], sizeof forms[7], "64:ff9b:1::%s", text);
    for (int i = 5; i < 8; i++)
        expect_address(forms[i], false);
}

Test(guard_table, judges_an_embedded_address_by_itself)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof ranges4[0]; i++) {
        expect_embedded(ranges4[i].first, false);
        expect_embedded(ranges4[i].last, false);
        expect_embedded(ranges4[i].below, true);
        expect_embedded(ranges4[i].above, true);
    }
}

// What takes many forms is judged as what it leads to.
static const char *const refused_hosts[] = {
    // decimal, octal, hexadecimal, short
    "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "0x7F.1", "127.1",
    "127.0.1", "00000177.1", "0x0a.9.8.7", "10.1", "012.0.0.1", "3232235777", "0xc0a80101",
    "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "0", "0.0", "4294967295",
    "0xffffffff",
    // percent-encoded
    "%31%32%37.0.0.1", "%31%30.0.0.1", "127%2e0%2e0%2e1", "%5b::1%5d", "example.com%2f@127.0.0.1",
    "exa%00mple.com", "exa%0ample.com", "exa%20mple.com", "127.0.0.1%00.example.com",
    // trailing dots
    "127.0.0.1.", "127.1.", "2130706433.", "0x7f.1.", "127.0.0.1..", "example.com..", ".", "..",
    // zones, brackets
    "[fe80::1%25lo]", "[fe80::1%25]", "[fe80::1%lo]", "[::1%251]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[::0001]", "[::FFFF:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0x7f.1]", "[127.0.0.1]",
    "[v1.::1]", "[::1", "::1", "::1]", "[]", "[::1]x", "[[::1]]",
    // user information, and what looks like it
    "user@example.com", "user:password@example.com", "@example.com", ":@example.com",
    "example.com:443@10.0.0.1", "example.com%40@10.0.0.1", "user@127.0.0.1",
    // other digits, dots and letters: IDNA would make 127.0.0.1 of them
    "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1",
    "127\xe3\x80\x82"
    "0\xe3\x80\x82"
    "0\xe3\x80\x82"
    "1",
    "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1", "ex\xc3\xa4mple.com",
    "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1", "127%E3%80%820.0.1", "%E2%91%A0.1", "local\xc2\xadhost",
    // no host at all, or no host name
    "", ":443", "?x", "#x", ".example.com", "exa mple.com", "exa\tmple.com", "exa\\mple.com",
    "example.com\\@10.0.0.1", "exa$mple.com", "exa,mple.com", "exa*mple.com", "exa<mple.com",
    "exa|mple.com", "exa^mple.com", "{example.com}",
    // ports that are none
    "example.com:0", "example.com:00", "example.com:65536", "example.com:4294967739",
    "example.com:-1", "example.com:+443", "example.com:x", "example.com:443x", "example.com:4 43",
    "example.com:443:443", "example.com:0x1bb", "10.0.0.1:8443", "[::1]:8443"};

static const char *const allowed_hosts[] = {
    "example.com", "EXAMPLE.com", "example.com.", "example.com:443", "example.com:8443",
    "example.com:1024", "example.com:65535", "xn--exmple-cua.com", "hook_1.example-shop.com",
    "8.8.8.8", "8.8.8.8:8443", "134744072", "0x08.8.8.8", "010.8.8.8", "8.8.2056", "%38.8.8.8",
    "[2606:4700::1111]", "[2606:4700:0:0:0:0:0:1111]:8443", "[::ffff:8.8.8.8]",
    // names, judged by their addresses when they are called
    "localhost", "metadata.google.internal", "127.0.0.1.example.com", "256.256.256.256",
    "4294967296"};

Test(guard_table, judges_each_form_of_a_host)
{
    char url[256];
    for (size_t i = 0; i < sizeof refused_hosts / sizeof refused_hosts[0]; i++) {
        snprintf(url, sizeof url, "https://%s/hook", refused_hosts[i]);
        cr_expect_eq(judge(url), STATUS_INVALID_ARGUMENT, "%s", url);
        snprintf(url, sizeof url, "HttpS://%s", refused_hosts[i]);
        cr_expect_eq(judge(url), STATUS_INVALID_ARGUMENT, "%s", url);
    }
    for (size_t i = 0; i < sizeof allowed_hosts / sizeof allowed_hosts[0]; i++) {
        snprintf(url, sizeof url, "https://%s/hook", allowed_hosts[i]);
        cr_expect_eq(judge(url), STATUS_OK, "%s", url);
        snprintf(url, sizeof url, "hTTps://%s", allowed_hosts[i]);
        cr_expect_eq(judge(url), STATUS_OK, "%s", url);
    }
}

Test(guard_table, refuses_every_other_scheme)
{
    static const char *const schemes[] = {
        "http",       "file",  "ftp",  "ftps", "sftp", "scp",    "gopher", "gophers", "dict",
        "ldap",       "ldaps", "smb",  "smbs", "imap", "pop3",   "smtp",   "telnet",  "tftp",
        "rtsp",       "rtmp",  "mqtt", "ws",   "wss",  "data",   "jar",    "php",     "expect",
        "javascript", "git",   "ssh",  "",     "htt",  "httpsx", "s",      "1",       "http+unix"};
    char url[128];
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        snprintf(url, sizeof url, "%s://example.com/hook", schemes[i]);
        cr_expect_eq(judge(url), STATUS_INVALID_ARGUMENT, "%s", url);
    }
    static const char *const shapes[] = {
        "https:example.com",     "https:/example.com",  "https:///example.com",
        "https:////example.com", "//example.com",       "example.com",
        " https://example.com",  "\thttps://a.example", "https ://example.com",
        "https://example.com/ ", "https:\\\\a.example", "url:https://example.com"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        cr_expect_eq(judge(shapes[i]), STATUS_INVALID_ARGUMENT, "%s", shapes[i]);
}

Test(guard_table, refuses_ports_of_other_services)
{
    // WHATWG Fetch, "port blocking", as of 2025.
    static const int refused[] = {
        1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,   37,
        42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,  110,
        111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,  389,  427,
        465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,  563,
        587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045, 4190,
        5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};
    size_t n = sizeof refused / sizeof refused[0], refused_n = 0;
    char url[64];
    for (int port = 1; port <= UINT16_MAX; port++) {
        bool listed = false;
        for (size_t i = 0; i < n; i++)
            listed = listed || refused[i] == port;
        cr_assert_eq(guard_port_allowed((uint16_t)port), !listed, "%d", port);
        refused_n += listed;
    }
    cr_assert_eq(refused_n, n);
    for (size_t i = 0; i < n; i++) {
        snprintf(url, sizeof url, "https://example.com:%d/", refused[i]);
        cr_expect_eq(judge(url), STATUS_INVALID_ARGUMENT, "%s", url);
        struct problem problem = {0};
        snprintf(url, sizeof url, "http://127.0.0.1:%d/", refused[i]);
        cr_expect_eq(guard_url(url, true, &problem), STATUS_OK, "%s, in development", url);
    }
}

Test(guard_table, bounds_a_host)
{
    char url[400] = "https://";
    memset(url + 8, 'a', 255);
    for (size_t at = 8 + 63; at < 8 + 255; at += 64)
        url[at] = '.';
    memcpy(url + 8 + 255, "/", 2);
    cr_expect_eq(judge(url), STATUS_OK);
    memcpy(url + 8 + 255, "a/", 3);
    cr_expect_eq(judge(url), STATUS_INVALID_ARGUMENT);
    memset(url + 8, '1', 300);
    memcpy(url + 8 + 300, "/", 2);
    cr_expect_eq(judge(url), STATUS_INVALID_ARGUMENT);
}
