#include "fixture.h"
#include "housekeeping.h"
#include "service/housekeeping.h"

static struct fixture f;

static void begin(void)
{
    fixture_begin(&f);
}

static void end(void)
{
    fixture_end(&f);
}

TestSuite(orders, .init = begin, .fini = end);

static const Obol__Payments__V1__OrderList *list_orders(int64_t limit, const char *after,
                                                        const char *before, const char *status)
{
    Obol__Payments__V1__ListOrdersRequest *request =
        NEW(f.arena, list_orders_request, ListOrdersRequest);
    request->limit = int_value(f.arena, limit);
    request->starting_after = arena_strdup(f.arena, after);
    request->ending_before = arena_strdup(f.arena, before);
    request->status = arena_strdup(f.arena, status);
    struct call *call = call_new(f.arena, METHOD_OrderService_ListOrders, &request->base, NULL);
    cr_ok(rpc_list_orders(&f.worker, call));
    return (const Obol__Payments__V1__OrderList *)call->response;
}

static const Obol__Payments__V1__PaymentList *
list_payments(const Obol__Payments__V1__ListPaymentsRequest *request)
{
    struct call *call = call_new(f.arena, METHOD_PaymentService_ListPayments, &request->base, NULL);
    cr_ok(rpc_list_payments(&f.worker, call));
    return (const Obol__Payments__V1__PaymentList *)call->response;
}

static Obol__Payments__V1__ListPaymentsRequest *list_request(int64_t limit)
{
    Obol__Payments__V1__ListPaymentsRequest *request =
        NEW(f.arena, list_payments_request, ListPaymentsRequest);
    request->limit = int_value(f.arena, limit);
    return request;
}

Test(orders, are_paged_newest_first_and_back)
{
    const char *ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = order_new(&f, 100 + i);
    const Obol__Payments__V1__OrderList *list = list_orders(2, "", "", "");
    cr_assert(list->has_more);
    cr_assert_str_eq(list->url, "/api/v1/orders");
    cr_assert_str_eq(list->data[0]->id, ids[4]);
    list = list_orders(3, ids[3], "", "");
    cr_assert_not(list->has_more);
    cr_assert_eq(list->n_data, 3);
    cr_assert_str_eq(list->data[2]->id, ids[0]);
    list = list_orders(2, "", ids[1], "");
    cr_assert(list->has_more);
    cr_assert_str_eq(list->data[0]->id, ids[3]);
    cr_assert_str_eq(list->data[1]->id, ids[2]);
    cr_assert_eq(list_orders(10, "", "", "paid")->n_data, 0);
    cr_assert_eq(list_orders(10, "order_nowhere", "", "")->n_data, 0);
}

Test(orders, keep_notes_in_their_order_and_replay)
{
    Obol__Payments__V1__CreateOrderRequest *request =
        NEW(f.arena, create_order_request, CreateOrderRequest);
    request->amount = int_value(f.arena, 5);
    request->currency = arena_strdup(f.arena, "JPY");
    request->notes = ARENA_ARRAY(f.arena, 2, Obol__Payments__V1__CreateOrderRequest__NotesEntry *);
    for (int i = 0; i < 2; i++) {
        request->notes[i] =
            MESSAGE_NEW(f.arena, obol__payments__v1__create_order_request__notes_entry,
                        Obol__Payments__V1__CreateOrderRequest__NotesEntry);
        request->notes[i]->key = arena_strdup(f.arena, i ? "a" : "zz \"quoted\"");
        request->notes[i]->value = arena_strdup(f.arena, "\xe2\x82\xb9\n");
    }
    request->n_notes = 2;
    struct call *first = call_new(f.arena, METHOD_OrderService_CreateOrder, &request->base, "k");
    struct call *second = call_new(f.arena, METHOD_OrderService_CreateOrder, &request->base, "k");
    cr_ok(rpc_create_order(&f.worker, first));
    cr_ok(rpc_create_order(&f.worker, second));
    cr_assert(second->replayed);
    Obol__Payments__V1__GetOrderRequest *get = NEW(f.arena, get_order_request, GetOrderRequest);
    get->id = ((const Obol__Payments__V1__Order *)first->response)->id;
    struct call *calls[2] = {call_new(f.arena, METHOD_OrderService_GetOrder, &get->base, NULL),
                             call_new(f.arena, METHOD_OrderService_GetOrder, &get->base, NULL)};
    calls[1]->context.tenant_id = "tnt_other";
    rpc_get_order(&f.worker, calls, 2);
    const Obol__Payments__V1__Order *order = (const Obol__Payments__V1__Order *)message_unpack(
        f.arena, &obol__payments__v1__order__descriptor, calls[0]->packed);
    cr_assert_eq(order->n_notes, 2);
    cr_assert_str_eq(order->notes[0]->key, "zz \"quoted\"");
    cr_assert_str_eq(order->notes[1]->value, "\xe2\x82\xb9\n");
    assert_refused(calls[1], STATUS_NOT_FOUND, "not_found");
}

