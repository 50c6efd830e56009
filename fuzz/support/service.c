#include "support/service.h"

#include <string.h>

#include "base/clock.h"
#include "rpc/internal.h"
#include "service/internal.h"

#define TENANT "ten_fuzz"
#define DEADLINE_MS 1000

const struct keyring *fuzz_ring(void)
{
    static struct keyring ring;
    if (ring.n == 0)
        assert(keyring_parse("1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                             &ring));
    return &ring;
}

struct worker *fuzz_worker(const struct fuzz_service *service)
{
    static struct worker worker;
    static struct journal journal;
    static struct service blank;
    static struct service_definition definition;
    journal = (struct journal){service->name, fuzz_ring()};
    definition.name = service->name;
    blank = (struct service){.definition = &definition, .ring = *fuzz_ring(), .journal = journal};
    worker = (struct worker){
        .db = db_new(&(struct db_config){.url = "host=/nowhere", .ring = fuzz_ring()}),
        .arena = arena_new(ARENA_CAP_BATCH),
        .service = &blank,
        .journal = &journal,
        .state = service->state,
    };
    return &worker;
}

static void run(const struct rpc_handler *handler, struct worker *worker, struct call *call)
{
    struct call *calls[] = {call};
    if (handler->many) {
        handler->many(worker, calls, 1);
        return;
    }
    enum status status = handler->one(worker, call);
    if (status != STATUS_OK && call->problem.status == STATUS_OK)
        call_refuse_status(call, status);
}

static void check(const struct call *call)
{
    enum status status = call->problem.status;
    if (status == STATUS_OK) {
        assert(call->response || call->packed.at);
        if (call->response)
            fuzz_check_message(call->arena, call->response);
        return;
    }
    fuzz_check_refusal(status, &call->problem);
    assert(status != STATUS_INTERNAL && status != STATUS_UNKNOWN);
}

int fuzz_handle(const struct fuzz_service *service, struct worker *worker, const uint8_t *data,
                size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    const struct rpc_handler *handler;
    const struct method *method =
        fuzz_method_of(service->handlers, service->handlers_n, &handler, fuzz_line(&input, arena));
    // Handlers wipe what held a secret, so the bytes are a copy.
    struct bytes text = arena_copy(arena, fuzz_rest(&input));
    const ProtobufCMessage *message = method ? fuzz_message(arena, method->input, text) : NULL;
    if (!message)
        return -1; // not worth keeping
    struct call call = {
        .arena = arena,
        .method = method,
        .context = {.tenant_id = TENANT,
                    .actor = "key_fuzz",
                    .request_id = "req_fuzz",
                    .traceparent = "",
                    .deadline_ns = clock_deadline_ns(DEADLINE_MS)},
        .request = message,
        .request_bytes = text,
    };
    run(handler, worker, &call);
    check(&call);
    assert(!db_in_transaction(worker->db));
    arena_reset(worker->arena);
    return 0;
}
