#include "http/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "http/guard.h"

// A look-up without an answer holds its thread for ten seconds and more, and whoever names hosts
// can have many such. So hosts that have not answered before get a part of the threads only, and
// hosts of one domain (by their last two labels) a smaller part.
#define RESOLVER_THREADS_MAX 32
#define RESOLVER_STRANGERS_MAX 24
#define RESOLVER_DOMAIN_MAX 8
#define RESOLVER_JOBS_MAX 256
#define RESOLVER_CACHE_SIZE 256
#define RESOLVER_CACHE_MS 3000

struct job {
    struct job *next;
    char host[HOST_MAX + 1];
    bool known; // has answered before
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
    size_t jobs_n, waiting_n, threads_n, idle_n, strangers_n;
    size_t holders; // the client and each thread; the last one frees
    bool closed;
    void (*wake)(void *);
    void *context;
    struct remembered cache[RESOLVER_CACHE_SIZE]; // the client's thread only
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

// The last two labels: "example.com" of "hooks.shop.example.com".
static const char *domain_of(const char *host)
{
    const char *at = host + strlen(host);
    for (int dots = 0; at > host; at--) {
        if (at[-1] == '.' && ++dots == 2)
            break;
    }
    return at;
}

static bool may_run(const struct resolver *resolver, const struct job *wanted)
{
    if (!wanted->known && resolver->strangers_n >= RESOLVER_STRANGERS_MAX)
        return false;
    const char *domain = domain_of(wanted->host);
    size_t running_n = 0;
    for (const struct job *job = resolver->jobs; job; job = job->next)
        running_n += job->state == JOB_RUNNING && strcasecmp(domain_of(job->host), domain) == 0;
    return running_n < RESOLVER_DOMAIN_MAX;
}

static struct job *job_next(const struct resolver *resolver)
{
    for (struct job *job = resolver->jobs; job; job = job->next)
        if (job->state == JOB_WAITING && may_run(resolver, job))
            return job;
    return NULL;
}

static void *resolver_run(void *argument)
{
    struct resolver *resolver = argument;
    pthread_mutex_lock(&resolver->mutex);
    while (!resolver->closed) {
        struct job *job = job_next(resolver);
        if (!job) {
            resolver->idle_n++;
            pthread_cond_wait(&resolver->work, &resolver->mutex);
            resolver->idle_n--;
            continue;
        }
        job->state = JOB_RUNNING;
        resolver->waiting_n--;
        resolver->strangers_n += !job->known;
        pthread_mutex_unlock(&resolver->mutex);
        struct resolved result;
        look_up(job->host, &result);
        pthread_mutex_lock(&resolver->mutex);
        job->result = result;
        job->state = JOB_DONE;
        resolver->strangers_n -= !job->known;
        pthread_cond_signal(&resolver->work); // two that waited may have become possible
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

static bool resolver_queue(struct resolver *resolver, const char *host, bool known) // mutex held
{
    struct job **end = &resolver->jobs;
    for (; *end; end = &(*end)->next)
        if (strcasecmp((*end)->host, host) == 0)
            return true;
    struct job *job = resolver->jobs_n < RESOLVER_JOBS_MAX ? calloc(1, sizeof *job) : NULL;
    if (!job)
        return false;
    memcpy(job->host, host, strlen(host) + 1);
    job->known = known;
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

static struct remembered *recall(struct resolver *resolver, const char *host)
{
    for (size_t i = 0; i < RESOLVER_CACHE_SIZE; i++) {
        if (strcasecmp(resolver->cache[i].host, host) == 0)
            return &resolver->cache[i];
    }
    return NULL;
}

bool resolver_ask(struct resolver *resolver, const char *host)
{
    if (strlen(host) > HOST_MAX)
        return false;
    bool known = recall(resolver, host) != NULL;
    pthread_mutex_lock(&resolver->mutex);
    bool queued = resolver_queue(resolver, host, known);
    pthread_mutex_unlock(&resolver->mutex);
    return queued;
}

static struct remembered *oldest(struct resolver *resolver)
{
    struct remembered *entry = &resolver->cache[0];
    for (size_t i = 1; i < RESOLVER_CACHE_SIZE; i++) {
        if (resolver->cache[i].until_ns < entry->until_ns)
            entry = &resolver->cache[i];
    }
    return entry;
}

// A host that no longer answers is a stranger again.
static void resolver_remember(struct resolver *resolver, const struct job *job)
{
    struct remembered *entry = recall(resolver, job->host);
    if (!entry && job->result.n > 0)
        entry = oldest(resolver);
    if (!entry)
        return;
    *entry = (struct remembered){0};
    if (job->result.n == 0)
        return;
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
    resolver_remember(resolver, job);
    memcpy(host, job->host, sizeof job->host);
    *ret = job->result;
    free(job);
    return true;
}

bool resolver_cached(struct resolver *resolver, const char *host, struct resolved *ret)
{
    const struct remembered *entry = recall(resolver, host);
    if (!entry || entry->until_ns <= clock_now_ns())
        return false;
    *ret = entry->result;
    return true;
}
