#include <errno.h>

#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"
#include "rpc/http/wire.h"

static struct http_client *client;
static struct arena *arena;
static char url[128];

static void begin(void)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1); // must be ignored
    client = http_client_new(64, "obol-test/1");
    arena = arena_new(ARENA_CAP_BATCH);
}

static void end(void)
{
    http_client_free(client);
    arena_free(arena);
}

TestSuite(client, .init = begin, .fini = end, .timeout = 60);

static struct http_request request_to(const char *host, uint16_t port, const char *path)
{
    snprintf(url, sizeof url, "http://%s:%u%s", host, port, path);
    return (struct http_request){
        .method = "GET", .url = url, .connect_ms = 5000, .total_ms = 10000, .response_max = 4096};
}

static struct http_response run(const struct http_request *request)
{
    struct http_response response = {0};
    cr_assert_eq(http_client_start(client, request), STATUS_OK);
    int64_t until = clock_deadline_ns(20000);
    while (!http_client_collect(client, arena, 1000, &response, 1))
        cr_assert_gt(clock_left_ms(until), 0);
    cr_assert_eq(http_client_busy(client), 0);
    return response;
}

static void echo(void *state, struct http_exchange *exchange)
{
    (void)state;
    const char *type = http_header_in(exchange, "Content-Type");
    const char *agent = http_header_in(exchange, "User-Agent");
    http_header_out(exchange, "X-Seen",
                    arena_printf(http_arena(exchange), "%s %s|%s|%s", http_method(exchange),
                                 http_path(exchange), type ? type : "-", agent ? agent : "-"));
    http_header_out(exchange, "X-Expect", http_header_in(exchange, "Expect") ? "yes" : "no");
    http_header_out(exchange, "X-Own",
                    http_header_in(exchange, "X-Own") ? http_header_in(exchange, "X-Own") : "-");
    if (strcmp(http_path(exchange), "/moved") == 0) {
        http_header_out(exchange, "Location", "/elsewhere");
        http_reply(exchange, 302, (struct bytes){0});
        return;
    }
    http_reply(exchange, 200, http_body(exchange));
}

static struct http_server *echo_start(void)
{
    struct http_server_config config = {.address = "127.0.0.1",
                                        .loops = 1,
                                        .body_max = 1 << 20,
                                        .connections_max = 1000,
                                        .request_s = 10,
                                        .idle_s = 10,
                                        .handle = echo};
    struct http_server *server;
    cr_assert_eq(http_server_start(&config, &server), STATUS_OK);
    return server;
}

Test(client, sends_and_receives_headers_and_a_body)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("127.0.0.1", http_server_port(server), "/a");
    int mark;
    request.method = "POST";
    request.body = bytes_of_string("{\"a\":1}");
    request.headers = (struct http_header[]){{"Content-Type", "application/json"}, {"X-Own", "me"}};
    request.headers_n = 2;
    request.context = &mark;
    struct http_response response = run(&request);
    cr_assert_eq(response.failure, HTTP_OK, "%s", response.error);
    cr_expect_eq(response.status, 200);
    cr_expect_eq(response.context, &mark);
    cr_expect_str_eq((const char *)response.body.at, "{\"a\":1}");
    cr_expect_eq(response.body.length, 7);
    cr_expect_not(response.truncated);
    cr_expect_str_eq(http_response_header(&response, "x-seen"),
                     "POST /a|application/json|obol-test/1");
    cr_expect_str_eq(http_response_header(&response, "x-expect"), "no");
    cr_expect_str_eq(http_response_header(&response, "x-own"), "me");
    cr_expect_null(http_response_header(&response, "x-absent"));
    cr_expect_str_eq(response.error, "");
    cr_expect_gt(response.duration_us, 0);
    http_server_stop(server, 1000);
}

Test(client, sends_every_method_and_no_content_type_of_its_own)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"};
    struct http_server *server = echo_start();
    for (size_t i = 0; i < 6; i++) {
        struct http_request request = request_to("127.0.0.1", http_server_port(server), "/m");
        request.method = methods[i];
        if (i == 2)
            request.body = bytes_of_string("put");
        struct http_response response = run(&request);
        char seen[64];
        snprintf(seen, sizeof seen, "%s /m|-|obol-test/1", methods[i]);
        cr_assert_eq(response.failure, HTTP_OK, "%s %s", methods[i], response.error);
        cr_expect_str_eq(http_response_header(&response, "x-seen"), seen);
    }
    http_server_stop(server, 1000);
}

