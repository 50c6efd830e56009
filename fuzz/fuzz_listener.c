// evhttp, which serves what the scanner lets through, ends each request where the scanner ends it:
// else the rest of one would be the beginning of another. A connection's bytes, up to the last
// request that is whole and good, go to it at once; when a request is handled, the next one's first
// byte is the first that it hasn't read.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "http/scan.h"
#include "support/fuzz.h"

#define ENDS_MAX 512
#define QUIET_ROUNDS 3 // of the loop, until nothing more is to come
#define ALL_METHODS 0xffff

static struct {
    uint64_t ends[ENDS_MAX];
    size_t n, handled;
} known;

static struct event_base *base;
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void handle(struct evhttp_request *request, void *unused)
{
    (void)unused;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *stream = evhttp_connection_get_bufferevent(connection);
    uint64_t unread = evbuffer_get_length(bufferevent_get_input(stream));
    assert(known.handled < known.n);
    assert(known.ends[known.n - 1] - unread == known.ends[known.handled]);
    known.handled++;
    evhttp_send_reply(request, 200, "OK", NULL);
}

static void start(void)
{
    base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "fuzz-listener-%d", (int)getpid());
    assert(http && listener >= 0);
    assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    assert(listen(listener, 1) == 0 && evhttp_accept_socket(http, listener) == 0);
    evhttp_set_allowed_methods(http, ALL_METHODS);
    evhttp_set_gencb(http, handle, NULL);
}

static void find_ends(struct bytes connection)
{
    struct scan scan = {0};
    known.n = known.handled = 0;
    for (size_t i = 0; i < connection.length && !scan_feed(&scan, connection.at + i, 1); i++)
        if (scan.request_at == i + 1 && known.n < ENDS_MAX)
            known.ends[known.n++] = i + 1;
}

// Until it has answered all that it will answer: one that it refuses, and one that says so, ends
// the connection.
static void serve(int client)
{
    char answers[4096];
    for (int quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        ssize_t got = recv(client, answers, sizeof answers, MSG_DONTWAIT);
        if (got == 0)
            return;
        if (got > 0)
            quiet = -1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    (void)fuzz_line(&input, arena); // the scanner's own target's
    struct bytes connection = fuzz_rest(&input);
    if (!base)
        start();
    find_ends(connection);
    if (known.n == 0)
        return 0;
    size_t whole = known.ends[known.n - 1];
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    assert(client >= 0 && connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    assert(send(client, connection.at, whole, MSG_NOSIGNAL) == (ssize_t)whole);
    serve(client);
    close(client);
    for (int i = 0; i < QUIET_ROUNDS; i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    return 0;
}
