// A URL taken apart by libcurl's own parser, so that what is judged is what is called. Private to
// the room.
#pragma once
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define HOST_MAX 255 // RFC 1035, section 2.3.4

struct url {
    CURLU *handle;
    bool tls;
    char host[HOST_MAX + 1]; // without brackets and trailing dot
    uint16_t port;
    bool literal; // the host is an address, in `address`
    struct sockaddr_storage address;
};

// NULL when the text is a URL that may be called (http or https, a host, no user info, visible
// ASCII only); otherwise what is wrong with it, as a sentence. url_deinit is due in either case.
const char *url_parse(const char *text, struct url *ret);
void url_deinit(struct url *url);
