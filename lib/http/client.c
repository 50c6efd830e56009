#include "http/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/guard.h"
#include "http/transfer.h"

#define CONNECT_MS 10000
#define TOTAL_MS 30000

struct http_client {
    CURLM *multi;
    struct resolver *resolver;
    char *user_agent;
    struct transfer *transfers;
    size_t at_once_max, busy_n, resolving_n;
    struct transfer *free;
    struct transfer *done, **done_end; // first in, first out
    atomic_bool woken;
};

static void curl_start(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void resolver_woke(void *context)
{
    struct http_client *client = context;
    curl_multi_wakeup(client->multi);
}

struct http_client *http_client_new(size_t at_once_max, const char *user_agent)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, curl_start);
    struct http_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->at_once_max = at_once_max;
    client->done_end = &client->done;
    client->multi = curl_multi_init();
    client->user_agent = strdup(user_agent);
    client->transfers = calloc(at_once_max, sizeof *client->transfers);
    client->resolver = resolver_new(resolver_woke, client);
    if (!client->multi || !client->user_agent || !client->transfers || !client->resolver) {
        http_client_free(client);
        return NULL;
    }
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)at_once_max);
    for (size_t i = at_once_max; i-- > 0;) {
        client->transfers[i].next = client->free;
        client->free = &client->transfers[i];
    }
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    resolver_close(client->resolver); // first: its threads wake the multi handle
    for (size_t i = 0; client->transfers && i < client->at_once_max; i++) {
        struct transfer *transfer = &client->transfers[i];
        if (transfer->state == TRANSFER_RUNNING)
            curl_multi_remove_handle(client->multi, transfer->easy);
        transfer_clear(transfer);
        curl_easy_cleanup(transfer->easy);
    }
    curl_multi_cleanup(client->multi);
    free(client->transfers);
    free(client->user_agent);
    free(client);
}

static void client_done(struct http_client *client, struct transfer *transfer)
{
    transfer->next = NULL;
    *client->done_end = transfer;
    client->done_end = &transfer->next;
}

static void client_fail(struct http_client *client, struct transfer *transfer,
                        enum http_failure failure, const char *error)
{
    transfer_fail(transfer, failure, error);
    client_done(client, transfer);
}

// addresses NULL: the URL's own literal one.
static void client_run(struct http_client *client, struct transfer *transfer,
                       const struct resolved *addresses)
{
    bool guarded = transfer->request.public_only;
    bool allowed =
        !guarded ||
        (addresses ? addresses->all_public
                   : guard_address_public((const struct sockaddr *)&transfer->url.address));
    if (addresses && addresses->n == 0)
        client_fail(client, transfer, HTTP_NO_CONNECTION, "The host name could not be resolved");
    else if (!allowed)
        client_fail(client, transfer, HTTP_REFUSED_URL,
                    "The host leads to an address that is not allowed");
    else if (!transfer_prepare(transfer, addresses, client->user_agent) ||
             curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK)
        client_fail(client, transfer, HTTP_NO_CONNECTION, "The request could not be prepared");
    else
        transfer->state = TRANSFER_RUNNING;
}

static void client_resolve(struct http_client *client, struct transfer *transfer)
{
    struct resolved known;
    if (resolver_cached(client->resolver, transfer->url.host, &known)) {
        client_run(client, transfer, &known);
    } else if (resolver_ask(client->resolver, transfer->url.host)) {
        transfer->state = TRANSFER_RESOLVING;
        client->resolving_n++;
    } else {
        client_fail(client, transfer, HTTP_NO_CONNECTION, "Too many host names are being resolved");
    }
}

static void client_begin(struct http_client *client, struct transfer *transfer)
{
    const struct http_request *request = &transfer->request;
    int64_t total_ms = request->total_ms > 0 ? request->total_ms : TOTAL_MS;
    int64_t connect_ms = request->connect_ms > 0 ? request->connect_ms : CONNECT_MS;
    transfer->started_ns = clock_now_ns();
    transfer->done_by_ns = clock_deadline_ns(total_ms);
    transfer->connect_by_ns = clock_deadline_ns(connect_ms < total_ms ? connect_ms : total_ms);
    const char *fault = url_parse(request->url, &transfer->url);
    if (!fault && request->tls_required && !transfer->url.tls)
        fault = "The URL must begin with https://.";
    if (!fault && request->public_only && !guard_port_allowed(transfer->url.port))
        fault = "The URL's port belongs to another service than HTTP.";
    if (fault)
        client_fail(client, transfer, HTTP_REFUSED_URL, fault);
    else if (transfer->url.literal)
        client_run(client, transfer, NULL);
    else
        client_resolve(client, transfer);
}

