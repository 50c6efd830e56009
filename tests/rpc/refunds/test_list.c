#include "service.h"

TestSuite(list, .init = service_begin, .fini = service_end, .timeout = 60);

static struct problem problem;

static Obol__Refunds__V1__RefundList *list(const char *after, const char *status_text,
                                           int64_t limit)
{
    Obol__Refunds__V1__ListRefundsRequest request = OBOL__REFUNDS__V1__LIST_REFUNDS_REQUEST__INIT;
    Google__Protobuf__Int64Value number = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    Obol__Refunds__V1__RefundList *answer = NULL;
    number.value = limit;
    request.limit = limit ? &number : NULL;
    request.starting_after = (char *)after;
    request.status = (char *)status_text;
    request.payment_id = (char *)"pay_1";
    return ask(METHOD_RefundService_ListRefunds, &request.base, &problem, &answer) == STATUS_OK
               ? answer
               : NULL;
}

Test(list, pages_newest_first)
{
    const char *ids[3];
    for (int i = 0; i < 3; i++)
        ids[i] = create(NULL, 100 + i).refund->id;
    Obol__Refunds__V1__RefundList *page = list("", "", 2);
    cr_assert_eq(page->n_data, 2);
    cr_assert(page->has_more);
    cr_assert_str_eq(page->object, "list");
    cr_assert_str_eq(page->data[0]->id, ids[2]);
    page = list(page->data[1]->id, "", 2);
    cr_assert_eq(page->n_data, 1);
    cr_assert(!page->has_more);
    cr_assert_str_eq(page->data[0]->id, ids[0]);
    cr_assert_eq(list("", "processed", 0)->n_data, 0);
    cr_assert_eq(list("", "pending", 0)->n_data, 3);
}

Test(list, refuses_what_it_cant_mean)
{
    cr_assert_null(list("", "reserving", 0));
    cr_assert_str_eq(problem.param, "status");
    cr_assert_null(list("", "", 101));
    cr_assert_str_eq(problem.param, "limit");
    cr_assert_null(list("no id!", "", 1));
    cr_assert_str_eq(problem.param, "starting_after");
}

Test(list, shows_no_tenant_the_refunds_of_another)
{
    const char *id = create(NULL, 100).refund->id;
    refund_answer *got = NULL;
    tenant = "ten_b";
    cr_assert_eq(get(id, &got), STATUS_NOT_FOUND);
    cr_assert_eq(list("", "", 0)->n_data, 0);
}

Test(list, shows_nobody_what_is_reserving)
{
    struct refund refund = put_refund("ten_a", 5);
    refund_answer *got = NULL;
    cr_assert_eq(get(refund.id, &got), STATUS_NOT_FOUND);
    cr_assert_eq(list("", "", 0)->n_data, 0);
}

static void one_home(void *context)
{
    bell_ring(context);
}

// One caller's nonsense must not cost the others in its batch their answers.
Test(list, answers_the_rest_of_a_batch_beside_an_id_that_is_no_text)
{
    const char *ids[] = {create(NULL, 100).refund->id, "rfnd_\xff\xfe", "", "rfnd_nobody"};
    struct call calls[4], *all[4];
    struct bell *home = bell_new();
    for (int i = 0; i < 4; i++) {
        Obol__Refunds__V1__GetRefundRequest request = OBOL__REFUNDS__V1__GET_REFUND_REQUEST__INIT;
        request.id = (char *)ids[i];
        calls[i] = (struct call){.arena = arena,
                                 .method = METHOD_RefundService_GetRefund,
                                 .context = call_context_new(arena, "key_1", 20000),
                                 .request_bytes = message_pack(arena, &request.base)};
        calls[i].context.tenant_id = "ten_a";
        all[i] = &calls[i];
    }
    rpc_bundle(client, all, 4, one_home, home);
    cr_assert(bell_wait(home, 30000));
    bell_free(home);
    cr_assert_eq(calls[0].problem.status, STATUS_OK, "%s", calls[0].problem.detail);
    cr_assert_eq(calls[1].problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_eq(calls[2].problem.status, STATUS_NOT_FOUND);
    cr_assert_eq(calls[3].problem.status, STATUS_NOT_FOUND);
}
