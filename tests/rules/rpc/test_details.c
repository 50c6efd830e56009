#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "rpc/internal.h"

static void expect_same(const struct problem *problem)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    uint8_t packed[DETAILS_BYTES_MAX];
    size_t length = details_pack(problem, packed);
    cr_assert_gt(length, 0);
    struct problem read = {0};
    cr_assert(details_unpack(arena, (struct bytes){packed, length}, &read));
    cr_assert_eq(read.status, problem->status);
    cr_assert_str_eq(read.code, problem->code);
    cr_assert_str_eq(read.param, problem->param);
    cr_assert_str_eq(read.detail, problem->detail);
    cr_assert_eq(read.retry_after_s, problem->retry_after_s);
    arena_free(arena);
}

Test(details, come_back_as_they_were)
{
    struct problem problem = {0};
    problem_set(&problem, STATUS_NOT_FOUND, "not_found", NULL, "No such payment.");
    expect_same(&problem);
    problem_set(&problem, STATUS_INVALID_ARGUMENT, "amount_invalid", "amount", "Is 0.");
    expect_same(&problem);
    problem_unavailable(&problem);
    cr_assert_gt(problem.retry_after_s, 0);
    expect_same(&problem);
}

Test(details, come_back_when_everything_is_as_long_as_it_may_be)
{
    struct problem problem = {.status = STATUS_RESOURCE_EXHAUSTED, .retry_after_s = 86400};
    problem.code = "a_code_of_sixty_four_characters_which_is_as_long_as_they_may_be_";
    memset(problem.param, 'p', sizeof problem.param - 1);
    memset(problem.detail, 'd', sizeof problem.detail - 1);
    expect_same(&problem);
}

Test(details, are_refused_when_they_are_not_ours)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct problem read = {.retry_after_s = 42};
    const char *others[] = {"", "\xff\xff", "\x08\x05", "\x08\x05\x12\x03nay", "\x08\x7f"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert_not(details_unpack(arena, bytes_of_string(others[i]), &read), "%zu", i);
    cr_assert_eq(read.retry_after_s, 42, "touched on failure");
    arena_free(arena);
}

static struct problem lose(bool writes, grpc_status_code status, const char *text)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct method method = {.path = "/a.B/C", .writes = writes};
    struct call call = {.arena = arena, .method = &method};
    struct lost lost = {.status = status, .text = bytes_of_string(text)};
    cr_assert_not(lost_explain(&lost, &call));
    arena_free(arena);
    return call.problem; // its code is static here
}

Test(lost, is_unavailable_only_when_no_connection_was_had)
{
    const char *never[] = {"failed to connect to all addresses; last error: x",
                           "connections to all backends failing; last error: x",
                           "DNS resolution failed for x:1: y"};
    for (size_t i = 0; i < 3; i++) {
        struct problem problem = lose(true, GRPC_STATUS_UNAVAILABLE, never[i]);
        cr_assert_eq(problem.status, STATUS_UNAVAILABLE);
        cr_assert_str_eq(problem.code, "unavailable");
        // The same words under another status prove nothing.
        cr_assert_eq(lose(true, GRPC_STATUS_UNKNOWN, never[i]).status, STATUS_UNKNOWN);
    }
}

Test(lost, is_unknown_when_a_write_may_have_run)
{
    const grpc_status_code statuses[] = {
        GRPC_STATUS_UNAVAILABLE, GRPC_STATUS_CANCELLED,         GRPC_STATUS_UNKNOWN,
        GRPC_STATUS_INTERNAL,    GRPC_STATUS_DEADLINE_EXCEEDED, GRPC_STATUS_RESOURCE_EXHAUSTED,
        GRPC_STATUS_ABORTED};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        cr_assert_eq(lose(true, statuses[i], "Socket closed").status, STATUS_UNKNOWN, "%zu", i);
        cr_assert_eq(lose(false, statuses[i], "Socket closed").status, STATUS_UNAVAILABLE, "%zu",
                     i);
    }
}

Test(lost, stays_unimplemented)
{
    cr_assert_eq(lose(true, GRPC_STATUS_UNIMPLEMENTED, "").status, STATUS_UNIMPLEMENTED);
}
