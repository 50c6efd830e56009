// JournalService: what every service tells of its journal.
#include <stdatomic.h>

#include "base/clock.h"
#include "obol/journal/v1/journal.obol.h"
#include "obol/journal/v1/journal.pb-c.h"
#include "rpc/wellknown.h"
#include "service/internal.h"

#define LIST_DEFAULT 500
#define LIST_MAX 1000
#define AUDIT_DEFAULT 100

static char *text(struct call *call, const char *value)
{
    return arena_strdup(call->arena, value ? value : "");
}

static Obol__Journal__V1__Event *event_message(struct call *call, const struct event *event)
{
    Obol__Journal__V1__Event *message =
        MESSAGE_NEW(call->arena, obol__journal__v1__event, Obol__Journal__V1__Event);
    if (!message)
        return NULL;
    message->id = text(call, event->id);
    message->tenant_id = text(call, event->tenant_id);
    message->type = text(call, event->type);
    message->object_id = text(call, event->object_id);
    message->payment_id = text(call, event->payment_id);
    message->sequence = event->sequence;
    message->created_at = wellknown_time(call->arena, event->created_us);
    message->request_id = text(call, event->request_id);
    message->traceparent = text(call, event->traceparent);
    message->body = (ProtobufCBinaryData){event->body.length, (uint8_t *)(uintptr_t)event->body.at};
    message->payload =
        (ProtobufCBinaryData){event->payload.length, (uint8_t *)(uintptr_t)event->payload.at};
    return message->traceparent && message->created_at ? message : NULL;
}

static enum status list_limit(struct call *call, int32_t asked, int32_t otherwise, size_t *ret)
{
    if (asked < 0 || asked > LIST_MAX)
        return problem_invalid(&call->problem, "limit", "Must be 1 to 1000.");
    *ret = (size_t)(asked ? asked : otherwise);
    return STATUS_OK;
}

static enum status answer_events(struct call *call, const struct event *events, size_t n,
                                 const char *cursor)
{
    Obol__Journal__V1__ListEventsResponse *response =
        MESSAGE_NEW(call->arena, obol__journal__v1__list_events_response,
                    Obol__Journal__V1__ListEventsResponse);
    Obol__Journal__V1__Event **messages =
        ARENA_ARRAY(call->arena, n + 1, Obol__Journal__V1__Event *);
    if (!response || !messages)
        return problem_internal(&call->problem);
    for (size_t i = 0; i < n; i++) {
        messages[i] = event_message(call, &events[i]);
        if (!messages[i])
            return problem_internal(&call->problem);
    }
    response->events = messages;
    response->n_events = n;
    response->cursor = text(call, cursor);
    call_answer(call, &response->base);
    return STATUS_OK;
}

static enum status list_events(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Journal__V1__ListEventsRequest *request =
        CALL_REQUEST(call, Obol__Journal__V1__ListEventsRequest);
    struct event *events = NULL;
    const char *cursor = NULL;
    size_t n = 0, limit = 0;
    enum status status = list_limit(call, request->limit, LIST_DEFAULT, &limit);
    if (status != STATUS_OK)
        return status;
    status = journal_list(worker->db, call->arena, request->cursor, limit, &events, &n, &cursor);
    if (status == STATUS_INVALID_ARGUMENT)
        return problem_invalid(&call->problem, "cursor", "Not a cursor of this service.");
    return status == STATUS_OK ? answer_events(call, events, n, cursor)
                               : call_refuse_status(call, status);
}

static enum status get_key(void *context, struct call *call)
{
    struct worker *worker = context;
    const char *key = CALL_REQUEST(call, Obol__Journal__V1__GetIdempotencyKeyRequest)->key;
    struct journal_key found;
    enum status status = journal_key_get(worker->db, call->arena, call->context.tenant_id, key,
                                         clock_unix_us(), &found);
    if (status == STATUS_NOT_FOUND)
        return problem_not_found(&call->problem, "idempotency key");
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Journal__V1__IdempotencyKey *message = MESSAGE_NEW(
        call->arena, obol__journal__v1__idempotency_key, Obol__Journal__V1__IdempotencyKey);
    if (!message)
        return problem_internal(&call->problem);
    message->object = text(call, "idempotency_key");
    message->key = text(call, key);
    message->service = text(call, worker->journal->service);
    message->state = text(call, found.running ? "running" : "completed");
    message->object_id = text(call, found.object_id);
    message->status = found.http_status;
    message->created_at = wellknown_time(call->arena, found.created_us);
    message->expires_at = wellknown_time(call->arena, found.expires_us);
    call_answer(call, &message->base);
    return STATUS_OK;
}

