#include "creation/gate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bell.h"
#include "base/clock.h"
#include "creation/store_creation.h"
#include "obs/metrics.h"
#include "service/service.h"
#include "json/json.h"

#define REASON_SHOWN_MAX 500 // bytes, for the page of health

struct gate {
    struct bell *bell;
    struct service_loop *loop;
    struct metric *metric;
    pthread_mutex_t mutex; // guards what follows
    bool known, stopped;
    int64_t read_ns; // when the newest reading began
    int64_t changed_us;
    char reason[REASON_SHOWN_MAX + 1];
};

struct gate *gate_new(void)
{
    struct gate *gate = calloc(1, sizeof *gate);
    if (!gate)
        return NULL;
    pthread_mutex_init(&gate->mutex, NULL);
    gate->metric = metric_gauge("obol_payment_creation_stopped",
                                "1: new payments are refused by the operators' switch", NULL);
    gate->bell = bell_new();
    if (gate->bell)
        return gate;
    gate_free(gate);
    return NULL;
}

void gate_free(struct gate *gate)
{
    if (!gate)
        return;
    service_loop_stop(gate->loop);
    bell_free(gate->bell);
    pthread_mutex_destroy(&gate->mutex);
    free(gate);
}

// What began before what is known tells nothing new.
static void learn(struct gate *gate, const struct payment_creation *creation, int64_t began_ns)
{
    size_t length = strnlen(creation->reason, REASON_SHOWN_MAX);
    while (length > 0 && ((unsigned char)creation->reason[length] & 0xC0) == 0x80)
        length--; // not within a character
    pthread_mutex_lock(&gate->mutex);
    if (began_ns >= gate->read_ns) {
        gate->known = true;
        gate->read_ns = began_ns;
        gate->stopped = creation->stopped;
        gate->changed_us = creation->changed_us;
        memcpy(gate->reason, creation->reason, length);
        gate->reason[length] = '\0';
        metric_set(gate->metric, creation->stopped, NULL);
    }
    pthread_mutex_unlock(&gate->mutex);
}

static enum status read_anew(struct gate *gate, struct db *db, struct arena *arena,
                             struct payment_creation *ret)
{
    int64_t began_ns = clock_now_ns();
    enum status status = store_creation_get(db, arena, ret);
    if (status == STATUS_OK)
        learn(gate, ret, began_ns);
    return status;
}

enum status gate_read(struct gate *gate, struct db *db, bool *ret_stopped)
{
    pthread_mutex_lock(&gate->mutex);
    bool fresh = gate->known && clock_now_ns() - gate->read_ns < GATE_FRESH_MS * NS_PER_MS;
    *ret_stopped = gate->stopped;
    pthread_mutex_unlock(&gate->mutex);
    if (fresh)
        return STATUS_OK;
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct payment_creation creation;
    if (!arena)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = read_anew(gate, db, arena, &creation);
    if (status == STATUS_OK)
        *ret_stopped = creation.stopped;
    return status;
}

void gate_forget(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->known = false;
    gate->read_ns = clock_now_ns(); // a reading that is under way may not have seen the change
    pthread_mutex_unlock(&gate->mutex);
}

enum status gate_refuse(struct problem *problem)
{
    (void)problem_set(problem, STATUS_UNAVAILABLE, "payments_stopped", NULL,
                      "New payments are stopped for the moment, and this one was not accepted. "
                      "Payments that stand go on.");
    problem->retry_after_s = GATE_RETRY_AFTER_S;
    return problem->status;
}

const char *gate_json(void *context, struct arena *arena)
{
    struct gate *gate = context;
    char since[RFC3339_SIZE] = "", reason[REASON_SHOWN_MAX + 1];
    pthread_mutex_lock(&gate->mutex);
    bool known = gate->read_ns > 0, stopped = gate->stopped;
    if (stopped)
        clock_rfc3339(gate->changed_us, since);
    memcpy(reason, gate->reason, sizeof reason);
    pthread_mutex_unlock(&gate->mutex);
    if (!known)
        return NULL;
    return json_object(arena, (struct json_member[]){JSON_B("stopped", stopped),
                                                     JSON_S("reason", stopped ? reason : NULL),
                                                     JSON_S("since", stopped ? since : NULL),
                                                     {0}});
}

int64_t gate_turn(void *context, struct db *db, struct arena *arena)
{
    struct payment_creation creation;
    (void)read_anew(context, db, arena, &creation); // away: who makes payments finds out
    return GATE_FRESH_MS / 2;
}

bool gate_watch(struct gate *gate, struct service *service)
{
    gate->loop = service_loop_start(service, "payment_creation", gate->bell, gate_turn, gate);
    return gate->loop;
}
