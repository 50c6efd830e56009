// What the listener refuses, and where its patience ends.
#include "rpc/http/scene.h"

TestSuite(bounds, .timeout = 60);

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

Test(bounds, refuses_requests_with_two_ends_and_closes)
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

Test(bounds, refuses_bad_chunks_and_unparsable_requests)
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

Test(bounds, refuses_a_body_that_nobody_would_read)
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

Test(bounds, refuses_a_body_that_is_too_large)
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

Test(bounds, refuses_headers_that_are_too_large_or_too_many)
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

Test(bounds, ends_a_request_that_drips_in)
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

Test(bounds, closes_idle_connections)
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

Test(bounds, closes_connections_beyond_its_maximum)
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