Test(orders, an_import_of_something_else_is_a_conflict)
{
    Obol__Payments__V1__ImportOrderRequest *import =
        NEW(f.arena, import_order_request, ImportOrderRequest);
    import->id = arena_strdup(f.arena, "order_7");
    import->order = NEW(f.arena, create_order_request, CreateOrderRequest);
    import->order->amount = int_value(f.arena, 5);
    import->order->currency = arena_strdup(f.arena, "INR");
    struct call *call = call_new(f.arena, METHOD_OrderService_ImportOrder, &import->base, NULL);
    cr_ok(rpc_import_order(&f.worker, call));
    import->order->amount = int_value(f.arena, 6);
    call = call_new(f.arena, METHOD_OrderService_ImportOrder, &import->base, NULL);
    cr_assert_eq(rpc_import_order(&f.worker, call), STATUS_FAILED_PRECONDITION);
}

Test(orders, payments_are_listed_by_filter_and_cursor)
{
    const char *ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = pay(&f, i % 2 ? "odd" : "even", 10 + i);
    Obol__Payments__V1__ListPaymentsRequest *request = list_request(3);
    const Obol__Payments__V1__PaymentList *list = list_payments(request);
    cr_assert(list->has_more);
    cr_assert_str_eq(list->data[0]->id, ids[3]);
    request->starting_after = list->data[2]->id;
    cr_assert_str_eq(list_payments(request)->data[0]->id, ids[0]);
    request = list_request(10);
    request->ending_before = arena_strdup(f.arena, ids[1]);
    list = list_payments(request);
    cr_assert_eq(list->n_data, 2);
    cr_assert_str_eq(list->data[0]->id, ids[3]);
    request = list_request(10);
    request->order_id = arena_strdup(f.arena, "odd");
    list = list_payments(request);
    cr_assert_eq(list->n_data, 2);
    cr_assert_str_eq(list->data[0]->id, ids[3]);
    request->ending_before = arena_strdup(f.arena, ids[2]);
    cr_assert_eq(list_payments(request)->n_data, 1);
    request = list_request(10);
    request->status = arena_strdup(f.arena, "failed");
    cr_assert_eq(list_payments(request)->n_data, 0);
    request = list_request(10);
    request->created_gte =
        MESSAGE_NEW(f.arena, google__protobuf__timestamp, Google__Protobuf__Timestamp);
    request->created_gte->seconds = clock_unix_us() / US_PER_S + 3600;
    cr_assert_eq(list_payments(request)->n_data, 0);
    request->created_lt = request->created_gte;
    request->created_gte = NULL;
    cr_assert_eq(list_payments(request)->n_data, 4);
}

