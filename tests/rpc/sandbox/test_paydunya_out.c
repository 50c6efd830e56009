#include "paydunya.h"

static void setup(void)
{
    setenv("SANDBOX_TIME_PERCENT", "1", 1);
    house_open();
}

TestSuite(paydunya_out, .init = setup, .fini = house_close, .timeout = 60);

static struct http_response disburse(const char *step, const char *body)
{
    return call("POST", arena_printf(asker.arena, "/api/v2/disburse/%s", step), body);
}

static struct http_response disburse_invoice(const char *account, const char *amount)
{
    return disburse("get-invoice",
                    arena_printf(asker.arena,
                                 "{\"account_alias\":\"%s\",\"amount\":%s,\"withdraw_mode\":"
                                 "\"wave-senegal\",\"callback_url\":\"%s\"}",
                                 account, amount, house_callback_url("/out")));
}

static struct http_response submit(const char *token, const char *id)
{
    return disburse("submit-invoice",
                    arena_printf(asker.arena,
                                 "{\"disburse_invoice\":\"%s\",\"disburse_id\":\"%s\"}", token,
                                 id));
}

static const char *transfer(const char *account)
{
    struct http_response response = disburse_invoice(account, "200");
    expect_code(response, "00");
    return said(&asker, &response, "disburse_token");
}

static const char *transfer_status(const char *token)
{
    struct http_response response =
        disburse("check-status", arena_printf(asker.arena, "{\"disburse_invoice\":\"%s\"}", token));
    expect_code(response, "00");
    return said(&asker, &response, "status");
}

static bool transferred(void *context)
{
    const struct expected *expected = context;
    return strcmp(transfer_status(expected->token), expected->status) == 0;
}

Test(paydunya_out, disburses_in_two_steps)
{
    const char *token = transfer("771234567");
    house_await_calls(1);
    cr_assert_str_eq(calls[0].body, "");
    cr_assert_str_eq(transfer_status(token), "created");
    cr_assert_str_eq(house_ledger("paydunya", "id1", "status"), "");
    struct http_response response = submit(token, "id1");
    expect_code(response, "00");
    cr_assert_str_eq(said(&asker, &response, "status"), "pending");
    expect_code(submit(token, "id1"), "4003");
    test_wait(transferred, &(struct expected){token, "success"}, ASK_MS, "success");
    cr_assert_str_eq(field(1, "status"), "success");
    cr_assert_str_eq(field(1, "token"), token);
    cr_assert_str_eq(field(1, "amount"), "200");
    cr_assert_str_eq(field(1, "disburse_id"), "id1");
    cr_assert_str_eq(field(1, "withdraw_mode"), "wave-senegal");
    cr_assert_str_eq(house_ledger("paydunya", "id1", "kind"), "refund");
    cr_assert_eq(house_moved("paydunya", "id1"), 1);
}

Test(paydunya_out, refuses_what_it_cannot_disburse)
{
    expect_code(disburse_invoice("771234567", "199"), "4001");
    expect_code(disburse_invoice("771234567", "0"), "1002");
    expect_code(disburse_invoice("221771234567", "200"), "1002");
    expect_code(disburse_invoice("771234556", "200"), "4002");
    expect_code(disburse("get-invoice", "{\"account_alias\":\"771234567\",\"amount\":200,"
                                        "\"withdraw_mode\":\"pigeon\"}"),
                "1002");
    expect_code(submit(transfer("771234557"), "poor"), "4002");
    expect_code(submit("none", "x"), "3001");
    expect_code(disburse("check-status", "{\"disburse_invoice\":\"none\"}"), "3001");
    const char *failing = transfer("771234550"), *silent = transfer("771234553");
    expect_code(submit(failing, "failing"), "00");
    expect_code(submit(silent, "silent"), "00");
    test_wait(transferred, &(struct expected){failing, "failed"}, ASK_MS, "failed");
    cr_assert_str_eq(transfer_status(silent), "pending");
    cr_assert_eq(house_moved("paydunya", "failing"), 0);
}

Test(paydunya_out, moves_money_out_and_does_not_answer)
{
    const char *token = transfer("771234567");
    cr_assert_eq(house_control("paydunya", "\"next\":\"timeout_after\""), 200);
    cr_assert_eq(submit(token, "id1").failure, HTTP_TIMEOUT);
    test_wait(transferred, &(struct expected){token, "success"}, ASK_MS, "success");
    cr_assert_eq(house_moved("paydunya", "id1"), 1);
}

static struct http_response request(const char *account)
{
    return call("POST", "/sandbox-api/v1/opr/create",
                arena_printf(asker.arena,
                             "{\"invoice_data\":%s,\"opr_data\":{\"account_alias\":\"%s\"}}",
                             invoice_body("opr", "700", ""), account));
}

static struct http_response opr_charge(const char *token, const char *code)
{
    return call(
        "POST", "/sandbox-api/v1/opr/charge",
        arena_printf(asker.arena, "{\"token\":\"%s\",\"confirm_token\":\"%s\"}", token, code));
}

Test(paydunya_out, charges_an_account_by_its_owners_code)
{
    struct http_response response = request("771234567");
    expect_code(response, "00");
    const char *token = said(&asker, &response, "token");
    const char *invoice_token = said(&asker, &response, "invoice_token");
    expect_code(opr_charge(token, "0000"), "3002");
    expect_code(opr_charge("opr_none", "4567"), "3001");
    cr_assert_str_eq(status_of(invoice_token), "pending");
    response = opr_charge(token, "4567");
    expect_code(response, "00");
    cr_assert_str_eq(said(&asker, &response, "invoice_data.status"), "completed");
    cr_assert_str_neq(said(&asker, &response, "invoice_data.receipt_url"), "");
    cr_assert_eq(counted(&asker, &response, "invoice_data.invoice.total_amount"), 700);
    expect_code(opr_charge(token, "4567"), "3001");
    cr_assert_eq(house_moved("paydunya", "opr"), 1);
    response = request("771234550");
    expect_code(opr_charge(said(&asker, &response, "token"), "4550"), "4002");
    expect_code(request("1"), "1002");
}

Test(paydunya_out, credits_an_account)
{
    static const char path[] = "/api/v1/direct-pay/credit-account";
    struct http_response response =
        call("POST", path, "{\"account_alias\":\"a@b.sn\",\"amount\":500}");
    expect_code(response, "00");
    cr_assert_eq(house_moved("paydunya", said(&asker, &response, "transaction_id")), 1);
    expect_code(call("POST", path, "{\"account_alias\":\"771234550\",\"amount\":500}"), "4002");
    expect_code(call("POST", path, "{\"amount\":500}"), "1002");
    expect_code(call("POST", path, "{\"account_alias\":\"a@b.sn\",\"amount\":0}"), "1002");
}
