#include "reconcile/reconcile_daily.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "reconcile/reconcile_run.h"
#include "reconcile/reconcile_write.h"
#include "rpc/call.h"

#define OFF "off"
#define MINUTE_US (60 * US_PER_S)
#define DAY_US (24 * 60 * MINUTE_US)
#define ROUND_MS (10 * 60 * 1000) // between rounds, and the longest sleep
#define AGAIN_MS (10 * 1000)      // when the database is away
#define RUN_MS (10 * 60 * 1000)   // for one credential

struct reconcile_daily {
    const struct payments_state *state;
    struct service_loop *loop;
    struct bell *bell;
    atomic_bool stopping;
    int64_t at_us;      // of the day; negative: never
    char after[2][128]; // tenant and credential that were looked at last in this round
    char day[DAY_SIZE]; // of this round
};

// "02:00" or "off".
static bool parse_at(const char *at, int64_t *ret_us)
{
    char time[] = "1970-01-01T00:00:00Z";
    if (strcmp(at, OFF) == 0) {
        *ret_us = -1;
        return true;
    }
    if (strlen(at) != strlen("02:00"))
        return false;
    memcpy(time + strlen("1970-01-01T"), at, strlen("02:00"));
    return clock_parse_rfc3339(time, ret_us);
}

struct reconcile_daily *reconcile_daily_new(const struct payments_state *state, const char *at)
{
    struct reconcile_daily *daily = calloc(1, sizeof *daily);
    if (!daily)
        return NULL;
    daily->state = state;
    daily->bell = bell_new();
    if (daily->bell && parse_at(at, &daily->at_us))
        return daily;
    reconcile_daily_free(daily);
    return NULL;
}

void reconcile_daily_free(struct reconcile_daily *daily)
{
    if (!daily)
        return;
    bell_free(daily->bell);
    free(daily);
}

// --- One credential
struct errand {
    struct reconcile_daily *daily;
    struct db *db;
    struct arena *arena;
    struct key credential; // of which tenant
    const struct setup *setup;
};

static enum status record(const struct errand *errand, const struct reconciliation *run,
                          const struct reconcile *result, bool *ret_made)
{
    const struct call_context context = call_context_new(errand->arena, "reconcile_daily", RUN_MS);
    const struct cause cause = {context.actor, context.request_id, context.traceparent};
    enum status status = db_begin(errand->db);
    if (status == STATUS_OK)
        status = reconcile_write(errand->db, errand->arena, run, result, &cause, ret_made);
    if (status == STATUS_OK)
        return db_commit(errand->db);
    db_rollback(errand->db);
    return status;
}

static enum status run(const struct errand *errand, const struct credential *credential,
                       struct problem *problem)
{
    struct reconcile result;
    struct reconciliation done;
    bool made = false;
    const struct reconcile_run order = {
        .state = errand->daily->state,
        .setup = errand->setup,
        .credential = credential,
        .day = errand->daily->day,
        .deadline_ns = clock_deadline_ns(RUN_MS),
        .stopping = &errand->daily->stopping,
    };
    enum status status = reconcile_run(&order, errand->db, errand->arena, &result, &done, problem);
    if (status != STATUS_OK)
        return status;
    done.daily = true;
    done.id = arena_strdup(errand->arena, id_new("rec").text);
    if (!done.id)
        return STATUS_RESOURCE_EXHAUSTED;
    status = record(errand, &done, &result, &made);
    if (status == STATUS_OK && made) {
        state_ring(errand->daily->state, false);
        log_info("reconciled", LOG_S("tenant", done.tenant_id), LOG_S("credential", credential->id),
                 LOG_S("day", done.day), LOG_I("matched", result.matched),
                 LOG_I("differences", reconcile_differences(&result)));
    }
    return status;
}

