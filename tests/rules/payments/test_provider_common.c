#include "adapter.h"

#include "crypto/crypto.h"

static void nothing_init(struct provider *nothing)
{
    *nothing = (struct provider){.name = "nothing",
                                 .sandbox_url = "https://sandbox.example",
                                 .connect_ms = 100,
                                 .total_ms = 200};
}

static void begin(void)
{
    adapter_begin(nothing_init, "{}");
}

TestSuite(common, .init = begin, .fini = adapter_end);

Test(common, builds_a_get_without_a_body)
{
    struct http_request request;
    struct outgoing outgoing = {.path = "/a?b=c", .headers = {{"X-One", "1"}}};
    cr_assert(outgoing_build(&use, &outgoing, &request));
    cr_assert_str_eq(text_of(&request), "GET https://sandbox.example/a?b=c\n"
                                        "X-One: 1\nAccept: application/json\n\n");
    cr_assert_null(request.body.at);
    cr_assert_eq(request.connect_ms, 100);
    cr_assert_eq(request.total_ms, 200);
    cr_assert_eq(request.response_max, PROVIDER_RESPONSE_MAX);
}

Test(common, builds_a_post_of_a_type_to_another_host)
{
    struct http_request request;
    struct outgoing outgoing = {
        .base = "https://other.example", .path = "/a", .body = "b=1", .type = "text/x"};
    cr_assert(outgoing_build(&use, &outgoing, &request));
    cr_assert_str_eq(text_of(&request), "POST https://other.example/a\n"
                                        "Accept: application/json\nContent-Type: text/x\n\nb=1");
    outgoing.method = "PUT";
    outgoing.type = NULL;
    cr_assert(outgoing_build(&use, &outgoing, &request));
    cr_assert_str_eq(request.method, "PUT");
    cr_assert_str_eq(request.headers[1].value, "application/json");
}

Test(common, builds_nothing_of_what_could_not_be_built)
{
    struct http_request request;
    struct outgoing pathless = {.path = NULL};
    struct outgoing valueless = {.path = "/a", .headers = {{"X-One", NULL}}};
    cr_assert_not(outgoing_build(&use, &pathless, &request));
    cr_assert_not(outgoing_build(&use, &valueless, &request));
}

Test(common, builds_nothing_when_the_arena_is_full)
{
    struct http_request request;
    struct outgoing outgoing = {.path = "/a"};
    while (arena_alloc(arena, 4096))
        ;
    while (arena_alloc(arena, 16))
        ;
    cr_assert_not(outgoing_build(&use, &outgoing, &request));
    cr_assert_null(outgoing_bearer(arena, "t"));
    cr_assert_null(outgoing_basic(arena, "u", "p"));
    cr_assert_null(outgoing_object(arena, (struct json_member[]){JSON_S("a", "b"), {0}}));
    cr_assert_null(reference_uuid(arena, "op_1"));
}

