#include "disabling.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "journal/journal.h"
#include "measure.h"
#include "view.h"
#include "json/json.h"

#define ACTOR "dispatcher"

static enum status tell(struct db *db, struct arena *arena, const struct endpoint *endpoint)
{
    struct call_context context = call_context_new(arena, ACTOR, 0);
    struct id id = id_new("evt");
    Obol__Webhooks__V1__Endpoint *view = view_endpoint(arena, endpoint, NULL);
    const char *json = view ? json_write(arena, &view->base) : NULL;
    struct event event = {
        .id = id.text,
        .tenant_id = endpoint->tenant_id,
        .type = "webhook_endpoint.disabled",
        .object_id = endpoint->id,
        .payment_id = "",
        .request_id = context.request_id,
        .traceparent = context.traceparent,
        .sequence = endpoint->sequence,
        .created_us = clock_unix_us(),
    };
    char *body = json ? journal_render(arena, &event, "webhook_endpoint", json) : NULL;
    if (!body)
        return STATUS_RESOURCE_EXHAUSTED;
    event.body = bytes_of_string(body);
    enum status status = journal_append(db, arena, &event, 1);
    if (status != STATUS_OK)
        return status;
    struct audit audit = {
        .tenant_id = endpoint->tenant_id,
        .actor = ACTOR,
        .action = "webhook_endpoint.disable",
        .object_id = endpoint->id,
        .request_id = context.request_id,
        .after = json,
    };
    return journal_audit(db, arena, &audit, 1);
}

static enum status disable(struct db *db, struct arena *arena, struct endpoint_key key,
                           const char *reason)
{
    struct endpoint endpoint = {0};
    enum status status =
        store_endpoint_disable(db, arena, key.tenant_id, key.endpoint_id, reason, &endpoint);
    if (status != STATUS_OK)
        return status;
    tally_disabled(db);
    status = store_fail_pending(db, arena, key.tenant_id, key.endpoint_id, reason);
    return status == STATUS_OK ? tell(db, arena, &endpoint) : status;
}

enum status endpoint_disable(struct db *db, struct arena *arena, struct bell *outbox_bell,
                             struct endpoint_key endpoint, const char *reason)
{
    enum status status = db_begin(db);
    if (status != STATUS_OK)
        return status;
    status = disable(db, arena, endpoint, reason);
    if (status == STATUS_OK)
        status = db_commit(db);
    if (status != STATUS_OK) {
        db_rollback(db);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    log_info("endpoint disabled", LOG_S("tenant", endpoint.tenant_id),
             LOG_S("endpoint", endpoint.endpoint_id), LOG_S("reason", reason));
    if (outbox_bell)
        bell_ring(outbox_bell);
    return STATUS_OK;
}
