#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store.h"

#define LATER_US 1000000000LL

static char path[64];
static struct ledger *ledger;
static struct store *store;

static void reopen(void)
{
    store_close(store);
    ledger_free(ledger);
    ledger = ledger_new();
    cr_assert_eq(store_open(path, ledger, &store), STATUS_OK);
}

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/sandbox-store-%d-%lld", (int)getpid(),
             (long long)clock_now_ns());
    reopen();
}

static void teardown(void)
{
    store_close(store);
    ledger_free(ledger);
    unlink(path);
}

TestSuite(sandbox_store, .init = setup, .fini = teardown);

static struct operation *charge(const char *reference, const struct decision *decision)
{
    struct problem problem = {0};
    struct operation *operation = NULL;
    const struct charge_order order = {.reference = reference,
                                       .currency = "INR",
                                       .callback_url = "http://127.0.0.1/back",
                                       .amount = 500,
                                       .automatic = true};
    cr_assert_eq(ledger_charge(ledger, &order, decision, 1000, &operation, &problem), STATUS_OK);
    cr_assert_eq(store_operation(store, operation), STATUS_OK);
    return operation;
}

static const struct decision succeeds = {.succeeds = true, .error_code = "", .delay_ms = 10};

static void settle(void)
{
    struct operation *operation = ledger_settle(ledger, LATER_US);
    cr_assert_not_null(operation);
    cr_assert_eq(store_operation(store, operation), STATUS_OK);
}

Test(sandbox_store, goes_on_where_it_stopped)
{
    charge("c", &succeeds);
    reopen();
    struct operation *operation = ledger_find(ledger, "c");
    cr_assert_not_null(operation);
    cr_assert_eq(operation->state, OPERATION_PENDING);
    cr_assert_str_eq(operation->callback_url, "http://127.0.0.1/back");
    settle();
    cr_assert_eq(operation->captured, 500);
    reopen();
    operation = ledger_find(ledger, "c");
    cr_assert_eq(operation->state, OPERATION_SUCCEEDED);
    cr_assert_eq(operation->captured, 500);
    cr_assert_eq(ledger_times_charged(operation), 1);
    cr_assert_eq(ledger_count(ledger), 1);
    cr_assert_null(ledger_settle(ledger, LATER_US));
}

Test(sandbox_store, remembers_what_refunds_hold)
{
    struct problem problem = {0};
    struct operation *refund;
    charge("c", &succeeds);
    settle();
    struct follow_order order = {
        .kind = OPERATION_REFUND, .reference = "r", .charge = "c", .amount = 300};
    cr_assert_eq(ledger_follow(ledger, &order, &succeeds, 1000, &refund, &problem), STATUS_OK);
    cr_assert_eq(store_operation(store, refund), STATUS_OK);
    reopen();
    order.reference = "r2";
    cr_assert_eq(ledger_follow(ledger, &order, &succeeds, 1000, &refund, &problem),
                 STATUS_OUT_OF_RANGE);
    settle();
    reopen();
    cr_assert_eq(ledger_find(ledger, "c")->refunded, 300);
    cr_assert_eq(ledger_find(ledger, "r")->state, OPERATION_SUCCEEDED);
}

Test(sandbox_store, remembers_tokens)
{
    const struct token token = {"stok_1", OUTCOME_ACTION, "visa", "0446", NULL};
    cr_assert_eq(store_token(store, &token), STATUS_OK);
    reopen();
    cr_assert_eq(ledger_token(ledger, "stok_1")->outcome, OUTCOME_ACTION);
    cr_assert_str_eq(ledger_token(ledger, "stok_1")->last4, "0446");
}

Test(sandbox_store, drops_a_line_that_was_cut_short)
{
    charge("c", &succeeds);
    FILE *file = fopen(path, "a");
    fputs("{\"operation\":1,\"ki", file);
    fclose(file);
    reopen();
    cr_assert_eq(ledger_count(ledger), 1);
    charge("d", &succeeds);
    reopen();
    cr_assert_eq(ledger_count(ledger), 2);
}

Test(sandbox_store, refuses_a_file_it_cannot_read)
{
    FILE *file = fopen(path, "a");
    fputs("not JSON\n", file);
    fclose(file);
    struct ledger *fresh = ledger_new();
    struct store *none;
    cr_assert_eq(store_open(path, fresh, &none), STATUS_DATA_LOSS);
    cr_assert_eq(store_open("/nowhere/at/all", fresh, &none), STATUS_UNAVAILABLE);
    ledger_free(fresh);
}

Test(sandbox_store, keeps_nothing_without_a_path)
{
    struct store *none;
    const struct token token = {.id = "stok_1"};
    struct operation operation = {.reference = "c"};
    cr_assert_eq(store_open("", ledger, &none), STATUS_OK);
    cr_assert_null(none);
    cr_assert_eq(store_token(none, &token), STATUS_OK);
    cr_assert_eq(store_operation(none, &operation), STATUS_OK);
    store_close(none);
}
