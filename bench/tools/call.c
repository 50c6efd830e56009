// The yardstick of the edge: the same RPC by gRPC directly. A closed loop: every answer starts the
// next call, so a number of them is in flight at all times.
#include <stdlib.h>

#include "base/bell.h"
#include "base/clock.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "options.h"
#include "rpc/client.h"
#include "samples.h"
#include "json/json.h"

#define OUTSTANDING_MAX 4096
#define CALL_MS 10000
#define WAIT_MS 1000

struct caller {
    struct rpc_client *client;
    struct line *lines;
    size_t lines_n;
    int64_t stop_ns, last_ns;
    // The client's thread alone, once the first calls are out.
    struct samples samples;
    int64_t requests, errors;
    size_t ended;
    struct bell *all_ended;
};

struct line { // one of the calls in flight
    struct caller *caller;
    struct arena *arena;
    struct call call;
    int64_t begun_ns;
};

static void line_done(void *context);

static bool line_start(struct line *line)
{
    arena_reset(line->arena);
    Obol__Payments__V1__GetPaymentRequest request = OBOL__PAYMENTS__V1__GET_PAYMENT_REQUEST__INIT;
    request.id = (char *)(uintptr_t) "pay_00000000000000000000000000";
    line->begun_ns = clock_now_ns();
    line->call = (struct call){
        .arena = line->arena,
        .method = METHOD_PaymentService_GetPayment,
        .context = call_context_new(line->arena, "bench", CALL_MS),
        .request_bytes = message_pack(line->arena, &request.base),
    };
    line->call.context.tenant_id = "ten_bench";
    if (!line->call.request_bytes.at)
        return false;
    rpc_start(line->caller->client, &line->call, line_done, line);
    return true;
}

static void line_end(struct line *line)
{
    struct caller *caller = line->caller;
    if (++caller->ended == caller->lines_n)
        bell_ring(caller->all_ended);
}

static void line_done(void *context)
{
    struct line *line = context;
    struct caller *caller = line->caller;
    struct call *call = &line->call;
    bool good = call->problem.status == STATUS_OK &&
                message_unpack(line->arena, call->method->output, call->packed);
    int64_t now_ns = clock_now_ns();
    caller->requests++;
    caller->last_ns = now_ns;
    if (good)
        samples_add(&caller->samples, now_ns - line->begun_ns);
    else
        caller->errors++;
    if (now_ns >= caller->stop_ns || !line_start(line))
        line_end(line);
}

static int caller_print(struct caller *caller, int64_t begun_ns)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return bench_fail("out of memory");
    double seconds = (double)(caller->last_ns - begun_ns) / (double)NS_PER_S;
    double rate = (double)caller->samples.n / seconds;
    return bench_print(json_object(
        arena, (struct json_member[]){JSON_I("requests", caller->requests),
                                      JSON_R("seconds", bench_number(arena, seconds)),
                                      JSON_R("rate", bench_number(arena, rate)),
                                      JSON_R("p50_ms", samples_ms(&caller->samples, arena, 0.5)),
                                      JSON_R("p99_ms", samples_ms(&caller->samples, arena, 0.99)),
                                      JSON_I("errors", caller->errors),
                                      {0}}));
}

static bool lines_new(struct caller *caller)
{
    caller->lines = calloc(caller->lines_n, sizeof *caller->lines);
    bool good = caller->lines && caller->client && caller->all_ended;
    for (size_t i = 0; good && i < caller->lines_n; i++) {
        caller->lines[i].caller = caller;
        good = (caller->lines[i].arena = arena_new(ARENA_CAP_REQUEST)) != NULL;
    }
    return good;
}

static int caller_run(struct caller *caller, double seconds)
{
    // Connecting is no part of it.
    enum status status = rpc_client_check(caller->client, CALL_MS);
    if (status != STATUS_OK)
        return bench_fail("the server does not answer: %s", status_name(status));
    int64_t begun_ns = clock_now_ns();
    caller->stop_ns = begun_ns + (int64_t)(seconds * (double)NS_PER_S);
    for (size_t i = 0; i < caller->lines_n; i++)
        if (!line_start(&caller->lines[i]))
            abort(); // an empty arena holds one request
    while (!bell_wait(caller->all_ended, WAIT_MS))
        ;
    return caller_print(caller, begun_ns);
}

int call_main(const struct subcommand *self, int argc, char **argv)
{
    const char *target = NULL;
    int64_t outstanding = 1;
    double seconds = 1;
    int code;
    const struct option_row rows[] = {
        {"target", OPTION_TEXT, &target, 0, 0, true, "address:port"},
        {"outstanding", OPTION_INTEGER, &outstanding, 1, OUTSTANDING_MAX, false, "in flight (1)"},
        {"seconds", OPTION_REAL, &seconds, 0.001, 3600, true, "how long"},
        {0}};
    if (!options_read(self, argc, argv, rows, &code))
        return code;
    struct caller caller = {
        .client = rpc_client_new(target), .lines_n = (size_t)outstanding, .all_ended = bell_new()};
    code = lines_new(&caller) ? caller_run(&caller, seconds) : bench_fail("out of memory");
    rpc_client_free(caller.client);
    for (size_t i = 0; caller.lines && i < caller.lines_n; i++)
        arena_free(caller.lines[i].arena);
    free(caller.lines);
    bell_free(caller.all_ended);
    samples_deinit(&caller.samples);
    return code;
}
