#include "hold.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bell.h"
#include "base/clock.h"

#define TURN_MS 200

struct held {
    struct held *next;
    struct http_loop *loop;
    struct http_exchange *exchange;
    int64_t due_ns;
    int status;
    size_t length;
    char body[];
};

struct holder {
    pthread_mutex_t lock;
    pthread_t thread;
    struct bell *bell;
    struct held *waiting;
    size_t n;
    bool released, stopping;
};

static void answer(void *argument)
{
    struct held *held = argument;
    http_reply(held->exchange, held->status,
               (struct bytes){(const uint8_t *)held->body, held->length});
    free(held);
}

// Unlinks what is due; *ret_next_ms is when the next one is.
static struct held *take_due(struct holder *holder, int64_t *ret_next_ms)
{
    struct held *due = NULL;
    int64_t now_ns = clock_now_ns();
    *ret_next_ms = TURN_MS;
    for (struct held **at = &holder->waiting; *at;) {
        struct held *held = *at;
        if (!holder->released && held->due_ns > now_ns) {
            int64_t left_ms = (held->due_ns - now_ns) / NS_PER_MS + 1;
            if (left_ms < *ret_next_ms)
                *ret_next_ms = left_ms;
            at = &held->next;
            continue;
        }
        *at = held->next;
        held->next = due;
        due = held;
        holder->n--;
    }
    return due;
}

static void *keep_time(void *argument)
{
    struct holder *holder = argument;
    for (;;) {
        int64_t next_ms;
        pthread_mutex_lock(&holder->lock);
        struct held *due = take_due(holder, &next_ms);
        bool stopping = holder->stopping;
        pthread_mutex_unlock(&holder->lock);
        while (due) {
            struct held *next = due->next;
            if (!http_loop_post(due->loop, answer, due))
                free(due); // the loop is gone, and its exchanges with it
            due = next;
        }
        if (stopping)
            return NULL;
        bell_wait(holder->bell, next_ms);
    }
}

struct holder *holder_new(void)
{
    struct holder *holder = calloc(1, sizeof *holder);
    if (!holder)
        return NULL;
    holder->bell = bell_new();
    pthread_mutex_init(&holder->lock, NULL);
    if (holder->bell && pthread_create(&holder->thread, NULL, keep_time, holder) == 0)
        return holder;
    if (holder->bell)
        bell_free(holder->bell);
    pthread_mutex_destroy(&holder->lock);
    free(holder);
    return NULL;
}

bool holder_keep(struct holder *holder, struct http_loop *loop, struct http_exchange *exchange,
                 int64_t after_ms, int status, struct bytes body)
{
    struct held *held = malloc(sizeof *held + body.length);
    if (!held)
        return false;
    *held = (struct held){
        .loop = loop,
        .exchange = exchange,
        .due_ns = clock_deadline_ns(after_ms < HOLD_MAX_MS ? after_ms : HOLD_MAX_MS),
        .status = status,
        .length = body.length,
    };
    if (body.length)
        memcpy(held->body, body.at, body.length);
    pthread_mutex_lock(&holder->lock);
    bool kept = holder->n < HOLD_ANSWERS_MAX;
    if (kept) {
        held->next = holder->waiting;
        holder->waiting = held;
        holder->n++;
    }
    pthread_mutex_unlock(&holder->lock);
    if (kept)
        bell_ring(holder->bell);
    else
        free(held);
    return kept;
}

void holder_release(struct holder *holder)
{
    pthread_mutex_lock(&holder->lock);
    holder->released = true;
    pthread_mutex_unlock(&holder->lock);
    bell_ring(holder->bell);
}

void holder_free(struct holder *holder)
{
    if (!holder)
        return;
    pthread_mutex_lock(&holder->lock);
    holder->released = true;
    holder->stopping = true;
    pthread_mutex_unlock(&holder->lock);
    bell_ring(holder->bell);
    pthread_join(holder->thread, NULL);
    bell_free(holder->bell);
    pthread_mutex_destroy(&holder->lock);
    free(holder);
}