enum status http_client_start(struct http_client *client, const struct http_request *request)
{
    struct transfer *transfer = client->free;
    if (!transfer)
        return STATUS_RESOURCE_EXHAUSTED;
    if (!request->method[0] || strpbrk(request->method, " \t\r\n"))
        return STATUS_INVALID_ARGUMENT;
    client->free = transfer->next;
    transfer->request = *request;
    buffer_init(&transfer->body, request->response_max);
    if (!transfer_headers(transfer)) {
        transfer_clear(transfer);
        transfer->next = client->free;
        client->free = transfer;
        return STATUS_INVALID_ARGUMENT;
    }
    client->busy_n++;
    client_begin(client, transfer);
    return STATUS_OK;
}

size_t http_client_busy(const struct http_client *client)
{
    return client->busy_n;
}

// One answer serves every request that waits for the host.
static void client_take_resolved(struct http_client *client)
{
    char host[HOST_MAX + 1];
    struct resolved addresses;
    while (resolver_take(client->resolver, host, &addresses)) {
        for (size_t i = 0; client->resolving_n && i < client->at_once_max; i++) {
            struct transfer *transfer = &client->transfers[i];
            if (transfer->state != TRANSFER_RESOLVING || strcasecmp(transfer->url.host, host) != 0)
                continue;
            client->resolving_n--;
            client_run(client, transfer, &addresses);
        }
    }
}

// Rounded up: a wait of less than a millisecond would be a busy one.
static int64_t left_ms(int64_t until_ns)
{
    int64_t left_ns = until_ns - clock_now_ns();
    return left_ns > 0 ? (left_ns + NS_PER_MS - 1) / NS_PER_MS : 0;
}

// Ends requests whose host isn't found in time. Returns the milliseconds until the next such
// moment, at most max_ms.
static int64_t client_expire(struct http_client *client, int64_t max_ms)
{
    for (size_t i = 0; client->resolving_n && i < client->at_once_max; i++) {
        struct transfer *transfer = &client->transfers[i];
        if (transfer->state != TRANSFER_RESOLVING)
            continue;
        int64_t left = left_ms(transfer->connect_by_ns);
        if (left == 0) {
            client->resolving_n--;
            client_fail(client, transfer, HTTP_NO_CONNECTION,
                        "The host name was not resolved in time");
        } else if (left < max_ms) {
            max_ms = left;
        }
    }
    return max_ms;
}

static void client_take_finished(struct http_client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result; // gone with the handle
        struct transfer *transfer = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        curl_multi_remove_handle(client->multi, transfer->easy);
        transfer_finish(transfer, code);
        client_done(client, transfer);
    }
}

static size_t client_hand_out(struct http_client *client, struct arena *arena,
                              struct http_response *ret, size_t n)
{
    size_t given = 0;
    while (given < n && client->done) {
        struct transfer *transfer = client->done;
        client->done = transfer->next;
        if (!client->done)
            client->done_end = &client->done;
        transfer_respond(transfer, arena, &ret[given++]);
        transfer_clear(transfer);
        transfer->next = client->free;
        client->free = transfer;
        client->busy_n--;
    }
    return given;
}

size_t http_client_collect(struct http_client *client, struct arena *arena, int64_t max_ms,
                           struct http_response *ret, size_t n)
{
    int64_t until_ns = clock_deadline_ns(max_ms);
    for (;;) {
        int running;
        client_take_resolved(client);
        curl_multi_perform(client->multi, &running);
        client_take_finished(client);
        int64_t wait_ms = client_expire(client, left_ms(until_ns));
        if (atomic_exchange(&client->woken, false) || client->done || wait_ms <= 0)
            break;
        curl_multi_poll(client->multi, NULL, 0, (int)(wait_ms < INT32_MAX ? wait_ms : INT32_MAX),
                        NULL);
    }
    return client_hand_out(client, arena, ret, n);
}

void http_client_wake(struct http_client *client)
{
    atomic_store(&client->woken, true);
    curl_multi_wakeup(client->multi);
}

const char *http_response_header(const struct http_response *response, const char *lower_name)
{
    for (size_t i = 0; i < response->headers_n; i++)
        if (strcmp(response->headers[i].name, lower_name) == 0)
            return response->headers[i].value;
    return NULL;
}
