#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"
#include "rpc/http/wire.h"

// What the handler and the test share; the handler runs in the loop's thread.
struct scene {
    struct http_server *server;
    struct http_loop *loop;
    atomic_int handled, ready, ready_handled, ended, posted;
    struct http_exchange *held; // answered later
    atomic_bool holding, release;
    pthread_barrier_t gate;
};

static struct scene scene;

static void hold(struct http_exchange *exchange)
{
    scene.held = exchange;
    atomic_store(&scene.holding, true);
}

static void see_header(void *context, const char *name, const char *value)
{
    (void)value;
    if (strcmp(name, "X-Twice") == 0)
        ++*(int *)context;
}

static void handle(void *state, struct http_exchange *exchange)
{
    cr_assert_eq(state, &scene);
    atomic_fetch_add(&scene.handled, 1);
    if (strcmp(http_path(exchange), "/later") == 0) {
        hold(exchange);
        return;
    }
    int twice = 0;
    http_headers_in(exchange, see_header, &twice);
    struct bytes body = http_body(exchange);
    const char *query = http_query(exchange);
    *http_user(exchange) = &twice;
    char *answer = arena_printf(http_arena(exchange), "[%s][%s][%s][%s][%d][%s][%zu]",
                                http_method(exchange), http_path(exchange), query ? query : "-",
                                http_peer(exchange), twice, (const char *)body.at, body.length);
    http_header_out(exchange, "X-Good", "1");
    if (twice) {
        http_header_out(exchange, "X-Bad", "1\r\nX-Split: 1");
        http_header_out(exchange, "Content-Length", "1");
    }
    http_reply(exchange, strcmp(http_path(exchange), "/422") == 0 ? 422 : 200,
               bytes_of_string(answer));
}

static void ready(void *state)
{
    (void)state;
    atomic_fetch_add(&scene.ready, 1);
    atomic_store(&scene.ready_handled, atomic_load(&scene.handled));
}

static void *loop_begin(void *context, struct http_loop *loop)
{
    struct scene *made = context;
    made->loop = loop;
    pthread_barrier_wait(&made->gate);
    return made;
}

static void loop_end(void *state)
{
    atomic_fetch_add(&((struct scene *)state)->ended, 1);
}

static struct http_server_config config_default(void)
{
    return (struct http_server_config){.address = "127.0.0.1",
                                       .loops = 1,
                                       .body_max = 10000,
                                       .connections_max = 100,
                                       .request_s = 30,
                                       .idle_s = 30,
                                       .loop_begin = loop_begin,
                                       .loop_end = loop_end,
                                       .handle = handle,
                                       .ready = ready,
                                       .context = &scene};
}

static void start(struct http_server_config config)
{
    pthread_barrier_init(&scene.gate, NULL, (unsigned)config.loops + 1);
    cr_assert_eq(http_server_start(&config, &scene.server), STATUS_OK);
    pthread_barrier_wait(&scene.gate);
}

static void stop(void)
{
    http_server_stop(scene.server, 1000);
}

static int dial(void)
{
    return wire_connect(http_server_port(scene.server));
}