Test(orders, a_list_refuses_what_it_does_not_know)
{
    Obol__Payments__V1__ListPaymentsRequest *request = list_request(10);
    request->status = arena_strdup(f.arena, "paid");
    struct call *call = call_new(f.arena, METHOD_PaymentService_ListPayments, &request->base, NULL);
    cr_assert_eq(rpc_list_payments(&f.worker, call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "status");
    request = list_request(500);
    call = call_new(f.arena, METHOD_PaymentService_ListPayments, &request->base, NULL);
    cr_assert_eq(rpc_list_payments(&f.worker, call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "limit");
}

Test(orders, lists_refuse_a_cursor_that_is_no_id)
{
    Obol__Payments__V1__ListPaymentsRequest *payments = list_request(10);
    payments->starting_after = arena_strdup(f.arena, " ");
    struct call *call =
        call_new(f.arena, METHOD_PaymentService_ListPayments, &payments->base, NULL);
    cr_assert_eq(rpc_list_payments(&f.worker, call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "starting_after");
    Obol__Payments__V1__ListOrdersRequest *orders =
        NEW(f.arena, list_orders_request, ListOrdersRequest);
    orders->ending_before = arena_strdup(f.arena, "order.1");
    call = call_new(f.arena, METHOD_OrderService_ListOrders, &orders->base, NULL);
    cr_assert_eq(rpc_list_orders(&f.worker, call), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(call->problem.param, "ending_before");
}

Test(orders, lists_bear_times_outside_the_calendar)
{
    Google__Protobuf__Timestamp first = GOOGLE__PROTOBUF__TIMESTAMP__INIT, last = first;
    first.seconds = INT64_MIN;
    last.seconds = INT64_MAX;
    pay(&f, "a", 5);
    Obol__Payments__V1__ListPaymentsRequest *payments = list_request(10);
    Obol__Payments__V1__ListOrdersRequest *orders =
        NEW(f.arena, list_orders_request, ListOrdersRequest);
    payments->created_gte = orders->created_gte = &first;
    payments->created_lt = orders->created_lt = &last;
    cr_assert_eq(list_payments(payments)->n_data, 1);
    struct call *call = call_new(f.arena, METHOD_OrderService_ListOrders, &orders->base, NULL);
    cr_ok(rpc_list_orders(&f.worker, call));
    payments->created_gte = &last;
    payments->created_lt = NULL;
    cr_assert_eq(list_payments(payments)->n_data, 0);
}

Test(orders, housekeeping_sweeps_and_makes_partitions)
{
    pay(&f, "r", 5); // lies in the default partition
    test_sql(
        f.db, f.arena,
        "INSERT INTO card_tokens VALUES ('t', 'tok_1', 'simulator', 'x', 'visa', '4242', 1, 2030, "
        "'x', now() - interval '2 days', now() - interval '1 day')");
    const struct service_table tables[] = {{"payments", "pay", NULL}};
    const struct service_definition definition = {
        .tables = tables, .tables_n = 1, .sweep = sweep_payments};
    const int64_t keep_s = 0;
    struct housekeeping housekeeping = {&definition, &keep_s, &f.state, 0};
    cr_assert_gt(housekeeping_turn(&housekeeping, f.db, f.arena), 0);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM card_tokens"), "0");
    cr_assert_str_neq(
        test_sql(f.db, f.arena,
                 "SELECT count(*) FROM pg_inherits WHERE inhparent = 'payments'::regclass"),
        "1");
    const char *id = pay(&f, "r", 6);
    cr_assert_eq(payment_get(&f, id)->amount, 6);
}

Test(orders, jobs_are_counted_by_tenant_and_in_all)
{
    int64_t counts[4];
    pay(&f, "r", 5);
    paid(&f, 6);
    int64_t since_us = clock_unix_us() - 3600 * US_PER_S;
    cr_ok(store_jobs_count(f.db, f.arena, TENANT, since_us, counts));
    cr_assert_eq(counts[0], 1);
    cr_assert_eq(counts[1], 0);
    cr_assert_eq(counts[2], 1);
    cr_ok(store_jobs_count(f.db, f.arena, "tnt_other", since_us, counts));
    cr_assert_eq(counts[0] + counts[2], 0);
    cr_ok(store_jobs_count(f.db, f.arena, "", since_us, counts));
    cr_assert_eq(counts[0], 1);
}