Test(client, refuses_headers_and_methods_that_would_split_a_request)
{
    struct http_request request = request_to("127.0.0.1", 1, "/");
    request.headers = &(struct http_header){"X-A", "a\r\nX-B: b"};
    request.headers_n = 1;
    cr_expect_eq(http_client_start(client, &request), STATUS_INVALID_ARGUMENT);
    request.headers = &(struct http_header){"X-A: b\r\nX", "a"};
    cr_expect_eq(http_client_start(client, &request), STATUS_INVALID_ARGUMENT);
    request.headers_n = 0;
    request.method = "GET / HTTP/1.1\r\n";
    cr_expect_eq(http_client_start(client, &request), STATUS_INVALID_ARGUMENT);
    cr_expect_eq(http_client_busy(client), 0);
}

Test(client, cuts_a_body_at_its_maximum)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("127.0.0.1", http_server_port(server), "/");
    char *body = calloc(1, 200001);
    memset(body, 'x', 200000);
    request.method = "POST";
    request.body = bytes_of_string(body);
    request.response_max = 1000;
    struct http_response response = run(&request);
    cr_expect_eq(response.status, 200);
    cr_expect(response.truncated);
    cr_expect_eq(response.body.length, 1000);
    request.response_max = 0;
    response = run(&request);
    cr_expect_eq(response.status, 200);
    cr_expect(response.truncated);
    cr_expect_eq(response.body.length, 0);
    free(body);
    http_server_stop(server, 1000);
}

Test(client, follows_no_redirect)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("127.0.0.1", http_server_port(server), "/moved");
    struct http_response response = run(&request);
    cr_expect_eq(response.status, 302);
    cr_expect_str_eq(http_response_header(&response, "x-seen"), "GET /moved|-|obol-test/1");
    http_server_stop(server, 1000);
}

Test(client, reaches_a_host_by_name)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("localhost", http_server_port(server), "/");
    for (int i = 0; i < 2; i++) // resolved, then remembered
        cr_expect_eq(run(&request).status, 200);
    request = request_to("LOCALHOST.", http_server_port(server), "/");
    cr_expect_eq(run(&request).status, 200);
    http_server_stop(server, 1000);
}

Test(client, refuses_what_the_guard_refuses)
{
    struct http_server *server = echo_start();
    static const char *const hosts[] = {"localhost",  "localhost.", "127.0.0.1",         "127.1",
                                        "0x7f000001", "[::1]",      "[::ffff:127.0.0.1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct http_request request = request_to(hosts[i], http_server_port(server), "/");
        request.public_only = true;
        struct http_response response = run(&request);
        cr_expect_eq(response.failure, HTTP_REFUSED_URL, "%s", hosts[i]);
        cr_expect_eq(response.status, 0);
        cr_expect_null(strstr(response.error, "127."), "%s", response.error);
    }
    http_server_stop(server, 1000);
}

Test(client, guards_a_host_that_another_request_was_let_through_to)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("localhost", http_server_port(server), "/");
    cr_expect_eq(run(&request).status, 200); // leaves a connection and an address behind
    request.public_only = true;
    cr_expect_eq(run(&request).failure, HTTP_REFUSED_URL);
    http_server_stop(server, 1000);
}

Test(client, refuses_malformed_urls)
{
    static const char *const urls[] = {"",        "localhost",   "ftp://localhost/",
                                       "http://", "http://a b/", "http://user:pw@localhost/"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_request request = request_to("", 1, "");
        request.url = urls[i];
        cr_expect_eq(run(&request).failure, HTTP_REFUSED_URL, "%s", urls[i]);
    }
    struct http_request request = request_to("127.0.0.1", 1, "/");
    request.tls_required = true;
    cr_expect_eq(run(&request).failure, HTTP_REFUSED_URL);
}

Test(client, says_no_connection_when_the_port_is_closed)
{
    struct http_server *server = echo_start();
    uint16_t port = http_server_port(server);
    http_server_stop(server, 0);
    struct http_request request = request_to("127.0.0.1", port, "/");
    struct http_response response = run(&request);
    cr_expect_eq(response.failure, HTTP_NO_CONNECTION);
    cr_expect_null(strstr(response.error, "127.0.0.1"), "%s", response.error);
}

Test(client, says_no_connection_when_tls_fails)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("127.0.0.1", http_server_port(server), "/");
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", http_server_port(server));
    request.tls_required = true;
    cr_expect_eq(run(&request).failure, HTTP_NO_CONNECTION);
    http_server_stop(server, 1000);
}

