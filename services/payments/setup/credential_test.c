#include "setup/credential_test.h"

#include <string.h>

#include "base/clock.h"
#include "setup/fetch.h"

#define SECRET_LENGTH_MIN 4 // shorter ones are in every sentence
#define REQUEST_MS_MAX 15000

struct testing {
    const struct credential_test *test;
    struct provider_use use;
    const char *host; // of the last request
};

// A finding that there is no room for is a finding.
static const char *said(const char *sentence)
{
    return sentence ? sentence : "Something is wrong, and there is no memory left to say what.";
}

static const struct provider *provider_of(const struct testing *testing)
{
    return testing->test->provider;
}

static bool takes(const struct provider *provider, const char *currency)
{
    for (const struct provider_support *support = provider->supports; support->method; support++)
        if (provider_supports(provider, support->method, currency, NULL, false))
            return true;
    return false;
}

// url is start, or a path below it.
static bool is_at(const char *url, const char *start)
{
    size_t length = start ? strlen(start) : 0;
    return length > 0 && strncmp(url, start, length) == 0 &&
           (url[length] == '\0' || url[length] == '/');
}

// What shows without asking. NULL: nothing.
static const char *mistaken(const struct testing *testing)
{
    const struct provider *provider = provider_of(testing);
    const struct credential *credential = testing->test->credential;
    const char *url = credential_base_url(credential, provider);
    if (testing->test->currency[0] && !takes(provider, testing->test->currency))
        return said(arena_printf(testing->use.arena, "%s takes no %s.", provider->title,
                                 testing->test->currency));
    const char *own = credential->live ? provider->live_url : provider->sandbox_url;
    const char *other = credential->live ? provider->sandbox_url : provider->live_url;
    if (!is_at(url, other) || is_at(url, own))
        return NULL;
    if (credential->live)
        return said(arena_printf(testing->use.arena,
                                 "The credential is live, but its base_url is the sandbox of %s.",
                                 provider->title));
    return said(arena_printf(testing->use.arena,
                             "The credential is for tests, but its base_url is where %s takes real "
                             "money.",
                             provider->title));
}

static const char *host_of(struct arena *arena, const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return arena_strndup(arena, host, strcspn(host, "/?#"));
}

static const char *unanswered(const struct testing *testing, const struct http_response *response)
{
    struct arena *arena = testing->use.arena;
    const char *why = response->error && response->error[0] ? response->error : "no reason known";
    switch (response->failure) {
    case HTTP_OK:
        return NULL;
    case HTTP_REFUSED_URL:
        return said(arena_printf(arena, "%s can't be called: %s.", testing->host, why));
    case HTTP_NO_CONNECTION:
        return said(arena_printf(arena, "%s can't be reached: %s.", testing->host, why));
    case HTTP_TIMEOUT:
        return said(arena_printf(arena, "%s did not answer in time.", testing->host));
    case HTTP_BROKEN:
        return said(
            arena_printf(arena, "%s broke off before it had answered: %s.", testing->host, why));
    }
    return NULL;
}

// NULL, and *ret, when there was an answer.
static const char *fetch(struct testing *testing, struct http_request *request,
                         struct http_response *ret)
{
    testing->host = host_of(testing->use.arena, request->url);
    request->tls_required = testing->test->credential->live;
    if (request->total_ms <= 0 || request->total_ms > REQUEST_MS_MAX)
        request->total_ms = REQUEST_MS_MAX;
    *ret = (struct http_response){.failure = HTTP_TIMEOUT};
    (void)fetch_once(testing->use.arena, request, testing->test->deadline_ns, ret);
    return unanswered(testing, ret);
}

static const char *ungranted(const struct testing *testing, const struct http_response *response,
                             const struct outcome *outcome)
{
    struct arena *arena = testing->use.arena;
    if (outcome->kind == OUTCOME_FAILED && outcome->error_message)
        return outcome->error_message;
    if (response->status == 401 || response->status == 403)
        return said(arena_printf(arena, "%s does not accept the credential (HTTP %d).",
                                 testing->host, response->status));
    return said(arena_printf(
        arena, "%s answered HTTP %d, not as %s does: check base_url, or try again later.",
        testing->host, response->status, provider_of(testing)->title));
}

