// Draining: what is in hand goes on, and the loops run until they are stopped.
#include <errno.h>
#include <stdatomic.h>

#include "http/server.h"
#include "rpc/http/wire.h"
#include "support/support.h"

static struct http_server *server;
static struct http_loop *loop;
static struct http_exchange *held;
static atomic_bool holding;
static atomic_int posted;

static void handle(void *state, struct http_exchange *exchange)
{
    (void)state;
    if (strcmp(http_path(exchange), "/held") != 0) {
        http_reply(exchange, 200, bytes_of_string("now"));
        return;
    }
    held = exchange;
    atomic_store(&holding, true);
}

static void *loop_begin(void *context, struct http_loop *started)
{
    (void)context;
    loop = started;
    return NULL;
}

static void begin(void)
{
    const struct http_server_config config = {.address = "127.0.0.1",
                                              .loops = 1,
                                              .body_max = 1024,
                                              .connections_max = 64,
                                              .request_s = 20,
                                              .idle_s = 60,
                                              .loop_begin = loop_begin,
                                              .handle = handle};
    cr_ok(http_server_start(&config, &server));
}

static void end(void)
{
    http_server_stop(server, 0);
}

TestSuite(drain, .init = begin, .fini = end, .timeout = 60);

static bool is_set(void *flag)
{
    return atomic_load((atomic_bool *)flag);
}

static int hold(void)
{
    int fd = wire_connect(http_server_port(server));
    wire_send(fd, "GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    test_wait(is_set, &holding, 10000, "the request is held");
    return fd;
}

static void release(void *argument)
{
    (void)argument;
    http_reply(held, 200, bytes_of_string("later"));
}

static void count(void *argument)
{
    (void)argument;
    atomic_fetch_add(&posted, 1);
}

static bool is_posted(void *n)
{
    return atomic_load(&posted) == *(int *)n;
}

Test(drain, is_over_at_once_with_nothing_in_hand)
{
    int idle = wire_connect(http_server_port(server));
    cr_assert(http_server_drain(server, 10000));
    cr_assert(http_server_drain(server, 0), "again");
    cr_assert(wire_closed(idle));
    close(idle);
}

// With no listener and no timer libevent has nothing to wait for, but a post may still come.
Test(drain, keeps_the_loop_running_for_what_is_held)
{
    char answer[1024] = "";
    int one = 1;
    int fd = hold();
    cr_assert(!http_server_drain(server, 100));
    cr_assert(http_loop_post(loop, count, NULL));
    test_wait(is_posted, &one, 10000, "a post is run");
    cr_assert(http_loop_post(loop, release, NULL));
    cr_assert(http_server_drain(server, 10000));
    cr_assert(wire_read(fd, answer, sizeof answer, NULL), "and then closed");
    cr_assert(strstr(answer, "later"), "%s", answer);
    cr_assert(strstr(answer, "Connection: close"), "%s", answer);
    close(fd);
}

Test(drain, hands_out_a_request_that_was_coming_in)
{
    char answer[1024] = "";
    int fd = hold(), half = wire_connect(http_server_port(server));
    wire_send(half, "GET / HTTP/1.1\r\nHost: h\r\n");
    int probe = wire_connect(http_server_port(server)); // its answer shows that half was read
    wire_send(probe, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    cr_assert(wire_read(probe, answer, sizeof answer, NULL));
    memset(answer, 0, sizeof answer);
    cr_assert(!http_server_drain(server, 50));
    wire_send(half, "\r\n");
    cr_assert(wire_read(half, answer, sizeof answer, NULL));
    cr_assert(strstr(answer, "now"), "%s", answer);
    cr_assert(http_loop_post(loop, release, NULL));
    cr_assert(http_server_drain(server, 10000));
    close(probe);
    close(half);
    close(fd);
}

Test(drain, ends_with_the_server_whatever_is_held)
{
    int fd = hold();
    cr_assert(!http_server_drain(server, 10));
    http_server_stop(server, 10);
    server = NULL;
    cr_assert(wire_closed(fd));
    close(fd);
}
