// A caller of the mimicked Airtel, from Uganda.
#pragma once
#include "house.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

// A provider's own times take a hundredth: 1.8 s until a token expires and until an enquiry helps.
static inline void airtel_open(void)
{
    char url[64];
    listener = house_serve(house_listen, false);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/told", http_server_port(listener));
    setenv("SANDBOX_AIRTEL_CALLBACK_URL", url, 1);
    setenv("SANDBOX_AIRTEL_HASH_KEY", "hash-key", 1);
    setenv("SANDBOX_AIRTEL_CLIENT_ID", "client", 1);
    setenv("SANDBOX_AIRTEL_CLIENT_SECRET", "secret", 1);
    setenv("SANDBOX_AIRTEL_PIN", "4321", 1);
    setenv("SANDBOX_TIME_PERCENT", "1", 1);
    house_open();
    asker.headers[0] = (struct http_header){"Content-Type", "application/json"};
    asker.headers[1] = (struct http_header){"Authorization", ""};
    asker.headers[2] = (struct http_header){"X-Country", "UG"};
    asker.headers[3] = (struct http_header){"X-Currency", "UGX"};
    asker.headers_n = 4;
}

static inline struct http_response token_ask(const char *id, const char *secret)
{
    return ask(
        &asker, "POST", "/airtel/auth/oauth2/token",
        json_object(asker.arena, (struct json_member[]){JSON_S("client_id", id),
                                                        JSON_S("client_secret", secret),
                                                        JSON_S("grant_type", "client_credentials"),
                                                        {0}}));
}

// With a token that is good.
static inline struct http_response airtel(const char *verb, const char *path, const char *body)
{
    struct http_response granted = token_ask("client", "secret");
    asker.headers[1].value =
        arena_printf(asker.arena, "Bearer %s", said(&asker, &granted, "access_token"));
    return ask(&asker, verb, arena_printf(asker.arena, "/airtel%s", path), body);
}

static inline const char *push_body(const char *id, const char *msisdn)
{
    return arena_printf(asker.arena,
                        "{\"reference\":\"Order 1\",\"subscriber\":{\"country\":\"UG\","
                        "\"currency\":\"UGX\",\"msisdn\":\"%s\"},\"transaction\":{\"amount\":500,"
                        "\"country\":\"UG\",\"currency\":\"UGX\",\"id\":\"%s\"}}",
                        msisdn, id);
}

static inline struct http_response push(const char *id, const char *ending)
{
    const char *msisdn = arena_printf(asker.arena, "7500000%s", ending);
    return airtel("POST", "/merchant/v1/payments/", push_body(id, msisdn));
}

static inline const char *code_of(const struct http_response *response)
{
    const char *code = said(&asker, response, "status.result_code");
    return *code ? code : said(&asker, response, "status.response_code");
}

static inline struct http_response enquire(const char *id)
{
    return airtel("GET", arena_printf(asker.arena, "/standard/v1/payments/%s", id), NULL);
}

struct enquiry {
    const char *id, *word;
    struct http_response response;
};

static inline bool says(void *context)
{
    struct enquiry *enquiry = context;
    enquiry->response = enquire(enquiry->id);
    return strcmp(said(&asker, &enquiry->response, "data.transaction.status"), enquiry->word) == 0;
}

static inline struct http_response enquire_until(const char *id, const char *word)
{
    struct enquiry enquiry = {.id = id, .word = word};
    test_wait(says, &enquiry, ASK_MS, word);
    return enquiry.response;
}
