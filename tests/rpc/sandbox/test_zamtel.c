#include "house.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TEST_PASSWORD "test-password"
#define LIVE_PASSWORD "live-password"

// A provider's own times take a hundredth: the PIN is waited for 1.2 s.
static void setup(void)
{
    setenv("SANDBOX_ZAMTEL_THIRD_PARTY_ID", "shop", 1);
    setenv("SANDBOX_ZAMTEL_SHORTCODE", "4455", 1);
    setenv("SANDBOX_ZAMTEL_PASSWORD", TEST_PASSWORD, 1);
    setenv("SANDBOX_ZAMTEL_IDENTIFIER", "initiator", 1);
    setenv("SANDBOX_ZAMTEL_CREDENTIAL", "test-credential", 1);
    setenv("SANDBOX_ZAMTEL_LIVE_PASSWORD", LIVE_PASSWORD, 1);
    setenv("SANDBOX_ZAMTEL_LIVE_CREDENTIAL", "live-credential", 1);
    setenv("SANDBOX_TIME_PERCENT", "1", 1);
    house_open();
}

TestSuite(zamtel, .init = setup, .fini = house_close, .timeout = 60);

struct request {
    const char *door, *password, *amount, *msisdn, *reference;
    int64_t total_ms;
};

static struct http_response zamtel(const struct request *request)
{
    const char *path = arena_printf(
        asker.arena,
        "/zamtel/%s?ThirdPartyID=shop&Password=%s&Amount=%s&Msisdn=%s&Shortcode=4455"
        "&ConversationId=%s",
        request->door, request->password, request->amount, request->msisdn, request->reference);
    return ask_for(&asker, request->total_ms ? request->total_ms : ASK_MS, "GET", path, NULL);
}

static struct http_response collect(const char *reference, const char *ending)
{
    return zamtel(&(struct request){
        .door = "ZampayRest/Req",
        .password = TEST_PASSWORD,
        .amount = "10.50",
        .msisdn = arena_printf(asker.arena, "2609500000%s", ending),
        .reference = reference,
    });
}

static struct http_response book_of(const char *reference)
{
    return ask(&asker, "GET",
               arena_printf(asker.arena, "/ledger?provider=zamtel&reference=%s", reference), NULL);
}

static const char *status_of(const struct http_response *response)
{
    return said(&asker, response, "status");
}

Test(zamtel, answers_when_the_pin_is_entered)
{
    cr_assert_eq(house_control("zamtel", "\"settle_ms\":300"), 200);
    int64_t before_ns = clock_now_ns();
    struct http_response response = collect("paid1", "00");
    cr_assert(clock_now_ns() - before_ns >= 300 * NS_PER_MS);
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(status_of(&response), "0");
    cr_assert_str_eq(said(&asker, &response, "message"), "Success");
    cr_assert_str_eq(said(&asker, &response, "Conversation id"), "paid1");
    house_expect("zamtel", "paid1", "succeeded");
    cr_assert_str_eq(said(&asker, &response, "TransactionId"),
                     house_ledger("zamtel", "paid1", "id"));
    cr_assert_str_eq(said(&asker, &response, "Transaction id"),
                     house_ledger("zamtel", "paid1", "id"));
    struct http_response ledger = book_of("paid1");
    cr_assert_eq(counted(&asker, &ledger, "entries.0.amount"), 1050);
}

