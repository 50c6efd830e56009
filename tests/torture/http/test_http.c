#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/client.h"
#include "http/form.h"
#include "http/ops.h"
#include "http/server.h"
#include "torture/support/torture.h"

#define REQUESTS 3
#define BODY_BYTES 20000

static void handle(void *state, struct http_exchange *exchange)
{
    (void)state;
    http_header_out(exchange, "Content-Type", "text/plain");
    http_reply(exchange, 200, http_body(exchange));
}

static enum status serve(struct http_server **ret)
{
    return http_server_start(&(struct http_server_config){.address = "127.0.0.1",
                                                          .loops = 1,
                                                          .body_max = 100000,
                                                          .connections_max = 100,
                                                          .request_s = 3,
                                                          .idle_s = 3,
                                                          .handle = handle},
                             ret);
}

// What came back is what was sent, or it is said that it wasn't.
static bool judge(const struct http_response *response, struct bytes body)
{
    if (response->failure != HTTP_OK) {
        torture_check(response->status == 0 && response->error && response->error[0]);
        return false;
    }
    if (response->status != 200)
        return false;
    torture_check(response->truncated || (response->body.length == body.length &&
                                          memcmp(response->body.at, body.at, body.length) == 0));
    return !response->truncated;
}

static bool exchange_with(uint16_t port)
{
    static char text[BODY_BYTES];
    memset(text, 'x', sizeof text);
    struct bytes body = {(const uint8_t *)text, sizeof text};
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%u/echo?a=b", port);
    const struct http_header headers[] = {{"Content-Type", "text/plain"}};
    const struct http_request request = {.method = "POST",
                                         .url = url,
                                         .headers = headers,
                                         .headers_n = 1,
                                         .body = body,
                                         .response_max = BODY_BYTES,
                                         .total_ms = 4000};
    struct http_client *client = http_client_new(2, "torture/1");
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    size_t good = 0, begun = 0;
    for (; client && arena && begun < REQUESTS; begun++) {
        struct http_response response;
        if (http_client_start(client, &request) != STATUS_OK)
            break;
        // What was begun comes to an end, one way or the other.
        int64_t deadline_ns = clock_deadline_ns(20000);
        while (http_client_collect(client, arena, 100, &response, 1) == 0)
            torture_check(clock_left_ms(deadline_ns) > 0);
        good += judge(&response, body);
    }
    if (client)
        http_client_free(client);
    arena_free(arena);
    return good == REQUESTS;
}

static bool requests(void)
{
    struct http_server *server = NULL;
    torture_arm();
    if (serve(&server) != STATUS_OK)
        return false;
    uint16_t port = http_server_port(server);
    bool well = exchange_with(port);
    torture_disarm();
    bool after = exchange_with(port); // the server has survived
    http_server_stop(server, 1000);
    torture_check(after);
    return well;
}

static bool forms(void)
{
    const struct http_field fields[] = {{"a", "1 2"}, {"b", "x&y"}};
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return false;
    char *text = http_form_write(arena, fields, 2);
    torture_check(!text || strcmp(text, "a=1%202&b=x%26y") == 0);
    char *b = text ? http_form_get(arena, bytes_of_string(text), "b") : NULL;
    torture_check(!b || strcmp(b, "x&y") == 0);
    bool well = b != NULL;
    arena_free(arena);
    return well;
}

static bool operations(void)
{
    struct http_server *server = NULL;
    torture_arm();
    struct health *health = health_new("torture", "1");
    if (!health)
        return false;
    enum status status = ops_start("127.0.0.1:0", health, &server);
    torture_check(status == STATUS_OK ? server != NULL : server == NULL);
    if (server)
        http_server_stop(server, 100);
    health_free(health);
    return status == STATUS_OK;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "requests", .run = requests},
        {.name = "forms", .run = forms},
        {.name = "operations", .run = operations},
    };
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
