#include "intake.h"

#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "endpoint.h"
#include "obol/journal/v1/journal.obol.h"
#include "schedule.h"
#include "store.h"

#define LIST_LIMIT 500
#define LIST_TIMEOUT_MS 5000

const char *const intake_filters[] = {"payments.>", "refunds.>", "webhooks.>", NULL};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

// Those with a body, each id once (a batch could bring one from the bus and once more from a list).
static size_t select_events(const struct event *events, size_t n, struct event *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t j = 0; j < kept && !again; j++)
            again = strcmp(out[j].id, events[i].id) == 0;
        if (again || events[i].body.length == 0)
            continue;
        out[kept] = events[i];
        out[kept].payment_id = or_empty(events[i].payment_id);
        out[kept].request_id = or_empty(events[i].request_id);
        out[kept].traceparent = or_empty(events[i].traceparent);
        kept++;
    }
    return kept;
}

static const char **tenants_of(struct arena *arena, const struct event *events, size_t n,
                               size_t *ret_n)
{
    const char **tenants = ARENA_ARRAY(arena, n, const char *);
    size_t kept = 0;
    for (size_t i = 0; tenants && i < n; i++) {
        bool again = false;
        for (size_t j = 0; j < kept && !again; j++)
            again = strcmp(tenants[j], events[i].tenant_id) == 0;
        if (!again)
            tenants[kept++] = events[i].tenant_id;
    }
    *ret_n = kept;
    return tenants;
}

static bool wants(const struct endpoint *endpoint, const struct event *event)
{
    return strcmp(endpoint->tenant_id, event->tenant_id) == 0 &&
           event_patterns_match(endpoint->events, endpoint->events_n, event->type);
}

static size_t count_wanted(const struct event *events, size_t n, const bool *fresh,
                           const struct endpoint *endpoints, size_t endpoints_n)
{
    size_t wanted = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; fresh[i] && j < endpoints_n; j++)
            wanted += wants(&endpoints[j], &events[i]);
    return wanted;
}

static enum status deliver(struct db *db, struct arena *arena, const struct event *events, size_t n,
                           const bool *fresh, const struct endpoint *endpoints, size_t endpoints_n)
{
    size_t wanted = count_wanted(events, n, fresh, endpoints, endpoints_n);
    struct new_delivery *items = ARENA_ARRAY(arena, wanted, struct new_delivery);
    struct id *ids = ARENA_ARRAY(arena, wanted, struct id);
    if (!items || !ids)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; fresh[i] && j < endpoints_n; j++) {
            if (!wants(&endpoints[j], &events[i]))
                continue;
            ids[k] = id_new("whd");
            items[k] = (struct new_delivery){
                .tenant_id = events[i].tenant_id,
                .id = ids[k].text,
                .endpoint_id = endpoints[j].id,
                .event_id = events[i].id,
                .event_type = events[i].type,
                .payment_id = events[i].payment_id,
                .url = endpoints[j].url,
            };
            k++;
        }
    }
    return store_deliveries_insert(db, arena, items, k, clock_unix_us(), SCHEDULE_ATTEMPTS);
}

enum status intake_handle(void *context, struct db *db, struct arena *arena,
                          const struct event *events, size_t n)
{
    (void)context;
    struct event *kept = ARENA_ARRAY(arena, n, struct event);
    bool *fresh = ARENA_ARRAY(arena, n, bool);
    if (!kept || !fresh)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t kept_n = select_events(events, n, kept);
    if (kept_n == 0)
        return STATUS_OK;
    enum status status = store_events_insert(db, arena, kept, kept_n, fresh);
    if (status != STATUS_OK)
        return status;
    size_t tenants_n = 0, endpoints_n = 0;
    const char **tenants = tenants_of(arena, kept, kept_n, &tenants_n);
    struct endpoint *endpoints = NULL;
    if (!tenants)
        return STATUS_RESOURCE_EXHAUSTED;
    status = store_endpoints_for(db, arena, tenants, tenants_n, &endpoints, &endpoints_n);
    if (status == STATUS_OK)
        status = deliver(db, arena, kept, kept_n, fresh, endpoints, endpoints_n);
    if (status == STATUS_OK && failpoint_hit("intake.before_commit"))
        return STATUS_UNAVAILABLE;
    return status;
}

void intake_committed(void *context)
{
    struct intake *intake = context;
    if (intake->dispatcher)
        dispatcher_wake(intake->dispatcher);
}

static struct event event_of(const Obol__Journal__V1__Event *from)
{
    int64_t created_us = from->created_at
                             ? from->created_at->seconds * US_PER_S + from->created_at->nanos / 1000
                             : clock_unix_us();
    return (struct event){
        .id = from->id,
        .tenant_id = from->tenant_id,
        .type = from->type,
        .object_id = from->object_id,
        .payment_id = from->payment_id,
        .request_id = from->request_id,
        .traceparent = from->traceparent,
        .sequence = from->sequence,
        .created_us = created_us,
        .body = {from->body.data, from->body.len},
        .payload = {from->payload.data, from->payload.len},
    };
}

static enum status list_peer(struct rpc_client *peer, struct arena *arena, const char *cursor,
                             struct event **ret, size_t *ret_n, const char **ret_cursor)
{
    struct call_context context = call_context_new(arena, "webhooks.intake", LIST_TIMEOUT_MS);
    Obol__Journal__V1__ListEventsRequest request = OBOL__JOURNAL__V1__LIST_EVENTS_REQUEST__INIT;
    request.cursor = arena_strdup(arena, or_empty(cursor));
    request.limit = LIST_LIMIT;
    if (!request.cursor)
        return STATUS_RESOURCE_EXHAUSTED;
    ProtobufCMessage *answer = NULL;
    struct problem problem = {0};
    enum status status = rpc_call(peer, arena, METHOD_JournalService_ListEvents, &context,
                                  &request.base, &answer, &problem);
    if (status != STATUS_OK)
        return status;
    const Obol__Journal__V1__ListEventsResponse *response =
        (const Obol__Journal__V1__ListEventsResponse *)answer;
    struct event *events = ARENA_ARRAY(arena, response->n_events, struct event);
    if (!events)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < response->n_events; i++)
        events[i] = event_of(response->events[i]);
    *ret = events;
    *ret_n = response->n_events;
    *ret_cursor = response->cursor;
    return STATUS_OK;
}

static enum status list_own(struct intake *intake, struct arena *arena, const char *cursor,
                            struct event **ret, size_t *ret_n, const char **ret_cursor)
{
    if (!intake->db)
        intake->db = db_new(intake->db_config);
    if (!intake->db)
        return STATUS_RESOURCE_EXHAUSTED;
    return journal_list(intake->db, arena, cursor, LIST_LIMIT, ret, ret_n, ret_cursor);
}

enum status intake_list(void *context, size_t peer, struct arena *arena, const char *cursor,
                        struct event **ret, size_t *ret_n, const char **ret_cursor)
{
    struct intake *intake = context;
    if (peer == INTAKE_OWN)
        return list_own(intake, arena, cursor, ret, ret_n, ret_cursor);
    return list_peer(intake->peers[peer], arena, cursor, ret, ret_n, ret_cursor);
}

void intake_deinit(struct intake *intake)
{
    db_free(intake->db);
    intake->db = NULL;
}