Test(common, writes_credentials_for_headers)
{
    cr_assert_str_eq(outgoing_bearer(arena, "t"), "Bearer t");
    cr_assert_str_eq(outgoing_bearer(arena, NULL), "");
    cr_assert_str_eq(outgoing_basic(arena, "Aladdin", "open sesame"), // RFC 7617, section 2
                     "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

Test(common, writes_objects_of_what_is_given)
{
    struct json_member members[] = {JSON_S("a", NULL), JSON_S("b", "x"), JSON_R("c", "{}"),
                                    JSON_I("d", 0),    JSON_B("e", 0),   {0}};
    cr_assert_str_eq(outgoing_object(arena, members), "{\"b\":\"x\",\"c\":{},\"d\":0,\"e\":false}");
    members[2].string = NULL;
    cr_assert_null(outgoing_object(arena, members));
}

Test(common, reads_text_and_integers_as_text)
{
    const struct json_value *body;
    cr_assert_eq(
        json_parse(arena, bytes_of_string("{\"a\":\"x\",\"b\":{\"c\":-7},\"d\":true}"), &body),
        STATUS_OK);
    cr_assert_str_eq(answer_text(arena, body, "a"), "x");
    cr_assert_str_eq(answer_text(arena, body, "b.c"), "-7");
    cr_assert_null(answer_text(arena, body, "d"));
    cr_assert_null(answer_text(arena, body, "e"));
}

Test(common, knows_what_certainly_never_left)
{
    static const struct {
        enum http_failure failure;
        enum outcome_kind kind;
    } rows[] = {{HTTP_REFUSED_URL, OUTCOME_NOT_SENT},
                {HTTP_NO_CONNECTION, OUTCOME_NOT_SENT},
                {HTTP_TIMEOUT, OUTCOME_LOST},
                {HTTP_BROKEN, OUTCOME_LOST}};
    const struct json_value *body;
    struct outcome outcome;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_response response = {.failure = rows[i].failure};
        cr_assert_not(answer_open(arena, &response, &body, &outcome));
        expect(&outcome, rows[i].kind, "no answer");
        cr_assert(outcome.unwell);
        cr_assert_eq(outcome.http_status, 0);
        cr_assert_null(body);
    }
}

Test(common, takes_no_answer_for_an_outcome_by_itself)
{
    const struct json_value *body;
    struct outcome outcome;
    struct http_response response = answer(200, "{\"a\":1}");
    cr_assert(answer_open(arena, &response, &body, &outcome));
    expect(&outcome, OUTCOME_LOST, "an answer");
    cr_assert_not(outcome.unwell);
    cr_assert_eq(outcome.http_status, 200);
    cr_assert_not_null(body);
    response.truncated = true;
    cr_assert(answer_open(arena, &response, &body, &outcome));
    cr_assert_null(body);
    response = answer(500, "<html>");
    cr_assert(answer_open(arena, &response, &body, &outcome));
    cr_assert(outcome.unwell);
    cr_assert_null(body);
}

static struct session_grant grant(int status, const char *body)
{
    struct session_grant grant;
    struct http_response response = answer(status, body);
    answer_grant(arena, &response, 77, &grant);
    return grant;
}

Test(common, reads_tokens_that_are_granted)
{
    cr_assert_str_eq(grant(200, "{\"access_token\":\"t\",\"expires_in\":3600}").text, "t");
    cr_assert_eq(grant(200, "{\"access_token\":\"t\",\"expires_in\":3600}").lives_s, 3600);
    cr_assert_eq(grant(200, "{\"access_token\":\"t\",\"expires_in\":\"180\"}").lives_s, 180);
    cr_assert_eq(grant(200, "{\"access_token\":\"t\"}").lives_s, 77);
    cr_assert_eq(grant(200, "{\"access_token\":\"t\",\"expires_in\":\"soon\"}").lives_s, 77);
    cr_assert_eq(grant(200, "{\"access_token\":\"t\",\"expires_in\":-1}").lives_s, 77);
}

// In microseconds it would be more than int64_t holds.
Test(common, bounds_the_life_of_a_token)
{
    static const char *const bodies[] = {
        "{\"access_token\":\"t\",\"expires_in\":9007199254740991}",
        "{\"access_token\":\"t\",\"expires_in\":\"9223372036854775807\"}",
        "{\"access_token\":\"t\",\"expires_in\":\"99999999999999999999\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        cr_expect_eq(grant(200, bodies[i]).lives_s, 30 * 86400, "%s", bodies[i]);
}

Test(common, says_why_a_token_is_not_granted)
{
    static const struct {
        int status;
        const char *body;
        enum outcome_kind kind;
    } rows[] = {
        {400, "{}", OUTCOME_FAILED},   {401, "", OUTCOME_FAILED},
        {403, "", OUTCOME_FAILED},     {429, "", OUTCOME_NOT_SENT},
        {500, "{}", OUTCOME_LOST},     {404, "{}", OUTCOME_LOST},
        {200, "<html>", OUTCOME_LOST}, {200, "{\"access_token\":\"\"}", OUTCOME_LOST},
        {200, "{}", OUTCOME_LOST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct session_grant given = grant(rows[i].status, rows[i].body);
        cr_assert_null(given.text);
        expect(&given.outcome, rows[i].kind, rows[i].body);
        cr_assert_eq(given.outcome.elsewhere, rows[i].kind == OUTCOME_FAILED);
    }
    struct session_grant given;
    struct http_response nobody = {.failure = HTTP_NO_CONNECTION, .error = "no route"};
    answer_grant(arena, &nobody, 77, &given);
    expect(&given.outcome, OUTCOME_NOT_SENT, "nobody there");
}

Test(common, says_in_a_sentence_why_nothing_came)
{
    static const struct {
        enum http_failure failure;
        const char *says;
    } rows[] = {
        {HTTP_REFUSED_URL, "can't be called: why."},
        {HTTP_NO_CONNECTION, "can't be reached: why."},
        {HTTP_TIMEOUT, "did not answer in time."},
        {HTTP_BROKEN, "broke off: why."},
    };
    struct http_response response = answer(500, "");
    cr_assert_null(answer_missing(arena, &response));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        response = (struct http_response){.failure = rows[i].failure, .error = "why"};
        expect_finding(answer_missing(arena, &response), rows[i].says);
    }
    response.error = NULL;
    expect_finding(answer_missing(arena, &response), "no reason is known");
}

static const struct provider_error errors[] = {
    {"P", FAULT_PERMANENT, "p", "Permanent."}, {"S", FAULT_SETUP, "s", "Setup."},
    {"R", FAULT_RETRYABLE, NULL, NULL},        {"D", FAULT_DUPLICATE, NULL, NULL},
    {"U", FAULT_UNKNOWN, NULL, NULL},          {0},
};

Test(common, turns_a_code_into_an_outcome)
{
    static const struct {
        const char *code;
        enum outcome_kind kind;
        bool elsewhere, unwell;
    } rows[] = {
        {"P", OUTCOME_FAILED, false, false},  {"S", OUTCOME_FAILED, true, false},
        {"R", OUTCOME_NOT_SENT, false, true}, {"D", OUTCOME_ACCEPTED, false, false},
        {"U", OUTCOME_LOST, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome outcome = {.kind = OUTCOME_LOST, .unwell = true, .http_status = 500};
        cr_assert(provider_error_read(errors, rows[i].code, &outcome));
        expect(&outcome, rows[i].kind, rows[i].code);
        cr_assert_eq(outcome.elsewhere, rows[i].elsewhere);
        cr_assert_eq(outcome.unwell, rows[i].unwell);
        cr_assert_eq(outcome.http_status, 500);
    }
    struct outcome outcome = {.kind = OUTCOME_LOST};
    cr_assert_not(provider_error_read(errors, "X", &outcome));
    cr_assert_not(provider_error_read(errors, NULL, &outcome));
    cr_assert_eq(outcome.kind, OUTCOME_LOST);
}

Test(common, takes_a_final_failure_for_one_whatever_its_code)
{
    static const struct {
        const char *code, *merchant_code;
        bool elsewhere;
    } rows[] = {
        {"P", "p", false},
        {"S", "s", true},
        {"R", "provider_unavailable", true},
        {"D", "declined", false},
        {"U", "provider_unavailable", false},
        {"X", "declined", false},
        {NULL, "declined", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct outcome outcome = {.kind = OUTCOME_LOST, .unwell = true};
        provider_error_final(errors, rows[i].code, &outcome);
        expect(&outcome, OUTCOME_FAILED, rows[i].merchant_code);
        cr_assert_str_eq(outcome.error_code, rows[i].merchant_code);
        cr_assert_eq(outcome.elsewhere, rows[i].elsewhere);
        cr_assert_not(outcome.unwell);
    }
}

static enum callback_proof prove(const char *signature, const char *body)
{
    struct provider_header headers[] = {{"Content-Type", "application/json"},
                                        {"x-signature-256", signature}};
    struct provider_callback callback = {
        .headers = headers, .headers_n = signature ? 2 : 1, .body = bytes_of_string(body)};
    return callback_prove_hmac(&use, &callback);
}

Test(common, proves_callbacks_by_their_signature)
{
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string("secret"), bytes_of_string("{}"));
    const char *hex = crypto_hex(arena, BYTES_OF_ARRAY(mac.at));
    cr_assert_eq(prove(hex, "{}"), CALLBACK_UNPROVEN);
    adapter_fields("{\"webhook_secret\":\"secret\"}");
    cr_assert_eq(prove(hex, "{}"), CALLBACK_PROVEN);
    cr_assert_eq(prove(arena_printf(arena, "sha256=%s", hex), "{}"), CALLBACK_PROVEN);
    cr_assert_eq(prove(hex, "{} "), CALLBACK_FORGED);
    cr_assert_eq(prove(NULL, "{}"), CALLBACK_FORGED);
    cr_assert_eq(prove("", "{}"), CALLBACK_FORGED);
    cr_assert_eq(prove("sha256=", "{}"), CALLBACK_FORGED);
    cr_assert_eq(prove("not hex", "{}"), CALLBACK_FORGED);
    cr_assert_eq(prove(arena_strndup(arena, hex, 62), "{}"), CALLBACK_FORGED);
    cr_assert_eq(prove(arena_printf(arena, "%s00", hex), "{}"), CALLBACK_FORGED);
    adapter_fields("{\"webhook_secret\":\"another\"}");
    cr_assert_eq(prove(hex, "{}"), CALLBACK_FORGED);
}

Test(common, shapes_a_reference_like_a_uuid_always_the_same)
{
    const char *uuid = reference_uuid(arena, "op_01abc");
    const char *again = reference_uuid(arena, "op_01abc");
    const char *other = reference_uuid(arena, "op_01abd");
    cr_assert_eq(strlen(uuid), 36);
    cr_assert_eq(uuid[8], '-');
    cr_assert_eq(uuid[13], '-');
    cr_assert_eq(uuid[14], '4');
    cr_assert_eq(uuid[18], '-');
    cr_assert(strchr("89ab", uuid[19]));
    cr_assert_eq(uuid[23], '-');
    cr_assert_str_eq(uuid, again);
    cr_assert_str_neq(uuid, other);
}

Test(common, takes_references_apart_and_together)
{
    cr_assert_str_eq(reference_compact(arena, "op_01abc"), "op01abc");
    cr_assert_str_eq(reference_compact(arena, "plain"), "plain");
    cr_assert_str_eq(reference_expand(arena, "op01abc"), "op_01abc");
    cr_assert_null(reference_expand(arena, "op"));
    cr_assert_null(reference_expand(arena, "pay01abc"));
    cr_assert_null(reference_expand(arena, ""));
    cr_assert_null(reference_expand(arena, "op/../x"));
}
