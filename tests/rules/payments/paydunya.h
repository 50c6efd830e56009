// A PayDunya adapter with a charge and a refund to try, for the tests of both.
#pragma once
#include "adapter.h"

#define BASE "http://pd/sandbox-api/v1"
#define SOFTPAY "http://pd/api/v1/softpay/"
#define DISBURSE "http://pd/api/v2/disburse/"

static struct provider_act charge, refund;

static inline void configure(const char *more)
{
    const char *text = arena_printf(arena,
                                    "{\"master_key\":\"mk\",\"private_key\":\"test_pk\",\"token\":"
                                    "\"tk\",\"base_url\":\"" BASE "\"%s}",
                                    more);
    adapter_fields(text);
}

static inline void init(void)
{
    adapter_begin(paydunya_init, "{}");
    credential.label = "Hats";
    configure("");
    use.callback_url = "http://gw/cb";
    charge = (struct provider_act){.kind = OPERATION_CHARGE,
                                   .reference = "op_1",
                                   .amount = 5000,
                                   .currency = "XOF",
                                   .method = "mobile_money",
                                   .msisdn = "221771234567",
                                   .network = "wave",
                                   .capture = true,
                                   .email = "a@b.sn",
                                   .name = "Awa Ba",
                                   .description = "A hat"};
    refund = (struct provider_act){.kind = OPERATION_REFUND,
                                   .reference = "op_2",
                                   .amount = 500,
                                   .charge_amount = 5000,
                                   .charge_provider_reference = "inv_1",
                                   .currency = "XOF",
                                   .method = "mobile_money",
                                   .msisdn = "221771234567",
                                   .network = "wave"};
}

static inline void says(const struct http_request *request, const char *url, const char *body)
{
    cr_assert_str_eq(request->url, url);
    cr_assert_str_eq(request->method, body ? "POST" : "GET");
    const char *sent =
        body ? arena_strndup(arena, (const char *)request->body.at, request->body.length) : NULL;
    if (body)
        cr_assert_str_eq(sent, body);
    else
        cr_assert_null(request->body.at);
    static const char *const headers[][2] = {{"PAYDUNYA-MASTER-KEY", "mk"},
                                             {"PAYDUNYA-PRIVATE-KEY", "test_pk"},
                                             {"PAYDUNYA-TOKEN", "tk"}};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_str_eq(request->headers[i].name, headers[i][0]);
        cr_assert_str_eq(request->headers[i].value, headers[i][1]);
    }
}

static inline const char *refusal(const char *code)
{
    return arena_printf(arena, "{\"response_code\":\"%s\",\"response_text\":\"No\"}", code);
}