Test(client, says_no_connection_when_the_name_is_unknown_and_holds_up_nobody)
{
    struct http_server *server = echo_start();
    struct http_request unknown = request_to("no-such-host.invalid", 80, "/");
    char unknown_url[128];
    memcpy(unknown_url, url, sizeof url);
    unknown.url = unknown_url;
    unknown.connect_ms = 3000;
    unknown.context = "unknown";
    struct http_request known = request_to("127.0.0.1", http_server_port(server), "/");
    known.context = "known";
    for (int i = 0; i < 20; i++) // one look-up for all of them
        cr_assert_eq(http_client_start(client, &unknown), STATUS_OK);
    cr_assert_eq(http_client_start(client, &known), STATUS_OK);
    int64_t begun = clock_now_ns();
    bool answered = false;
    size_t n = 0;
    while (n < 21) {
        struct http_response responses[32];
        size_t got = http_client_collect(client, arena, 1000, responses, 32);
        for (size_t i = 0; i < got; i++) {
            if (responses[i].context == known.context) {
                answered = true;
                cr_expect_eq(responses[i].status, 200);
                cr_expect_lt(clock_now_ns() - begun, 2800 * NS_PER_MS);
            } else {
                cr_expect_eq(responses[i].failure, HTTP_NO_CONNECTION);
            }
        }
        n += got;
        cr_assert_lt(clock_now_ns() - begun, 15000 * NS_PER_MS);
    }
    cr_expect(answered);
    http_server_stop(server, 1000);
}

static void say_nothing(struct wire_peer *peer, int fd)
{
    wire_read(fd, peer->seen, sizeof peer->seen, "\r\n\r\n");
    peer->requests++;
    wire_closed(fd);
}

Test(client, says_timeout_when_no_answer_comes)
{
    struct wire_peer peer;
    wire_peer_start(&peer, say_nothing);
    struct http_request request = request_to("127.0.0.1", peer.port, "/");
    request.total_ms = 200;
    struct http_response response = run(&request);
    cr_expect_eq(response.failure, HTTP_TIMEOUT);
    cr_expect_geq(response.duration_us, 190000);
    cr_expect_lt(response.duration_us, 5000000);
    wire_peer_end(&peer);
}

Test(client, says_no_connection_when_the_handshake_never_ends)
{
    struct wire_peer peer;
    wire_peer_start(&peer, say_nothing);
    struct http_request request = request_to("127.0.0.1", peer.port, "/");
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", peer.port);
    request.connect_ms = 200;
    cr_expect_eq(run(&request).failure, HTTP_NO_CONNECTION);
    wire_peer_end(&peer);
}

static void break_off(struct wire_peer *peer, int fd)
{
    wire_read(fd, peer->seen, sizeof peer->seen, "\r\n\r\n");
    wire_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
}

Test(client, says_broken_when_the_answer_breaks_off)
{
    struct wire_peer peer;
    wire_peer_start(&peer, break_off);
    struct http_request request = request_to("127.0.0.1", peer.port, "/");
    struct http_response response = run(&request);
    cr_expect_eq(response.failure, HTTP_BROKEN);
    cr_expect_eq(response.status, 0);
    wire_peer_end(&peer);
}

static void talk_nonsense(struct wire_peer *peer, int fd)
{
    wire_read(fd, peer->seen, sizeof peer->seen, "\r\n\r\n");
    wire_send(fd, "220 smtp.example.com ESMTP\r\n");
}

Test(client, says_broken_when_the_peer_speaks_no_http)
{
    struct wire_peer peer;
    wire_peer_start(&peer, talk_nonsense);
    struct http_request request = request_to("127.0.0.1", peer.port, "/");
    cr_expect_eq(run(&request).failure, HTTP_BROKEN);
    wire_peer_end(&peer);
}

