#include "callbacks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/crypto.h"

#define AT_ONCE 64
#define TURN_MS 100
#define RETRY_MS 300

struct job {
    struct job *next;
    int tries;
    int64_t due_ns;
    struct arena *arena; // of the job itself too
    struct callback callback;
    size_t headers_n;
};

struct callbacks {
    pthread_t thread;
    pthread_mutex_t lock;
    struct job *first, **last; // guarded by lock
    size_t waiting;
    struct http_client *client; // made before the thread starts, which then owns it
    _Atomic bool stopping;
};

static void job_free(struct job *job)
{
    arena_free(job->arena);
}

static void enqueue(struct callbacks *callbacks, struct job *job)
{
    pthread_mutex_lock(&callbacks->lock);
    bool room = callbacks->waiting < CALLBACKS_WAITING_MAX;
    if (room) {
        job->next = NULL;
        *callbacks->last = job;
        callbacks->last = &job->next;
        callbacks->waiting++;
    }
    pthread_mutex_unlock(&callbacks->lock);
    if (room)
        return;
    log_warn("callback_dropped");
    job_free(job);
}

static struct job *dequeue(struct callbacks *callbacks, int64_t now_ns)
{
    pthread_mutex_lock(&callbacks->lock);
    struct job **at = &callbacks->first;
    while (*at && (*at)->due_ns > now_ns)
        at = &(*at)->next;
    struct job *job = *at;
    if (job) {
        *at = job->next;
        if (callbacks->last == &job->next)
            callbacks->last = at;
        callbacks->waiting--;
    }
    pthread_mutex_unlock(&callbacks->lock);
    return job;
}

static void start_due(struct callbacks *callbacks)
{
    while (http_client_busy(callbacks->client) < AT_ONCE) {
        struct job *job = dequeue(callbacks, clock_now_ns());
        if (!job)
            return;
        job->tries++;
        struct http_request request = {
            .method = job->callback.verb,
            .url = job->callback.url,
            .headers = job->callback.headers,
            .headers_n = job->headers_n,
            .body = job->callback.body,
            .connect_ms = 2000,
            .total_ms = 3000,
            .response_max = 1024,
            .context = job,
        };
        if (http_client_start(callbacks->client, &request) != STATUS_OK) {
            log_warn("callback_not_started");
            job_free(job);
        }
    }
}

static void finish(struct callbacks *callbacks, const struct http_response *response)
{
    struct job *job = response->context;
    bool taken = response->status >= 200 && response->status < 300;
    if (taken || job->tries >= job->callback.tries || atomic_load(&callbacks->stopping)) {
        if (!taken)
            log_info("callback_not_taken", LOG_I("status", response->status),
                     LOG_S("error", response->error));
        job_free(job);
        return;
    }
    job->due_ns = clock_deadline_ns(RETRY_MS * job->tries);
    enqueue(callbacks, job);
}

static void *run(void *argument)
{
    struct callbacks *callbacks = argument;
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct http_response responses[AT_ONCE];
    while (arena && (!atomic_load(&callbacks->stopping) || http_client_busy(callbacks->client))) {
        if (!atomic_load(&callbacks->stopping))
            start_due(callbacks);
        size_t n = http_client_collect(callbacks->client, arena, TURN_MS, responses, AT_ONCE);
        for (size_t i = 0; i < n; i++)
            finish(callbacks, &responses[i]);
        arena_reset(arena);
    }
    return NULL;
}

struct callbacks *callbacks_new(void)
{
    struct callbacks *callbacks = calloc(1, sizeof *callbacks);
    if (!callbacks)
        return NULL;
    callbacks->last = &callbacks->first;
    callbacks->client = http_client_new(AT_ONCE, "obol-sandbox");
    pthread_mutex_init(&callbacks->lock, NULL);
    if (callbacks->client && pthread_create(&callbacks->thread, NULL, run, callbacks) == 0)
        return callbacks;
    if (callbacks->client)
        http_client_free(callbacks->client);
    pthread_mutex_destroy(&callbacks->lock);
    free(callbacks);
    return NULL;
}

char *callback_signature(struct arena *arena, const char *secret, struct bytes body)
{
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(secret), body);
    const char *hex = crypto_hex(arena, BYTES_OF_ARRAY(mac.at));
    return hex ? arena_printf(arena, "sha256=%s", hex) : NULL;
}

int64_t callback_late_ms(void)
{
    uint32_t number;
    crypto_random(&number, sizeof number);
    return number % CALLBACK_LATE_MS_MAX;
}

// False when the arena is full.
static bool copy(struct arena *arena, const struct callback *from, struct job *job)
{
    struct callback *to = &job->callback;
    *to = (struct callback){
        .verb = arena_strdup(arena, from->verb),
        .url = arena_strdup(arena, from->url),
        .body = arena_copy(arena, from->body),
        .tries = from->tries,
    };
    bool copied = to->verb && to->url && to->body.at;
    while (copied && job->headers_n < CALLBACK_HEADERS_MAX && from->headers[job->headers_n].name) {
        const struct http_header *header = &from->headers[job->headers_n];
        to->headers[job->headers_n++] = (struct http_header){arena_strdup(arena, header->name),
                                                             arena_strdup(arena, header->value)};
        copied = to->headers[job->headers_n - 1].name && to->headers[job->headers_n - 1].value;
    }
    return copied;
}

void callbacks_send(struct callbacks *callbacks, const struct callback *callback)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct job *job = arena ? ARENA_NEW(arena, struct job) : NULL;
    if (!job || !copy(arena, callback, job)) {
        arena_free(arena);
        log_warn("callback_dropped");
        return;
    }
    job->arena = arena;
    job->due_ns = callback->after_ms ? clock_deadline_ns(callback->after_ms) : 0;
    enqueue(callbacks, job);
    http_client_wake(callbacks->client);
}

void callbacks_free(struct callbacks *callbacks)
{
    if (!callbacks)
        return;
    atomic_store(&callbacks->stopping, true);
    http_client_wake(callbacks->client);
    pthread_join(callbacks->thread, NULL);
    http_client_free(callbacks->client);
    while (callbacks->first) {
        struct job *job = callbacks->first;
        callbacks->first = job->next;
        job_free(job);
    }
    pthread_mutex_destroy(&callbacks->lock);
    free(callbacks);
}
