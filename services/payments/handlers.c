#include "rpc.h"

#define PAYMENTS "/obol.payments.v1.PaymentService/"
#define ORDERS "/obol.payments.v1.OrderService/"

const struct rpc_handler payments_handlers[] = {
    {.method = ORDERS "CreateOrder", .one = rpc_create_order},
    {.method = ORDERS "ImportOrder", .one = rpc_import_order},
    {.method = ORDERS "GetOrder", .many = rpc_get_order},
    {.method = ORDERS "ListOrders", .one = rpc_list_orders},
    {.method = PAYMENTS "CreatePayment", .many = rpc_create_payment},
    {.method = PAYMENTS "GetPayment", .many = rpc_get_payment},
    {.method = PAYMENTS "ListPayments", .one = rpc_list_payments},
    {.method = PAYMENTS "CapturePayment", .one = rpc_capture_payment},
    {.method = PAYMENTS "CancelPayment", .one = rpc_cancel_payment},
    {.method = PAYMENTS "ResolvePayment", .one = rpc_resolve_payment},
    {.method = PAYMENTS "TokenizeCard", .one = rpc_tokenize_card},
    {.method = PAYMENTS "ReserveRefund", .many = rpc_reserve_refund},
    {.method = PAYMENTS "ReleaseRefund", .one = rpc_release_refund},
    {.method = PAYMENTS "GetRefundOperation", .many = rpc_get_refund_operation},
    {.method = PAYMENTS "ProviderCallback", .many = rpc_provider_callback},
};
const size_t payments_handlers_n = sizeof payments_handlers / sizeof *payments_handlers;
