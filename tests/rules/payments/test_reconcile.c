#include <criterion/criterion.h>
#include <string.h>

#include "providers/common.h"
#include "reconcile/reconcile.h"

static struct arena *arena;
static struct reconcile r;

static void begin(void)
{
    arena = arena_new(ARENA_CAP_BATCH);
    reconcile_begin(&r, arena);
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(reconcile, .init = begin, .fini = end);

static struct our_row ours(const char *id, int64_t amount)
{
    return (struct our_row){.operation_id = id,
                            .payment_id = "pay_1",
                            .kind = OPERATION_CHARGE,
                            .amount = amount,
                            .currency = "ZMW",
                            .booked = BOOKED_SUCCEEDED};
}

static struct our_row ours_failed(const char *id, int64_t amount)
{
    struct our_row row = ours(id, amount);
    row.booked = BOOKED_FAILED;
    return row;
}

static struct their_row theirs(const char *reference, int64_t amount, enum booked booked)
{
    return (struct their_row){.reference = reference,
                              .kind = OPERATION_CHARGE,
                              .amount = amount,
                              .currency = "ZMW",
                              .booked = booked};
}

static struct their_row theirs_paid(const char *reference, int64_t amount)
{
    return theirs(reference, amount, BOOKED_SUCCEEDED);
}

#define COMPARE(our_rows, their_rows)                                                              \
    do {                                                                                           \
        reconcile_theirs(&r, their_rows, sizeof(their_rows) / sizeof *(their_rows));               \
        reconcile_ours(&r, arena, our_rows, sizeof(our_rows) / sizeof *(our_rows));                \
        cr_assert_not(r.full);                                                                     \
    } while (0)

static void difference(size_t i, enum difference_kind kind, const char *reference,
                       const char *our_text, const char *their_text)
{
    cr_assert_lt(i, r.differences_n);
    const struct difference *found = &r.differences[i];
    cr_assert_eq(found->kind, kind, "%s: %s", found->reference, difference_kind_name(found->kind));
    cr_assert_str_eq(found->reference, reference);
    cr_assert_str_eq(found->ours, our_text);
    cr_assert_str_eq(found->theirs, their_text);
}

Test(reconcile, finds_what_agrees_whatever_the_order)
{
    struct our_row our_rows[] = {ours("op_b", 2), ours_failed("op_c", 3), ours("op_a", 1)};
    struct their_row their_rows[] = {theirs_paid("op_a", 1), theirs("op_c", 9, BOOKED_FAILED),
                                     theirs_paid("op_b", 2)};
    COMPARE(our_rows, their_rows);
    reconcile_missing_here(&r);
    cr_assert_eq(r.matched, 3);
    cr_assert_eq(reconcile_differences(&r), 0);
}

Test(reconcile, knows_every_form_of_a_reference)
{
    const char *id = "op_01jd3zq8r8q2v3w4x5y6z7a8b9";
    struct our_row row = ours(id, 1);
    row.provider_reference = "MTN-77";
    const char *forms[] = {id, reference_compact(arena, id), reference_uuid(arena, id), "mtn-77"};
    const char *names[RECONCILE_NAMES_MAX];
    cr_assert_eq(reconcile_names(arena, &row, names), 4);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct their_row their_rows[] = {theirs_paid(forms[i], 1)};
        struct our_row our_rows[] = {row};
        COMPARE(our_rows, their_rows);
        cr_assert_eq(r.matched, (int64_t)i + 1, "%s", forms[i]);
    }
    cr_assert_eq(reconcile_differences(&r), 0);
}

Test(reconcile, tells_what_is_missing_on_either_side)
{
    struct our_row our_rows[] = {ours("op_a", 1), ours("op_b", 2)};
    struct their_row their_rows[] = {theirs_paid("op_b", 2), theirs_paid("x_9", 7)};
    COMPARE(our_rows, their_rows);
    cr_assert(reconcile_wants(&r));
    reconcile_missing_here(&r);
    cr_assert_eq(r.matched, 1);
    cr_assert_eq(reconcile_differences(&r), 2);
    difference(0, DIFFERENCE_MISSING_THERE, "op_a", "1 ZMW succeeded", "");
    cr_assert_str_eq(r.differences[0].payment_id, "pay_1");
    difference(1, DIFFERENCE_MISSING_HERE, "x_9", "", "7 ZMW succeeded");
    cr_assert_null(r.differences[1].payment_id);
}

Test(reconcile, misses_nothing_that_moved_no_money)
{
    struct our_row our_rows[] = {ours_failed("op_a", 1)};
    struct their_row their_rows[] = {theirs("x_1", 7, BOOKED_FAILED),
                                     theirs("x_2", 7, BOOKED_OPEN)};
    COMPARE(our_rows, their_rows);
    cr_assert_not(reconcile_wants(&r));
    reconcile_missing_here(&r);
    cr_assert_eq(reconcile_differences(&r), 0);
}

