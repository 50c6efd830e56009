// A payments service without payments: what remains of a request when its work is taken away.
#include "base/log.h"
#include "listen.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "options.h"
#include "rpc/server.h"
#include "json/json.h"

#define THREADS_MAX 64
#define HANDLERS_MAX 64
#define SLOW_QUEUE 16
#define DRAIN_MS 1000

// A constant must be filled by someone: the room that reads JSON does it.
static const char payment_json[] =
    "{\"id\":\"pay_00000000000000000000000000\",\"object\":\"payment\",\"order_id\":\"order_1\","
    "\"amount\":50000,\"currency\":\"INR\",\"method\":\"upi\",\"vpa\":\"user@paytm\","
    "\"capture\":\"automatic\",\"status\":\"succeeded\",\"captured\":true,"
    "\"amount_captured\":50000,\"provider\":\"simulator\",\"sequence\":3,"
    "\"created_at\":\"2026-01-01T00:00:00.000Z\",\"updated_at\":\"2026-01-01T00:00:01.000Z\"}";
static const ProtobufCMessage *payment;

static void get_payment(void *worker, struct call *const *calls, size_t n)
{
    (void)worker;
    for (size_t i = 0; i < n; i++)
        call_answer(calls[i], payment);
}

static enum status unimplemented(void *worker, struct call *call)
{
    (void)worker;
    return call_refuse(call, STATUS_UNIMPLEMENTED, "unimplemented", NULL,
                       "A stand-in answers GetPayment only.");
}

static size_t handlers_build(struct rpc_handler *ret)
{
    size_t n = obol_payments_v1_payments_file.methods_n;
    for (size_t i = 0; i < n && i < HANDLERS_MAX; i++) {
        const struct method *method = &obol_payments_v1_payments_methods[i];
        ret[i] = (struct rpc_handler){.method = method->path};
        if (method == METHOD_PaymentService_GetPayment)
            ret[i].many = get_payment;
        else
            ret[i].one = unimplemented;
    }
    return n < HANDLERS_MAX ? n : HANDLERS_MAX;
}

static int serve(const char *address, size_t threads)
{
    const struct proto_file *const files[] = {&obol_payments_v1_payments_file};
    struct rpc_handler handlers[HANDLERS_MAX];
    CLEANUP(health_free) struct health *health = health_new("payments", OBOL_VERSION);
    if (!health)
        return bench_fail("out of memory");
    const struct rpc_server_config config = {
        .address = address,
        .files = files,
        .files_n = 1,
        .handlers = handlers,
        .handlers_n = handlers_build(handlers),
        .fast_threads = threads,
        .slow_threads = 1,
        .slow_queue = SLOW_QUEUE,
        .health = health,
    };
    struct rpc_server *server;
    enum status status = rpc_server_start(&config, &server);
    if (status != STATUS_OK)
        return bench_fail("%s: %s", address, status_name(status));
    log_info("serving", LOG_I("port", rpc_server_port(server)));
    listen_until_told();
    rpc_server_stop(server, DRAIN_MS);
    return EXIT_DONE;
}

int serve_main(const struct subcommand *self, int argc, char **argv)
{
    const char *address = NULL;
    int64_t threads = 2;
    int code;
    const struct option_row rows[] = {
        {"listen", OPTION_TEXT, &address, 0, 0, true, "address:port"},
        {"threads", OPTION_INTEGER, &threads, 1, THREADS_MAX, false, "of the fast lane (2)"},
        {0}};
    if (!options_read(self, argc, argv, rows, &code))
        return code;
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    ProtobufCMessage *constant;
    struct problem problem;
    if (!arena || json_read(arena, &obol__payments__v1__payment__descriptor,
                            bytes_of_string(payment_json), &constant, &problem) != STATUS_OK)
        return bench_fail("the constant payment is none");
    payment = constant;
    return serve(address, (size_t)threads);
}
