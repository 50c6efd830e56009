// The handlers of OrderService and PaymentService. All get a struct worker whose state is a struct
// payments_state. `many` handlers judge and write their calls together.
#pragma once
#include "rpc/server.h"
#include "service/service.h"
#include "state.h"

extern const struct rpc_handler payments_handlers[];
extern const size_t payments_handlers_n;

enum status rpc_create_order(void *worker, struct call *call);
enum status rpc_import_order(void *worker, struct call *call);
void rpc_get_order(void *worker, struct call *const *calls, size_t n);
enum status rpc_list_orders(void *worker, struct call *call);

void rpc_create_payment(void *worker, struct call *const *calls, size_t n);
void rpc_get_payment(void *worker, struct call *const *calls, size_t n);
enum status rpc_list_payments(void *worker, struct call *call);
enum status rpc_capture_payment(void *worker, struct call *call);
enum status rpc_cancel_payment(void *worker, struct call *call);
enum status rpc_resolve_payment(void *worker, struct call *call);
enum status rpc_unblock_payer(void *context, struct call *call);

enum status rpc_tokenize_card(void *worker, struct call *call);
void rpc_reserve_refund(void *worker, struct call *const *calls, size_t n);
enum status rpc_release_refund(void *worker, struct call *call);
void rpc_get_refund_operation(void *worker, struct call *const *calls, size_t n);
enum status rpc_resolve_refund(void *worker, struct call *call);
void rpc_provider_callback(void *worker, struct call *const *calls, size_t n);
