#include "callbacks/rpc_callbacks.h"
#include "rpc.h"
#include "setup/rpc_providers.h"

#define PAYMENTS "/obol.payments.v1.PaymentService/"
#define ORDERS "/obol.payments.v1.OrderService/"
#define PROVIDERS "/obol.payments.v1.ProviderService/"

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
    {.method = PAYMENTS "UnblockPayer", .one = rpc_unblock_payer},
    {.method = PAYMENTS "ResolveRefund", .one = rpc_resolve_refund},
    {.method = PAYMENTS "TokenizeCard", .one = rpc_tokenize_card},
    {.method = PAYMENTS "ReserveRefund", .many = rpc_reserve_refund},
    {.method = PAYMENTS "ReleaseRefund", .one = rpc_release_refund},
    {.method = PAYMENTS "GetRefundOperation", .many = rpc_get_refund_operation},
    {.method = PAYMENTS "ProviderCallback", .many = rpc_provider_callback},
    {.method = PROVIDERS "SetCredential", .one = rpc_set_credential},
    {.method = PROVIDERS "ListCredentials", .one = rpc_list_credentials},
    {.method = PROVIDERS "TestCredential", .one = rpc_test_credential},
    {.method = PROVIDERS "SetRoutes", .one = rpc_set_routes},
    {.method = PROVIDERS "ListRoutes", .one = rpc_list_routes},
    {.method = PROVIDERS "SetLimit", .one = rpc_set_limit},
    {.method = PROVIDERS "ListLimits", .one = rpc_list_limits},
    {.method = PROVIDERS "SetTenantMode", .one = rpc_set_tenant_mode},
    {.method = PROVIDERS "ListTenantModes", .one = rpc_list_tenant_modes},
    {.method = PROVIDERS "SetPaymentCreation", .one = rpc_set_payment_creation},
    {.method = PROVIDERS "GetPaymentCreation", .one = rpc_get_payment_creation},
    {.method = PROVIDERS "ListReviews", .one = rpc_list_reviews},
    {.method = PROVIDERS "ListProviders", .one = rpc_list_providers},
    {.method = PROVIDERS "ListBreakers", .one = rpc_list_breakers},
    {.method = PROVIDERS "Reconcile", .one = rpc_reconcile},
    {.method = PROVIDERS "GetCallbackStatus", .one = rpc_get_callback_status},
};
const size_t payments_handlers_n = sizeof payments_handlers / sizeof *payments_handlers;
