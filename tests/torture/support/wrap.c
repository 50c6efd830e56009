// What the linker puts in the place of calls that may fail (--wrap). Each asks whether it is its
// turn.
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "torture.h"

// WRAP(kind, what failure returns, errno, type, name, (parameters), (arguments))
#define WRAP(kind, failure, number, type, name, parameters, arguments)                             \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (!torture_fails(kind))                                                                  \
            return __real_##name arguments;                                                        \
        errno = number;                                                                            \
        return failure;                                                                            \
    }
#define MEMORY(type, name, parameters, arguments)                                                  \
    WRAP(TORTURE_MEMORY, NULL, ENOMEM, type, name, parameters, arguments)
#define SYSTEM(number, type, name, parameters, arguments)                                          \
    WRAP(TORTURE_SYSTEM, -1, number, type, name, parameters, arguments)

MEMORY(void *, malloc, (size_t size), (size))
MEMORY(void *, calloc, (size_t n, size_t size), (n, size))
MEMORY(void *, realloc, (void *at, size_t size), (at, size))
MEMORY(void *, reallocarray, (void *at, size_t n, size_t size), (at, n, size))
MEMORY(char *, strdup, (const char *text), (text))
MEMORY(char *, strndup, (const char *text, size_t n), (text, n))

SYSTEM(EMFILE, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
SYSTEM(EADDRINUSE, int, bind, (int fd, const struct sockaddr *at, socklen_t length),
       (fd, at, length))
SYSTEM(EADDRINUSE, int, listen, (int fd, int backlog), (fd, backlog))
SYSTEM(ENOBUFS, int, setsockopt, (int fd, int level, int name, const void *value, socklen_t n),
       (fd, level, name, value, n))
SYSTEM(ENOBUFS, int, getsockname, (int fd, struct sockaddr *at, socklen_t *length),
       (fd, at, length))
SYSTEM(ENOMEM, int, poll, (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout))
SYSTEM(EIO, ssize_t, write, (int fd, const void *at, size_t n), (fd, at, n))
SYSTEM(ENOSYS, ssize_t, getrandom, (void *at, size_t n, unsigned flags), (at, n, flags))
SYSTEM(EACCES, int, statvfs, (const char *path, struct statvfs *ret), (path, ret))
WRAP(TORTURE_SYSTEM, NULL, EMFILE, FILE *, fopen, (const char *path, const char *mode),
     (path, mode))
WRAP(TORTURE_SYSTEM, 0, EIO, size_t, fread, (void *at, size_t size, size_t n, FILE *file),
     (at, size, n, file))
WRAP(TORTURE_SYSTEM, NULL, EACCES, char *, getcwd, (char *at, size_t size), (at, size))
WRAP(TORTURE_SYSTEM, EAI_AGAIN, EAGAIN, int, getaddrinfo,
     (const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret),
     (host, service, hints, ret))
WRAP(TORTURE_SYSTEM, EAGAIN, EAGAIN, int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
     (thread, attributes, run, argument))

int __wrap_asprintf(char **ret, const char *format, ...);
int __wrap_asprintf(char **ret, const char *format, ...)
{
    va_list arguments;
    if (torture_fails(TORTURE_MEMORY)) {
        *ret = NULL;
        return -1;
    }
    va_start(arguments, format);
    int n = vasprintf(ret, format, arguments);
    va_end(arguments);
    return n;
}

// libevent's memory comes from our functions, which wipe it; but what libevent does without memory
// is its own affair (it crashes: evhttp_request_new in 2.1.12), so it keeps its own here.
void __wrap_event_set_mem_functions(void *(*get)(size_t), void *(*again)(void *, size_t),
                                    void (*give)(void *));
void __wrap_event_set_mem_functions(void *(*get)(size_t), void *(*again)(void *, size_t),
                                    void (*give)(void *))
{
    (void)get;
    (void)again;
    (void)give;
}
