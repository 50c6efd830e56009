#include <criterion/criterion.h>
#include <string.h>

#include "reconcile/settlement.h"

static struct arena *arena;

static void begin(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(settlement, .init = begin, .fini = end);

static void refused(const char *file, const char *detail)
{
    struct their_row *rows;
    size_t n;
    struct problem problem = {0};
    cr_assert_eq(settlement_read(arena, bytes_of_string(file), &rows, &n, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "csv");
    cr_assert_not_null(strstr(problem.detail, detail), "%s", problem.detail);
}

static void is(const struct their_row *row, const struct their_row *expected)
{
    cr_assert_str_eq(row->reference, expected->reference);
    cr_assert_eq(row->kind, expected->kind);
    cr_assert_eq(row->amount, expected->amount);
    cr_assert_str_eq(row->currency, expected->currency);
    cr_assert_eq(row->booked, expected->booked);
    cr_assert_eq(row->moved, expected->moved);
    cr_assert(row->id == expected->id || strcmp(row->id, expected->id) == 0);
}

Test(settlement, reads_a_file_whatever_the_order_of_its_columns)
{
    struct their_row *rows;
    size_t n;
    struct problem problem;
    const char *file = "Fee;Status;Currency;Reference;Amount;Kind\n"
                       "1;SUCCESSFUL;ZMW; op_1 ;10.50;charge\n"
                       "1;failed;JPY;op_2;10;Refund\n"
                       "1;pending;ZMW;op_3;1;\n";
    cr_assert_eq(settlement_read(arena, bytes_of_string(file), &rows, &n, &problem), STATUS_OK);
    cr_assert_eq(n, 3);
    is(&rows[0],
       &(struct their_row){"op_1", OPERATION_CHARGE, 1050, "ZMW", BOOKED_SUCCEEDED, 0, NULL});
    is(&rows[1], &(struct their_row){"op_2", OPERATION_REFUND, 10, "JPY", BOOKED_FAILED, 0, NULL});
    is(&rows[2], &(struct their_row){"op_3", 0, 100, "ZMW", BOOKED_OPEN, 0, NULL});
}

Test(settlement, names_the_line_that_is_wrong)
{
    refused("", "empty");
    refused("reference,amount,currency\n", "no column status");
    refused("reference,amount,currency,status,status\n", "two columns status");
    const char *header = "reference,amount,currency,status,kind\nop_1,1,ZMW,paid,\n";
    refused(arena_printf(arena, "%s,1,ZMW,paid,\n", header), "Line 3: the reference");
    refused(arena_printf(arena, "%sop_2,1.005,ZMW,paid,\n", header), "Line 3: the amount");
    refused(arena_printf(arena, "%sop_2,-1,ZMW,paid,\n", header), "Line 3: the amount");
    refused(arena_printf(arena, "%sop_2,1,QQQ,paid,\n", header), "Line 3: the currency");
    refused(arena_printf(arena, "%sop_2,1,ZMW,gone,\n", header), "Line 3: the status");
    refused(arena_printf(arena, "%sop_2,1,ZMW,paid,gift\n", header), "Line 3: the kind");
    refused(arena_printf(arena, "%sop_2,1\n", header), "Line 3: fewer fields");
}

Test(settlement, reads_a_ledger_and_leaves_out_what_moves_no_money)
{
    struct their_row *rows;
    size_t n;
    struct problem problem;
    const char *json =
        "{\"entries\":["
        "{\"reference\":\"r1\",\"id\":\"i1\",\"kind\":\"charge\",\"status\":\"succeeded\","
        "\"amount\":5,"
        "\"currency\":\"ZMW\",\"moved\":2,\"payer\":\"x\"},"
        "{\"reference\":\"u\",\"kind\":\"invoice\",\"status\":\"open\",\"amount\":0,"
        "\"currency\":\"\",\"moved\":0},"
        "{\"reference\":\"r2\",\"kind\":\"void\",\"status\":\"expired\",\"amount\":6,"
        "\"currency\":\"MXN\",\"moved\":0}]}";
    cr_assert_eq(settlement_read_ledger(arena, bytes_of_string(json), &rows, &n, &problem),
                 STATUS_OK);
    cr_assert_eq(n, 2);
    is(&rows[0], &(struct their_row){"r1", OPERATION_CHARGE, 5, "ZMW", BOOKED_SUCCEEDED, 2, "i1"});
    is(&rows[1], &(struct their_row){"r2", OPERATION_CANCEL, 6, "MXN", BOOKED_FAILED, 0, NULL});
}

Test(settlement, believes_no_ledger_that_is_none)
{
    const char *bad[] = {
        "<html>",
        "{\"entries\":[{\"reference\":\"r\",\"kind\":\"charge\",\"status\":\"odd\",\"amount\":5,"
        "\"currency\":\"ZMW\"}]}",
        "{\"entries\":[{\"reference\":\"r\",\"kind\":\"charge\",\"status\":\"failed\","
        "\"amount\":-5,\"currency\":\"ZMW\"}]}",
        "{\"error\":\"no\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct their_row *rows;
        size_t n;
        struct problem problem = {0};
        cr_assert_eq(settlement_read_ledger(arena, bytes_of_string(bad[i]), &rows, &n, &problem),
                     STATUS_FAILED_PRECONDITION, "%s", bad[i]);
        cr_assert_str_eq(problem.code, "ledger_unreadable");
    }
}
