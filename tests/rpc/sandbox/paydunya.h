// A caller of the mimicked PayDunya.
#pragma once
#include "house.h"
#include "http/form.h"

static const char *private_key = "paydunya-sandbox-private";
static const char *master_key = "paydunya-sandbox-master";
static const char *token_key = "paydunya-sandbox-token";

static inline struct http_response call(const char *verb, const char *path, const char *body)
{
    const struct http_header headers[] = {{"PAYDUNYA-MASTER-KEY", master_key},
                                          {"PAYDUNYA-PRIVATE-KEY", private_key},
                                          {"PAYDUNYA-TOKEN", token_key},
                                          {"Content-Type", "application/json"}};
    memcpy(asker.headers, headers, sizeof headers);
    asker.headers_n = 4;
    struct http_response response =
        ask_for(&asker, 2000, verb, arena_printf(asker.arena, "/paydunya%s", path), body);
    asker.headers_n = 0;
    return response;
}

static inline void expect_code(struct http_response response, const char *code)
{
    cr_assert_eq(response.status, 200);
    cr_assert_str_eq(said(&asker, &response, "response_code"), code, "%s",
                     (const char *)response.body.at);
}

static inline const char *invoice_body(const char *reference, const char *amount,
                                       const char *callback)
{
    return arena_printf(asker.arena,
                        "{\"invoice\":{\"total_amount\":%s,\"description\":\"Shoes\"},"
                        "\"store\":{\"name\":\"Shop\"},"
                        "\"actions\":{\"callback_url\":\"%s\",\"return_url\":\"http://shop/back\"},"
                        "\"custom_data\":{\"reference\":\"%s\",\"cart\":{\"items\":[7,true]}}}",
                        amount, callback, reference);
}

// The token of a new invoice of 5000 XOF.
static inline const char *invoice(const char *reference, const char *callback)
{
    struct http_response response = call("POST", "/sandbox-api/v1/checkout-invoice/create",
                                         invoice_body(reference, "5000", callback));
    expect_code(response, "00");
    return said(&asker, &response, "token");
}

static inline struct http_response confirm(const char *token)
{
    return call("GET",
                arena_printf(asker.arena, "/sandbox-api/v1/checkout-invoice/confirm/%s", token),
                NULL);
}

static inline const char *status_of(const char *token)
{
    struct http_response response = confirm(token);
    return said(&asker, &response, "status");
}

struct expected {
    const char *token, *status;
};

static inline bool stands(void *context)
{
    const struct expected *expected = context;
    return strcmp(status_of(expected->token), expected->status) == 0;
}

static inline void expect(const char *token, const char *status)
{
    test_wait(stands, &(struct expected){token, status}, ASK_MS, status);
}

static inline const char *field(int n, const char *name)
{
    house_await_calls(n + 1);
    const char *value = http_form_get(asker.arena, bytes_of_string(calls[n].body), name);
    return value ? value : "";
}
