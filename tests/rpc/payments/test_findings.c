// A credential is tested against a provider in this process, which answers as MTN would.
#include "http/server.h"
#include "providers.h"

TestSuite(findings, .init = begin, .fini = end, .timeout = 120);

static struct http_server *provider;
static char provider_url[64];
static int token_status, balance_status;
static const char *balance;

static void answer(struct http_exchange *exchange, int status, const char *json)
{
    http_header_out(exchange, "Content-Type", "application/json");
    http_reply(exchange, status, bytes_of_string(json));
}

static void handle(void *state, struct http_exchange *exchange)
{
    (void)state;
    if (strstr(http_path(exchange), "/token/"))
        answer(exchange, token_status,
               token_status == 200 ? "{\"access_token\":\"kept-secret-token\",\"expires_in\":3600}"
                                   : "{\"message\":\"no such user with key " SECRET
                                     "\",\"error\":\"" SECRET "\"}");
    else
        answer(exchange, balance_status, balance);
}

static void provider_start(void)
{
    struct http_server_config config = {.address = "127.0.0.1",
                                        .loops = 1,
                                        .body_max = 65536,
                                        .connections_max = 16,
                                        .request_s = 5,
                                        .idle_s = 5,
                                        .handle = handle};
    cr_ok(http_server_start(&config, &provider));
    snprintf(provider_url, sizeof provider_url, "http://127.0.0.1:%d", http_server_port(provider));
    token_status = balance_status = 200;
    balance = "{\"availableBalance\":\"10\",\"currency\":\"EUR\"}";
}

static const Obol__Payments__V1__TestCredentialResponse *tested(const char *id,
                                                                const char *currency)
{
    Obol__Payments__V1__TestCredentialRequest *request =
        NEW(f.arena, test_credential_request, TestCredentialRequest);
    request->id = (char *)id;
    request->currency = (char *)currency;
    const Obol__Payments__V1__TestCredentialResponse *response =
        (const Obol__Payments__V1__TestCredentialResponse *)ask(
            METHOD_ProviderService_TestCredential, &request->base, NULL);
    cr_assert_not_null(response, "%s: %s", problem.code, problem.detail);
    return response;
}

static void assert_finding(const char *id, const char *currency, const char *part)
{
    const Obol__Payments__V1__TestCredentialResponse *response = tested(id, currency);
    cr_assert_not(response->ok, "%s", response->finding);
    cr_assert_not_null(strstr(response->finding, part), "%s", response->finding);
    cr_assert_eq(response->finding[strlen(response->finding) - 1], '.', "a sentence: %s",
                 response->finding);
}

Test(findings, say_what_is_wrong)
{
    provider_start();
    const char *id = made(mtn(provider_url))->id;
    const Obol__Payments__V1__TestCredentialResponse *good = tested(id, "EUR");
    cr_assert(good->ok, "%s", good->finding);
    cr_assert_not_null(strstr(good->finding, "accepts"), "%s", good->finding);
    assert_finding(id, "ZMW", "ZMW");
    assert_finding(id, "USD", "USD");
    balance_status = 500;
    balance = "{\"code\":\"NOT_ALLOWED_TARGET_ENVIRONMENT\",\"message\":\"" SECRET "\"}";
    assert_finding(id, "", "environment");
    balance = "{\"code\":\"" SECRET "\"}";
    assert_finding(id, "", "***");
    token_status = 401;
    assert_finding(id, "", "MTN");
    token_status = 502;
    assert_finding(id, "", "502");
    http_server_stop(provider, 100);
    assert_finding(id, "", arena_printf(f.arena, "%s can't be reached", provider_url + 7));
}

Test(findings, name_hosts_that_are_not_there)
{
    const char *nameless = made(mtn("https://mtn.invalid/some/path"))->id;
    assert_finding(nameless, "", "mtn.invalid can't be reached");
    cr_assert_null(strstr(tested(nameless, "")->finding, "/some/path"));
    const char *elsewhere = made(mtn("https://proxy.momoapi.mtn.com"))->id;
    assert_finding(elsewhere, "", "real money");
}

Test(findings, tell_of_a_host_without_tls)
{
    provider_start();
    const char *id =
        made(mtn(arena_printf(f.arena, "https://%s", provider_url + strlen("http://"))))->id;
    assert_finding(id, "", "can't be reached: SSL");
    http_server_stop(provider, 100);
}
