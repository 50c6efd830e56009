#include "effects.h"

#include <string.h>

#include "base/id.h"
#include "render.h"
#include "rpc/call.h"

struct effects effects_begin(struct arena *arena)
{
    return (struct effects){.arena = arena};
}

// Room for one more of `size` bytes; the old array stays in the arena until the batch ends.
static void *grow(struct effects *effects, void *items, size_t n, size_t *max, size_t size)
{
    if (n < *max)
        return items;
    size_t wanted = *max ? *max * 2 : 64;
    void *grown = arena_array(effects->arena, wanted, size);
    if (!grown) {
        effects->full = true;
        return NULL;
    }
    if (n > 0)
        memcpy(grown, items, n * size);
    *max = wanted;
    return grown;
}

void effects_event(struct effects *effects, const struct event *event)
{
    struct event *grown = grow(effects, effects->events, effects->events_n, &effects->events_max,
                               sizeof *effects->events);
    if (!grown)
        return;
    effects->events = grown;
    effects->events[effects->events_n++] = *event;
}

void effects_audit(struct effects *effects, const struct audit *audit)
{
    struct audit *grown = grow(effects, effects->audits, effects->audits_n, &effects->audits_max,
                               sizeof *effects->audits);
    if (!grown)
        return;
    effects->audits = grown;
    effects->audits[effects->audits_n++] = *audit;
}

void effects_payment_event(struct effects *effects, const struct payment *payment, const char *id,
                           const char *type, const struct cause *cause)
{
    struct event event = {
        .id = id,
        .tenant_id = payment->tenant_id,
        .type = type,
        .object_id = payment->id,
        .payment_id = payment->id,
        .request_id = cause->request_id,
        .traceparent = cause->traceparent,
        .sequence = payment->sequence,
        .created_us = payment->updated_us,
    };
    if (!id || !render_payment_event(effects->arena, payment, &event))
        effects->full = true;
    else
        effects_event(effects, &event);
}

void effects_refund_event(struct effects *effects, const struct operation *operation,
                          const char *type, int64_t now_us)
{
    const Obol__Payments__V1__RefundOperation *message =
        render_refund_operation(effects->arena, operation, now_us);
    struct bytes payload =
        message ? message_pack(effects->arena, &message->base) : (struct bytes){0};
    const char *id = arena_strdup(effects->arena, id_new("evt").text);
    if (!payload.at || !id) {
        effects->full = true;
        return;
    }
    effects_event(effects, &(struct event){
                               .id = id,
                               .tenant_id = operation->tenant_id,
                               .type = type,
                               .object_id = operation->refund_id,
                               .payment_id = operation->payment_id,
                               .request_id = operation->request_id,
                               .traceparent = operation->traceparent,
                               .created_us = now_us,
                               .payload = payload,
                           });
}

enum status effects_write(struct effects *effects, struct db *db)
{
    if (effects->full)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = STATUS_OK;
    if (effects->events_n > 0)
        status = journal_append(db, effects->arena, effects->events, effects->events_n);
    if (status == STATUS_OK && effects->audits_n > 0)
        status = journal_audit(db, effects->arena, effects->audits, effects->audits_n);
    return status;
}
