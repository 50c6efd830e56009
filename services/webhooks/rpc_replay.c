#include <inttypes.h>

#include "base/clock.h"
#include "base/id.h"
#include "endpoint.h"
#include "rpc.h"
#include "schedule.h"
#include "json/json.h"

#define NOUN "webhook endpoint"
#define REPLAY_MAX 10000
// Ids carry the time at which they were made, which may lie a little before their event's.
#define ID_SLACK_US (3600 * US_PER_S)

static enum status span_read(struct call *call, const Obol__Webhooks__V1__ReplayRequest *request,
                             struct replay *ret)
{
    if (!request->since)
        return problem_invalid(&call->problem, "since", "Required.");
    ret->since_us = page_time_us(request->since);
    ret->until_us = request->until ? page_time_us(request->until) : clock_unix_us();
    if (ret->until_us <= ret->since_us)
        return problem_invalid(&call->problem, "until", "Must be later than since.");
    if (request->n_events > 0)
        return endpoint_check_events((const char *const *)request->events, request->n_events,
                                     &call->problem);
    return STATUS_OK;
}

static enum status queue(struct worker *worker, struct call *call, const struct replay *replay,
                         const char *url, size_t *ret_n, bool *ret_more)
{
    struct new_delivery *items = NULL;
    size_t n = 0;
    enum status status = store_replayable(worker->db, call->arena, replay, &items, &n);
    if (status != STATUS_OK)
        return status;
    *ret_more = n > REPLAY_MAX;
    *ret_n = *ret_more ? REPLAY_MAX : n;
    struct id *ids = ARENA_ARRAY(call->arena, *ret_n, struct id);
    if (!ids)
        return out_of_memory(call);
    for (size_t i = 0; i < *ret_n; i++) {
        ids[i] = id_new("whd");
        items[i].id = ids[i].text;
        items[i].tenant_id = replay->tenant_id;
        items[i].endpoint_id = replay->endpoint_id;
        items[i].url = url;
    }
    return store_deliveries_insert(worker->db, call->arena, items, *ret_n, clock_unix_us(),
                                   SCHEDULE_ATTEMPTS);
}

static enum status answer(struct worker *worker, struct call *call, const char *id, size_t n,
                          bool more)
{
    Obol__Webhooks__V1__ReplayResponse *response = MESSAGE_NEW(
        call->arena, obol__webhooks__v1__replay_response, Obol__Webhooks__V1__ReplayResponse);
    const char *json = NULL;
    if (response) {
        response->object = (char *)"webhook_replay";
        response->deliveries = (int64_t)n;
        response->has_more = more;
        json = json_write(call->arena, &response->base);
    }
    if (!json)
        return out_of_memory(call);
    call_answer(call, &response->base);
    return audit_text(worker, call, "webhook_endpoint.replay", id, json);
}

static enum status replay(struct worker *worker, struct call *call, void *context)
{
    struct replay asked = *(const struct replay *)context;
    struct endpoint endpoint = {0};
    enum status status = refuse_missing(
        call,
        store_endpoint_lock(worker->db, call->arena, asked.tenant_id, asked.endpoint_id, &endpoint),
        NOUN);
    if (status != STATUS_OK)
        return status;
    if (!endpoint.enabled)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "endpoint_disabled", NULL,
                           "The endpoint is disabled.");
    if (asked.patterns_n == 0) {
        asked.patterns = endpoint.events;
        asked.patterns_n = endpoint.events_n;
    }
    size_t n = 0;
    bool more = false;
    status = queue(worker, call, &asked, endpoint.url, &n, &more);
    return status == STATUS_OK ? answer(worker, call, endpoint.id, n, more) : status;
}

enum status rpc_replay(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Webhooks__V1__ReplayRequest *request =
        CALL_REQUEST(call, Obol__Webhooks__V1__ReplayRequest);
    struct replay asked = {
        .tenant_id = call->context.tenant_id,
        .endpoint_id = request->id,
        .patterns = (const char *const *)request->events,
        .patterns_n = request->n_events,
        .only_failed = request->only_failed,
        .limit = REPLAY_MAX + 1,
    };
    enum status status = id_given(call, "we", request->id, NOUN);
    if (status == STATUS_OK)
        status = span_read(call, request, &asked);
    if (status != STATUS_OK)
        return status;
    int64_t floor_us = asked.since_us > ID_SLACK_US ? asked.since_us - ID_SLACK_US : 0;
    struct id floor = id_floor("evt", floor_us / 1000);
    asked.event_floor = floor.text;
    status = service_once(worker, call, request->id, replay, &asked);
    if (status == STATUS_OK && !call->replayed && state_of(worker)->dispatcher)
        dispatcher_wake(state_of(worker)->dispatcher);
    return status;
}
