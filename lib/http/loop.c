#include <errno.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/listener.h"

#define ACCEPT_PAUSE_MS 100
#define EVERY_METHOD 0xffff // also the bit that evhttp keeps for methods it doesn't know

// libevent calls back about a failed accept with nothing of ours.
static _Thread_local struct http_loop *this_loop;

static void posts_run(struct post *post)
{
    while (post) {
        struct post *next = post->next;
        post->call(post->argument);
        free(post);
        post = next;
    }
}

static struct post *posts_take(struct http_loop *loop, bool last)
{
    pthread_mutex_lock(&loop->mutex);
    struct post *posts = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    loop->ended = loop->ended || last;
    pthread_mutex_unlock(&loop->mutex);
    return posts;
}

static void posted(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    posts_run(posts_take(context, false));
}

bool http_loop_post(struct http_loop *loop, void (*call)(void *), void *argument)
{
    struct post *post = malloc(sizeof *post);
    if (!post)
        return false;
    *post = (struct post){.call = call, .argument = argument};
    pthread_mutex_lock(&loop->mutex);
    bool taken = !loop->ended, first = !loop->posts;
    if (taken) {
        *loop->posts_end = post;
        loop->posts_end = &post->next;
        if (first) // one wake for all that come before it is heard
            event_active(loop->posted, EV_WRITE, 0);
    }
    pthread_mutex_unlock(&loop->mutex);
    if (!taken)
        free(post);
    return taken;
}

static void ready(evutil_socket_t fd, short what, void *context)
{
    struct http_loop *loop = context;
    (void)fd;
    (void)what;
    loop->ready_due = false;
    loop->config->ready(loop->state);
}

// The event goes to the end of what is active in this turn, behind every other socket that had
// something to read. (A lower priority would wait for a turn with nothing to read, which under load
// may never come.)
void loop_request_handed_out(struct http_loop *loop)
{
    if (loop->ready_due || !loop->config->ready)
        return;
    loop->ready_due = true;
    event_active(loop->ready_event, EV_WRITE, 0);
}

static void accept_again(evutil_socket_t fd, short what, void *context)
{
    struct http_loop *loop = context;
    (void)fd;
    (void)what;
    if (loop->bound)
        evconnlistener_enable(evhttp_bound_socket_get_listener(loop->bound));
}

// Out of descriptors: the waiting connection stays readable, and the loop would spin on it.
static void accept_failed(struct evconnlistener *listener, void *context)
{
    struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
    (void)context;
    log_warn("http.accept_failed", LOG_S("error", strerror(errno)));
    evconnlistener_disable(listener);
    event_add(this_loop->accept_again, &pause);
}

static void stop_over(evutil_socket_t fd, short what, void *context)
{
    struct http_loop *loop = context;
    (void)fd;
    (void)what;
    event_base_loopbreak(loop->base);
}

void loop_check_drained(struct http_loop *loop)
{
    if (!loop->draining || loop->busy_n > 0 || loop->exchanges_n > 0)
        return;
    pthread_mutex_lock(&loop->mutex);
    loop->drained = true;
    pthread_cond_broadcast(&loop->drained_changed);
    pthread_mutex_unlock(&loop->mutex);
    if (loop->stopping)
        event_base_loopbreak(loop->base);
}

static void drain_begin(struct http_loop *loop)
{
    if (loop->draining)
        return;
    loop->draining = true;
    evhttp_del_accept_socket(loop->http, loop->bound);
    loop->bound = NULL;
    for (struct connection *at = loop->connections; at; at = at->next)
        if (at->evhttp && at->phase == PHASE_IDLE)
            connection_close_soon(at);
}

static void drain(evutil_socket_t fd, short what, void *context)
{
    struct http_loop *loop = context;
    (void)fd;
    (void)what;
    drain_begin(loop);
    loop_check_drained(loop);
}

static void stop(evutil_socket_t fd, short what, void *context)
{
    struct http_loop *loop = context;
    (void)fd;
    (void)what;
    struct timeval bound = {.tv_sec = loop->stop_ms / 1000, .tv_usec = loop->stop_ms % 1000 * 1000};
    drain_begin(loop);
    loop->stopping = true;
    event_add(loop->stop_over, &bound);
    loop_check_drained(loop);
}

