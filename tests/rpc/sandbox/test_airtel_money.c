#include "airtel.h"

TestSuite(airtel_money, .init = airtel_open, .fini = house_close, .timeout = 60);

static struct http_response give_back(const char *id)
{
    return airtel("POST", "/standard/v1/payments/refund",
                  arena_printf(asker.arena, "{\"transaction\":{\"airtel_money_id\":\"%s\"}}", id));
}

static const char *paid(const char *reference, const char *ending)
{
    push(reference, ending);
    house_expect("airtel", reference, "succeeded");
    return house_ledger("airtel", reference, "id");
}

Test(airtel_money, gives_the_whole_payment_back_once)
{
    const char *id = paid("back1", "00");
    struct http_response response = give_back(id);
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "SUCCESS");
    cr_assert_str_eq(house_ledger("airtel", "back1.refund", "status"), "succeeded");
    cr_assert_str_eq(house_ledger("airtel", "back1.refund", "related"), "back1");
    response = give_back(id);
    cr_assert_str_eq(code_of(&response), "ESB000011");
    cr_assert_eq(house_moved("airtel", "back1.refund"), 1);
    response = give_back("MP.none");
    cr_assert_str_eq(code_of(&response), "ESB000045");
    push("back2", "54");
    house_expect("airtel", "back2", "failed");
    response = give_back(house_ledger("airtel", "back2", "id"));
    cr_assert_str_eq(code_of(&response), "ESB000011");
    response = airtel("POST", "/standard/v1/payments/refund", "{}");
    cr_assert_str_eq(code_of(&response), "ROUTER003");
}

Test(airtel_money, refuses_or_loses_some_refunds)
{
    struct http_response response = give_back(paid("back64", "64"));
    cr_assert_str_eq(code_of(&response), "ESB000011");
    cr_assert_str_eq(house_ledger("airtel", "back64.refund", "status"), "");
    cr_assert_eq(give_back(paid("back65", "65")).status, 408);
    cr_assert_str_eq(house_ledger("airtel", "back65.refund", "status"), "succeeded");
    cr_assert_eq(give_back(paid("back66", "66")).status, 408);
    cr_assert_str_eq(house_ledger("airtel", "back66.refund", "status"), "");
    response = airtel("GET", "/standard/v1/disbursements/back65.refund", NULL);
    cr_assert_str_eq(code_of(&response), "ESB000045", "it has no id that its caller knows");
}

static struct http_response disburse(const char *id, const char *ending, const char *pin)
{
    return airtel("POST", "/standard/v1/disbursements/",
                  arena_printf(asker.arena,
                               "{\"payee\":{\"msisdn\":\"7500000%s\"},\"reference\":\"r\","
                               "\"pin\":\"%s\",\"transaction\":{\"amount\":500,\"id\":\"%s\"}}",
                               ending, pin, id));
}

static const char *pin_sealed(const char *pin)
{
    struct http_response keys = airtel("GET", "/v1/rsa/encryption-keys", NULL);
    return crypto_base64(
        asker.arena,
        crypto_rsa_encrypt(asker.arena, said(&asker, &keys, "data.key"), bytes_of_string(pin)));
}

Test(airtel_money, disburses_under_an_encrypted_pin)
{
    const char *pin = pin_sealed("4321");
    struct http_response response = disburse("payout1", "00", pin);
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "TS");
    cr_assert_str_eq(house_ledger("airtel", "payout1", "kind"), "refund");
    cr_assert_eq(house_moved("airtel", "payout1"), 1);
    response = disburse("payout1", "00", pin);
    cr_assert_str_eq(code_of(&response), "ESB000041");
    cr_assert_eq(house_moved("airtel", "payout1"), 1);
    response = disburse("payout2", "57", pin);
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "TF");
    cr_assert_str_eq(said(&asker, &response, "status.response_code"), "DP00800001010");
    cr_assert_eq(house_moved("airtel", "payout2"), 0);
    response = disburse("payout4", "62", pin);
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "TIP");
    cr_assert_str_eq(said(&asker, &response, "status.response_code"), "DP00800001006");
    response = airtel("POST", "/standard/v1/disbursements/", "{}");
    cr_assert_str_eq(code_of(&response), "ROUTER003");
    response = disburse("payout3", "00", pin_sealed("1111"));
    cr_assert_str_eq(code_of(&response), "ROUTER115");
    response = disburse("payout3", "00", "4321");
    cr_assert_str_eq(code_of(&response), "ROUTER116");
    cr_assert_str_eq(house_ledger("airtel", "payout3", "status"), "");
}

Test(airtel_money, answers_enquiries_about_disbursements)
{
    const char *pin = pin_sealed("4321");
    disburse("payout1", "78", pin);
    house_expect("airtel", "payout1", "succeeded");
    struct http_response response = airtel("GET", "/standard/v1/disbursements/payout1", NULL);
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "TS");
    response = enquire("payout1");
    cr_assert_str_eq(code_of(&response), "ESB000045", "it is no payment");
}
