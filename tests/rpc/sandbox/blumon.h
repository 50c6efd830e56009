// A caller of the mimicked Blumon.
#pragma once
#include "house.h"

#define BLUMON_SECRET "blumon-webhook-secret"
#define GOOD_CARD "4242424242424242"
#define CHALLENGED_CARD "4000003800000446"

static const char *blumon_access = "";

static inline struct http_response blumon_login(const char *client, const char *form)
{
    const char *encoded = crypto_base64(asker.arena, bytes_of_string(client));
    asker.headers[0] =
        (struct http_header){"Authorization", arena_printf(asker.arena, "Basic %s", encoded)};
    asker.headers[1] = (struct http_header){"Content-Type", "application/x-www-form-urlencoded"};
    asker.headers_n = 2;
    struct http_response response = ask(&asker, "POST", "/blumon/oauth/token", form);
    asker.headers_n = 0;
    return response;
}

static inline const char *blumon_password_form(const char *password)
{
    struct sha256 digest = crypto_sha256(bytes_of_string(password));
    return arena_printf(asker.arena, "grant_type=password&username=blumon-sandbox-user&password=%s",
                        crypto_hex(asker.arena, BYTES_OF_ARRAY(digest.at)));
}

static inline void blumon_enter(void)
{
    struct http_response response = blumon_login("blumon-sandbox-client:blumon-sandbox-secret",
                                                 blumon_password_form("blumon-sandbox-password"));
    cr_assert_eq(response.status, 200);
    blumon_access = said(&asker, &response, "access_token");
}

static inline struct http_response blumon_call(const char *verb, const char *path, const char *body)
{
    asker.headers[0] = (struct http_header){"Authorization",
                                            arena_printf(asker.arena, "Bearer %s", blumon_access)};
    asker.headers[1] = (struct http_header){"Content-Type", "application/json"};
    asker.headers_n = 2;
    struct http_response response =
        ask_for(&asker, 2000, verb, arena_printf(asker.arena, "/blumon%s", path), body);
    asker.headers_n = 0;
    return response;
}

static inline struct http_response blumon_ask(const char *path, const char *body)
{
    return blumon_call("POST", path, body);
}

static inline const char *blumon_number(const char *number)
{
    return arena_printf(asker.arena,
                        "{\"cardNumber\":\"%s\",\"cvv\":\"123\",\"cardholderName\":\"A B\","
                        "\"expirationYear\":\"39\",\"expirationMonth\":\"12\"}",
                        number);
}

static inline const char *blumon_order(const char *reference, const char *amount, const char *card,
                                       const char *more)
{
    return arena_printf(asker.arena,
                        "{\"reference\":\"%s\",\"amount\":%s,\"currency\":\"484\","
                        "\"noPresentCardData\":%s%s}",
                        reference, amount, card, more);
}

static inline struct http_response blumon_charge(const char *reference, const char *card)
{
    return blumon_ask("/ecommerce/charge",
                      blumon_order(reference, "10.00", blumon_number(card), ""));
}

static inline bool blumon_approved(struct http_response *response)
{
    const struct json_value *value;
    bool approved;
    cr_assert_eq(json_parse(asker.arena, response->body, &value), STATUS_OK, "%s",
                 (const char *)response->body.at);
    cr_assert(json_get_bool(value, "status", &approved));
    return approved;
}

static inline void blumon_refused(struct http_response response, int status, const char *code)
{
    cr_assert_eq(response.status, status, "%s: %d %s", code, response.status,
                 (const char *)response.body.at);
    cr_assert_not(blumon_approved(&response));
    cr_assert_str_eq(said(&asker, &response, "error.code"), code);
    cr_assert_str_neq(said(&asker, &response, "error.description"), "");
    cr_assert(counted(&asker, &response, "error.httpStatusCode") >= 400);
}

// The id of a charge that was approved.
static inline const char *blumon_paid(const char *reference, const char *card)
{
    struct http_response response = blumon_charge(reference, card);
    cr_assert_eq(response.status, 200);
    cr_assert(blumon_approved(&response), "%s", (const char *)response.body.at);
    return said(&asker, &response, "id");
}
