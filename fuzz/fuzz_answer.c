// What a provider may answer: to an act, a query, for a session, a token, a probe. Money is said to
// have moved only where the answer says so, in that provider's words, about our payment.
#include <string.h>

#include "base/clock.h"
#include "base/currency.h"
#include "providers/common.h"
#include "support/providers.h"
#include "json/members.h"

#define TEXT_MAX (PROVIDER_RESPONSE_MAX + 512)

// The member that has to stand there, with this value, for SUCCEEDED; several ways for some.
static const struct {
    const char *provider, *path, *value;
} words[] = {
    {"mtn", "status", "SUCCESSFUL"},
    {"airtel", "data.transaction.status", "TS"},
    {"airtel", "data.transaction.status", "SUCCESS"},
    {"zamtel", "status", "0"},
    {"blumon", "dataResponse.description", "APROBADA"},
    {"blumon", "codeResponse", "00"},
    {"paydunya", "status", "completed"},
    {"paydunya", "status", "success"},
    {"simulator", "status", "succeeded"},
    {"simulator", "status", "authorized"},
};
// Where an answer names whose it is, it is ours.
static const struct {
    const char *provider, *path, *ours;
} names[] = {
    {"mtn", "externalId", FUZZ_REFERENCE},
    {"zamtel", "Conversation id", "op01abc"},
    {"paydunya", "custom_data.reference", FUZZ_REFERENCE},
};

static bool says_so(struct arena *arena, const char *provider, const struct json_value *body)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *given = answer_text(arena, body, words[i].path);
        if (strcmp(words[i].provider, provider) == 0 && given && strcmp(given, words[i].value) == 0)
            return true;
    }
    return false;
}

// PayDunya and Blumon's webhooks name the amount, and it has to be the one that was asked for.
static bool amount_agrees(struct arena *arena, const char *path, const struct json_value *body,
                          const char *currency)
{
    int64_t amount;
    double number;
    const char *text = answer_text(arena, body, path);
    if (text)
        return currency_parse(text, currency, &amount) && amount == FUZZ_AMOUNT;
    return json_get_number(body, path, &number) && number >= FUZZ_AMOUNT && number <= FUZZ_AMOUNT;
}

static void check_success(const struct provider_use *use, const struct provider_act *act,
                          const struct http_response *response)
{
    const char *name = use->provider->name;
    const struct json_value *body = NULL;
    assert(response->failure == HTTP_OK && !response->truncated && response->status / 100 == 2);
    assert(json_parse(use->arena, response->body, &body) == STATUS_OK);
    assert(says_so(use->arena, name, body));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *given =
            strcmp(names[i].provider, name) == 0 ? json_get_string(body, names[i].path) : NULL;
        assert(!given || strcmp(given, names[i].ours) == 0 ||
               (!*given && strcmp(name, "zamtel") == 0));
    }
    if (strcmp(name, "paydunya") == 0)
        assert(amount_agrees(use->arena,
                             act->kind == OPERATION_CHARGE ? "invoice.total_amount" : "amount",
                             body, "XOF"));
    if (strcmp(name, "blumon") == 0 && json_get_string(body, "operationType"))
        assert(!json_get_string(body, "codeResponse") ||
               amount_agrees(use->arena, "amount", body, act->currency) ||
               json_get_string(body, "dataResponse.description"));
}

static void check_outcome(const struct provider_use *use, const struct provider_act *act,
                          const struct http_response *response, const struct outcome *outcome)
{
    assert(outcome->kind >= OUTCOME_ACCEPTED && outcome->kind <= OUTCOME_MUTE);
    assert(outcome->http_status == (response->failure == HTTP_OK ? response->status : 0));
    fuzz_check_text(outcome->error_code, TEXT_MAX);
    fuzz_check_text(outcome->error_message, TEXT_MAX);
    fuzz_check_text(outcome->action_url, TEXT_MAX);
    fuzz_check_text(outcome->provider_reference, TEXT_MAX);
    if (response->failure != HTTP_OK) // nobody has said anything
        assert(outcome->kind == OUTCOME_LOST || outcome->kind == OUTCOME_NOT_SENT);
    if (outcome->kind == OUTCOME_SUCCEEDED || outcome->kind == OUTCOME_AUTHORIZED)
        check_success(use, act, response);
    if (outcome->kind == OUTCOME_FAILED)
        assert(outcome->error_code && outcome->error_message);
    if (outcome->kind == OUTCOME_PREPARED)
        assert(outcome->provider_reference ||
               provider_prepares(use->provider, act->kind, act->stage + 1) ||
               strcmp(use->provider->name, "blumon") == 0);
}

