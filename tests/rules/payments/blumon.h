// A Blumon adapter with a charge and a refund to try, for the tests of what it asks and hears.
#pragma once
#include "adapter.h"

#define TOKEN "Bearer at_1"
#define CUSTOMER                                                                                   \
    "\"customerInformation\":{\"firstName\":\"Ana\",\"lastName\":\"de la Cruz\","                  \
    "\"middleName\":\"\",\"email\":\"a@b.mx\",\"phone1\":\"+525511223344\",\"city\":\"\","         \
    "\"address1\":\"\",\"postalCode\":\"\",\"state\":\"\",\"country\":\"\",\"ip\":\"\"}"

static struct provider_act charge, refund;

// More fields: text that follows the common ones (",\"three_d_secure\":\"always\"").
static inline void configure(const char *more)
{
    const char *text = arena_printf(
        arena,
        "{\"username\":\"shop\",\"password\":\"pass\",\"client_id\":\"id\",\"client_secret\":"
        "\"cs\",\"base_url\":\"http://blumon\"%s}",
        more);
    adapter_fields(text);
}

static inline void init(void)
{
    adapter_begin(blumon_init, "{}");
    credential.label = "";
    configure("");
    use.sessions[0] = "at_1";
    use.callback_url = "http://gw/cb";
    charge = (struct provider_act){.kind = OPERATION_CHARGE,
                                   .reference = "op_1",
                                   .amount = 1050,
                                   .currency = "MXN",
                                   .method = "card",
                                   .token = "card_1",
                                   .capture = true,
                                   .return_url = "http://shop/back",
                                   .email = "a@b.mx",
                                   .phone = "+525511223344",
                                   .name = "Ana de la Cruz"};
    refund = (struct provider_act){.kind = OPERATION_REFUND,
                                   .reference = "op_2",
                                   .amount = 1050,
                                   .charge_amount = 1050,
                                   .charge_provider_reference = "ch_1",
                                   .currency = "MXN",
                                   .method = "card"};
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
}

static inline const char *header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->headers_n; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return "";
}

static inline const char *decline(const char *code, int http_status)
{
    return arena_printf(arena,
                        "{\"status\":false,\"requestId\":\"r\",\"error\":{\"httpStatusCode\":%d,"
                        "\"code\":\"%s\",\"description\":\"NO\"}}",
                        http_status, code);
}
