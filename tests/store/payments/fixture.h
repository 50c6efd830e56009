// A worker of the payments service on a database of its own, and calls for its handlers.
#pragma once
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/id.h"
#include "creation/gate.h"
#include "obol/payments/v1/payments.obol.h"
#include "payments_sql.h"
#include "rpc.h"
#include "rpc/call.h"
#include "store.h"
#include "support/support.h"

#define TENANT "tnt_a"

struct fixture {
    struct test_database database;
    struct db *db;
    struct arena *arena;
    struct keyring ring;
    struct journal journal;
    struct payments_settings settings;
    struct payments_state state;
    struct worker worker;
};

static inline const struct db_migrations *fixture_migrations(void)
{
    static struct db_migrations migrations;
    migrations = (struct db_migrations){"payments", payments_migrations, payments_migrations_n};
    return &migrations;
}

static inline void fixture_begin_at(struct fixture *f, const char *provider_url)
{
    memset(f, 0, sizeof *f);
    f->database = test_database_new();
    f->db = test_db_open(&f->database, "payments", fixture_migrations());
    f->arena = arena_new(ARENA_CAP_BATCH);
    cr_assert(keyring_parse("1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                            &f->ring));
    f->journal = (struct journal){"payments", &f->ring};
    f->settings = (struct payments_settings){
        .simulator_url = provider_url,
        .simulator_key = "key",
        .simulator_callback_secret = "secret",
        .simulator_credential = "default",
        .simulator_idempotent = true,
        .callback_base_url = "",
        .provider_timeout_ms = 1000,
        .provider_times_percent = 100,
        .provider_delays_percent = 100,
        .provider_allow_http = true,
        .callback_replay_s = 600,
        .processor_slots = 16,
        .unknown_deadline_s = 86400,
        .processing_deadline_s = 600,
        .action_ttl_s = 900,
        .poll_first_ms = 20,
        .card_token_ttl_s = 3600,
    };
    f->state = (struct payments_state){.settings = &f->settings,
                                       .journal = &f->journal,
                                       .ring = &f->ring,
                                       .providers = providers_new(&f->settings),
                                       .breakers = breakers_new(),
                                       .gate = gate_new()};
    f->state.setups = setups_new(&f->ring, f->state.providers, f->settings.callback_base_url);
    f->worker = (struct worker){.db = f->db,
                                .arena = arena_new(ARENA_CAP_BATCH),
                                .journal = &f->journal,
                                .state = &f->state};
}

// After a change of settings.
static inline void fixture_providers(struct fixture *f)
{
    setups_free(f->state.setups);
    providers_free(f->state.providers);
    f->state.providers = providers_new(&f->settings);
    f->state.setups = setups_new(&f->ring, f->state.providers, f->settings.callback_base_url);
}

static inline void fixture_begin(struct fixture *f)
{
    fixture_begin_at(f, "http://127.0.0.1:1");
}

static inline void fixture_end(struct fixture *f)
{
    failpoint_arm("");
    setups_free(f->state.setups);
    gate_free(f->state.gate);
    breakers_free(f->state.breakers);
    providers_free(f->state.providers);
    db_free(f->db);
    arena_free(f->worker.arena);
    arena_free(f->arena);
    test_database_drop(&f->database);
}

static inline struct call *call_new(struct arena *arena, const struct method *method,
                                    const ProtobufCMessage *request, const char *key)
{
    struct call *call = ARENA_NEW(arena, struct call);
    call->arena = arena;
    call->method = method;
    call->context = call_context_new(arena, "key_test", 5000);
    call->context.tenant_id = TENANT;
    call->context.idempotency_key = key;
    call->request = request;
    call->request_bytes = message_pack(arena, request);
    return call;
}

#define NEW(arena, lower, upper)                                                                   \
    MESSAGE_NEW(arena, obol__payments__v1__##lower, Obol__Payments__V1__##upper)

static inline Google__Protobuf__Int64Value *int_value(struct arena *arena, int64_t value)
{
    Google__Protobuf__Int64Value *wrapped =
        MESSAGE_NEW(arena, google__protobuf__int64_value, Google__Protobuf__Int64Value);
    wrapped->value = value;
    return wrapped;
}

// A UPI payment; amount 0 leaves amount and currency out.
static inline struct call *create_call(struct arena *arena, const char *order_id, int64_t amount,
                                       const char *key)
{
    Obol__Payments__V1__CreatePaymentRequest *request =
        NEW(arena, create_payment_request, CreatePaymentRequest);
    request->order_id = arena_strdup(arena, order_id);
    if (amount) {
        request->amount = int_value(arena, amount);
        request->currency = arena_strdup(arena, "INR");
    }
    request->method = arena_strdup(arena, "upi");
    request->vpa = arena_strdup(arena, "user@paytm");
    return call_new(arena, METHOD_PaymentService_CreatePayment, &request->base, key);
}

static inline const Obol__Payments__V1__Payment *payment_answer(struct call *call)
{
    cr_assert_eq(call->problem.status, STATUS_OK, "refused: %s %s: %s",
                 call->problem.code ? call->problem.code : "", call->problem.param,
                 call->problem.detail);
    if (call->packed.at)
        return (const Obol__Payments__V1__Payment *)message_unpack(
            call->arena, &obol__payments__v1__payment__descriptor, call->packed);
    return (const Obol__Payments__V1__Payment *)call->response;
}

static inline const char *pay(struct fixture *f, const char *order_id, int64_t amount)
{
    struct call *call = create_call(f->arena, order_id, amount, NULL);
    rpc_create_payment(&f->worker, &call, 1);
    return payment_answer(call)->id;
}

static inline const char *order_new(struct fixture *f, int64_t amount)
{
    Obol__Payments__V1__CreateOrderRequest *request =
        NEW(f->arena, create_order_request, CreateOrderRequest);
    request->amount = int_value(f->arena, amount);
    request->currency = arena_strdup(f->arena, "INR");
    struct call *call = call_new(f->arena, METHOD_OrderService_CreateOrder, &request->base, NULL);
    cr_ok(rpc_create_order(&f->worker, call));
    return ((const Obol__Payments__V1__Order *)call->response)->id;
}

static inline const Obol__Payments__V1__Payment *payment_get(struct fixture *f, const char *id)
{
    Obol__Payments__V1__GetPaymentRequest *request =
        NEW(f->arena, get_payment_request, GetPaymentRequest);
    request->id = arena_strdup(f->arena, id);
    struct call *call = call_new(f->arena, METHOD_PaymentService_GetPayment, &request->base, NULL);
    rpc_get_payment(&f->worker, &call, 1);
    return payment_answer(call);
}

// A payment that has succeeded, by decree.
static inline const char *paid(struct fixture *f, int64_t amount)
{
    const char *id = pay(f, "ref", amount);
    test_sql(
        f->db, f->arena,
        arena_printf(f->arena,
                     "UPDATE payments SET status = 'succeeded', amount_captured = amount WHERE "
                     "id = '%s'",
                     id));
    test_sql(
        f->db, f->arena,
        arena_printf(f->arena,
                     "WITH done AS (UPDATE operations SET status = 'succeeded', finished_at = "
                     "now() WHERE payment_id = '%s' RETURNING id) DELETE FROM operations_queue "
                     "USING done WHERE operations_queue.id = done.id",
                     id));
    return id;
}

static inline struct call *reserve_call(struct arena *arena, const char *payment_id,
                                        const char *refund_id, int64_t amount)
{
    Obol__Payments__V1__ReserveRefundRequest *request =
        NEW(arena, reserve_refund_request, ReserveRefundRequest);
    request->payment_id = arena_strdup(arena, payment_id);
    request->refund_id = arena_strdup(arena, refund_id);
    request->amount = amount;
    return call_new(arena, METHOD_PaymentService_ReserveRefund, &request->base, NULL);
}

static inline void assert_refused(const struct call *call, enum status status, const char *code)
{
    cr_assert_eq(call->problem.status, status, "%s: %s", status_name(call->problem.status),
                 call->problem.detail);
    cr_assert_str_eq(call->problem.code, code);
}
