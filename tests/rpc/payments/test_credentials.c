// Credentials over the wire: what is asked for is stored, shown without secrets, and belongs to one
// tenant.
#include <unistd.h>

#include "providers.h"
#include "setup/rpc_providers.h"

#define NEW_SECRET "kept-secret-72"

TestSuite(credentials, .init = begin, .fini = end, .timeout = 120);

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
    memset(large, 'x', 8 + 4097);
    memcpy(large, "api_key=", 8);
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
    f.settings.provider_allow_http = true;
    SetCredential *request = FIELDS("username=u", "password=p", "client_id=c", "client_secret=s",
                                    "tokens_url=http://x.example");
    request->provider = "blumon";
    request->live = true;
    cr_assert_null(set(request, NULL));
    assert_problem(STATUS_INVALID_ARGUMENT, "invalid_request", "fields.tokens_url");
    request = mtn(NULL);
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

Test(credentials, are_wiped_from_the_request)
{
    SetCredential *request = mtn(NULL);
    struct call *call =
        call_new(f.arena, METHOD_ProviderService_SetCredential, &request->base, NULL);
    cr_ok(rpc_set_credential(&f.worker, call));
    for (size_t i = 0; i < request->n_fields; i++)
        cr_assert_str_empty(request->fields[i]->value);
    for (size_t i = 0; i < call->request_bytes.length; i++)
        cr_assert_eq(call->request_bytes.at[i], 0);
}
