#include "http/transfer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/guard.h"

#define CONNECTION_IDLE_S 30L

static bool header_append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool header_add(struct transfer *transfer, const struct http_header *header)
{
    if (header->name[0] == '\0' || strpbrk(header->name, "\r\n: ;") ||
        strpbrk(header->value, "\r\n"))
        return false;
    // libcurl takes "Name:" for a header to leave out and "Name;" for one without a value.
    const char *between = header->value[0] ? ": " : ";";
    char *line = malloc(strlen(header->name) + strlen(between) + strlen(header->value) + 1);
    bool added = false;
    if (line) {
        stpcpy(stpcpy(stpcpy(line, header->name), between), header->value);
        added = header_append(&transfer->headers, line);
    }
    free(line);
    return added;
}

bool transfer_headers(struct transfer *transfer)
{
    bool typed = false;
    // Expect: 100-continue would cost a round trip, or a second where the server ignores it.
    bool added = header_append(&transfer->headers, "Expect:");
    for (size_t i = 0; added && i < transfer->request.headers_n; i++) {
        const struct http_header *header = &transfer->request.headers[i];
        typed = typed || strcasecmp(header->name, "content-type") == 0;
        added = header_add(transfer, header);
    }
    if (added && !typed)
        added = header_append(&transfer->headers, "Content-Type:");
    return added;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * n;
    size_t room = transfer->request.response_max - transfer->body.length;
    if (length > room)
        transfer->truncated = true;
    buffer_add(&transfer->body, bytes, length < room ? length : room);
    return length;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = context;
    (void)purpose;
    if (transfer->request.public_only && !guard_address_public(&address->addr)) {
        transfer->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool peer_allowed(const char *peer)
{
    union resolved_address address = {0};
    if (inet_pton(AF_INET, peer, &address.in4.sin_addr) == 1)
        address.any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, peer, &address.in6.sin6_addr) == 1)
        address.any.sa_family = AF_INET6;
    return guard_address_public(&address.any);
}

// Called when a connection is ready, just before the request goes out on it. Here a kept connection
// passes the guard too. And here libcurl's own second try ends: when a kept connection dies without
// a byte of answer it repeats the request on a new one, whatever the method; what was sent once may
// have been acted on, so only what is harmless to repeat is repeated.
static int before_request(void *context, char *peer, char *local, int peer_port, int local_port)
{
    struct transfer *transfer = context;
    const char *method = transfer->request.method;
    bool harmless =
        !transfer->request.once && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
    (void)local;
    (void)peer_port;
    (void)local_port;
    if (transfer->request.public_only && !peer_allowed(peer)) {
        transfer->refused = true;
        return CURL_PREREQFUNC_ABORT;
    }
    if (transfer->sent > 0 && !harmless)
        return CURL_PREREQFUNC_ABORT;
    transfer->sent++;
    return CURL_PREREQFUNC_OK;
}

static bool pin_addresses(struct transfer *transfer, const struct resolved *addresses)
{
    struct buffer line;
    buffer_init(&line, HOST_MAX + 32 + RESOLVED_MAX * (INET6_ADDRSTRLEN + 3));
    // '+': forgotten in time, so that the client doesn't collect every host it ever called.
    buffer_addf(&line, "+%s:%u:", transfer->url.host, transfer->url.port);
    for (size_t i = 0; i < addresses->n; i++) {
        const union resolved_address *address = &addresses->addresses[i];
        char text[INET6_ADDRSTRLEN] = "";
        bool six = address->any.sa_family == AF_INET6;
        inet_ntop(address->any.sa_family,
                  six ? (const void *)&address->in6.sin6_addr
                      : (const void *)&address->in4.sin_addr,
                  text, sizeof text);
        buffer_addf(&line, six ? "%s[%s]" : "%s%s", i ? "," : "", text);
    }
    bool pinned = !line.full && line.at && header_append(&transfer->pin, line.at);
    buffer_deinit(&line);
    return pinned;
}