static void answer_once_then_hang_up(struct wire_peer *peer, int fd)
{
    for (int i = 0; i < 2; i++) {
        peer->seen[0] = '\0';
        if (!wire_read(fd, peer->seen, sizeof peer->seen, "\r\n\r\n"))
            return;
        peer->requests++;
        if (i == 0)
            wire_send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

Test(client, repeats_no_post_by_itself_when_a_kept_connection_dies)
{
    struct wire_peer peer;
    wire_peer_start(&peer, answer_once_then_hang_up);
    struct http_request request = request_to("127.0.0.1", peer.port, "/charge");
    request.method = "POST";
    cr_expect_eq(run(&request).status, 200);
    struct http_response response = run(&request);
    cr_expect_eq(response.failure, HTTP_BROKEN);
    wire_peer_end(&peer);
    cr_expect_eq(peer.requests, 2);
}

Test(client, repeats_a_get_when_a_kept_connection_dies)
{
    struct wire_peer peer;
    wire_peer_start(&peer, answer_once_then_hang_up);
    struct http_request request = request_to("127.0.0.1", peer.port, "/");
    cr_expect_eq(run(&request).status, 200);
    cr_expect_eq(run(&request).status, 200);
    http_client_free(client); // hangs up, so that the peer ends
    client = NULL;
    wire_peer_end(&peer);
    cr_expect_eq(peer.requests, 3);
}

Test(client, repeats_no_get_that_is_to_go_once)
{
    struct wire_peer peer;
    wire_peer_start(&peer, answer_once_then_hang_up);
    struct http_request request = request_to("127.0.0.1", peer.port, "/Req?Amount=1");
    request.once = true;
    cr_expect_eq(run(&request).status, 200);
    cr_expect_eq(run(&request).failure, HTTP_BROKEN);
    wire_peer_end(&peer);
    cr_expect_eq(peer.requests, 2);
}

static void answer_three(struct wire_peer *peer, int fd)
{
    for (int i = 0; i < 3; i++) {
        peer->seen[0] = '\0';
        if (!wire_read(fd, peer->seen, sizeof peer->seen, "\r\n\r\n"))
            return;
        peer->requests++;
        wire_send(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    }
}

Test(client, keeps_its_connection)
{
    struct wire_peer peer;
    wire_peer_start(&peer, answer_three); // one connection at a time: a second one would wait
    struct http_request request = request_to("127.0.0.1", peer.port, "/");
    for (int i = 0; i < 3; i++)
        cr_expect_eq(run(&request).status, 204);
    wire_peer_end(&peer);
    cr_expect_eq(peer.requests, 3);
}

static void *wake(void *argument)
{
    http_client_wake(argument);
    return NULL;
}

Test(client, wakes_from_another_thread)
{
    struct http_response response;
    pthread_t thread;
    int64_t begun = clock_now_ns();
    pthread_create(&thread, NULL, wake, client);
    cr_expect_eq(http_client_collect(client, arena, 20000, &response, 1), 0);
    cr_expect_lt(clock_now_ns() - begun, 10 * NS_PER_S);
    pthread_join(thread, NULL);
    begun = clock_now_ns();
    http_client_collect(client, arena, 50, &response, 1); // one wake, once
    cr_expect_geq(clock_now_ns() - begun, 40 * NS_PER_MS);
}

Test(client, refuses_more_than_its_maximum_and_aborts_the_rest)
{
    struct wire_peer peer;
    wire_peer_start(&peer, say_nothing);
    struct http_request request = request_to("127.0.0.1", peer.port, "/");
    struct http_client *small = http_client_new(2, "obol-test/1");
    cr_expect_eq(http_client_start(small, &request), STATUS_OK);
    cr_expect_eq(http_client_start(small, &request), STATUS_OK);
    cr_expect_eq(http_client_start(small, &request), STATUS_RESOURCE_EXHAUSTED);
    cr_expect_eq(http_client_busy(small), 2);
    struct http_response response;
    cr_expect_eq(http_client_collect(small, arena, 20, &response, 1), 0);
    http_client_free(small);
    http_client_free(NULL);
    wire_peer_end(&peer);
}

Test(client, leaves_a_full_arena_with_the_status)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("127.0.0.1", http_server_port(server), "/");
    char body[3000] = "";
    memset(body, 'x', sizeof body - 1);
    request.method = "POST";
    request.body = bytes_of_string(body);
    struct arena *small = arena_new(1024);
    struct http_response response;
    cr_assert_eq(http_client_start(client, &request), STATUS_OK);
    while (!http_client_collect(client, small, 1000, &response, 1))
        ;
    cr_expect_eq(response.status, 200);
    cr_expect(response.truncated);
    cr_expect_eq(response.body.length, 0);
    arena_free(small);
    http_server_stop(server, 1000);
}

Test(client, carries_thousands_of_requests_side_by_side)
{
    struct http_server *server = echo_start();
    struct http_request request = request_to("localhost", http_server_port(server), "/load");
    request.method = "POST";
    request.body = bytes_of_string("{\"amount\":50000}");
    int started = 0, answered = 0;
    int64_t until = clock_deadline_ns(40000);
    while (answered < 2000) {
        struct http_response responses[64];
        while (started < 2000 && http_client_start(client, &request) == STATUS_OK)
            started++;
        size_t n = http_client_collect(client, arena, 1000, responses, 64);
        for (size_t i = 0; i < n; i++) {
            cr_assert_eq(responses[i].status, 200, "%s", responses[i].error);
            cr_assert_eq(responses[i].body.length, request.body.length);
        }
        answered += (int)n;
        arena_reset(arena);
        cr_assert_gt(clock_left_ms(until), 0);
    }
    cr_expect_eq(http_client_busy(client), 0);
    http_server_stop(server, 1000);
}