static void run_locked(const struct errand *errand, const struct credential *credential)
{
    struct problem problem = {0};
    bool locked = false, done = false;
    const char *day = errand->daily->day;
    enum status status =
        store_reconcile_lock(errand->db, errand->arena, credential->id, day, &locked);
    if (status != STATUS_OK || !locked)
        return;
    status = store_reconcile_done(errand->db, errand->arena, &errand->credential, day, &done);
    if (status == STATUS_OK && !done)
        status = run(errand, credential, &problem);
    // Not every provider that can be asked can be asked about everything: that's no fault.
    bool expected = status == STATUS_OK || status == STATUS_CANCELLED ||
                    (problem.code && strcmp(problem.code, "settlement_file_needed") == 0);
    if (!expected)
        log_warn("not reconciled", LOG_S("credential", credential->id), LOG_S("day", day),
                 LOG_S("status", status_name(status)), LOG_S("reason", problem.detail));
    if (store_reconcile_unlock(errand->db, errand->arena, credential->id, day) != STATUS_OK)
        log_warn("lock of a reconciliation not given back", LOG_S("credential", credential->id));
}

static void look_at(struct errand *errand)
{
    const struct payments_state *state = errand->daily->state;
    const struct setup *setup = NULL;
    if (setups_get(state->setups, errand->db, errand->credential.tenant_id, &setup) != STATUS_OK)
        return;
    const struct credential *credential = setup_credential(setup, errand->credential.id);
    errand->setup = setup;
    if (credential && reconcile_source(state, credential))
        run_locked(errand, credential);
    setup_release(setup);
}

// --- Rounds
// False: it is too early, and *ret_ms is how long to wait.
static bool is_time(const struct reconcile_daily *daily, int64_t now_us, int64_t *ret_ms)
{
    int64_t since_midnight_us = now_us % DAY_US;
    *ret_ms = ROUND_MS;
    if (daily->at_us < 0)
        return false;
    int64_t left_ms = (daily->at_us - since_midnight_us + 999) / 1000;
    if (left_ms > 0 && left_ms < *ret_ms)
        *ret_ms = left_ms;
    return left_ms <= 0;
}

static void go_to(struct reconcile_daily *daily, const struct key *key)
{
    const char *const texts[2] = {key->tenant_id ? key->tenant_id : "", key->id ? key->id : ""};
    for (size_t i = 0; i < 2; i++) {
        size_t length = strnlen(texts[i], sizeof daily->after[i] - 1);
        memcpy(daily->after[i], texts[i], length);
        daily->after[i][length] = '\0';
    }
}

int64_t reconcile_daily_turn(void *context, struct db *db, struct arena *arena)
{
    struct reconcile_daily *daily = context;
    int64_t now_us = clock_unix_us(), sleep_ms;
    char day[DAY_SIZE];
    const char *provider;
    if (!is_time(daily, now_us, &sleep_ms))
        return sleep_ms;
    reconcile_day_of(now_us - DAY_US, day);
    if (strcmp(day, daily->day) != 0)
        go_to(daily, &(struct key){0});
    memcpy(daily->day, day, sizeof day);
    const struct key after = {daily->after[0], daily->after[1]};
    struct errand errand = {.daily = daily, .db = db};
    if (store_reconcile_next(db, arena, day, &after, &errand.credential, &provider) != STATUS_OK)
        return AGAIN_MS;
    go_to(daily, &errand.credential);
    if (!errand.credential.id) {
        reconcile_measure(daily->state->providers, db, arena);
        return ROUND_MS;
    }
    CLEANUP(arena_free) struct arena *own = arena_new(RECONCILE_ARENA_CAP);
    errand.arena = own;
    if (!own)
        return AGAIN_MS;
    look_at(&errand);
    return 0;
}

struct reconcile_daily *reconcile_daily_start(struct service *service,
                                              const struct payments_state *state)
{
    const char *at = state->settings->reconcile_at_utc;
    struct reconcile_daily *daily = reconcile_daily_new(state, at);
    if (daily)
        daily->loop = service_loop_start(service, "reconcile_daily", daily->bell,
                                         reconcile_daily_turn, daily);
    if (daily && daily->loop)
        return daily;
    log_error("the daily reconciliation does not start", LOG_S("RECONCILE_AT_UTC", at));
    reconcile_daily_free(daily);
    return NULL;
}

void reconcile_daily_stop(struct reconcile_daily *daily)
{
    if (!daily)
        return;
    atomic_store(&daily->stopping, true);
    service_loop_stop(daily->loop);
    reconcile_daily_free(daily);
}
