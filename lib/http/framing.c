#include "http/framing.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool token(const char *text) // RFC 9110, section 5.6.2
{
    if (*text == '\0')
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
            return false;
    return true;
}

static bool digits(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

// evhttp looks at the first Content-Length and Transfer-Encoding only, takes "+5" and " 5" for a
// length, and reads an encoding it doesn't know as no body.
int framing_refusal(const struct http_header *headers, size_t n, bool http_1_1)
{
    size_t lengths = 0, encodings = 0;
    if (n > FRAMING_HEADERS_MAX)
        return 431;
    for (size_t i = 0; i < n; i++) {
        if (!token(headers[i].name))
            return 400;
        if (strcasecmp(headers[i].name, "content-length") == 0) {
            lengths++;
            if (!digits(headers[i].value))
                return 400;
        } else if (strcasecmp(headers[i].name, "transfer-encoding") == 0) {
            encodings++;
            if (strcasecmp(headers[i].value, "chunked") != 0)
                return 400;
        }
    }
    return lengths + encodings > 1 || (encodings && !http_1_1) ? 400 : 0;
}

static bool close_among(const char *options)
{
    while (*options) {
        options += strspn(options, " \t,");
        size_t length = strcspn(options, " \t,");
        if (length == strlen("close") && strncasecmp(options, "close", length) == 0)
            return true;
        options += length;
    }
    return false;
}

bool framing_wants_close(const struct http_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(headers[i].name, "connection") == 0 && close_among(headers[i].value))
            return true;
    return false;
}
