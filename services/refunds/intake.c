#include "intake.h"

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "obol/journal/v1/journal.obol.h"
#include "obol/journal/v1/journal.pb-c.h"

#define LIST_LIMIT 500
#define LIST_TIMEOUT_MS 5000

static bool is_news(const struct event *event)
{
    return strncmp(event->type, "refund_operation.", strlen("refund_operation.")) == 0;
}

static enum status handle(void *context, struct db *db, struct arena *arena,
                          const struct event *events, size_t n)
{
    const struct refunds *refunds = context;
    const char **tenant_ids = ARENA_ARRAY(arena, n, const char *);
    const Obol__Payments__V1__RefundOperation **news =
        ARENA_ARRAY(arena, n, const Obol__Payments__V1__RefundOperation *);
    size_t news_n = 0;
    if (!tenant_ids || !news)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        if (!is_news(&events[i]))
            continue;
        const ProtobufCMessage *message = message_unpack(
            arena, &obol__payments__v1__refund_operation__descriptor, events[i].payload);
        if (!message)
            return message_unread(arena);
        tenant_ids[news_n] = events[i].tenant_id;
        news[news_n++] = (const Obol__Payments__V1__RefundOperation *)message;
    }
    enum status status =
        news_n ? saga_tell(refunds, db, arena, tenant_ids, news, news_n) : STATUS_OK;
    return failpoint_hit("refund.told") ? STATUS_ABORTED : status;
}

static void committed(void *context)
{
    const struct refunds *refunds = context;
    bell_ring(service_outbox_bell(refunds->service));
}

static struct event event_of(const Obol__Journal__V1__Event *from)
{
    return (struct event){
        .id = from->id,
        .tenant_id = from->tenant_id,
        .type = from->type,
        .object_id = from->object_id,
        .payment_id = from->payment_id,
        .request_id = from->request_id,
        .traceparent = from->traceparent,
        .sequence = from->sequence,
        .body = {from->body.data, from->body.len},
        .payload = {from->payload.data, from->payload.len},
    };
}

static enum status list(void *context, size_t peer, struct arena *arena, const char *cursor,
                        struct event **ret, size_t *ret_n, const char **ret_cursor)
{
    const struct refunds *refunds = context;
    Obol__Journal__V1__ListEventsRequest request = OBOL__JOURNAL__V1__LIST_EVENTS_REQUEST__INIT;
    Obol__Journal__V1__ListEventsResponse *response = NULL;
    struct call_context call_context = call_context_new(arena, "refunds", LIST_TIMEOUT_MS);
    struct problem problem = {0};
    (void)peer;
    request.cursor = (char *)(uintptr_t)cursor;
    request.limit = LIST_LIMIT;
    enum status status =
        rpc_call(refunds->payments, arena, METHOD_JournalService_ListEvents, &call_context,
                 &request.base, (ProtobufCMessage **)&response, &problem);
    if (status != STATUS_OK)
        return status;
    *ret = ARENA_ARRAY(arena, response->n_events + 1, struct event);
    if (!*ret)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < response->n_events; i++)
        (*ret)[i] = event_of(response->events[i]);
    *ret_n = response->n_events;
    *ret_cursor = response->cursor;
    return STATUS_OK;
}

struct consumer *intake_start(struct refunds *refunds, int64_t catch_up_s)
{
    static const char *const filters[] = {"payments.refund_operation.>", NULL};
    struct consumer_config config = {
        .durable = "refunds",
        .filters = filters,
        .handle = handle,
        .committed = committed,
        .list = list,
        .peers = 1,
        .catch_up_s = catch_up_s,
        .context = refunds,
    };
    return consumer_start(service_bus(refunds->service), service_db_config(refunds->service),
                          &config);
}
