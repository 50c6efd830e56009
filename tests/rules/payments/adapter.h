// What the tests of providers' adapters share: a credential of given fields, a request as text, an
// answer as an outcome.
#pragma once
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "providers/adapters.h"
#include "providers/common.h"

static struct arena *arena;
static struct provider provider;
static struct credential credential;
static struct provider_use use;

static inline void adapter_fields(const char *json)
{
    cr_assert_eq(json_parse(arena, bytes_of_string(json), &credential.fields), STATUS_OK);
}

static inline void adapter_begin(void (*init)(struct provider *), const char *fields)
{
    arena = arena_new(ARENA_CAP_REQUEST);
    init(&provider);
    credential = (struct credential){.id = "cred_1", .provider = provider.name, .enabled = true};
    use = (struct provider_use){.provider = &provider, .credential = &credential, .arena = arena};
    adapter_fields(fields);
}

static inline void adapter_end(void)
{
    arena_free(arena);
}

// "POST url\nName: value\n…\n\nbody"
static inline const char *text_of(const struct http_request *request)
{
    CLEANUP(buffer_deinit) struct buffer text;
    buffer_init(&text, 1 << 16);
    buffer_addf(&text, "%s %s\n", request->method, request->url);
    for (size_t i = 0; i < request->headers_n; i++)
        buffer_addf(&text, "%s: %s\n", request->headers[i].name, request->headers[i].value);
    buffer_adds(&text, "\n");
    buffer_add(&text, request->body.at, request->body.length);
    return (const char *)arena_copy(arena, buffer_bytes(&text)).at;
}

static inline const char *act_text(const struct provider_act *act)
{
    struct http_request request;
    cr_assert(provider.act(&use, act, &request));
    return text_of(&request);
}

static inline const char *query_text(const struct provider_act *act)
{
    struct http_request request;
    cr_assert_eq(provider.query(&use, act, &request), ASK_BUILT);
    return text_of(&request);
}

// However little room there is: the whole request or none.
static inline void expect_whole_or_nothing(const struct provider_act *act)
{
    struct http_request whole, request;
    bool is_built = false;
    cr_assert(provider.act(&use, act, &whole));
    for (size_t cap = 16; !is_built && cap < 1 << 16; cap += 16) {
        CLEANUP(arena_free) struct arena *small = arena_new(cap);
        use.arena = small;
        is_built = provider.act(&use, act, &request);
        use.arena = arena;
        if (!is_built)
            continue;
        cr_assert_str_eq(request.url, whole.url);
        cr_assert_eq(request.headers_n, whole.headers_n);
        cr_assert_eq(request.body.length, whole.body.length);
        cr_assert(!whole.body.at || memcmp(request.body.at, whole.body.at, whole.body.length) == 0);
    }
    cr_assert(is_built);
}

static inline struct http_response answer(int status, const char *body)
{
    return (struct http_response){.status = status, .body = bytes_of_string(body), .error = ""};
}

static inline struct outcome act_read(const struct provider_act *act, int status, const char *body)
{
    struct outcome outcome = {0};
    struct http_response response = answer(status, body);
    provider.read_act(&use, act, &response, &outcome);
    return outcome;
}

static inline struct outcome query_read(const struct provider_act *act, int status,
                                        const char *body)
{
    struct outcome outcome = {0};
    struct http_response response = answer(status, body);
    provider.read_query(&use, act, &response, &outcome);
    return outcome;
}

static inline void expect(const struct outcome *outcome, enum outcome_kind kind, const char *about)
{
    cr_assert_eq(outcome->kind, kind, "%s is %d, not %d", about, outcome->kind, kind);
    bool is_explained = outcome->error_code && outcome->error_message;
    if (kind == OUTCOME_FAILED || kind == OUTCOME_EXPIRED)
        cr_assert(is_explained, "%s has no code", about);
}

// What can't be read is LOST, whether act or query; what certainly never left is NOT_SENT.
static inline void expect_no_guesses(const struct provider_act *act)
{
    static const char *const garbage[] = {
        "",
        "<html>",
        "{",
        "[]",
        "{}",
        "{\"status\":",
        "{\"status\":\"odd\"}",
        "{\"status\":7}",
        "{\"status\":null}",
        "{\"code\":5}",
        "{\"message\":\"Internal server error\"}",
    };
    static const struct {
        enum http_failure failure;
        enum outcome_kind kind;
    } failures[] = {
        {HTTP_REFUSED_URL, OUTCOME_NOT_SENT},
        {HTTP_NO_CONNECTION, OUTCOME_NOT_SENT},
        {HTTP_TIMEOUT, OUTCOME_LOST},
        {HTTP_BROKEN, OUTCOME_LOST},
    };
    static const int statuses[] = {200, 201, 302, 400, 404, 408, 409, 422, 500, 502, 503, 504};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        struct http_response response = {.failure = failures[i].failure, .error = "why"};
        struct outcome outcome;
        provider.read_act(&use, act, &response, &outcome);
        expect(&outcome, failures[i].kind, "a failed act");
        cr_assert(outcome.unwell);
        if (provider.read_query) {
            provider.read_query(&use, act, &response, &outcome);
            expect(&outcome, failures[i].kind, "a failed query");
        }
    }
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        for (size_t j = 0; j < sizeof statuses / sizeof *statuses; j++) {
            struct outcome outcome = act_read(act, statuses[j], garbage[i]);
            expect(&outcome, OUTCOME_LOST, garbage[i]);
            cr_assert_eq(outcome.http_status, statuses[j]);
            cr_assert_eq(outcome.unwell, statuses[j] >= 500);
            if (provider.read_query) {
                outcome = query_read(act, statuses[j], garbage[i]);
                expect(&outcome, OUTCOME_LOST, garbage[i]);
            }
        }
    }
    struct http_response cut = answer(200, "{\"status\":\"0\"}");
    struct outcome outcome;
    cut.truncated = true;
    provider.read_act(&use, act, &cut, &outcome);
    expect(&outcome, OUTCOME_LOST, "an answer that was cut");
}

static inline bool takes(const struct provider_act *act, struct outcome *ret)
{
    *ret = (struct outcome){0};
    bool is_taken = provider.accepts(&use, act, ret);
    cr_assert_eq(is_taken, ret->kind == 0);
    return is_taken;
}

static inline const char *probe_finding(const char *currency, int status, const char *body)
{
    struct http_response response = answer(status, body);
    return provider.read_probe(&use, currency, &response);
}

static inline void expect_finding(const char *finding, const char *part)
{
    cr_assert_not_null(finding);
    cr_assert(strstr(finding, part), "\"%s\" doesn't say \"%s\"", finding, part);
}