static bool loop_events(struct http_loop *loop)
{
    loop->ready_event = event_new(loop->base, -1, 0, ready, loop);
    loop->posted = event_new(loop->base, -1, 0, posted, loop);
    loop->accept_again = event_new(loop->base, -1, 0, accept_again, loop);
    loop->drain = event_new(loop->base, -1, 0, drain, loop);
    loop->stop = event_new(loop->base, -1, 0, stop, loop);
    loop->stop_over = event_new(loop->base, -1, 0, stop_over, loop);
    return loop->ready_event && loop->posted && loop->accept_again && loop->drain && loop->stop &&
           loop->stop_over;
}

void loop_drain(struct http_loop *loop)
{
    event_active(loop->drain, EV_WRITE, 0);
}

void loop_stop(struct http_loop *loop, int64_t stop_ms)
{
    loop->stop_ms = stop_ms > 0 ? stop_ms : 0;
    event_active(loop->stop, EV_WRITE, 0);
}

bool loop_wait_drained(struct http_loop *loop, int64_t deadline_ns)
{
    struct timespec until = {deadline_ns / NS_PER_S, deadline_ns % NS_PER_S};
    int error = 0;
    pthread_mutex_lock(&loop->mutex);
    while (!loop->drained && error == 0)
        error = pthread_cond_timedwait(&loop->drained_changed, &loop->mutex, &until);
    bool drained = loop->drained;
    pthread_mutex_unlock(&loop->mutex);
    return drained;
}

static void loop_locks(struct http_loop *loop)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&loop->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&loop->drained_changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool loop_init(struct http_loop *loop, const struct http_server_config *config, int listen_fd)
{
    *loop = (struct http_loop){.config = config, .listen_fd = listen_fd};
    loop->posts_end = &loop->posts;
    loop_locks(loop);
    loop->base = event_base_new();
    loop->http = loop->base ? evhttp_new(loop->base) : NULL;
    if (!loop->http || !loop_events(loop))
        return false;
    evhttp_set_max_headers_size(loop->http, SCAN_HEAD_BYTES_MAX);
    evhttp_set_max_body_size(loop->http, (ssize_t)config->body_max);
    evhttp_set_allowed_methods(loop->http, EVERY_METHOD);
    evhttp_set_default_content_type(loop->http, NULL);
    evhttp_set_timeout(loop->http, (int)config->idle_s);
    // Reads a body that is too large to its end, so that the client hears why before the connection
    // closes.
    evhttp_set_flags(loop->http, EVHTTP_SERVER_LINGERING_CLOSE);
    evhttp_set_bevcb(loop->http, connection_open, loop);
    evhttp_set_gencb(loop->http, connection_request, loop);
    loop->bound = evhttp_accept_socket_with_handle(loop->http, listen_fd);
    if (!loop->bound)
        return false;
    loop->listen_fd = -1;
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(loop->bound), accept_failed);
    return true;
}

static void event_drop(struct event *event)
{
    if (event)
        event_free(event);
}

void loop_deinit(struct http_loop *loop)
{
    posts_run(posts_take(loop, true));
    connection_free_unadopted(loop);
    if (loop->http) {
        evhttp_free(loop->http);
        // A stream with a deferred call holds itself until that call is through.
        event_base_loop(loop->base, EVLOOP_NONBLOCK);
    }
    while (loop->exchanges)
        exchange_free(loop->exchanges);
    for (struct http_exchange *at = loop->spare, *next; at; at = next) {
        next = at->next;
        exchange_destroy(at);
    }
    event_drop(loop->ready_event);
    event_drop(loop->posted);
    event_drop(loop->accept_again);
    event_drop(loop->drain);
    event_drop(loop->stop);
    event_drop(loop->stop_over);
    if (loop->base)
        event_base_free(loop->base);
    if (loop->listen_fd >= 0)
        close(loop->listen_fd);
    free(loop->by_fd);
}

void *loop_run(void *argument)
{
    struct http_loop *loop = argument;
    const struct http_server_config *config = loop->config;
    this_loop = loop;
    loop->state = config->loop_begin ? config->loop_begin(config->context, loop) : NULL;
    // A draining loop may have nothing to wait for but posts, which are no events to libevent.
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    // What was posted in time is run, though its answers may find nobody.
    posts_run(posts_take(loop, true));
    if (config->loop_end)
        config->loop_end(loop->state);
    loop_deinit(loop);
    return NULL;
}