Test(reconcile, knows_operations_of_other_days)
{
    struct our_row our_rows[] = {ours("op_a", 1)};
    struct our_row others[] = {ours("op_y", 0), ours("op_x", 0)};
    struct their_row their_rows[] = {theirs_paid("op_a", 1), theirs_paid("op_x", 7)};
    COMPARE(our_rows, their_rows);
    cr_assert(reconcile_wants(&r));
    reconcile_known(&r, arena, others, 2);
    cr_assert_not(reconcile_wants(&r));
    reconcile_missing_here(&r);
    cr_assert_eq(reconcile_differences(&r), 0);
}

Test(reconcile, tells_amounts_currencies_and_statuses_that_differ)
{
    struct our_row our_rows[] = {ours("op_a", 1), ours("op_b", 2), ours("op_c", 3),
                                 ours_failed("op_d", 4), ours("op_e", 5)};
    struct their_row their_rows[] = {theirs_paid("op_a", 10), theirs_paid("op_b", 2),
                                     theirs("op_c", 3, BOOKED_FAILED), theirs_paid("op_d", 4),
                                     theirs("op_e", 5, BOOKED_OPEN)};
    their_rows[1].currency = "USD";
    COMPARE(our_rows, their_rows);
    difference(0, DIFFERENCE_AMOUNT, "op_a", "1 ZMW succeeded", "10 ZMW succeeded");
    difference(1, DIFFERENCE_AMOUNT, "op_b", "2 ZMW succeeded", "2 USD succeeded");
    difference(2, DIFFERENCE_STATUS, "op_c", "3 ZMW succeeded", "3 ZMW failed");
    difference(3, DIFFERENCE_STATUS, "op_d", "4 ZMW failed", "4 ZMW succeeded");
    difference(4, DIFFERENCE_STATUS, "op_e", "5 ZMW succeeded", "5 ZMW pending");
    cr_assert_eq(r.matched, 0);
    cr_assert_eq(r.differ[DIFFERENCE_AMOUNT], 2);
    cr_assert_eq(r.differ[DIFFERENCE_STATUS], 3);
}

Test(reconcile, tells_the_sum_when_they_have_it_more_than_once)
{
    struct our_row our_rows[] = {ours("op_a", 5), ours("op_b", 5), ours("op_c", 5),
                                 ours("op_d", 5)};
    struct their_row their_rows[] = {theirs_paid("op_a", 5), theirs("op_b", 5, BOOKED_FAILED),
                                     theirs_paid("op_c", 5), theirs_paid("op_a", 5),
                                     theirs_paid("op_b", 5), theirs_paid("opd", 5),
                                     theirs_paid("op_d", 5)};
    their_rows[2].moved = 2;
    COMPARE(our_rows, their_rows);
    cr_assert_eq(r.matched, 1); // op_b: a try that failed before it succeeded
    cr_assert_eq(reconcile_differences(&r), 3);
    difference(0, DIFFERENCE_AMOUNT, "op_a", "5 ZMW succeeded", "10 ZMW succeeded, 2 times");
    difference(1, DIFFERENCE_AMOUNT, "op_c", "5 ZMW succeeded", "10 ZMW succeeded, 2 times");
    difference(2, DIFFERENCE_AMOUNT, "op_d", "5 ZMW succeeded", "10 ZMW succeeded, 2 times");
}

Test(reconcile, goes_by_what_succeeded_whatever_failed_beside_it)
{
    struct our_row our_rows[] = {ours("op_a", 5), ours("op_b", 5)};
    struct their_row their_rows[] = {theirs("op_a", 6, BOOKED_FAILED), theirs_paid("op_a", 5),
                                     theirs_paid("op_b", 5), theirs_paid("op_b", 5)};
    their_rows[0].currency = their_rows[3].currency = "USD";
    COMPARE(our_rows, their_rows);
    cr_assert_eq(r.matched, 1);
    cr_assert_eq(reconcile_differences(&r), 1);
    difference(0, DIFFERENCE_AMOUNT, "op_b", "5 ZMW succeeded", "10 (mixed) succeeded, 2 times");
}

Test(reconcile, goes_by_their_id_where_they_were_told_no_reference)
{
    struct our_row our_rows[] = {ours("op_a", 5), ours("op_b", 5)};
    struct their_row their_rows[] = {theirs_paid("opa", 5), theirs_paid("opa.refund", 5)};
    our_rows[1].kind = their_rows[1].kind = OPERATION_REFUND;
    our_rows[1].provider_reference = "RO77";
    their_rows[0].id = "CI66"; // which we were not told
    their_rows[1].id = "RO77";
    COMPARE(our_rows, their_rows);
    reconcile_missing_here(&r);
    cr_assert_eq(r.matched, 2);
    cr_assert_eq(reconcile_differences(&r), 0);
}

