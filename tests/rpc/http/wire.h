// HTTP by hand, for what a well-behaved peer never says. Every wait has a bound.
#pragma once
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WIRE_WAIT_S 10

static inline void wire_bound(int fd)
{
    struct timeval bound = {.tv_sec = WIRE_WAIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
}

static inline int wire_connect(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    wire_bound(fd);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline void wire_send(int fd, const char *text)
{
    size_t length = strlen(text);
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(fd, text + sent, length - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return; // the peer hung up: its answer tells
        sent += (size_t)n;
    }
}

// Reads until `mark` was seen (NULL: until the peer closes), at most size - 1 bytes. True when it
// came.
static inline bool wire_read(int fd, char *into, size_t size, const char *mark)
{
    size_t length = strlen(into);
    for (;;) {
        if (mark && strstr(into, mark))
            return true;
        ssize_t n = length + 1 < size ? recv(fd, into + length, size - 1 - length, 0) : -1;
        if (n <= 0)
            return !mark && (n == 0 || length > 0);
        length += (size_t)n;
        into[length] = '\0';
    }
}

// True when the peer has closed (or reset) and nothing more comes.
static inline bool wire_closed(int fd)
{
    char rest[4096];
    ssize_t n;
    while ((n = recv(fd, rest, sizeof rest, 0)) > 0)
        ;
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static inline size_t wire_count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

// A peer that serves each connection with `serve`, one after the other, until it is ended.
struct wire_peer {
    int listener;
    uint16_t port;
    pthread_t thread;
    void (*serve)(struct wire_peer *, int fd);
    int requests; // for serve to count
    char seen[8192];
};

static inline void *wire_peer_run(void *argument)
{
    struct wire_peer *peer = argument;
    int fd;
    while ((fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        wire_bound(fd);
        peer->serve(peer, fd);
        close(fd);
    }
    return NULL;
}

static inline void wire_peer_start(struct wire_peer *peer,
                                   void (*serve)(struct wire_peer *, int fd))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    *peer = (struct wire_peer){.serve = serve};
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(peer->listener, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(peer->listener, 16), 0);
    cr_assert_eq(getsockname(peer->listener, (struct sockaddr *)&at, &length), 0);
    peer->port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&peer->thread, NULL, wire_peer_run, peer), 0);
}

static inline void wire_peer_end(struct wire_peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
}
