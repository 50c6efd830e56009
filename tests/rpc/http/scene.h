// A server whose handler shows what it was asked, and what the test has to know of it.
#pragma once
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

static inline void hold(struct http_exchange *exchange)
{
    scene.held = exchange;
    atomic_store(&scene.holding, true);
}

static inline void see_header(void *context, const char *name, const char *value)
{
    (void)value;
    if (strcmp(name, "X-Twice") == 0)
        ++*(int *)context;
}

static inline void handle(void *state, struct http_exchange *exchange)
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

static inline void ready(void *state)
{
    (void)state;
    atomic_fetch_add(&scene.ready, 1);
    atomic_store(&scene.ready_handled, atomic_load(&scene.handled));
}

static inline void *loop_begin(void *context, struct http_loop *loop)
{
    struct scene *made = context;
    made->loop = loop;
    pthread_barrier_wait(&made->gate);
    return made;
}

static inline void loop_end(void *state)
{
    atomic_fetch_add(&((struct scene *)state)->ended, 1);
}

static inline struct http_server_config config_default(void)
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

static inline void start(struct http_server_config config)
{
    pthread_barrier_init(&scene.gate, NULL, (unsigned)config.loops + 1);
    cr_assert_eq(http_server_start(&config, &scene.server), STATUS_OK);
    pthread_barrier_wait(&scene.gate);
}

static inline void stop(void)
{
    http_server_stop(scene.server, 1000);
}

static inline int dial(void)
{
    return wire_connect(http_server_port(scene.server));
}

static inline void until(atomic_bool *flag)
{
    int64_t bound = clock_deadline_ns(10000);
    while (!atomic_load(flag)) {
        cr_assert_gt(clock_left_ms(bound), 0);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static inline const char *ask(const char *request)
{
    static char answer[65536];
    int fd = dial();
    answer[0] = '\0';
    wire_send(fd, request);
    wire_read(fd, answer, sizeof answer, NULL);
    close(fd);
    return answer;
}