Test(reconcile, takes_references_in_any_case)
{
    struct our_row our_rows[] = {ours("op_a", 1), ours("op_b", 2), ours("op_c", 3)};
    struct their_row their_rows[] = {theirs_paid("OP_C", 3), theirs_paid("op_a", 1),
                                     theirs_paid("OP_B", 2)};
    COMPARE(our_rows, their_rows);
    cr_assert_eq(r.matched, 3);
}

Test(reconcile, compares_like_with_like)
{
    struct our_row our_rows[] = {ours("op_a", 5), ours("op_b", 5), ours("op_c", 5)};
    struct their_row their_rows[] = {theirs_paid("op_a", 5), theirs_paid("op_a", 5),
                                     theirs_paid("op_b", 5), theirs_paid("op_c", 5)};
    their_rows[1].kind = OPERATION_REFUND; // under the charge's reference
    our_rows[1].kind = OPERATION_REFUND;
    their_rows[2].kind = OPERATION_CANCEL; // a void is how some refund
    their_rows[3].kind = 0;                // not said
    COMPARE(our_rows, their_rows);
    reconcile_missing_here(&r);
    cr_assert_eq(r.matched, 3);
    cr_assert_eq(reconcile_differences(&r), 1);
    difference(0, DIFFERENCE_MISSING_HERE, "op_a", "", "5 ZMW succeeded");
}

Test(reconcile, leaves_what_is_at_the_edge_for_the_next_day)
{
    struct our_row our_rows[] = {ours("op_a", 1), ours("op_b", 2), ours("op_c", 3),
                                 ours("op_d", 4)};
    for (size_t i = 0; i < 4; i++)
        our_rows[i].at_edge = true;
    struct their_row their_rows[] = {theirs_paid("op_a", 1), theirs("op_c", 3, BOOKED_OPEN),
                                     theirs_paid("op_d", 9)};
    COMPARE(our_rows, their_rows);
    cr_assert_eq(r.matched, 1);
    cr_assert_eq(r.left_over_n, 2);
    cr_assert_str_eq(r.left_over[0], "op_b");
    cr_assert_str_eq(r.left_over[1], "op_c");
    cr_assert_eq(reconcile_differences(&r), 1); // what is there is compared
    difference(0, DIFFERENCE_AMOUNT, "op_d", "4 ZMW succeeded", "9 ZMW succeeded");
}

Test(reconcile, takes_an_authorization_that_was_taken_back_either_way)
{
    struct our_row our_rows[] = {ours("op_a", 1), ours("op_b", 1), ours("op_c", 1)};
    for (size_t i = 0; i < 3; i++)
        our_rows[i].taken_back = true;
    struct their_row their_rows[] = {theirs_paid("op_a", 1), theirs("op_b", 1, BOOKED_FAILED)};
    COMPARE(our_rows, their_rows);
    cr_assert_eq(reconcile_differences(&r), 0);
    cr_assert_eq(r.matched, 2);
}

Test(reconcile, survives_amounts_that_no_number_holds)
{
    struct our_row our_rows[] = {ours("op_a", INT64_MAX)};
    struct their_row their_rows[] = {theirs_paid("op_a", INT64_MAX),
                                     theirs_paid("op_a", INT64_MAX)};
    their_rows[0].moved = 3;
    COMPARE(our_rows, their_rows);
    difference(0, DIFFERENCE_AMOUNT, "op_a", "9223372036854775807 ZMW succeeded",
               "9223372036854775807 ZMW succeeded, 4 times");
}

Test(reconcile, keeps_a_bounded_number_and_counts_all)
{
    enum { N = RECONCILE_KEPT_MAX + 5 };
    struct their_row *rows = ARENA_ARRAY(arena, N, struct their_row);
    for (int i = 0; i < N; i++)
        rows[i] = theirs_paid(arena_printf(arena, "x_%d", i), 1);
    reconcile_theirs(&r, rows, N);
    reconcile_missing_here(&r);
    cr_assert_not(r.full);
    cr_assert_eq(r.differences_n, RECONCILE_KEPT_MAX);
    cr_assert_eq(r.differ[DIFFERENCE_MISSING_HERE], N);
}

Test(reconcile, says_when_the_arena_is_full)
{
    CLEANUP(arena_free) struct arena *small = arena_new(4096);
    struct reconcile tight;
    struct their_row *rows = ARENA_ARRAY(arena, 1000, struct their_row);
    for (int i = 0; i < 1000; i++)
        rows[i] = theirs_paid("x", 1);
    reconcile_begin(&tight, small);
    reconcile_theirs(&tight, rows, 1000);
    cr_assert(tight.full);
}
