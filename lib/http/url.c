#include "http/url.h"

#include <ctype.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/guard.h"

// Parsers disagree about backslashes, missing slashes and control characters; a URL that has them
// would be judged as one thing and called as another.
static const char *url_shape_fault(const char *text)
{
    size_t length = strnlen(text, URL_MAX + 1);
    if (length == 0)
        return "The URL is empty.";
    if (length > URL_MAX)
        return "The URL is longer than 2048 characters.";
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '\\')
            return "The URL holds a character that must be percent-encoded.";
    const char *rest = strncasecmp(text, "https://", 8) == 0  ? text + 8
                       : strncasecmp(text, "http://", 7) == 0 ? text + 7
                                                              : NULL;
    if (!rest)
        return "The URL must begin with https://.";
    if (*rest == '\0' || *rest == '/')
        return "The URL has no host.";
    if (memchr(rest, '@', strcspn(rest, "/?#")))
        return "The URL may not carry a user name or password.";
    return NULL;
}

static bool host_take(struct url *url, const char *host)
{
    size_t length = strlen(host);
    if (length > 1 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    } else if (length > 1 && host[length - 1] == '.') {
        length--;
    }
    if (length == 0 || length > HOST_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)host[i]) && !strchr(".-_:", host[i]))
            return false;
    if (host[0] == '.' || host[length - 1] == '.')
        return false;
    memcpy(url->host, host, length);
    url->host[length] = '\0';
    return true;
}

// Takes every form that the system's resolver would take for an address: 0x7f.1, 017700000001, ::1.
static bool literal_address(const char *host, struct sockaddr_storage *ret)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0 || !found)
        return false;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return true;
}

static bool part_present(CURLU *handle, CURLUPart part)
{
    char *value = NULL;
    bool present = curl_url_get(handle, part, &value, 0) == CURLUE_OK;
    curl_free(value);
    return present;
}

static bool url_take_host_and_port(struct url *url)
{
    char *host = NULL, *port = NULL;
    bool taken =
        curl_url_get(url->handle, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url->handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
        host_take(url, host);
    unsigned long number = taken ? strtoul(port, NULL, 10) : 0;
    url->port = (uint16_t)number;
    // Without its trailing dot the name is the one that the connection gets pinned under.
    if (taken && host[strlen(host) - 1] == '.')
        taken = curl_url_set(url->handle, CURLUPART_HOST, url->host, 0) == CURLUE_OK;
    curl_free(host);
    curl_free(port);
    return taken && number >= 1 && number <= UINT16_MAX;
}

const char *url_parse(const char *text, struct url *ret)
{
    *ret = (struct url){0};
    const char *fault = url_shape_fault(text);
    if (fault)
        return fault;
    ret->handle = curl_url();
    if (!ret->handle ||
        curl_url_set(ret->handle, CURLUPART_URL, text, CURLU_DISALLOW_USER) != CURLUE_OK)
        return "The URL is malformed.";
    if (part_present(ret->handle, CURLUPART_ZONEID) || part_present(ret->handle, CURLUPART_USER))
        return "The URL is malformed.";
    ret->tls = strncasecmp(text, "https", 5) == 0;
    if (!url_take_host_and_port(ret))
        return "The URL's host or port is malformed.";
    ret->literal = literal_address(ret->host, &ret->address);
    return NULL;
}

void url_deinit(struct url *url)
{
    curl_url_cleanup(url->handle);
    url->handle = NULL;
}
