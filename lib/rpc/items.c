// What happens to one call between its arrival and its answer, whichever way it came.
#include "base/log.h"
#include "rpc/internal.h"

void item_prepare(struct item *item, int64_t now_ns)
{
    struct call *call = &item->call;
    item->settled = true;
    if (item->slot->server->abandoning) {
        problem_unavailable(&call->problem);
        return;
    }
    if (call->context.deadline_ns <= now_ns) {
        call_refuse(call, STATUS_DEADLINE_EXCEEDED, "deadline_exceeded", NULL,
                    "The deadline passed before the call was begun.");
        return;
    }
    if (call->request_bytes.at)
        call->request = message_unpack(call->arena, call->method->input, call->request_bytes);
    if (!call->request) {
        if (message_unread(call->arena) == STATUS_RESOURCE_EXHAUSTED)
            call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
        else
            problem_invalid(&call->problem, NULL, "The message can't be read.");
        return;
    }
    const char *bad = message_bad_text(call->request);
    if (bad) {
        problem_invalid(&call->problem, bad, "Not UTF-8.");
        return;
    }
    item->settled = false;
}

void item_settle(struct item *item)
{
    struct call *call = &item->call;
    item->settled = true;
    if (call->problem.status != STATUS_OK) {
        if (!call->problem.code)
            problem_internal(&call->problem);
        return;
    }
    if (call->packed.at || call->response)
        return;
    log_error("rpc.unanswered", LOG_S("method", call->method->path), LOG_CALL(&call->context));
    problem_internal(&call->problem);
}

static void item_run_one(void *worker, struct item *item)
{
    struct call *call = &item->call;
    enum status status = item->binding->handler->one(worker, call);
    // A handler that returns a status without saying why still gets its caller an answer.
    if (status != STATUS_OK && call->problem.status == STATUS_OK)
        call_refuse_status(call, status);
}

void items_run(void *worker, struct item *const *items, size_t n)
{
    const struct rpc_handler *handler = items[0]->binding->handler;
    struct call *calls[RPC_BATCH_MAX] = {0};
    for (size_t i = 0; i < n; i++) {
        calls[i] = &items[i]->call;
        if (!handler->many)
            item_run_one(worker, items[i]);
    }
    if (handler->many)
        handler->many(worker, calls, n);
    for (size_t i = 0; i < n; i++)
        item_settle(items[i]);
}