static Obol__Journal__V1__AuditEntry *audit_message(struct call *call,
                                                    const struct audit_entry *entry)
{
    Obol__Journal__V1__AuditEntry *message =
        MESSAGE_NEW(call->arena, obol__journal__v1__audit_entry, Obol__Journal__V1__AuditEntry);
    if (!message)
        return NULL;
    message->id = text(call, entry->id);
    message->tenant_id = text(call, entry->what.tenant_id);
    message->at = wellknown_time(call->arena, entry->at_us);
    message->actor = text(call, entry->what.actor);
    message->action = text(call, entry->what.action);
    message->object_id = text(call, entry->what.object_id);
    message->request_id = text(call, entry->what.request_id);
    message->before = text(call, entry->what.before);
    message->after = text(call, entry->what.after);
    return message->after && message->at ? message : NULL;
}

static enum status answer_audit(struct call *call, const struct audit_entry *entries, size_t n)
{
    Obol__Journal__V1__ListAuditResponse *response = MESSAGE_NEW(
        call->arena, obol__journal__v1__list_audit_response, Obol__Journal__V1__ListAuditResponse);
    Obol__Journal__V1__AuditEntry **messages =
        ARENA_ARRAY(call->arena, n + 1, Obol__Journal__V1__AuditEntry *);
    if (!response || !messages)
        return problem_internal(&call->problem);
    for (size_t i = 0; i < n; i++) {
        messages[i] = audit_message(call, &entries[i]);
        if (!messages[i])
            return problem_internal(&call->problem);
    }
    response->entries = messages;
    response->n_entries = n;
    call_answer(call, &response->base);
    return STATUS_OK;
}

static enum status list_audit(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Journal__V1__ListAuditRequest *request =
        CALL_REQUEST(call, Obol__Journal__V1__ListAuditRequest);
    struct audit_filter filter = {.tenant_id = request->tenant_id,
                                  .object_id = request->object_id,
                                  .before_id = request->before_id};
    struct audit_entry *entries = NULL;
    size_t n = 0;
    enum status status = list_limit(call, request->limit, AUDIT_DEFAULT, &filter.limit);
    if (status != STATUS_OK)
        return status;
    status = journal_audit_list(worker->db, call->arena, &filter, &entries, &n);
    return status == STATUS_OK ? answer_audit(call, entries, n) : call_refuse_status(call, status);
}

static enum status get_jobs(void *context, struct call *call)
{
    struct worker *worker = context;
    const char *tenant_id = CALL_REQUEST(call, Obol__Journal__V1__GetJobsRequest)->tenant_id;
    int64_t counts[4] = {0};
    enum status status = STATUS_OK;
    if (worker->service->definition->jobs)
        status = worker->service->definition->jobs(worker->state, worker->db, call->arena,
                                                   tenant_id, counts);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Journal__V1__Jobs *message =
        MESSAGE_NEW(call->arena, obol__journal__v1__jobs, Obol__Journal__V1__Jobs);
    if (!message)
        return problem_internal(&call->problem);
    message->pending = counts[0];
    message->processing = counts[1];
    message->completed = counts[2];
    message->failed = counts[3];
    message->worker_running = !service_stopping(worker->service);
    call_answer(call, &message->base);
    return STATUS_OK;
}

const struct rpc_handler journal_handlers[] = {
    {"/obol.journal.v1.JournalService/ListEvents", .one = list_events},
    {"/obol.journal.v1.JournalService/GetIdempotencyKey", .one = get_key},
    {"/obol.journal.v1.JournalService/ListAudit", .one = list_audit},
    {"/obol.journal.v1.JournalService/GetJobs", .one = get_jobs},
};
const size_t journal_handlers_n = sizeof journal_handlers / sizeof *journal_handlers;