static void set_method(struct transfer *transfer)
{
    const struct http_request *request = &transfer->request;
    CURL *easy = transfer->easy;
    if (request->body.at || strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                         request->body.at ? (const char *)request->body.at : "");
    } else if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_limits(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    int64_t connect_ms = clock_left_ms(transfer->connect_by_ns);
    int64_t total_ms = clock_left_ms(transfer->done_by_ns);
    // Zero would mean libcurl's default.
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : 1));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(total_ms > 0 ? total_ms : 1));
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_S);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                     transfer->request.tls_required ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); // also keeps the environment's proxies out
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
}

bool transfer_prepare(struct transfer *transfer, const struct resolved *addresses,
                      const char *user_agent)
{
    if (!transfer->easy)
        transfer->easy = curl_easy_init();
    CURL *easy = transfer->easy;
    if (!easy || (addresses && !pin_addresses(transfer, addresses)))
        return false;
    set_limits(transfer);
    set_method(transfer);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, transfer->pin);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
    return curl_easy_setopt(easy, CURLOPT_CURLU, transfer->url.handle) == CURLE_OK;
}

void transfer_fail(struct transfer *transfer, enum http_failure failure, const char *error)
{
    transfer->failure = failure;
    transfer->error = error;
    transfer->duration_us = (clock_now_ns() - transfer->started_ns) / 1000;
    transfer->state = TRANSFER_DONE;
}

// libcurl's detailed messages name addresses; its general ones (curl_easy_strerror) don't.
void transfer_finish(struct transfer *transfer, CURLcode code)
{
    if (code == CURLE_OK)
        transfer_fail(transfer, HTTP_OK, "");
    else if (transfer->refused)
        transfer_fail(transfer, HTTP_REFUSED_URL,
                      "The host leads to an address that is not allowed");
    else if (transfer->sent == 0 &&
             (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL))
        transfer_fail(transfer, HTTP_REFUSED_URL, curl_easy_strerror(code));
    else if (transfer->sent == 0)
        transfer_fail(transfer, HTTP_NO_CONNECTION, curl_easy_strerror(code));
    else if (code == CURLE_OPERATION_TIMEDOUT)
        transfer_fail(transfer, HTTP_TIMEOUT, curl_easy_strerror(code));
    else if (code == CURLE_ABORTED_BY_CALLBACK)
        transfer_fail(transfer, HTTP_BROKEN, "The connection was closed before an answer came");
    else
        transfer_fail(transfer, HTTP_BROKEN, curl_easy_strerror(code));
}

static void respond_headers(CURL *easy, struct arena *arena, struct http_response *ret)
{
    struct http_header *headers = ARENA_ARRAY(arena, HTTP_HEADERS_MAX, struct http_header);
    struct curl_header *at = NULL;
    size_t n = 0;
    while (headers && n < HTTP_HEADERS_MAX &&
           (at = curl_easy_nextheader(easy, CURLH_HEADER, -1, at))) {
        char *name = arena_strdup(arena, at->name);
        headers[n].value = arena_strdup(arena, at->value);
        if (!name || !headers[n].value)
            break;
        for (char *c = name; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        headers[n++].name = name;
    }
    ret->headers = headers;
    ret->headers_n = n;
}

void transfer_respond(struct transfer *transfer, struct arena *arena, struct http_response *ret)
{
    *ret = (struct http_response){.context = transfer->request.context,
                                  .failure = transfer->failure,
                                  .error = transfer->error,
                                  .body = {(const uint8_t *)"", 0},
                                  .duration_us = transfer->duration_us};
    if (transfer->failure != HTTP_OK)
        return;
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    ret->truncated = transfer->truncated || transfer->body.full;
    respond_headers(transfer->easy, arena, ret);
    struct bytes body = arena_copy(arena, buffer_bytes(&transfer->body));
    if (body.at)
        ret->body = body;
    else
        ret->truncated = true; // the arena is full: the status still counts
}

void transfer_clear(struct transfer *transfer)
{
    if (transfer->easy)
        curl_easy_reset(transfer->easy);
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->pin);
    buffer_deinit(&transfer->body);
    url_deinit(&transfer->url);
    *transfer = (struct transfer){.easy = transfer->easy};
}
