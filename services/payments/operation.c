#include "operation.h"

#include <string.h>

#include "db/db.h"

static const char *const status_names[] = {
    [OPERATION_READY] = "ready",       [OPERATION_SENT] = "sent",
    [OPERATION_UNKNOWN] = "unknown",   [OPERATION_SUCCEEDED] = "succeeded",
    [OPERATION_FAILED] = "failed",     [OPERATION_NEEDS_REVIEW] = "needs_review",
    [OPERATION_RELEASED] = "released",
};

static const char *const kind_names[] = {
    [OPERATION_CHARGE] = "charge",
    [OPERATION_CAPTURE] = "capture",
    [OPERATION_CANCEL] = "cancel",
    [OPERATION_REFUND] = "refund",
};

void operation_finish(struct operation *operation, const struct operation_end *end, int64_t now_us)
{
    operation->status = end->status;
    operation->acting = false;
    operation->due_us = operation->deadline_us = DB_TIME_NULL;
    operation->finished_us = now_us;
    operation->error_code = end->error_code;
    operation->error_message = end->error_message;
}

const char *operation_status_name(enum operation_status status)
{
    return status_names[status];
}

bool operation_status_parse(const char *name, enum operation_status *ret)
{
    for (int i = OPERATION_READY; i <= OPERATION_RELEASED; i++) {
        if (strcmp(name, status_names[i]) == 0) {
            *ret = (enum operation_status)i;
            return true;
        }
    }
    return false;
}

const char *operation_kind_name(enum operation_kind kind)
{
    return kind_names[kind];
}

bool operation_kind_parse(const char *name, enum operation_kind *ret)
{
    for (int i = OPERATION_CHARGE; i <= OPERATION_REFUND; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *ret = (enum operation_kind)i;
            return true;
        }
    }
    return false;
}

const char *operation_refund_status(enum operation_status status)
{
    switch (status) {
    case OPERATION_READY:
    case OPERATION_SENT:
        return "pending";
    case OPERATION_SUCCEEDED:
        return "processed";
    default:
        return status_names[status];
    }
}

const char *operation_refund_event(enum operation_status status)
{
    switch (status) {
    case OPERATION_SUCCEEDED:
        return "refund_operation.processed";
    case OPERATION_FAILED:
        return "refund_operation.failed";
    case OPERATION_UNKNOWN:
        return "refund_operation.unknown";
    case OPERATION_NEEDS_REVIEW:
        return "refund_operation.needs_review";
    default:
        return NULL;
    }
}
