// Requests from one client to a server whose answers come from other threads, under the thread
// sanitizer.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/client.h"
#include "http/server.h"

#define REQUESTS 2000

static struct http_loop *loops[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static size_t loops_n;

struct later {
    struct http_loop *loop;
    struct http_exchange *exchange;
    struct later *next;
};
static struct later *waiting;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static bool over;

static void *loop_begin(void *context, struct http_loop *loop)
{
    (void)context;
    pthread_mutex_lock(&mutex);
    loops[loops_n++] = loop;
    pthread_mutex_unlock(&mutex);
    return loop;
}

static void handle(void *state, struct http_exchange *exchange)
{
    struct later *later = malloc(sizeof *later);
    *later = (struct later){.loop = state, .exchange = exchange};
    pthread_mutex_lock(&mutex);
    later->next = waiting;
    waiting = later;
    pthread_cond_signal(&work);
    pthread_mutex_unlock(&mutex);
}

static void answer(void *argument)
{
    struct later *later = argument;
    http_reply(later->exchange, 200, http_body(later->exchange));
    free(later);
}

static void *worker(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (!waiting && !over)
            pthread_cond_wait(&work, &mutex);
        struct later *later = waiting;
        if (!later)
            break;
        waiting = later->next;
        pthread_mutex_unlock(&mutex);
        if (!http_loop_post(later->loop, answer, later))
            abort();
        pthread_mutex_lock(&mutex);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static size_t drive(struct http_client *client, const struct http_request *request)
{
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    size_t started = 0, answered = 0, good = 0;
    int64_t until = clock_deadline_ns(60000);
    while (answered < REQUESTS && clock_left_ms(until) > 0) {
        struct http_response responses[32];
        while (started < REQUESTS && http_client_start(client, request) == STATUS_OK)
            started++;
        size_t n = http_client_collect(client, arena, 100, responses, 32);
        for (size_t i = 0; i < n; i++)
            good += responses[i].status == 200 && responses[i].body.length == 5;
        answered += n;
        arena_reset(arena);
    }
    arena_free(arena);
    return good;
}

int main(void)
{
    struct http_server_config config = {.address = "127.0.0.1",
                                        .loops = 2,
                                        .body_max = 1000,
                                        .connections_max = 100,
                                        .request_s = 30,
                                        .idle_s = 30,
                                        .loop_begin = loop_begin,
                                        .handle = handle};
    struct http_server *server;
    if (http_server_start(&config, &server) != STATUS_OK)
        return 1;
    pthread_t workers[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&workers[i], NULL, worker, NULL);
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%u/", http_server_port(server));
    struct http_request request = {
        .method = "POST", .url = url, .body = bytes_of_string("hello"), .response_max = 100};
    struct http_client *client = http_client_new(32, "obol-test/1");
    size_t good = drive(client, &request);
    http_client_free(client);
    http_server_stop(server, 1000);
    pthread_mutex_lock(&mutex);
    over = true;
    pthread_cond_broadcast(&work);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < 2; i++)
        pthread_join(workers[i], NULL);
    printf("%zu of %d answered\n", good, REQUESTS);
    return good == REQUESTS ? 0 : 1;
}
