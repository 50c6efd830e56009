#include "refund.h"

#include <string.h>

#include "base/card_number.h"
#include "base/clock.h"
#include "base/id.h"
#include "rpc/wellknown.h"
#include "json/json.h"

static const struct {
    const char *told, *status;
} told_statuses[] = {
    {"processed", "processed"},
    {"failed", "failed"},
    {"unknown", "unknown"},
    {"needs_review", "needs_review"},
    // Given up by one driver while another confirmed it: no money will move.
    {"released", "failed"},
};

static bool text_plain(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if ((*c < ' ' && *c != '\t' && *c != '\n') || *c == 0x7f)
            return false;
    return json_utf8_valid(bytes_of_string(text));
}

// Characters, not bytes: continuation bytes don't count.
static size_t text_length(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

enum status refund_read(const Obol__Refunds__V1__CreateRefundRequest *request,
                        const struct call_context *context, struct refund *ret,
                        struct problem *problem)
{
    const char *reason = request->reason ? request->reason->value : NULL;
    if (!id_looks_like("pay", request->payment_id))
        return problem_not_found(problem, "payment");
    if (request->amount && request->amount->value < 1)
        return problem_invalid(problem, "amount", "Must be at least 1.");
    if (request->amount && request->amount->value > AMOUNT_MAX)
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "amount_too_large", "amount",
                           "Must be at most 99999999999.");
    if (reason && (text_length(reason) > REASON_MAX || !text_plain(reason)))
        return problem_invalid(problem, "reason",
                               "Must be at most 500 characters, none of them control characters.");
    if (reason && card_number_in(reason))
        return problem_invalid(problem, "reason", "This looks like a card number.");
    *ret = (struct refund){
        .tenant_id = context->tenant_id,
        .payment_id = request->payment_id,
        .requested = request->amount ? request->amount->value : 0,
        .currency = "",
        .reason = reason,
        .status = "reserving",
        .idempotency_key = context->idempotency_key,
        .actor = context->actor,
        .request_id = context->request_id,
        .traceparent = context->traceparent,
        .created_us = clock_unix_us() / 1000 * 1000,
        .processed_us = DB_TIME_NULL,
    };
    return STATUS_OK;
}

void refund_reserved(struct refund *refund, int64_t amount, const char *currency)
{
    refund->status = "pending";
    refund->amount = amount;
    refund->currency = currency;
    refund->sequence++;
}

struct refund refund_as_created(const struct refund *refund)
{
    struct refund created = *refund;
    created.status = "pending";
    created.sequence = 1;
    created.error_code = created.error_message = NULL;
    created.processed_us = DB_TIME_NULL;
    return created;
}

bool refund_final(const struct refund *refund)
{
    return strcmp(refund->status, "processed") == 0 || strcmp(refund->status, "failed") == 0;
}

static const char *told_status(const char *status)
{
    for (size_t i = 0; i < sizeof told_statuses / sizeof *told_statuses; i++)
        if (strcmp(status, told_statuses[i].told) == 0)
            return told_statuses[i].status;
    return NULL;
}

static void take_error(struct refund *refund, const Obol__Payments__V1__RefundOperation *operation)
{
    bool released = strcmp(operation->status, "released") == 0;
    refund->error_code = released ? "payment_not_refundable" : NULL;
    refund->error_message = released ? "This payment could not be refunded." : NULL;
    if (!operation->error)
        return;
    refund->error_code = operation->error->code;
    refund->error_message = operation->error->message;
}

bool refund_told(struct refund *refund, const Obol__Payments__V1__RefundOperation *operation,
                 int64_t now_us)
{
    const char *status = told_status(operation->status);
    if (!status || refund_final(refund) || operation->revision <= refund->operation_revision)
        return false;
    refund->operation_revision = operation->revision;
    if (strcmp(status, refund->status) == 0)
        return false;
    refund->status = status;
    refund->sequence++;
    take_error(refund, operation);
    if (strcmp(status, "processed") == 0)
        refund->processed_us = now_us / 1000 * 1000;
    return true;
}

static bool set_error(struct arena *arena, Obol__Refunds__V1__Refund *message,
                      const struct refund *refund)
{
    if (!refund->error_code)
        return true;
    message->error = MESSAGE_NEW(arena, obol__refunds__v1__error, Obol__Refunds__V1__Error);
    if (!message->error)
        return false;
    message->error->code = arena_strdup(arena, refund->error_code);
    message->error->message =
        arena_strdup(arena, refund->error_message ? refund->error_message : "");
    return message->error->code && message->error->message;
}

Obol__Refunds__V1__Refund *refund_message(struct arena *arena, const struct refund *refund)
{
    Obol__Refunds__V1__Refund *message =
        MESSAGE_NEW(arena, obol__refunds__v1__refund, Obol__Refunds__V1__Refund);
    if (!message || !set_error(arena, message, refund))
        return NULL;
    message->id = arena_strdup(arena, refund->id);
    message->object = arena_strdup(arena, "refund");
    message->payment_id = arena_strdup(arena, refund->payment_id);
    message->amount = refund->amount;
    message->currency = arena_strdup(arena, refund->currency);
    message->reason = refund->reason ? wellknown_string(arena, refund->reason) : NULL;
    message->status = arena_strdup(arena, refund->status);
    message->sequence = refund->sequence;
    message->created_at = wellknown_time(arena, refund->created_us);
    bool processed = refund->processed_us != DB_TIME_NULL;
    message->processed_at = processed ? wellknown_time(arena, refund->processed_us) : NULL;
    // The last allocation failed if any did: an arena that is full stays full for requests as
    // large.
    return message->created_at && message->status && (!processed || message->processed_at) ? message
                                                                                           : NULL;
}

bool refund_event(struct arena *arena, struct refund *refund, int64_t now_us, struct event *ret)
{
    const char *happened = strcmp(refund->status, "pending") == 0 ? "created" : refund->status;
    Obol__Refunds__V1__Refund *message = refund_message(arena, refund);
    *ret = (struct event){
        .id = arena_strdup(arena, id_new("evt").text),
        .tenant_id = refund->tenant_id,
        .type = arena_printf(arena, "refund.%s", happened),
        .object_id = refund->id,
        .payment_id = refund->payment_id,
        .request_id = refund->request_id,
        .traceparent = refund->traceparent,
        .sequence = refund->sequence,
        .created_us = now_us / 1000 * 1000,
    };
    const char *json = message ? json_write(arena, &message->base) : NULL;
    const char *body =
        json && ret->type && ret->id ? journal_render(arena, ret, "refund", json) : NULL;
    ret->body = bytes_of_string(body);
    return body != NULL;
}