static const char *grant(struct testing *testing, size_t which)
{
    const struct provider *provider = provider_of(testing);
    struct http_request request = {0};
    struct http_response response;
    struct session_grant given = {.outcome = {.kind = OUTCOME_LOST}};
    if (!provider->session(&testing->use, which, &request))
        return said(arena_printf(testing->use.arena,
                                 "The request for %s can't be built of these fields.",
                                 provider->sessions[which].name));
    const char *finding = fetch(testing, &request, &response);
    if (finding)
        return finding;
    provider->read_session(&testing->use, which, &response, &given);
    testing->use.sessions[which] = given.text;
    return given.text ? NULL : ungranted(testing, &response, &given.outcome);
}

static bool can_ask(const struct testing *testing, size_t which)
{
    unsigned needs = provider_of(testing)->sessions[which].needs;
    for (size_t i = 0; i < PROVIDER_SESSIONS_MAX; i++)
        if (needs & 1u << i && !testing->use.sessions[i])
            return false;
    return !testing->use.sessions[which];
}

// Those that others need come first, wherever they stand.
static const char *grant_all(struct testing *testing)
{
    size_t n = provider_of(testing)->sessions_n;
    for (size_t round = 0; round < n; round++) {
        for (size_t which = 0; which < n; which++) {
            const char *finding = can_ask(testing, which) ? grant(testing, which) : NULL;
            if (finding)
                return finding;
        }
    }
    return NULL;
}

static const char *probe(struct testing *testing)
{
    const struct provider *provider = provider_of(testing);
    struct http_request request = {0};
    struct http_response response;
    if (!provider->probe)
        return NULL;
    if (!provider->probe(&testing->use, testing->test->currency, &request))
        return "The request can't be built of these fields.";
    const char *finding = fetch(testing, &request, &response);
    return finding ? finding
                   : provider->read_probe(&testing->use, testing->test->currency, &response);
}

// Providers may say again what they were told.
static char *mask(struct arena *arena, char *text, const char *secret)
{
    size_t length = secret ? strlen(secret) : 0;
    char *at;
    while (text && length >= SECRET_LENGTH_MIN && (at = strstr(text, secret)))
        text = arena_printf(arena, "%.*s***%s", (int)(at - text), text, at + length);
    return text;
}

static const char *masked(const struct testing *testing, const char *finding)
{
    const struct credential *credential = testing->test->credential;
    const struct credential_field *const lists[] = {provider_of(testing)->fields,
                                                    credential_common_fields};
    char *text = arena_strdup(testing->use.arena, finding);
    for (size_t i = 0; i < 2; i++)
        for (const struct credential_field *field = lists[i]; field && field->name; field++)
            if (field->secret)
                text = mask(testing->use.arena, text, credential_get(credential, field->name));
    for (size_t i = 0; i < PROVIDER_SESSIONS_MAX; i++)
        text = mask(testing->use.arena, text, testing->use.sessions[i]);
    return text;
}

static const char *praise(const struct testing *testing)
{
    const struct provider *provider = provider_of(testing);
    if (!testing->host)
        return said(arena_printf(
            testing->use.arena, "The fields are there; %s has nothing to ask without moving money.",
            provider->title));
    return said(arena_printf(testing->use.arena, "%s at %s accepts the credential.",
                             provider->title, testing->host));
}

struct credential_finding credential_test(struct arena *arena, const struct credential_test *test)
{
    struct testing testing = {
        .test = test,
        .use = {.provider = test->provider,
                .credential = test->credential,
                .arena = arena,
                .callback_url = test->credential->callback_url},
    };
    const char *finding = mistaken(&testing);
    if (!finding)
        finding = grant_all(&testing);
    if (!finding)
        finding = probe(&testing);
    return (struct credential_finding){
        .ok = !finding,
        .text = finding ? masked(&testing, finding) : praise(&testing),
    };
}
