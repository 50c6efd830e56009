// Credentials, routes and limits over the wire: what is asked for is stored, shown without secrets,
// and belongs to one tenant; a credential is tested against a provider in this process.
#include "../../store/payments/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/server.h"
#include "obol/payments/v1/providers.obol.h"
#include "rpc/client.h"

#define BASE_URL "https://pay.example"
#define SECRET "kept-secret-71"
#define NEW_SECRET "kept-secret-72"

typedef Obol__Payments__V1__Credential Credential;
typedef Obol__Payments__V1__SetCredentialRequest SetCredential;
typedef Obol__Payments__V1__SetCredentialRequest__FieldsEntry Field;

static struct fixture f;
static struct setups *fixture_setups;
static struct rpc_server *server;
static struct rpc_client *client;
static struct health *health;
static struct problem problem; // of the last call
static const char *tenant;     // of the next

static void *worker_begin(void *context)
{
    struct fixture *fixture = context;
    struct worker *worker = calloc(1, sizeof *worker);
    *worker = fixture->worker;
    worker->arena = arena_new(ARENA_CAP_BATCH);
    worker->db = db_new(&(struct db_config){.url = fixture->database.url,
                                            .schema = "payments",
                                            .application = "test",
                                            .lock_timeout_ms = 300});
    return worker;
}

static void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    arena_free(worker->arena);
    free(worker);
}

static void begin(void)
{
    static const struct proto_file *files[] = {&obol_payments_v1_payments_file,
                                               &obol_payments_v1_providers_file};
    static char target[64];
    fixture_begin(&f);
    f.settings.callback_base_url = BASE_URL;
    f.settings.provider_allow_http = true;
    fixture_setups = f.state.setups;
    f.state.setups = setups_new(&f.ring, f.state.providers, BASE_URL);
    health = health_new("payments", "test");
    struct rpc_server_config config = {.address = "127.0.0.1:0",
                                       .files = files,
                                       .files_n = 2,
                                       .handlers = payments_handlers,
                                       .handlers_n = payments_handlers_n,
                                       .fast_threads = 2,
                                       .slow_threads = 1,
                                       .slow_queue = 16,
                                       .slow_per_tenant = 4,
                                       .worker_begin = worker_begin,
                                       .worker_end = worker_end,
                                       .context = &f,
                                       .health = health};
    cr_ok(rpc_server_start(&config, &server));
    snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(server));
    client = rpc_client_new(target);
    tenant = TENANT;
}

static void end(void)
{
    rpc_client_free(client);
    rpc_server_stop(server, 1000);
    health_free(health);
    setups_free(f.state.setups);
    f.state.setups = fixture_setups;
    fixture_end(&f);
}

TestSuite(credentials, .init = begin, .fini = end, .timeout = 120);

// NULL when it is refused: see problem. No answer and no refusal shows a secret.
static ProtobufCMessage *ask(const struct method *method, const ProtobufCMessage *request,
                             const char *key)
{
    ProtobufCMessage *answer = NULL;
    struct call *call = call_new(f.arena, method, request, key);
    call->context.tenant_id = tenant;
    call->context.deadline_ns = clock_deadline_ns(30000);
    problem = (struct problem){0};
    enum status status =
        rpc_call(client, f.arena, method, &call->context, request, &answer, &problem);
    cr_assert_null(strstr(problem.detail, "kept-secret"), "%s", problem.detail);
    if (status != STATUS_OK)
        return NULL;
    cr_assert_null(strstr(json_write(f.arena, answer), "kept-secret"));
    return answer;
}

static void assert_problem(enum status status, const char *code, const char *param)
{
    cr_assert_eq(problem.status, status, "%s: %s", status_name(problem.status), problem.detail);
    cr_assert_str_eq(problem.code, code);
    cr_assert_str_eq(problem.param, param, "%s: %s", problem.param, problem.detail);
}

// "api_key=k", …; ends with NULL.
static SetCredential *setting(const char *const *fields)
{
    SetCredential *request = NEW(f.arena, set_credential_request, SetCredentialRequest);
    size_t n = 0;
    while (fields[n])
        n++;
    request->fields = ARENA_ARRAY(f.arena, n, Field *);
    for (; request->n_fields < n; request->n_fields++) {
        const char *text = fields[request->n_fields];
        Field *field =
            MESSAGE_NEW(f.arena, obol__payments__v1__set_credential_request__fields_entry, Field);
        size_t length = strcspn(text, "=");
        field->key = arena_strndup(f.arena, text, length);
        field->value = arena_strdup(f.arena, text + length + 1);
        request->fields[request->n_fields] = field;
    }
    return request;
}
#define FIELDS(...) setting((const char *const[]){__VA_ARGS__, NULL})

