// The handlers of ProviderService about what a tenant arranges: credentials, routes, limits. All
// get a struct worker whose state is a struct payments_state. What is written is audited in the
// same transaction: names of fields, never their values.
#pragma once
#include "obol/payments/v1/providers.obol.h"
#include "rpc.h"
#include "setup/store_setup.h"
#include "validate.h"

enum status rpc_set_credential(void *worker, struct call *call);
enum status rpc_list_credentials(void *worker, struct call *call);
enum status rpc_test_credential(void *worker, struct call *call);
enum status rpc_set_routes(void *worker, struct call *call);
enum status rpc_list_routes(void *worker, struct call *call);
enum status rpc_set_limit(void *worker, struct call *call);
enum status rpc_list_limits(void *worker, struct call *call);
enum status rpc_set_tenant_mode(void *worker, struct call *call);
enum status rpc_list_tenant_modes(void *worker, struct call *call);
enum status rpc_set_payment_creation(void *worker, struct call *call);
enum status rpc_get_payment_creation(void *worker, struct call *call);
enum status rpc_list_providers(void *worker, struct call *call);
enum status rpc_list_breakers(void *worker, struct call *call);
enum status rpc_reconcile(void *worker, struct call *call);

// --- Shared among them.
// service_once with the tenant's setup locked for `work`, and forgotten by the cache afterwards.
struct setup_change {
    const char *object_id;
    enum status (*work)(struct worker *worker, struct call *call, void *context);
    void *context;
};
enum status setup_change(struct worker *worker, struct call *call,
                         const struct setup_change *change);
// An audit row of what the call did; a message NULL: nothing was there.
struct setup_audit {
    const char *action, *object_id;
    const ProtobufCMessage *before, *after;
};
MUST_USE enum status setup_audit(struct worker *worker, struct call *call,
                                 const struct setup_audit *audit);
// NULL, here and below: the arena is full.
Obol__Payments__V1__Credential *view_credential(struct arena *arena,
                                                const struct sealed_credential *row,
                                                const char *callback_base_url);
Obol__Payments__V1__RouteList *view_routes(struct arena *arena, const struct route *routes,
                                           size_t n);
Obol__Payments__V1__Limit *view_limit(struct arena *arena, const struct limit *limit);
