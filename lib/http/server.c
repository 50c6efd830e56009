#include "http/server.h"

#include <event2/thread.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "http/listener.h"

#define BACKLOG 1024

struct http_server {
    struct http_server_config config;
    uint16_t port;
    size_t loops_n; // initialised ones
    struct http_loop loops[];
};

static void libevent_says(int severity, const char *message)
{
    if (severity >= EVENT_LOG_WARN)
        log_warn("http.libevent", LOG_S("message", message));
}

// What a connection brought, card numbers among it, lies in libevent's buffers, which it frees as
// they are.
static void wiping_free(void *at)
{
    crypto_wipe(at, malloc_usable_size(at));
    free(at);
}

static void *wiping_realloc(void *at, size_t size)
{
    size_t before = malloc_usable_size(at);
    void *fresh = malloc(size);
    if (!fresh || !at)
        return fresh;
    memcpy(fresh, at, before < size ? before : size);
    wiping_free(at);
    return fresh;
}

static void libevent_start(void)
{
    event_set_mem_functions(malloc, wiping_realloc, wiping_free);
    evthread_use_pthreads();
    event_set_log_callback(libevent_says);
}

static int socket_bound(const struct addrinfo *at, bool shared)
{
    int on = 1;
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    // Accepted sockets inherit no-delay: the end of an answer doesn't wait for an acknowledgement.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

// Among processes of one user SO_REUSEPORT shares a port that another one listens on already; a
// plain socket tells.
static bool port_taken(const struct addrinfo *at)
{
    int fd = socket_bound(at, false);
    if (fd < 0)
        return true;
    bool taken = listen(fd, 1) != 0;
    close(fd);
    return taken;
}

static uint16_t port_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

// A socket for each loop, all on one port. Those not opened stay -1.
static bool sockets_open(struct addrinfo *at, int *fds, size_t n, uint16_t *ret_port)
{
    if (port_of(at->ai_addr) != 0 && port_taken(at))
        return false;
    for (size_t i = 0; i < n; i++) {
        fds[i] = socket_bound(at, true);
        if (fds[i] < 0 || listen(fds[i], BACKLOG) != 0)
            return false;
        socklen_t length = at->ai_addrlen; // the port that was chosen for the first is for all
        if (getsockname(fds[i], at->ai_addr, &length) != 0)
            return false;
    }
    *ret_port = port_of(at->ai_addr);
    return true;
}

static bool address_open(const struct http_server_config *config, int *fds, uint16_t *ret_port)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[256], port[8];
    size_t length = strlen(config->address);
    bool bracketed = config->address[0] == '[' && config->address[length - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(bracketed ? length - 2 : length),
             config->address + bracketed);
    snprintf(port, sizeof port, "%u", config->port);
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return false;
    bool opened = sockets_open(found, fds, config->loops, ret_port);
    freeaddrinfo(found);
    return opened;
}

static bool loops_start(struct http_server *server)
{
    sigset_t all, before;
    sigfillset(&all);
    // Signals are for the main thread; a write to a connection that is gone must not end the
    // process.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = true;
    for (size_t i = 0; i < server->loops_n && started; i++) {
        struct http_loop *loop = &server->loops[i];
        started = pthread_create(&loop->thread, NULL, loop_run, loop) == 0;
        loop->started = started;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool server_open(struct http_server *server)
{
    size_t n = server->config.loops;
    int *fds = calloc(n, sizeof *fds);
    if (!fds)
        return false;
    for (size_t i = 0; i < n; i++)
        fds[i] = -1;
    bool opened = address_open(&server->config, fds, &server->port);
    for (size_t i = 0; i < n && opened; i++) {
        opened = loop_init(&server->loops[i], &server->config, fds[i]);
        server->loops_n++;
        fds[i] = -1; // the loop's
    }
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(fds);
    return opened;
}

enum status http_server_start(const struct http_server_config *config, struct http_server **ret)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, libevent_start);
    size_t loops = config->loops ? config->loops : 1;
    struct http_server *server = calloc(1, sizeof *server + loops * sizeof server->loops[0]);
    if (!server)
        return STATUS_RESOURCE_EXHAUSTED;
    server->config = *config;
    server->config.loops = loops;
    if (!server_open(server) || !loops_start(server)) {
        http_server_stop(server, 0);
        return STATUS_UNAVAILABLE;
    }
    *ret = server;
    return STATUS_OK;
}

const char *const http_state_names[HTTP_STATES] = {"idle", "reading", "handling", "writing"};

void http_server_connections(struct http_server *server, int64_t ret[HTTP_STATES])
{
    for (size_t state = 0; state < HTTP_STATES; state++) {
        ret[state] = 0;
        for (size_t i = 0; i < server->loops_n; i++)
            ret[state] += atomic_load(&server->loops[i].in_state[state]);
    }
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_leave(struct http_server *server)
{
    for (size_t i = 0; i < server->loops_n; i++)
        atomic_store(&server->loops[i].leaving, true);
}

bool http_server_drain(struct http_server *server, int64_t drain_ms)
{
    int64_t deadline_ns = clock_deadline_ns(drain_ms > 0 ? drain_ms : 0);
    bool drained = true;
    for (size_t i = 0; i < server->loops_n; i++)
        loop_drain(&server->loops[i]);
    for (size_t i = 0; i < server->loops_n; i++)
        drained = loop_wait_drained(&server->loops[i], deadline_ns) && drained;
    return drained;
}

void http_server_stop(struct http_server *server, int64_t drain_ms)
{
    if (!server)
        return;
    for (size_t i = 0; i < server->loops_n; i++)
        if (server->loops[i].started)
            loop_stop(&server->loops[i], drain_ms);
    for (size_t i = 0; i < server->loops_n; i++) {
        struct http_loop *loop = &server->loops[i];
        if (loop->started)
            pthread_join(loop->thread, NULL);
        else
            loop_deinit(loop);
        pthread_cond_destroy(&loop->drained_changed);
        pthread_mutex_destroy(&loop->mutex);
    }
    free(server);
}