static SetCredential *mtn(const char *base_url)
{
    SetCredential *request =
        base_url ? FIELDS("api_user=user", "api_key=" SECRET, "subscription_key=" SECRET "-s",
                          arena_printf(f.arena, "base_url=%s", base_url))
                 : FIELDS("api_user=user", "api_key=" SECRET, "subscription_key=" SECRET "-s");
    request->provider = "mtn";
    return request;
}

static Credential *set(const SetCredential *request, const char *key)
{
    return (Credential *)ask(METHOD_ProviderService_SetCredential, &request->base, key);
}

static Credential *made(const SetCredential *request)
{
    Credential *credential = set(request, NULL);
    cr_assert_not_null(credential, "%s %s: %s", problem.code, problem.param, problem.detail);
    return credential;
}

// What an adapter would read now.
static const char *stored(const char *id, const char *field)
{
    const struct setup *setup = NULL;
    cr_ok(setups_get(f.state.setups, f.db, tenant, &setup));
    const struct credential *credential = setup_credential(setup, id);
    cr_assert_not_null(credential);
    const char *value = arena_strdup(f.arena, credential_get(credential, field));
    setup_release(setup);
    return value;
}

static const char *names_of(const Credential *credential)
{
    const char *text = "";
    for (size_t i = 0; i < credential->n_fields; i++)
        text = arena_printf(f.arena, "%s%s ", text, credential->fields[i]);
    return text;
}

Test(credentials, are_made_shown_by_name_and_changed_in_part)
{
    SetCredential *request = mtn(NULL);
    request->label = "Lusaka";
    Credential *credential = made(request);
    cr_assert_str_eq(credential->provider, "mtn");
    cr_assert_str_eq(credential->label, "Lusaka");
    cr_assert(credential->enabled && !credential->live);
    cr_assert_str_eq(names_of(credential), "api_user api_key subscription_key ");
    cr_assert_str_eq(credential->callback_url,
                     arena_printf(f.arena, BASE_URL "/api/v1/webhooks/mtn/%s", credential->id));
    cr_assert_str_eq(stored(credential->id, "api_key"), SECRET);

    request =
        FIELDS("api_key=" NEW_SECRET, "webhook_secret=" SECRET, "base_url=https://x.example//");
    request->id = credential->id;
    request->disabled = true;
    credential = made(request);
    cr_assert_not(credential->enabled);
    cr_assert_str_eq(credential->label, "Lusaka");
    cr_assert_str_eq(names_of(credential),
                     "api_user api_key subscription_key base_url webhook_secret ");
    cr_assert_str_eq(stored(credential->id, "api_key"), NEW_SECRET, "at once");
    cr_assert_str_eq(stored(credential->id, "api_user"), "user");
    cr_assert_str_eq(stored(credential->id, "base_url"), "https://x.example");

    request = FIELDS("webhook_secret=");
    request->id = credential->id;
    credential = made(request);
    cr_assert_str_eq(names_of(credential), "api_user api_key subscription_key base_url ");
    cr_assert(credential->enabled);

    Obol__Payments__V1__CredentialList *list = (Obol__Payments__V1__CredentialList *)ask(
        METHOD_ProviderService_ListCredentials,
        &NEW(f.arena, list_credentials_request, ListCredentialsRequest)->base, NULL);
    cr_assert_eq(list->n_data, 1);
    cr_assert_str_eq(list->data[0]->id, credential->id);
    cr_assert_str_eq(names_of(list->data[0]), names_of(credential));
}

Test(credentials, are_made_once_per_key)
{
    Credential *first = set(mtn(NULL), "key");
    Credential *second = set(mtn(NULL), "key");
    cr_assert_str_eq(first->id, second->id);
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM provider_credentials"), "1");
}

