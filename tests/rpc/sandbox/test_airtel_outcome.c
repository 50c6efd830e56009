#include "airtel.h"

TestSuite(airtel_outcome, .init = airtel_open, .fini = house_close, .timeout = 60);

Test(airtel_outcome, declines_by_the_end_of_the_number)
{
    static const struct {
        const char *ending, *word, *code;
    } table[] = {
        {"50", "TF", "DP00800001002"}, {"51", "TF", "DP00800001003"}, {"52", "TF", "DP00800001004"},
        {"53", "TF", "DP00800001005"}, {"54", "TF", "DP00800001007"}, {"55", "TF", "DP00800001008"},
        {"56", "TF", "DP00800001009"}, {"57", "TF", "DP00800001010"}, {"58", "TF", "DP00800001024"},
        {"59", "TE", "DP00800001029"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct http_response response =
            push(arena_printf(asker.arena, "decl%s", table[i].ending), table[i].ending);
        cr_assert_str_eq(code_of(&response), "ESB000010");
    }
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *id = arena_printf(asker.arena, "decl%s", table[i].ending);
        struct http_response response = enquire_until(id, table[i].word);
        cr_assert_str_eq(said(&asker, &response, "status.response_code"), table[i].code);
        cr_assert_eq(house_moved("airtel", id), 0);
    }
}

Test(airtel_outcome, leaves_some_ambiguous_for_a_while_and_some_in_progress_for_ever)
{
    push("amb60", "60");
    push("amb61", "61");
    push("tip62", "62");
    struct http_response response = push("amb94", "94");
    cr_assert_str_eq(code_of(&response), "DP00800001000");
    response = push("amb95", "95");
    cr_assert_str_eq(code_of(&response), "DP00800001000");
    response = enquire_until("amb60", "TA");
    cr_assert_str_eq(said(&asker, &response, "status.response_code"), "DP00800001000");
    enquire_until("amb60", "TS");
    enquire_until("amb61", "TF");
    enquire_until("amb94", "TS");
    enquire_until("amb95", "TF");
    response = enquire("tip62");
    cr_assert_str_eq(said(&asker, &response, "data.transaction.status"), "TIP");
    cr_assert_eq(house_moved("airtel", "amb60"), 1);
    cr_assert_eq(house_moved("airtel", "amb61"), 0);
}

Test(airtel_outcome, leaves_open_what_became_of_some_pushes)
{
    static const struct {
        const char *ending;
        int http;
        const char *code, *status;
    } table[] = {
        {"70", 200, "ESB000001", "succeeded"},
        {"71", 200, "ESB000001", "failed"},
        {"72", 200, "ESB000004", "succeeded"},
        {"73", 200, "ESB000004", "failed"},
        {"74", 200, "ESB000014", "succeeded"},
        {"75", 200, "ESB000014", "failed"},
        {"76", 500, "ROUTER117", "succeeded"},
        {"77", 500, "ROUTER117", "failed"},
        {"78", 408, "", "succeeded"},
        {"79", 408, "", "failed"},
        {"69", 408, "", ""},
        {"81", 200, "ESB000011", "failed"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        const char *id = arena_printf(asker.arena, "open%s", table[i].ending);
        struct http_response response = push(id, table[i].ending);
        cr_assert_eq(response.status, table[i].http, "%s", table[i].ending);
        cr_assert_str_eq(code_of(&response), table[i].code, "%s", table[i].ending);
        house_expect("airtel", id, table[i].status);
    }
}

Test(airtel_outcome, refuses_at_once_by_the_end_of_the_number)
{
    static const struct {
        const char *ending;
        int http;
        const char *code;
    } table[] = {
        {"80", 200, "ESB000008"},     {"82", 200, "ESB000033"}, {"83", 200, "ESB000036"},
        {"84", 200, "ESB000034"},     {"85", 200, "ESB000035"}, {"86", 200, "ESB000039"},
        {"87", 400, "ROUTER001"},     {"88", 400, "ROUTER003"}, {"89", 400, "ROUTER112"},
        {"90", 400, "ROUTER119"},     {"91", 400, "ROUTER115"}, {"92", 400, "ROUTER116"},
        {"93", 403, "DP00800001026"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct http_response response = push("refused", table[i].ending);
        cr_assert_eq(response.status, table[i].http, "%s", table[i].ending);
        cr_assert_str_eq(code_of(&response), table[i].code, "%s", table[i].ending);
        cr_assert_str_eq(house_ledger("airtel", "refused", "status"), "");
    }
}