static void check_grant(const struct session_grant *grant)
{
    fuzz_check_text(grant->text, TEXT_MAX);
    fuzz_check_text(grant->outcome.error_message, TEXT_MAX);
    if (grant->text)
        assert(grant->lives_s > 0 && grant->lives_s <= INT64_MAX / US_PER_S / 2);
    else
        assert(grant->outcome.kind == OUTCOME_FAILED || grant->outcome.kind == OUTCOME_NOT_SENT ||
               grant->outcome.kind == OUTCOME_LOST);
}

static void check_sessions(const struct provider_use *use, const struct http_response *response)
{
    for (size_t i = 0; i < use->provider->sessions_n; i++) {
        struct session_grant grant;
        use->provider->read_session(use, i, response, &grant);
        check_grant(&grant);
    }
}

static void check_token(const struct provider_use *use, const struct http_response *response)
{
    struct outcome outcome = {.kind = OUTCOME_LOST};
    const char *token = use->provider->read_token(use, response, &outcome);
    fuzz_check_text(token, TEXT_MAX);
    if (token)
        assert(*token && response->failure == HTTP_OK && response->status / 100 == 2);
    else
        assert(outcome.kind == OUTCOME_FAILED || outcome.kind == OUTCOME_NOT_SENT ||
               outcome.kind == OUTCOME_LOST);
    if (outcome.kind == OUTCOME_FAILED)
        assert(outcome.error_code && outcome.error_message);
}

// "0 200 charge": failure, status, kind; a letter more for each thing that an act may have.
static void read_case(struct fuzz_input *input, struct arena *arena, struct http_response *response,
                      struct provider_act *act)
{
    static const int statuses[] = {200, 201, 202, 204, 302, 400, 401, 403,
                                   404, 408, 409, 422, 429, 500, 503, 504};
    const char *line = fuzz_line(input, arena);
    unsigned char at[4] = {0};
    memcpy(at, line, strnlen(line, sizeof at));
    *response = (struct http_response){
        .failure = at[0] == '1'   ? HTTP_TIMEOUT
                   : at[0] == '2' ? HTTP_NO_CONNECTION
                                  : HTTP_OK,
        .error = "",
        .truncated = at[0] == '3',
    };
    if (response->failure == HTTP_OK)
        response->status = statuses[at[1] % 16];
    *act = (struct provider_act){
        .kind = at[2] % 2 ? OPERATION_REFUND : OPERATION_CHARGE,
        .reference = FUZZ_REFERENCE,
        .stage = at[2] / 2 % 2,
        .acting = at[3] & 1,
        .provider_reference = at[3] & 2 ? "p-1" : NULL,
        .charge_reference = "op_01charge",
        .charge_provider_reference = "c-1",
        .amount = FUZZ_AMOUNT,
        .charge_amount = FUZZ_AMOUNT,
        .currency = at[3] & 4 ? "MXN" : "XOF",
        .method = at[3] & 8    ? "card"
                  : at[3] & 16 ? "checkout"
                               : "mobile_money",
        .msisdn = "221771234567",
        .network = "wave",
        .token = at[3] & 8 ? "tok" : NULL,
        .return_url = at[3] & 32 ? "https://shop.example/back" : NULL,
        .capture = true,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    const struct provider *provider = fuzz_provider(&input, arena);
    struct provider_use use = fuzz_use(arena, provider, false);
    struct http_response response;
    struct provider_act act;
    struct outcome outcome = {.kind = OUTCOME_LOST};
    read_case(&input, arena, &response, &act);
    response.body = arena_copy(arena, fuzz_rest(&input));
    provider->read_act(&use, &act, &response, &outcome);
    check_outcome(&use, &act, &response, &outcome);
    assert(outcome.kind != OUTCOME_NOT_FOUND && outcome.kind != OUTCOME_MUTE);
    if (provider->read_query) {
        outcome = (struct outcome){.kind = OUTCOME_LOST};
        provider->read_query(&use, &act, &response, &outcome);
        check_outcome(&use, &act, &response, &outcome);
    }
    check_sessions(&use, &response);
    if (provider->read_token)
        check_token(&use, &response);
    if (provider->read_probe)
        fuzz_check_text(provider->read_probe(&use, "ZMW", &response), TEXT_MAX);
    return 0;
}