Test(credentials, are_kept_from_plain_columns_and_the_log)
{
    FILE *log = tmpfile();
    int before = dup(STDERR_FILENO);
    dup2(fileno(log), STDERR_FILENO);
    Credential *credential = made(mtn("http://127.0.0.1:1"));
    Obol__Payments__V1__TestCredentialRequest *test =
        NEW(f.arena, test_credential_request, TestCredentialRequest);
    test->id = credential->id;
    cr_assert_not_null(ask(METHOD_ProviderService_TestCredential, &test->base, NULL));
    SetCredential *refused = FIELDS("api_key=" SECRET, "nonsense=" SECRET);
    refused->id = credential->id;
    cr_assert_null(set(refused, "k"));
    dup2(before, STDERR_FILENO);
    rewind(log);
    char text[65536];
    text[fread(text, 1, sizeof text - 1, log)] = '\0';
    cr_assert_null(strstr(text, "kept-secret"), "%s", text);
    // Every table, as text; bytes are shown in hex there.
    cr_assert_str_eq(
        test_sql(f.db, f.arena,
                 "SELECT count(*) FROM (SELECT query_to_xml(format('SELECT x::text AS x FROM "
                 "payments.%I AS x', table_name), true, false, '')::text AS x FROM "
                 "information_schema.tables WHERE table_schema = 'payments') AS t WHERE x LIKE "
                 "'%kept-secret%' OR x LIKE '%' || encode('kept-secret', 'hex') || '%'"),
        "0");
    cr_assert_str_eq(
        test_sql(f.db, f.arena,
                 "SELECT string_agg(action || ' ' || (after::json ->> 'fields'), '; ') "
                 "FROM audit_log"),
        "credential.create [\"api_user\",\"api_key\",\"subscription_key\","
        "\"base_url\"]");
}

Test(credentials, of_another_tenant_are_not_found)
{
    Credential *credential = made(mtn(NULL));
    SetCredential *request = FIELDS("api_key=x");
    Obol__Payments__V1__TestCredentialRequest *test =
        NEW(f.arena, test_credential_request, TestCredentialRequest);
    request->id = test->id = credential->id;
    tenant = "tnt_b";
    cr_assert_null(set(request, NULL));
    cr_assert_eq(problem.status, STATUS_NOT_FOUND);
    cr_assert_null(ask(METHOD_ProviderService_TestCredential, &test->base, NULL));
    cr_assert_eq(problem.status, STATUS_NOT_FOUND);
    Obol__Payments__V1__CredentialList *list = (Obol__Payments__V1__CredentialList *)ask(
        METHOD_ProviderService_ListCredentials,
        &NEW(f.arena, list_credentials_request, ListCredentialsRequest)->base, NULL);
    cr_assert_eq(list->n_data, 0);
    tenant = "";
    cr_assert_null(set(mtn(NULL), NULL));
    assert_problem(STATUS_PERMISSION_DENIED, "tenant_missing", "");
}

static void assert_field_refused(SetCredential *request, const char *param)
{
    request->provider = "mtn";
    cr_assert_null(set(request, NULL), "%s", param);
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", param);
}
#define WITH(field) FIELDS("api_user=u", "api_key=k", "subscription_key=s", field)

Test(credentials, are_refused_by_the_name_of_the_field)
{
    char *large = arena_alloc(f.arena, 4200);
    strcpy(large, "api_key=");
    memset(large + 8, 'x', 4097);
    assert_field_refused(FIELDS("api_user=u", "api_key=k"), "fields.subscription_key");
    assert_field_refused(WITH("pin=1"), "fields.pin");
    assert_field_refused(WITH("api_key="), "fields.api_key");
    assert_field_refused(WITH("api_key=a\nb"), "fields.api_key");
    assert_field_refused(WITH("api_key=a\x01"), "fields.api_key");
    assert_field_refused(WITH(large), "fields.api_key");
    assert_field_refused(WITH("base_url=ftp://x.example"), "fields.base_url");
    assert_field_refused(WITH("base_url=https://u:p@x.example"), "fields.base_url");
    assert_field_refused(WITH("base_url=https://x.example/?a=b"), "fields.base_url");
    assert_field_refused(WITH("callback_addresses=192.0.2.1 nowhere"), "fields.callback_addresses");
    assert_field_refused(WITH("callback_addresses= "), "fields.callback_addresses");
    SetCredential *live = WITH("base_url=http://x.example");
    live->live = true;
    assert_field_refused(live, "fields.base_url");
    f.settings.provider_allow_http = false;
    assert_field_refused(WITH("base_url=http://x.example"), "fields.base_url");
    SetCredential *request = mtn(NULL);
    request->provider = "simulator";
    cr_assert_null(set(request, NULL));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "provider");
    cr_assert_not_null(strstr(problem.detail, "mtn"));
    cr_assert_str_eq(test_sql(f.db, f.arena, "SELECT count(*) FROM provider_credentials"), "0");
}

