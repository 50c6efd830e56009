#include "rpc/http/scene.h"

TestSuite(server, .timeout = 60);

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
