// One HTTP request at a time to a server in this process. For tests of the small HTTP programs.
#pragma once
#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"
#include "json/json.h"

#define ASK_MS 10000

struct asker {
    struct arena *arena;
    struct http_client *client;
    struct http_server *server;
    struct http_header headers[6];
    size_t headers_n;
};

static inline struct http_response ask_for(struct asker *asker, int64_t total_ms,
                                           const char *method, const char *path, const char *body)
{
    struct http_response response = {0};
    const struct http_request request = {
        .method = method,
        .url = arena_printf(asker->arena, "http://127.0.0.1:%d%s", http_server_port(asker->server),
                            path),
        .headers = asker->headers,
        .headers_n = asker->headers_n,
        .body = bytes_of_string(body),
        .connect_ms = total_ms,
        .total_ms = total_ms,
        .response_max = (size_t)1 << 20,
    };
    cr_assert_eq(http_client_start(asker->client, &request), STATUS_OK);
    int64_t deadline_ns = clock_deadline_ns(2 * ASK_MS);
    while (http_client_collect(asker->client, asker->arena, 100, &response, 1) == 0)
        cr_assert(clock_left_ms(deadline_ns) > 0);
    return response;
}

static inline struct http_response ask(struct asker *asker, const char *method, const char *path,
                                       const char *body)
{
    return ask_for(asker, ASK_MS, method, path, body);
}

// A string of the answer; "" when it is not there.
static inline const char *said(struct asker *asker, const struct http_response *response,
                               const char *path)
{
    const struct json_value *value;
    if (json_parse(asker->arena, response->body, &value) != STATUS_OK)
        return "";
    const char *string = json_get_string(value, path);
    return string ? string : "";
}

static inline int64_t counted(struct asker *asker, const struct http_response *response,
                              const char *path)
{
    const struct json_value *value;
    int64_t number = -1;
    cr_assert_eq(json_parse(asker->arena, response->body, &value), STATUS_OK);
    return json_get_integer(value, path, &number) ? number : -1;
}