Test(credentials, are_all_live_or_all_for_tests)
{
    Credential *play = made(mtn(NULL));
    SetCredential *request = mtn(NULL);
    request->live = true;
    cr_assert_null(set(request, NULL));
    assert_problem(STATUS_FAILED_PRECONDITION, "mode_mixed", "live");
    cr_assert_not_null(strstr(problem.detail, play->id), "it says which is in the way");
    request->disabled = true;
    Credential *real = made(request);
    cr_assert(real->live);
    SetCredential *change = FIELDS("target_environment=mtnzambia");
    change->id = real->id;
    cr_assert_null(set(change, NULL));
    assert_problem(STATUS_FAILED_PRECONDITION, "mode_mixed", "live");
    SetCredential *disable = NEW(f.arena, set_credential_request, SetCredentialRequest);
    disable->id = play->id;
    disable->disabled = true;
    made(disable);
    cr_assert(made(change)->enabled);
}

// --- Routes and limits
static Obol__Payments__V1__Route *route(const char *method, const char *currency,
                                        const char *credential_id)
{
    Obol__Payments__V1__Route *route = NEW(f.arena, route, Route);
    route->method = (char *)method;
    route->currency = (char *)currency;
    route->credential_id = (char *)credential_id;
    return route;
}

static const Obol__Payments__V1__RouteList *set_routes(Obol__Payments__V1__Route **routes, size_t n)
{
    Obol__Payments__V1__SetRoutesRequest *request =
        NEW(f.arena, set_routes_request, SetRoutesRequest);
    request->routes = routes;
    request->n_routes = n;
    return (const Obol__Payments__V1__RouteList *)ask(METHOD_ProviderService_SetRoutes,
                                                      &request->base, NULL);
}

static const Obol__Payments__V1__RouteList *listed_routes(void)
{
    return (const Obol__Payments__V1__RouteList *)ask(
        METHOD_ProviderService_ListRoutes,
        &NEW(f.arena, list_routes_request, ListRoutesRequest)->base, NULL);
}

Test(credentials, are_routed_to_all_at_once)
{
    const char *id = made(mtn(NULL))->id;
    Obol__Payments__V1__Route *first = route("mobile_money", "ZMW", id);
    Obol__Payments__V1__Route *second = route("mobile_money", "", id);
    first->amount_min = 100;
    first->amount_max = 5000;
    first->operator_ = "mtn";
    cr_assert_not_null(set_routes((Obol__Payments__V1__Route *[]){first, second}, 2), "%s",
                       problem.detail);
    const Obol__Payments__V1__RouteList *list = listed_routes();
    cr_assert_eq(list->n_data, 2);
    cr_assert_eq(list->data[0]->place, 1);
    cr_assert_eq(list->data[0]->amount_max, 5000);
    cr_assert_str_eq(list->data[0]->operator_, "mtn");
    cr_assert_str_eq(list->data[1]->credential_id, id);
    Obol__Payments__V1__Route *wrong = route("card", "ZMW", id);
    cr_assert_null(set_routes((Obol__Payments__V1__Route *[]){second, wrong}, 2));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "routes[1].credential_id");
    cr_assert_eq(listed_routes()->n_data, 2, "nothing changed");
    cr_assert_not_null(set_routes((Obol__Payments__V1__Route *[]){second}, 1));
    cr_assert_eq(listed_routes()->n_data, 1);
    cr_assert_not_null(set_routes(NULL, 0));
    cr_assert_eq(listed_routes()->n_data, 0);
    cr_assert_str_eq(
        test_sql(f.db, f.arena, "SELECT count(*) FROM audit_log WHERE action = 'routes.set'"), "3");
}

static void assert_route_refused(Obol__Payments__V1__Route *route, const char *param)
{
    cr_assert_null(set_routes(&route, 1), "%s", param);
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", param);
}

