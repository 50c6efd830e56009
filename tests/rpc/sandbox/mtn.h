// A caller of the mimicked MTN.
#pragma once
#include "house.h"

#define MTN_USER "3c9f2a5e-8d14-4b6f-9a07-5e1d2c3b4a59"
#define REFERENCE "11111111-2222-4333-8444-555555555555"
#define OTHER_REFERENCE "11111111-2222-4333-8444-666666666666"

static int64_t mtn_patience_ms = ASK_MS;
static const char *mtn_token = "";
static const char *mtn_environment = "sandbox";
static const char *mtn_callback; // NULL: none
static const char *mtn_key = "mtn-sandbox-subscription";

static inline void mtn_headers(const char *authorization, const char *reference)
{
    asker.headers_n = 0;
    const struct http_header all[] = {
        {"Authorization", authorization},          {"Ocp-Apim-Subscription-Key", mtn_key},
        {"X-Target-Environment", mtn_environment}, {"X-Reference-Id", reference},
        {"X-Callback-Url", mtn_callback},          {"Content-Type", "application/json"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].value)
            asker.headers[asker.headers_n++] = all[i];
}

static inline struct http_response mtn_ask(const char *verb, const char *path,
                                           const char *reference, const char *body)
{
    mtn_headers(arena_printf(asker.arena, "Bearer %s", mtn_token), reference);
    struct http_response response =
        ask_for(&asker, mtn_patience_ms, verb, arena_printf(asker.arena, "/mtn%s", path), body);
    asker.headers_n = 0;
    return response;
}

static inline struct http_response mtn_login(const char *product, const char *user, const char *key)
{
    const char *pair = arena_printf(asker.arena, "%s:%s", user, key);
    const char *encoded = crypto_base64(asker.arena, bytes_of_string(pair));
    mtn_headers(arena_printf(asker.arena, "Basic %s", encoded), NULL);
    struct http_response response =
        ask(&asker, "POST", arena_printf(asker.arena, "/mtn/%s/token/", product), "");
    asker.headers_n = 0;
    mtn_token = said(&asker, &response, "access_token");
    return response;
}

static inline void mtn_enter(const char *product)
{
    cr_assert_eq(mtn_login(product, MTN_USER, "mtn-sandbox-key").status, 200);
}

static inline const char *mtn_order(const char *party_name, const char *party, const char *amount,
                                    const char *currency)
{
    return arena_printf(asker.arena,
                        "{\"amount\":\"%s\",\"currency\":\"%s\",\"externalId\":\"order 7\","
                        "\"%s\":{\"partyIdType\":\"MSISDN\",\"partyId\":\"%s\"},"
                        "\"payerMessage\":\"Thanks\",\"payeeNote\":\"Note\"}",
                        amount, currency, party_name, party);
}

static inline struct http_response mtn_pay(const char *reference, const char *payer)
{
    return mtn_ask("POST", "/collection/v1_0/requesttopay", reference,
                   mtn_order("payer", payer, "50", "EUR"));
}

static inline struct http_response mtn_payment(const char *reference)
{
    return mtn_ask("GET", arena_printf(asker.arena, "/collection/v1_0/requesttopay/%s", reference),
                   NULL, NULL);
}