static void until(atomic_bool *flag)
{
    int64_t bound = clock_deadline_ns(10000);
    while (!atomic_load(flag)) {
        cr_assert_gt(clock_left_ms(bound), 0);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

TestSuite(server, .timeout = 60);

static const char *ask(const char *request)
{
    static char answer[65536];
    int fd = dial();
    answer[0] = '\0';
    wire_send(fd, request);
    wire_read(fd, answer, sizeof answer, NULL);
    close(fd);
    return answer;
}

Test(server, hands_over_a_request_and_gives_its_answer)
{
    start(config_default());
    const char *answer = ask("POST /a%20b?x=1&y HTTP/1.1\r\nHost: h\r\nX-Twice: 1\r\nX-Twice: 2\r\n"
                             "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
    cr_expect(strstr(answer, "HTTP/1.1 200 OK\r\n"), "%s", answer);
    cr_expect(strstr(answer, "[POST][/a%20b][x=1&y][127.0.0.1][2][hello][5]"), "%s", answer);
    cr_expect(strstr(answer, "X-Good: 1\r\n"));
    cr_expect_not(strstr(answer, "X-Bad"));
    cr_expect_not(strstr(answer, "X-Split"));
    cr_expect_not(strstr(answer, "Content-Type"));
    cr_expect_eq(wire_count(answer, "Content-Length"), 1);
    cr_expect(strstr(answer, "Date: "));
    stop();
    cr_expect_eq(scene.ended, 1);
}

Test(server, gives_every_target_as_it_was_sent)
{
    start(config_default());
    cr_expect(strstr(ask("GET //x/y HTTP/1.0\r\n\r\n"), "[GET][//x/y][-]"));
    cr_expect(strstr(ask("GET /? HTTP/1.0\r\n\r\n"), "[GET][/][]"));
    cr_expect(strstr(ask("GET http://h/p?q HTTP/1.0\r\n\r\n"), "[GET][/p][q]"));
    cr_expect(strstr(ask("GET http://h HTTP/1.0\r\n\r\n"), "[GET][/][-]"));
    cr_expect(strstr(ask("OPTIONS * HTTP/1.0\r\n\r\n"), "[OPTIONS][*][-]"));
    cr_expect(strstr(ask("GET /../a HTTP/1.0\r\n\r\n"), "[GET][/../a][-]"));
    stop();
}

Test(server, lets_every_method_through)
{
    static const char *const methods[] = {"GET",     "POST",  "PUT",   "DELETE",
                                          "OPTIONS", "TRACE", "PATCH", "CONNECT"};
    start(config_default());
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char request[128], expected[64], answer[4096] = "";
        snprintf(request, sizeof request, "%s /m:1 HTTP/1.1\r\nHost: h\r\n\r\n", methods[i]);
        snprintf(expected, sizeof expected, "[%s][/m:1]", methods[i]);
        if (i == 7) {
            memcpy(request, "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 34);
            snprintf(expected, sizeof expected, "[CONNECT][h:1]");
        }
        int fd = dial();
        wire_send(fd, request);
        cr_expect(wire_read(fd, answer, sizeof answer, expected), "%s: %s", methods[i], answer);
        close(fd);
    }
    cr_expect(
        strstr(ask("BREW /pot HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), "[][/pot]"));
    stop();
}

Test(server, answers_head_without_a_body)
{
    start(config_default());
    const char *answer = ask("HEAD /h HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    cr_expect(strstr(answer, "Content-Length: "), "%s", answer);
    cr_expect_not(strstr(answer, "[HEAD]"));
    stop();
}

Test(server, names_newer_statuses)
{
    start(config_default());
    cr_expect(strstr(ask("GET /422 HTTP/1.0\r\n\r\n"), " 422 Unprocessable Content\r\n"));
    stop();
}

Test(server, keeps_connections_and_takes_pipelined_requests)
{
    start(config_default());
    char answer[8192] = "";
    int fd = dial();
    wire_send(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect(wire_read(fd, answer, sizeof answer, "[/1]"));
    wire_send(fd, "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET /3 "
                  "HTTP/1.1\r\nHost: h\r\n\r\n"
                  "GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    cr_expect(wire_read(fd, answer, sizeof answer, NULL));
    const char *second = strstr(answer, "[/2]"), *third = strstr(answer, "[/3]"),
               *fourth = strstr(answer, "[/4]");
    cr_expect(second && third && fourth && second < third && third < fourth, "%s", answer);
    close(fd);
    stop();
}

Test(server, reads_a_chunked_body)
{
    start(config_default());
    const char *answer =
        ask("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    cr_expect(strstr(answer, "[hello world][11]"), "%s", answer);
    stop();
}

static void refused(const char *request, const char *status)
{
    int before = atomic_load(&scene.handled);
    const char *answer = ask(request);
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %s", status);
    cr_expect_eq(strncmp(answer, line, strlen(line)), 0, "%s -> %s", request, answer);
    cr_expect_eq(wire_count(answer, "HTTP/1.1 "), 1, "%s -> %s", request, answer);
    cr_expect_eq(atomic_load(&scene.handled), before, "%s", request);
}

Test(server, refuses_requests_with_two_ends_and_closes)
{
    start(config_default());
    refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
            "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nGET /smuggled "
            "HTTP/1.1\r\nHost: h\r\n\r\n",
            "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 26\r\n\r\n"
            "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
            "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc", "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3x\r\n\r\nabc", "400");
    refused("POST / HTTP/1.1\r\nHost: h\r\nContent-Length : 26\r\n\r\nGET /smuggled "
            "HTTP/1.1\r\nHost: h\r\n\r\n",
            "400");
    refused("CONNECT h:1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\nGET /smuggled "
            "HTTP/1.1\r\nHost: h\r\n\r\n",
            "400");
    stop();
}

Test(server, refuses_bad_chunks_and_unparsable_requests)
{
    start(config_default());
    int before = atomic_load(&scene.handled);
    cr_expect(strstr(
        ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
        " 400 "));
    cr_expect(strstr(ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                         "chunked\r\n\r\n5\r\nhelloXX\r\n0\r\n\r\n"),
                     " 400 "));
    cr_expect(
        strstr(ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n"),
               " 413 "));
    cr_expect(strstr(ask("nonsense without sense\r\n\r\n"), " 400 "));
    cr_expect(strstr(ask("GET / HTTP/2.0\r\n\r\n"), " 400 "));
    cr_expect(strstr(ask("GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n"), " 400 "));
    cr_expect_eq(atomic_load(&scene.handled), before);
    stop();
}

Test(server, refuses_a_body_that_nobody_would_read)
{
    start(config_default());
    for (int i = 0; i < 3; i++) {
        static const char *const methods[] = {"HEAD", "BREW", "TRACE"};
        char request[256];
        snprintf(request, sizeof request,
                 "%s / HTTP/1.1\r\nHost: h\r\nContent-Length: 35\r\n\r\n"
                 "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n",
                 methods[i]);
        refused(request, "400");
    }
    stop();
}

Test(server, refuses_a_body_that_is_too_large)
{
    start(config_default());
    char *request = calloc(1, 70000);
    int head =
        snprintf(request, 200, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
    memset(request + head, 'x', 60000);
    cr_expect(strstr(ask(request), " 413 "));
    cr_expect_eq(scene.handled, 0);
    head = snprintf(
        request, 200,
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 10000\r\n\r\n");
    memset(request + head, 'x', 10000);
    request[head + 10000] = '\0';
    cr_expect(strstr(ask(request), "[10000]"));
    free(request);
    stop();
}

Test(server, refuses_headers_that_are_too_large_or_too_many)
{
    start(config_default());
    char *request = calloc(1, 40000);
    int head = snprintf(request, 200, "GET / HTTP/1.1\r\nHost: h\r\nX-Long: ");
    memset(request + head, 'x', 20000);
    memcpy(request + head + 20000, "\r\n\r\n", 5);
    cr_expect(strstr(ask(request), " 431 "));
    request[snprintf(request, 200, "GET / HTTP/1.1\r\nHost: h\r\n")] = '\0';
    for (int i = 0; i < 200; i++)
        memcpy(request + strlen(request), "A: b\r\n", 7);
    memcpy(request + strlen(request), "\r\n", 3);
    cr_expect(strstr(ask(request), " 431 "));
    cr_expect_eq(scene.handled, 0);
    free(request);
    stop();
}

static double drip(const char *request)
{
    int fd = dial();
    int64_t begun = clock_now_ns();
    char byte;
    for (size_t i = 0; request[i]; i++) {
        if (send(fd, request + i, 1, MSG_NOSIGNAL) != 1)
            break;
        struct timeval pause = {.tv_usec = 100000}; // the peer's close ends the wait early
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
        ssize_t n = recv(fd, &byte, 1, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
    }
    close(fd);
    return (double)(clock_now_ns() - begun) / (double)NS_PER_S;
}

Test(server, ends_a_request_that_drips_in)
{
    struct http_server_config config = config_default();
    config.request_s = 1;
    start(config);
    double seconds =
        drip("GET / HTTP/1.1\r\nHost: h\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    cr_expect_gt(seconds, 0.8);
    cr_expect_lt(seconds, 4.0);
    // and the second request of a kept connection
    char answer[4096] = "";
    int fd = dial();
    wire_send(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect(wire_read(fd, answer, sizeof answer, "[/1]"));
    wire_send(fd, "GET /2 HT");
    int64_t begun = clock_now_ns();
    cr_expect(wire_closed(fd));
    cr_expect_lt(clock_now_ns() - begun, 4 * NS_PER_S);
    close(fd);
    // a connection that never says anything
    fd = dial();
    cr_expect(wire_closed(fd));
    close(fd);
    cr_expect_eq(scene.handled, 1);
    stop();
}

Test(server, closes_idle_connections)
{
    struct http_server_config config = config_default();
    config.idle_s = 1;
    start(config);
    char answer[4096] = "";
    int fd = dial();
    wire_send(fd, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect(wire_read(fd, answer, sizeof answer, "[/1]"));
    cr_expect(wire_closed(fd));
    close(fd);
    stop();
}

Test(server, closes_connections_beyond_its_maximum)
{
    struct http_server_config config = config_default();
    config.connections_max = 2;
    start(config);
    int fds[3];
    char answer[4096] = "";
    for (int i = 0; i < 2; i++) {
        fds[i] = dial();
        answer[0] = '\0';
        wire_send(fds[i], "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
        cr_expect(wire_read(fds[i], answer, sizeof answer, "[/1]"));
    }
    fds[2] = dial();
    cr_expect(wire_closed(fds[2]));
    close(fds[2]);
    answer[0] = '\0';
    wire_send(fds[0], "GET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    cr_expect(wire_read(fds[0], answer, sizeof answer, NULL)); // frees a place
    close(fds[0]);
    fds[0] = dial();
    answer[0] = '\0';
    wire_send(fds[0], "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect(wire_read(fds[0], answer, sizeof answer, "[/3]"));
    close(fds[0]);
    close(fds[1]);
    stop();
}

static void answer_held(void *argument)
{
    http_header_out(scene.held, "X-Late", "1");
    http_reply(scene.held, 200, bytes_of_string(argument));
    atomic_store(&scene.holding, false);
    atomic_store(&scene.release, true);
}

Test(server, answers_later_from_another_thread)
{
    start(config_default());
    char answer[4096] = "";
    int fd = dial();
    wire_send(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    until(&scene.holding);
    cr_assert(http_loop_post(scene.loop, answer_held, "late"));
    cr_expect(wire_read(fd, answer, sizeof answer, "\r\n\r\nlate"), "%s", answer);
    cr_expect(strstr(answer, "X-Late: 1"));
    wire_send(fd, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_expect(wire_read(fd, answer, sizeof answer, "[/next]"));
    close(fd);
    stop();
}

Test(server, keeps_the_exchange_of_a_client_that_left)
{
    start(config_default());
    for (int i = 0; i < 3; i++) {
        atomic_store(&scene.release, false);
        int fd = dial();
        wire_send(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
        until(&scene.holding);
        if (i > 0) // reset, not just closed
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
                       sizeof(struct linger));
        close(fd);
        cr_assert(http_loop_post(scene.loop, answer_held, "to nobody"));
        until(&scene.release);
    }
    cr_expect(strstr(ask("GET /alive HTTP/1.0\r\n\r\n"), "[/alive]"));
    stop();
}

static void wait_at_gate(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&scene.gate);
    pthread_barrier_wait(&scene.gate);
}

Test(server, says_ready_once_for_all_that_was_ready)
{
    start(config_default());
    enum { N = 8 };
    int fds[N];
    for (int i = 0; i < N; i++) {
        char answer[4096] = "";
        fds[i] = dial();
        wire_send(fds[i], "GET /first HTTP/1.1\r\nHost: h\r\n\r\n");
        cr_assert(wire_read(fds[i], answer, sizeof answer, "[/first]"));
    }
    cr_assert(http_loop_post(scene.loop, wait_at_gate, NULL));
    pthread_barrier_wait(&scene.gate); // the loop stands still
    int before = atomic_load(&scene.ready);
    for (int i = 0; i < N; i++)
        wire_send(fds[i], "GET /second HTTP/1.1\r\nHost: h\r\n\r\n");
    pthread_barrier_wait(&scene.gate);
    for (int i = 0; i < N; i++) {
        char answer[4096] = "";
        cr_assert(wire_read(fds[i], answer, sizeof answer, "[/second]"));
        close(fds[i]);
    }
    cr_expect_eq(atomic_load(&scene.ready), before + 1);
    cr_expect_eq(atomic_load(&scene.ready_handled), 2 * N);
    stop();
}

static void count_post(void *argument)
{
    (void)argument;
    atomic_fetch_add(&scene.posted, 1);
}

static void *post_many(void *argument)
{
    for (int i = 0; i < 5000; i++)
        if (!http_loop_post(argument, count_post, NULL))
            break;
    return NULL;
}

Test(server, runs_every_post)
{
    start(config_default());
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, post_many, scene.loop);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    stop(); // what was taken is run before the end
    cr_expect_eq(scene.posted, 20000);
}

static void *stop_in_thread(void *argument)
{
    http_server_stop(scene.server, *(int64_t *)argument);
    return NULL;
}

Test(server, finishes_what_is_under_way_when_it_stops)
{
    start(config_default());
    char answer[4096] = "";
    int idle = dial(), fd = dial();
    wire_send(idle, "GET /idle HTTP/1.1\r\nHost: h\r\n\r\n");
    cr_assert(wire_read(idle, answer, sizeof answer, "[/idle]"));
    answer[0] = '\0';
    wire_send(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    until(&scene.holding);
    int64_t drain_ms = 20000, begun = clock_now_ns();
    pthread_t stopper;
    pthread_create(&stopper, NULL, stop_in_thread, &drain_ms);
    cr_expect(wire_closed(idle)); // the stop has begun
    cr_assert(http_loop_post(scene.loop, answer_held, "finished"));
    cr_expect(wire_read(fd, answer, sizeof answer, NULL));
    cr_expect(strstr(answer, "finished") && strstr(answer, "Connection: close"), "%s", answer);
    pthread_join(stopper, NULL);
    cr_expect_lt(clock_now_ns() - begun, 10 * NS_PER_S);
    cr_expect_eq(scene.ended, 1);
    close(fd);
    close(idle);
}

Test(server, stops_in_time_when_an_answer_never_comes)
{
    start(config_default());
    int fd = dial();
    wire_send(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n");
    until(&scene.holding);
    int64_t begun = clock_now_ns();
    http_server_stop(scene.server, 100);
    cr_expect_lt(clock_now_ns() - begun, 5 * NS_PER_S);
    cr_expect(wire_closed(fd));
    close(fd);
}

Test(server, refuses_to_start_on_a_port_that_is_taken)
{
    struct http_server_config config = config_default();
    config.loops = 2;
    start(config);
    struct http_server *second = NULL;
    config.port = http_server_port(scene.server);
    cr_expect_eq(http_server_start(&config, &second), STATUS_UNAVAILABLE);
    config.address = "not an address";
    cr_expect_eq(http_server_start(&config, &second), STATUS_UNAVAILABLE);
    cr_expect_null(second);
    stop();
    http_server_stop(NULL, 0);
}

Test(server, serves_from_several_loops_on_a_port_named)
{
    struct http_server_config config = config_default();
    config.loops = 1;
    start(config);
    config.port = http_server_port(scene.server);
    stop();
    pthread_barrier_destroy(&scene.gate);
    config.loops = 3;
    start(config);
    cr_expect_eq(http_server_port(scene.server), config.port);
    for (int i = 0; i < 20; i++)
        cr_expect(strstr(ask("GET /x HTTP/1.0\r\n\r\n"), "[/x]"));
    stop();
    cr_expect_eq(scene.ended, 4);
}

Test(server, sends_large_answers_to_slow_readers)
{
    struct http_server_config config = config_default();
    config.body_max = 8 << 20;
    start(config);
    size_t length = 6 << 20;
    char *body = calloc(1, length + 1);
    memset(body, 'y', length);
    int fd = dial();
    char head[128];
    snprintf(head, sizeof head,
             "POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
             length);
    wire_send(fd, head);
    wire_send(fd, body);
    char *answer = calloc(1, length + 4096);
    cr_expect(wire_read(fd, answer, length + 4096, NULL));
    cr_expect_gt(strlen(answer), length);
    free(answer);
    free(body);
    close(fd);
    stop();
}
