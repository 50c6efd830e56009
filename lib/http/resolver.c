#include "http/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/guard.h"

#define RESOLVER_THREADS_MAX 4
#define RESOLVER_JOBS_MAX 256
#define RESOLVER_CACHE_SIZE 64
#define RESOLVER_CACHE_MS 3000

struct job {
    struct job *next;
    char host[HOST_MAX + 1];
    enum { JOB_WAITING, JOB_RUNNING, JOB_DONE } state;
    struct resolved result;
};

struct remembered {
    char host[HOST_MAX + 1];
    int64_t until_ns;
    struct resolved result;
};

struct resolver {
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct job *jobs; // oldest first, in all three states
    size_t jobs_n, waiting_n, threads_n, idle_n;
    size_t holders; // the client and each thread; the last one frees
    bool closed;
    void (*wake)(void *);
    void *context;
    struct remembered cache[RESOLVER_CACHE_SIZE]; // the client's thread only
    size_t cache_next;
};

struct resolver *resolver_new(void (*wake)(void *), void *context)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    if (!resolver)
        return NULL;
    pthread_mutex_init(&resolver->mutex, NULL);
    pthread_cond_init(&resolver->work, NULL);
    resolver->holders = 1;
    resolver->wake = wake;
    resolver->context = context;
    return resolver;
}

static void resolver_let_go(struct resolver *resolver) // with the mutex held, which it gives up
{
    bool last = --resolver->holders == 0;
    pthread_mutex_unlock(&resolver->mutex);
    if (!last)
        return;
    for (struct job *job = resolver->jobs, *next; job; job = next) {
        next = job->next;
        free(job);
    }
    pthread_cond_destroy(&resolver->work);
    pthread_mutex_destroy(&resolver->mutex);
    free(resolver);
}

void resolver_close(struct resolver *resolver)
{
    if (!resolver)
        return;
    pthread_mutex_lock(&resolver->mutex);
    resolver->closed = true;
    pthread_cond_broadcast(&resolver->work);
    resolver_let_go(resolver);
}

static void look_up(const char *host, struct resolved *ret)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    *ret = (struct resolved){.all_public = true};
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return;
    for (struct addrinfo *at = found; at; at = at->ai_next) {
        if (at->ai_addrlen > sizeof(union resolved_address))
            continue;
        ret->all_public = ret->all_public && guard_address_public(at->ai_addr);
        if (ret->n < RESOLVED_MAX)
            memcpy(&ret->addresses[ret->n++], at->ai_addr, at->ai_addrlen);
    }
    freeaddrinfo(found);
}

static struct job *job_waiting(struct resolver *resolver)
{
    for (struct job *job = resolver->jobs; job; job = job->next)
        if (job->state == JOB_WAITING)
            return job;
    return NULL;
}

static void *resolver_run(void *argument)
{
    struct resolver *resolver = argument;
    pthread_mutex_lock(&resolver->mutex);
    while (!resolver->closed) {
        struct job *job = job_waiting(resolver);
        if (!job) {
            resolver->idle_n++;
            pthread_cond_wait(&resolver->work, &resolver->mutex);
            resolver->idle_n--;
            continue;
        }
        job->state = JOB_RUNNING;
        resolver->waiting_n--;
        pthread_mutex_unlock(&resolver->mutex);
        struct resolved result;
        look_up(job->host, &result);
        pthread_mutex_lock(&resolver->mutex);
        job->result = result;
        job->state = JOB_DONE;
        if (!resolver->closed)
            resolver->wake(resolver->context);
    }
    resolver_let_go(resolver);
    return NULL;
}

// Without a single thread nobody would ever answer; with one, the job waits its turn.
static bool resolver_staff(struct resolver *resolver)
{
    if (resolver->idle_n >= resolver->waiting_n || resolver->threads_n == RESOLVER_THREADS_MAX)
        return true;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before); // signals are for the main thread
    pthread_t thread;
    bool started = pthread_create(&thread, &attributes, resolver_run, resolver) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (started) {
        resolver->threads_n++;
        resolver->holders++;
    }
    return resolver->threads_n > 0;
}

static bool resolver_queue(struct resolver *resolver, const char *host) // mutex held
{
    struct job **end = &resolver->jobs;
    for (; *end; end = &(*end)->next)
        if (strcasecmp((*end)->host, host) == 0)
            return true;
    struct job *job = resolver->jobs_n < RESOLVER_JOBS_MAX ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return false;
    memcpy(job->host, host, strlen(host) + 1);
    resolver->waiting_n++;
    if (!resolver_staff(resolver)) {
        resolver->waiting_n--;
        free(job);
        return false;
    }
    *end = job;
    resolver->jobs_n++;
    pthread_cond_signal(&resolver->work);
    return true;
}

bool resolver_ask(struct resolver *resolver, const char *host)
{
    if (strlen(host) > HOST_MAX)
        return false;
    pthread_mutex_lock(&resolver->mutex);
    bool queued = resolver_queue(resolver, host);
    pthread_mutex_unlock(&resolver->mutex);
    return queued;
}

static void resolver_remember(struct resolver *resolver, const struct job *job)
{
    struct remembered *entry = NULL;
    for (size_t i = 0; i < RESOLVER_CACHE_SIZE && !entry; i++)
        if (strcasecmp(resolver->cache[i].host, job->host) == 0)
            entry = &resolver->cache[i];
    if (!entry)
        entry = &resolver->cache[resolver->cache_next++ % RESOLVER_CACHE_SIZE];
    memcpy(entry->host, job->host, sizeof entry->host);
    entry->result = job->result;
    entry->until_ns = clock_deadline_ns(RESOLVER_CACHE_MS);
}

bool resolver_take(struct resolver *resolver, char host[HOST_MAX + 1], struct resolved *ret)
{
    pthread_mutex_lock(&resolver->mutex);
    struct job **at = &resolver->jobs;
    while (*at && (*at)->state != JOB_DONE)
        at = &(*at)->next;
    struct job *job = *at;
    if (job) {
        *at = job->next;
        resolver->jobs_n--;
    }
    pthread_mutex_unlock(&resolver->mutex);
    if (!job)
        return false;
    if (job->result.n > 0)
        resolver_remember(resolver, job);
    memcpy(host, job->host, sizeof job->host);
    *ret = job->result;
    free(job);
    return true;
}

bool resolver_cached(struct resolver *resolver, const char *host, struct resolved *ret)
{
    int64_t now = clock_now_ns();
    for (size_t i = 0; i < RESOLVER_CACHE_SIZE; i++) {
        struct remembered *entry = &resolver->cache[i];
        if (entry->until_ns > now && strcasecmp(entry->host, host) == 0) {
            *ret = entry->result;
            return true;
        }
    }
    return false;
}
