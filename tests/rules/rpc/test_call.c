#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "obol/auth/v1/auth.obol.h"
#include "obs/trace.h"
#include "rpc/internal.h"

Test(call, refuses_with_the_problem_that_a_status_means)
{
    const struct {
        enum status given, expected;
        const char *code;
    } rows[] = {
        {STATUS_UNAVAILABLE, STATUS_UNAVAILABLE, "unavailable"},
        {STATUS_ABORTED, STATUS_UNAVAILABLE, "unavailable"},
        {STATUS_DEADLINE_EXCEEDED, STATUS_UNAVAILABLE, "unavailable"},
        {STATUS_UNKNOWN, STATUS_UNKNOWN, "outcome_unknown"},
        {STATUS_RESOURCE_EXHAUSTED, STATUS_RESOURCE_EXHAUSTED, "too_large"},
        {STATUS_INTERNAL, STATUS_INTERNAL, "internal_error"},
        {STATUS_DATA_LOSS, STATUS_INTERNAL, "internal_error"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct call call = {0};
        cr_assert_eq(call_refuse_status(&call, rows[i].given), rows[i].expected, "%zu", i);
        cr_assert_eq(call.problem.status, rows[i].expected);
        cr_assert_str_eq(call.problem.code, rows[i].code);
    }
    struct call fine = {0};
    cr_assert_eq(call_refuse_status(&fine, STATUS_OK), STATUS_OK);
    cr_assert_eq(fine.problem.status, STATUS_OK);
}

Test(call, keeps_an_empty_packed_answer)
{
    struct call call = {0};
    call_answer_packed(&call, (struct bytes){NULL, 0}, true);
    cr_assert_not_null(call.packed.at);
    cr_assert_eq(call.packed.length, 0);
    cr_assert(call.replayed);
}

Test(call, says_whether_the_work_is_done_when_its_answer_is_lost)
{
    struct method read = {.path = "/r"}, write = {.path = "/w", .writes = true};
    struct call call = {.method = &read};
    call_answer_lost(&call);
    cr_assert_eq(call.problem.status, STATUS_RESOURCE_EXHAUSTED);
    call.method = &write;
    call_answer_lost(&call);
    cr_assert_eq(call.problem.status, STATUS_UNKNOWN);
}

Test(call, starts_with_a_context_of_its_own)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct call_context context = call_context_new(arena, "loop", 5000);
    cr_assert_str_eq(context.tenant_id, "");
    cr_assert_str_eq(context.actor, "loop");
    cr_assert(trace_request_id_valid(context.request_id));
    cr_assert(trace_valid(context.traceparent));
    cr_assert_null(context.idempotency_key);
    cr_assert_leq(clock_left_ms(context.deadline_ns), 5000);
    cr_assert_gt(clock_left_ms(context.deadline_ns), 4000);
    arena_free(arena);
}