Test(zamtel, declines_by_the_end_of_the_number)
{
    static const struct {
        const char *ending, *code, *booked;
    } table[] = {
        {"50", "E8003", "failed"}, {"51", "2006", "failed"},  {"52", "2004", "failed"},
        {"53", "2005", "failed"},  {"54", "E8036", "failed"}, {"55", "2001", ""},
        {"56", "E8027", "failed"}, {"57", "-1", ""},          {"58", "-1", "succeeded"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *reference = arena_printf(asker.arena, "decl%s", table[i].ending);
        struct http_response response = collect(reference, table[i].ending);
        cr_assert_str_eq(status_of(&response), table[i].code, "%s", table[i].ending);
        cr_assert_str_eq(said(&asker, &response, "TransactionId"), "");
        house_expect("zamtel", reference, table[i].booked);
    }
}

Test(zamtel, waits_for_a_pin_that_never_comes)
{
    int64_t before_ns = clock_now_ns();
    struct http_response response = collect("nopin1", "60");
    cr_assert(clock_now_ns() - before_ns >= 1200 * NS_PER_MS);
    cr_assert_str_eq(status_of(&response), "E8027");
    house_expect("zamtel", "nopin1", "failed");
    cr_assert_eq(house_moved("zamtel", "nopin1"), 0);
}

Test(zamtel, says_nothing_whether_the_money_moved_or_not)
{
    static const struct {
        const char *msisdn, *reference, *booked;
    } table[] = {{"260950000061", "silent61", "failed"}, {"260950000062", "silent62", "succeeded"}};
    for (size_t i = 0; i < COUNT(table); i++) {
        struct request request = {"ZampayRest/Req", TEST_PASSWORD,      "10",
                                  table[i].msisdn,  table[i].reference, 400};
        cr_assert_eq(zamtel(&request).failure, HTTP_TIMEOUT);
        house_expect("zamtel", table[i].reference, table[i].booked);
    }
    cr_assert_eq(house_moved("zamtel", "silent61"), 0);
    cr_assert_eq(house_moved("zamtel", "silent62"), 1);
}

static bool moved_twice(void *reference)
{
    struct http_response ledger = book_of(reference);
    return counted(&asker, &ledger, "entries.0.moved") == 1 &&
           counted(&asker, &ledger, "entries.1.moved") == 1;
}

Test(zamtel, charges_a_repeated_conversation_again)
{
    struct http_response first = collect("twice1", "00"), second = collect("twice1", "00");
    cr_assert_str_eq(status_of(&second), "0");
    cr_assert_str_neq(said(&asker, &first, "TransactionId"),
                      said(&asker, &second, "TransactionId"));
    test_wait(moved_twice, "twice1", ASK_MS, "two charges");
}

Test(zamtel, keeps_the_test_and_the_live_path_apart)
{
    static const struct {
        const char *door, *password, *code;
    } table[] = {
        {"ZampayRest/Req", TEST_PASSWORD, "0"},
        {"ZampayRest/Req", LIVE_PASSWORD, "2001"},
        {"ZampayRestProd/Req", LIVE_PASSWORD, "0"},
        {"ZampayRestProd/Req", TEST_PASSWORD, "2001"},
        {"ZampayRest/Req", "", "2001"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct http_response response =
            zamtel(&(struct request){.door = table[i].door,
                                     .password = table[i].password,
                                     .amount = "1",
                                     .msisdn = "0950000000",
                                     .reference = arena_printf(asker.arena, "path%zu", i)});
        cr_assert_str_eq(status_of(&response), table[i].code, "%zu", i);
    }
    cr_assert_str_eq(house_ledger("zamtel", "path1", "status"), "");
}

Test(zamtel, pays_out_to_who_shows_the_credential)
{
    static const struct {
        const char *door, *password, *credential, *code;
    } table[] = {
        {"ZampayRest/B2CReq", TEST_PASSWORD, "test-credential", "0"},
        {"ZampayRest/B2CReq", TEST_PASSWORD, "live-credential", "2001"},
        {"ZampayRest/B2CReq", TEST_PASSWORD, "", "2001"},
        {"ZampayRestProd/B2CReq", LIVE_PASSWORD, "live-credential", "0"},
        {"ZampayRestProd/B2CReq", LIVE_PASSWORD, "test-credential", "2001"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *reference = arena_printf(asker.arena,
                                             "out%zu&identifier=initiator"
                                             "&credential=%s",
                                             i, table[i].credential);
        struct http_response response = zamtel(&(struct request){.door = table[i].door,
                                                                 .password = table[i].password,
                                                                 .amount = "5",
                                                                 .msisdn = "260750000000",
                                                                 .reference = reference});
        cr_assert_str_eq(status_of(&response), table[i].code, "%zu", i);
    }
    house_expect("zamtel", "out0", "succeeded");
    cr_assert_str_eq(house_ledger("zamtel", "out0", "kind"), "refund");
    cr_assert_eq(house_moved("zamtel", "out0"), 1);
    cr_assert_str_eq(house_ledger("zamtel", "out1", "status"), "");
}

Test(zamtel, refuses_what_it_cannot_read)
{
    static const struct {
        const char *amount, *msisdn, *reference, *code;
    } table[] = {
        {"0", "260950000000", "read1", "2004"},
        {"1.005", "260950000000", "read1", "2004"},
        {"-5", "260950000000", "read1", "2004"},
        {"ten", "260950000000", "read1", "2004"},
        {"5", "260970000000", "read1", "E8036"},
        {"5", "26095000000", "read1", "E8036"},
        {"5", "%2B260950000000", "read1", "E8036"},
        {"5", "950000000", "read1", "E8036"},
        {"5", "260950000000", "", "-1"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct request request = {"ZampayRest/Req", TEST_PASSWORD,      table[i].amount,
                                  table[i].msisdn,  table[i].reference, 0};
        struct http_response response = zamtel(&request);
        cr_assert_str_eq(status_of(&response), table[i].code, "%zu", i);
    }
    cr_assert_str_eq(house_ledger("zamtel", "read1", "status"), "");
    cr_assert_eq(ask(&asker, "POST", "/zamtel/ZampayRest/Req", "{}").status, 405);
}
