#include <criterion/criterion.h>
#include <string.h>

#include "base/phone.h"

Test(phone, reads_every_form_of_a_number)
{
    static const struct {
        const char *text, *country_code, *msisdn;
    } cases[] = {
        {"+260971234567", NULL, "260971234567"},
        {"00260971234567", NULL, "260971234567"},
        {"260971234567", NULL, "260971234567"},
        {"260971234567", "260", "260971234567"},
        {"0971234567", "260", "260971234567"},
        {"+256772123456", "260", "256772123456"},
        {"00256772123456", "260", "256772123456"},
        {"0821234567", "27", "27821234567"},
        {"46733123450", NULL, "46733123450"},
        {"0733123450", "46", "46733123450"},
        {"12345678", NULL, "12345678"},
        {"+123456789012345", NULL, "123456789012345"},
        {"0123456789012", "260", "260123456789012"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char msisdn[PHONE_SIZE] = "";
        cr_expect(phone_read(cases[i].text, cases[i].country_code, msisdn), "%s", cases[i].text);
        cr_expect_str_eq(msisdn, cases[i].msisdn, "%s", cases[i].text);
    }
}

Test(phone, keeps_the_zero_where_it_belongs_to_the_number)
{
    static const char *const cases[][3] = {
        {"0712345678", "225", "2250712345678"}, // Côte d'Ivoire, ten digits since 2021
        {"0197123456", "229", "2290197123456"}, // Benin, ten digits since 2024
        {"061234567", "242", "242061234567"},   // Congo
        {"061234567", "243", "24361234567"},    // its neighbour drops it
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char msisdn[PHONE_SIZE] = "";
        cr_expect(phone_read(cases[i][0], cases[i][1], msisdn), "%s", cases[i][0]);
        cr_expect_str_eq(msisdn, cases[i][2]);
    }
}

Test(phone, refuses_what_is_no_number)
{
    static const char *const bad[][2] = {
        {"", NULL},
        {"+", NULL},
        {"00", NULL},
        {"0", "260"},
        {"+260 97-123-4567", NULL},
        {"260 971234567", NULL},
        {"(260)971234567", NULL},
        {" 260971234567", NULL},
        {"260971234567 ", NULL},
        {"260971234567\n", NULL},
        {"++260971234567", NULL},
        {"+00260971234567", NULL},
        {"00+260971234567", NULL},
        {"000971234567", NULL},
        {"+0971234567", "260"},
        {"0971234567", NULL}, // within which country?
        {"0971234567", ""},
        {"0971234567", "+26"},
        {"0971234567", "026"},
        {"0971a34567", "260"},
        {"1234567", NULL},
        {"01234", "260"},
        {"+1234567890123456", NULL},
        {"01234567890123", "260"},
        {"12345678901234567890123456789012345678901234567890", NULL},
        {"tel:260971234567", NULL},
        {"\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1\xd9\xa1", NULL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char msisdn[PHONE_SIZE] = "before";
        cr_expect_not(phone_read(bad[i][0], bad[i][1], msisdn), "\"%s\"", bad[i][0]);
        cr_expect_str_eq(msisdn, "before", "\"%s\"", bad[i][0]);
    }
}

Test(phone, gives_the_national_part)
{
    cr_expect_str_eq(phone_national("260971234567", "260"), "971234567");
    cr_expect_str_eq(phone_national("27821234567", "27"), "821234567");
    cr_expect_null(phone_national("260971234567", "256"));
    cr_expect_null(phone_national("26", "260"));
    cr_expect_null(phone_national("260", "260"));
    cr_expect_null(phone_national("", "260"));
}

Test(phone, knows_the_country_by_the_code_in_front)
{
    static const char *const cases[][2] = {
        {"260971234567", "ZM"},  {"256772123456", "UG"}, {"27821234567", "ZA"},
        {"46733123450", "SE"},   {"242061234567", "CG"}, {"243812345678", "CD"},
        {"2250712345678", "CI"}, {"525512345678", "MX"}, {"919876543210", "IN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(phone_country_of(cases[i][0]), cases[i][1], "%s", cases[i][0]);
    cr_expect_null(phone_country_of("15551234567"));
    cr_expect_null(phone_country_of("2"));
    cr_expect_null(phone_country_of(""));
}

Test(phone, goes_from_every_country_to_its_code_and_back)
{
    static const char *const countries[] = {
        "BF", "BJ", "CD", "CG", "CI", "CM", "GA", "GH", "GN", "IN", "KE", "LR", "MG", "ML", "MW",
        "MX", "NE", "NG", "RW", "SC", "SE", "SN", "SS", "SZ", "TD", "TG", "TZ", "UG", "ZA", "ZM"};
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++) {
        const char *code = phone_country_code(countries[i]);
        cr_assert_not_null(code, "%s", countries[i]);
        char msisdn[PHONE_SIZE];
        cr_assert(phone_read("09712345", code, msisdn));
        cr_expect_str_eq(phone_country_of(msisdn), countries[i]);
        cr_expect_not_null(phone_national(msisdn, code));
    }
    cr_expect_str_eq(phone_country_code("ZM"), "260");
    cr_expect_null(phone_country_code("zm"));
    cr_expect_null(phone_country_code("US"));
    cr_expect_null(phone_country_code(""));
}
