// The end of an edge: what is in hand is finished or told, and nothing touches what is gone.
#include "edge.h"

static bool is_waiting(void *context)
{
    return atomic_load(&scene.waiting) >= *(const int *)context;
}

TestSuite(close, .init = edge_start, .fini = edge_stop, .timeout = 60);

static int ask(const char *verb, const char *path)
{
    char text[512];
    int fd = wire_connect(scene.port);
    snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: x\r\n" KEY "\r\n", verb, path);
    wire_send(fd, text);
    REPLY live = say("GET", "/health/live", "", NULL); // a turn of the loop: it was read
    expect(live, 200, "");
    return fd;
}

static void warm(void)
{
    REPLY reply = say("GET", "/api/v1/payments/pay_1", KEY, NULL);
    expect(reply, 200, "");
}

static void stop(void)
{
    http_server_stop(scene.server, 1000);
    scene.server = NULL;
}

Test(close, waits_for_what_is_in_hand)
{
    int one = 1;
    warm();
    scene.held = true;
    int fd = ask("POST", "/api/v1/payments/pay_1/capture");
    test_wait(is_waiting, &one, 5000, "the call is under way");
    cr_assert(!http_server_drain(scene.server, 50));
    scene.held = false;
    cr_assert(http_server_drain(scene.server, 5000));
    REPLY reply = reply_read(fd);
    expect(reply, 200, "Connection: close");
    gateway_close(&scene.gateway);
    stop();
}

Test(close, tells_those_whose_service_does_not_answer)
{
    int one = 1;
    warm();
    scene.held = true;
    int write = ask("POST", "/api/v1/payments/pay_1/capture");
    int read = ask("GET", "/api/v1/payments/pay_1");
    test_wait(is_waiting, &one, 5000, "the calls are under way");
    cr_assert(!http_server_drain(scene.server, 50));
    gateway_close(&scene.gateway);
    REPLY unknown = reply_read(write);
    expect(unknown, 504, "\"code\":\"outcome_unknown\"");
    REPLY nothing = reply_read(read);
    expect(nothing, 503, "");
    stop();
}

Test(close, refuses_what_waits_to_be_sent_and_what_comes_later)
{
    // Each worker of payments is held by one call; the hop lets four Bundles out at once.
    int fds[12], workers = 2;
    warm();
    scene.held = true;
    for (int i = 0; i < 12; i++)
        fds[i] = ask("POST", "/api/v1/payments/pay_1/capture");
    test_wait(is_waiting, &workers, 5000, "the workers are held");
    int late = wire_connect(scene.port);
    wire_send(late, "GET /api/v1/payments/pay_1 HTTP/1.1\r\nHost: h\r\n" KEY);
    REPLY turn = say("GET", "/health/live", "", NULL);
    expect(turn, 200, "");
    cr_assert(!http_server_drain(scene.server, 50));
    gateway_close(&scene.gateway);
    int unknown = 0, unavailable = 0;
    for (int i = 0; i < 12; i++) {
        REPLY reply = reply_read(fds[i]);
        unknown += reply.status == 504;
        unavailable += reply.status == 503;
    }
    cr_assert_eq(unknown + unavailable, 12);
    cr_assert_geq(unknown, 2);
    cr_assert_geq(unavailable, 1, "what was never sent is said to be so");
    wire_send(late, "\r\n");
    REPLY refused = reply_read(late);
    expect(refused, 503, "\"code\":\"unavailable\"");
    stop();
}

Test(close, takes_no_more_connections)
{
    warm();
    int idle = wire_connect(scene.port);
    cr_assert(http_server_drain(scene.server, 5000));
    cr_assert(wire_closed(idle));
    close(idle);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(scene.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_neq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    close(fd);
}

static atomic_int answered;

// Asks until nobody listens any more; an answer that comes is one that we know.
static void *keep_asking(void *odd)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(scene.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (;;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        wire_bound(fd);
        if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
            close(fd);
            return NULL;
        }
        wire_send(fd, "POST /api/v1/payments/pay_1/capture HTTP/1.1\r\nHost: x\r\n" KEY
                      "Connection: close\r\n\r\n");
        REPLY reply = reply_read(fd);
        if (reply.status != 200 && reply.status != 503 && reply.status != 504 && reply.text[0])
            atomic_fetch_add((atomic_int *)odd, 1);
        atomic_fetch_add(&answered, reply.status == 200);
    }
}

static bool is_busy(void *context)
{
    (void)context;
    return atomic_load(&answered) > 200;
}

Test(close, answers_everybody_under_load)
{
    pthread_t threads[16];
    atomic_int odd = 0;
    for (int i = 0; i < 16; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, keep_asking, &odd), 0);
    test_wait(is_busy, NULL, 30000, "the edge is busy");
    (void)http_server_drain(scene.server, 0);
    gateway_close(&scene.gateway);
    stop();
    for (int i = 0; i < 16; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(odd, 0);
}

Test(close, is_harmless_before_anything_came)
{
    gateway_close(&scene.gateway);
    gateway_close(&scene.gateway);
    REPLY reply = say("GET", "/api/v1/payments/pay_1", KEY, NULL);
    expect(reply, 503, "");
    REPLY live = say("GET", "/health/live", "", NULL);
    expect(live, 200, "");
}
