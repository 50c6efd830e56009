// The guard: which URLs Obol may be made to call. What it takes apart must be what libcurl calls
// and what anybody would read there, and no literal address that it lets through may be other than
// public, by a table of its own.
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/guard.h"
#include "http/url.h"
#include "support/fuzz.h"

// Written down apart from guard.c: networks as people write them.
static const char *const not_public[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
    "::/96",         "::1/128",         "64:ff9b:1::/48", "100::/64",       "2001::/32",
    "2001:2::/48",   "2001:db8::/32",   "3fff::/20",      "5f00::/16",      "fc00::/7",
    "fe80::/10",     "fec0::/10",       "ff00::/8",
};

static bool in_network(const uint8_t *address, int family, const char *network)
{
    char text[64] = {0};
    uint8_t prefix[16];
    const char *slash = strchr(network, '/');
    memcpy(text, network, (size_t)(slash - network));
    if (inet_pton(family, text, prefix) != 1)
        return false;
    for (int i = 0; i < atoi(slash + 1); i++)
        if ((address[i / 8] ^ prefix[i / 8]) & 0x80 >> i % 8)
            return false;
    return true;
}

static bool anywhere_private(const uint8_t *address, int family)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
    if (family == AF_INET6 && (memcmp(address, mapped, 12) == 0 || memcmp(address, nat64, 12) == 0))
        return anywhere_private(address + 12, AF_INET);
    if (family == AF_INET6 && address[0] == 0x20 && address[1] == 0x02) // 6to4
        return anywhere_private(address + 2, AF_INET);
    bool teredo = family == AF_INET6 && in_network(address, family, "2001::/32");
    for (size_t i = 0; !teredo && i < sizeof not_public / sizeof *not_public; i++)
        if (in_network(address, family, not_public[i]))
            return true;
    return teredo && anywhere_private(address + 4, AF_INET);
}

static void check_address(const char *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return;
    const void *at = found->ai_family == AF_INET
                         ? (const void *)&((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr
                         : &((struct sockaddr_in6 *)(void *)found->ai_addr)->sin6_addr;
    assert(!anywhere_private(at, found->ai_family));
    freeaddrinfo(found);
}

// As anybody reads it who knows that a host ends at a slash, a question mark or a colon.
static void check_naive(const char *text, const char *host)
{
    char read[URL_MAX + 1] = {0};
    const char *begin = strstr(text, "://") + 3;
    size_t length = strcspn(begin, "/?#");
    memcpy(read, begin, length);
    assert(!strchr(read, '@'));
    if (strchr(read, '%')) // libcurl decodes
        return;
    char *end = read[0] == '[' ? strchr(read, ']') : strchr(read, ':');
    if (end)
        *end = '\0';
    if (read[0] && read[strlen(read) - 1] == '.')
        read[strlen(read) - 1] = '\0';
    struct in_addr a, b;
    struct in6_addr a6, b6;
    if (read[0] == '[' && inet_pton(AF_INET6, read + 1, &a6) == 1)
        assert(inet_pton(AF_INET6, host, &b6) == 1 && memcmp(&a6, &b6, sizeof a6) == 0);
    else if (inet_aton(read, &a)) // 0x7f.1 and 017700000001 are addresses too
        assert(inet_aton(host, &b) && a.s_addr == b.s_addr);
    else
        assert(strcasecmp(read, host) == 0);
}

static char *part(CURLU *url, CURLUPart which, unsigned flags)
{
    char *value = NULL;
    return curl_url_get(url, which, &value, flags) == CURLUE_OK ? value : NULL;
}

// What libcurl would do with the text itself, and with what we made of it.
static void check_curl(const char *text, const struct url *url)
{
    CURLU *oracle = curl_url();
    assert(curl_url_set(oracle, CURLUPART_URL, text, 0) == CURLUE_OK);
    CURLU *both[] = {oracle, url->handle};
    for (size_t i = 0; i < 2; i++) {
        char *scheme = part(both[i], CURLUPART_SCHEME, 0), *user = part(both[i], CURLUPART_USER, 0);
        char *host = part(both[i], CURLUPART_HOST, 0);
        char *port = part(both[i], CURLUPART_PORT, CURLU_DEFAULT_PORT);
        assert(!user && strcmp(scheme, url->tls ? "https" : "http") == 0);
        assert(strtoul(port, NULL, 10) == url->port);
        size_t length = strlen(host);
        if (host[0] == '[')
            assert(length - 2 == strlen(url->host) &&
                   strncasecmp(host + 1, url->host, length - 2) == 0);
        else
            assert(strncasecmp(host, url->host, strlen(url->host)) == 0 &&
                   (strlen(url->host) == length ||
                    (i == 0 && strcmp(host + strlen(url->host), ".") == 0)));
        curl_free(scheme);
        curl_free(user);
        curl_free(host);
        curl_free(port);
    }
    curl_url_cleanup(oracle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct problem problem = {0};
    struct url url;
    struct arena *arena = fuzz_begin(data, size, &input);
    const char *text = fuzz_text(&input, arena);
    bool anywhere = guard_url(text, true, &problem) == STATUS_OK;
    bool outside = guard_url(text, false, &problem) == STATUS_OK;
    if (!outside)
        fuzz_check_refusal(problem.status, &problem);
    assert(anywhere || !outside);
    const char *fault = url_parse(text, &url);
    assert(!anywhere || !fault);
    if (!fault) {
        assert(strlen(text) <= URL_MAX && url.host[0] && url.port);
        check_curl(text, &url);
        check_naive(text, url.host);
    }
    if (outside) {
        assert(url.tls && !strchr(text, '#'));
        check_address(url.host);
    }
    url_deinit(&url);
    return 0;
}
