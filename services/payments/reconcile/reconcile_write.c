#include "reconcile/reconcile_write.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "obs/metrics.h"
#include "rpc/call.h"
#include "rpc/wellknown.h"
#include "json/json.h"

#define WEEK_US (7 * 86400 * US_PER_S)

static char *text(const char *value)
{
    return (char *)(uintptr_t)(value ? value : "");
}

void reconcile_day_of(int64_t unix_us, char ret[DAY_SIZE])
{
    char time[RFC3339_SIZE];
    clock_rfc3339(unix_us, time);
    memcpy(ret, time, DAY_SIZE - 1);
    ret[DAY_SIZE - 1] = '\0';
}

// --- As a message
static Obol__Payments__V1__Difference *view_difference(struct arena *arena,
                                                       const struct difference *difference)
{
    Obol__Payments__V1__Difference *view =
        MESSAGE_NEW(arena, obol__payments__v1__difference, Obol__Payments__V1__Difference);
    if (!view)
        return NULL;
    view->kind = text(difference_kind_name(difference->kind));
    view->reference = text(difference->reference);
    view->payment_id = text(difference->payment_id);
    view->ours = text(difference->ours);
    view->theirs = text(difference->theirs);
    return view;
}

Obol__Payments__V1__Reconciliation *view_reconciliation(struct arena *arena,
                                                        const struct reconciliation *run,
                                                        const struct reconcile *result,
                                                        size_t differences_max)
{
    Obol__Payments__V1__Reconciliation *view =
        MESSAGE_NEW(arena, obol__payments__v1__reconciliation, Obol__Payments__V1__Reconciliation);
    size_t n = result->differences_n < differences_max ? result->differences_n : differences_max;
    if (!view || !(view->differences = ARENA_ARRAY(arena, n, Obol__Payments__V1__Difference *)))
        return NULL;
    view->id = text(run->id);
    view->object = text("reconciliation");
    view->provider = text(run->provider);
    view->date = text(run->day);
    view->source = text(run->source);
    view->matched = result->matched;
    view->missing_here = result->differ[DIFFERENCE_MISSING_HERE];
    view->missing_there = result->differ[DIFFERENCE_MISSING_THERE];
    view->amounts_differ = result->differ[DIFFERENCE_AMOUNT];
    view->statuses_differ = result->differ[DIFFERENCE_STATUS];
    view->created_at = wellknown_time(arena, run->created_us);
    for (; view->n_differences < n; view->n_differences++) {
        Obol__Payments__V1__Difference *difference =
            view_difference(arena, &result->differences[view->n_differences]);
        if (!difference)
            return NULL;
        view->differences[view->n_differences] = difference;
    }
    return view->created_at ? view : NULL;
}

// --- As rows
static void tell(struct effects *effects, const struct reconciliation *run,
                 const struct reconcile *result, const struct cause *cause)
{
    struct arena *arena = effects->arena;
    struct event event = {
        .id = arena_strdup(arena, id_new("evt").text),
        .tenant_id = run->tenant_id,
        .type = "reconciliation.completed",
        .object_id = run->id,
        .request_id = cause->request_id,
        .traceparent = cause->traceparent,
        .sequence = 1,
        .created_us = run->created_us,
    };
    const Obol__Payments__V1__Reconciliation *view =
        view_reconciliation(arena, run, result, RECONCILE_TOLD_MAX);
    const char *object = view ? json_write(arena, &view->base) : NULL;
    const char *body =
        event.id && object ? journal_render(arena, &event, "reconciliation", object) : NULL;
    event.body = bytes_of_string(body);
    if (body)
        effects_event(effects, &event);
    else
        effects->full = true;
}

static void note(struct effects *effects, const struct reconciliation *run,
                 const struct reconcile *result, const struct cause *cause)
{
    const Obol__Payments__V1__Reconciliation *view =
        view_reconciliation(effects->arena, run, result, 0);
    const char *after = view ? json_write(effects->arena, &view->base) : NULL;
    if (after)
        effects_audit(effects, &(struct audit){
                                   .tenant_id = run->tenant_id,
                                   .actor = cause->actor,
                                   .action = "reconciliation.run",
                                   .object_id = run->id,
                                   .request_id = cause->request_id,
                                   .after = after,
                               });
    else
        effects->full = true;
}

enum status reconcile_write(struct db *db, struct arena *arena, const struct reconciliation *run,
                            const struct reconcile *result, const struct cause *cause,
                            bool *ret_made)
{
    struct effects effects = effects_begin(arena);
    enum status status = store_reconciliation_insert(db, arena, run, result, ret_made);
    if (status != STATUS_OK || !*ret_made)
        return status;
    if (reconcile_differences(result) > 0)
        tell(&effects, run, result, cause);
    note(&effects, run, result, cause);
    return effects_write(&effects, db);
}

// --- As a metric
static const struct difference_count *count_of(const struct difference_count *counts, size_t n,
                                               const char *provider)
{
    static const struct difference_count none;
    for (size_t i = 0; i < n; i++)
        if (strcmp(counts[i].provider, provider) == 0)
            return &counts[i];
    return &none;
}

void reconcile_measure(const struct providers *providers, struct db *db, struct arena *arena)
{
    struct metric *gauge = metric_gauge(
        "obol_reconciliation_differences",
        "Differences in the newest run of each credential, of the last week", "provider,kind");
    struct difference_count *counts = NULL;
    const struct provider *provider;
    size_t n = 0;
    char day[DAY_SIZE];
    reconcile_day_of(clock_unix_us() - WEEK_US, day);
    enum status status = store_reconciliations_count(db, arena, day, &counts, &n);
    if (status != STATUS_OK) {
        log_warn("differences not counted", LOG_S("status", status_name(status)));
        return;
    }
    for (size_t i = 0; (provider = providers_at(providers, i)); i++) {
        const struct difference_count *count = count_of(counts, n, provider->name);
        for (int kind = DIFFERENCE_MISSING_HERE; kind < DIFFERENCE_KINDS; kind++)
            metric_set(
                gauge, count->differ[kind],
                METRIC_LABELS(provider->name, difference_kind_name((enum difference_kind)kind)));
    }
}