Test(credentials, are_not_routed_to_what_they_do_not_take)
{
    const char *id = made(mtn(NULL))->id;
    tenant = "tnt_b";
    const char *other = made(mtn(NULL))->id;
    tenant = TENANT;
    Obol__Payments__V1__Route *bounded = route("mobile_money", "", id);
    bounded->amount_max = 5;
    assert_route_refused(bounded, "routes[0].currency");
    Obol__Payments__V1__Route *turned = route("mobile_money", "ZMW", id);
    turned->amount_min = 6;
    turned->amount_max = 5;
    assert_route_refused(turned, "routes[0].amount_max");
    turned->amount_min = -1;
    assert_route_refused(turned, "routes[0].amount_min");
    Obol__Payments__V1__Route *airtel = route("mobile_money", "ZMW", id);
    airtel->operator_ = "airtel";
    assert_route_refused(airtel, "routes[0].credential_id");
    Obol__Payments__V1__Route *operated = route("card", "ZMW", id);
    operated->operator_ = "mtn";
    assert_route_refused(operated, "routes[0].operator");
    assert_route_refused(route("cash", "ZMW", id), "routes[0].method");
    assert_route_refused(route("mobile_money", "zmw", id), "routes[0].currency");
    assert_route_refused(route("mobile_money", "USD", id), "routes[0].credential_id");
    assert_route_refused(route("mobile_money", "ZMW", other), "routes[0].credential_id");
    assert_route_refused(route("mobile_money", "ZMW", "default"), "routes[0].credential_id");
}

static const Obol__Payments__V1__Limit *set_limit(const char *currency, int64_t minimum,
                                                  int64_t maximum)
{
    Obol__Payments__V1__SetLimitRequest *request = NEW(f.arena, set_limit_request, SetLimitRequest);
    request->limit = NEW(f.arena, limit, Limit);
    request->limit->currency = (char *)currency;
    request->limit->minimum = minimum;
    request->limit->maximum = maximum;
    return (const Obol__Payments__V1__Limit *)ask(METHOD_ProviderService_SetLimit, &request->base,
                                                  NULL);
}

static const Obol__Payments__V1__LimitList *listed_limits(void)
{
    return (const Obol__Payments__V1__LimitList *)ask(
        METHOD_ProviderService_ListLimits,
        &NEW(f.arena, list_limits_request, ListLimitsRequest)->base, NULL);
}

Test(limits, are_set_changed_and_removed, .init = begin, .fini = end)
{
    cr_assert_eq(set_limit("ZMW", 100, 5000)->maximum, 5000);
    cr_assert_not_null(set_limit("UGX", 1, 0));
    cr_assert_not_null(set_limit("ZMW", 200, 5000));
    const Obol__Payments__V1__LimitList *list = listed_limits();
    cr_assert_eq(list->n_data, 2);
    cr_assert_str_eq(list->data[1]->currency, "ZMW");
    cr_assert_eq(list->data[1]->minimum, 200);
    cr_assert_not_null(set_limit("UGX", 0, 0));
    cr_assert_eq(listed_limits()->n_data, 1);
    cr_assert_null(set_limit("ZMW", 200, 100));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "limit.maximum");
    cr_assert_null(set_limit("ZMW", -1, 100));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "limit.minimum");
    cr_assert_null(set_limit("zmw", 1, 100));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "limit.currency");
    tenant = "tnt_b";
    cr_assert_eq(listed_limits()->n_data, 0);
}

// --- TestCredential, against MTN as it would answer.
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

Test(credentials, are_tested_and_what_is_wrong_is_said)
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

Test(credentials, are_tested_against_hosts_that_are_not_there)
{
    const char *nameless = made(mtn("https://mtn.invalid/some/path"))->id;
    assert_finding(nameless, "", "mtn.invalid can't be reached");
    cr_assert_null(strstr(tested(nameless, "")->finding, "/some/path"));
    const char *elsewhere = made(mtn("https://proxy.momoapi.mtn.com"))->id;
    assert_finding(elsewhere, "", "real money");
}

Test(credentials, are_tested_for_speaking_tls)
{
    provider_start();
    const char *id =
        made(mtn(arena_printf(f.arena, "https://%s", provider_url + strlen("http://"))))->id;
    assert_finding(id, "", "can't be reached: SSL");
    http_server_stop(provider, 100);
}
