#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth_sql.h"
#include "base/clock.h"
#include "obol/auth/v1/auth.obol.h"
#include "rpc/client.h"
#include "rpc_auth.h"
#include "rpc_tokens.h"
#include "service/service.h"
#include "support/support.h"

#define RING "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SECRET "secret_test_xyz789"

static struct test_database database;
static struct keyring ring;
static struct journal journal;
static struct arena *arena;
static struct db *db;
static struct health *health;
static struct rpc_server *server;
static struct rpc_client *client;
static struct problem problem;

static void *worker_begin(void *context)
{
    (void)context;
    static struct auth_settings settings = {.tenant_rate_per_min = 6000};
    struct worker *worker = calloc(1, sizeof *worker);
    worker->arena = arena_new(ARENA_CAP_BATCH);
    worker->db = db_new(&(struct db_config){.ring = test_ring(),
                                            .url = database.url,
                                            .schema = "auth",
                                            .application = "test",
                                            .statement_timeout_ms = 20000,
                                            .lock_timeout_ms = 5000});
    worker->journal = &journal;
    worker->state = &settings;
    return worker;
}

static void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    arena_free(worker->arena);
    free(worker);
}

static void setup(void)
{
    static const struct proto_file *const files[] = {&obol_auth_v1_auth_file};
    const struct db_migrations migrations = {"auth", auth_migrations, auth_migrations_n};
    database = test_database_new();
    db = test_db_open(&database, "auth", &migrations);
    cr_assert(keyring_parse(RING, &ring));
    journal = (struct journal){.service = "auth", .ring = &ring};
    arena = arena_new(ARENA_CAP_BATCH);
    health = health_new("auth", "0");
    const struct rpc_server_config config = {
        .address = "127.0.0.1:0",
        .files = files,
        .files_n = 1,
        .handlers = auth_handlers,
        .handlers_n = auth_handlers_n,
        .fast_threads = 2,
        .slow_threads = 1,
        .slow_queue = 1,
        .slow_per_tenant = 1,
        .worker_begin = worker_begin,
        .worker_end = worker_end,
        .health = health,
    };
    cr_ok(rpc_server_start(&config, &server));
    char target[32];
    snprintf(target, sizeof target, "127.0.0.1:%d", rpc_server_port(server));
    client = rpc_client_new(target);
}

static void teardown(void)
{
    rpc_client_free(client);
    rpc_server_stop(server, 5000);
    health_free(health);
    db_free(db);
    arena_free(arena);
    test_database_drop(&database);
}

TestSuite(auth, .init = setup, .fini = teardown, .timeout = 60);

// idempotency key NULL: none.
static enum status ask_with(const char *key, const struct method *method,
                            const ProtobufCMessage *request, void *ret)
{
    struct call_context context = call_context_new(arena, "operator:test", 20000);
    context.idempotency_key = key;
    problem = (struct problem){0};
    ProtobufCMessage *answer = NULL;
    enum status status = rpc_call(client, arena, method, &context, request, &answer, &problem);
    memcpy(ret, &answer, sizeof answer);
    return status;
}

static enum status ask(const struct method *method, const ProtobufCMessage *request, void *ret)
{
    return ask_with(NULL, method, request, ret);
}

static enum status create_tenant(const char *id, Obol__Auth__V1__Tenant **ret)
{
    Obol__Auth__V1__CreateTenantRequest request = OBOL__AUTH__V1__CREATE_TENANT_REQUEST__INIT;
    request.id = (char *)id;
    request.name = (char *)"Acme";
    return ask(METHOD_AuthService_CreateTenant, &request.base, ret);
}

static Obol__Auth__V1__ApiKey *create_key(const char *idempotency_key)
{
    Obol__Auth__V1__CreateKeyRequest request = OBOL__AUTH__V1__CREATE_KEY_REQUEST__INIT;
    Obol__Auth__V1__ApiKey *key;
    request.tenant_id = (char *)"ten_a";
    request.name = (char *)"checkout";
    cr_ok(ask_with(idempotency_key, METHOD_AuthService_CreateKey, &request.base, &key));
    return key;
}

static enum status import_key(const char *tenant_id, const char *id)
{
    Obol__Auth__V1__ImportKeyRequest request = OBOL__AUTH__V1__IMPORT_KEY_REQUEST__INIT;
    Obol__Auth__V1__ApiKey *key;
    request.tenant_id = (char *)tenant_id;
    request.name = (char *)"imported";
    request.id = (char *)id;
    request.secret = (char *)SECRET;
    return ask(METHOD_AuthService_ImportKey, &request.base, &key);
}

static enum status verify(const char *id, const char *secret,
                          Obol__Auth__V1__VerifyKeyResponse **ret)
{
    Obol__Auth__V1__VerifyKeyRequest request = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
    request.id = (char *)id;
    request.secret = (char *)secret;
    return ask(METHOD_AuthService_VerifyKey, &request.base, ret);
}

static enum status revoke(const char *id, Obol__Auth__V1__ApiKey **ret)
{
    Obol__Auth__V1__RevokeKeyRequest request = OBOL__AUTH__V1__REVOKE_KEY_REQUEST__INIT;
    request.id = (char *)id;
    return ask(METHOD_AuthService_RevokeKey, &request.base, ret);
}

static void tenant_a(void)
{
    Obol__Auth__V1__Tenant *tenant;
    cr_ok(create_tenant("ten_a", &tenant));
}

Test(auth, creates_a_tenant_and_shows_it)
{
    Obol__Auth__V1__Tenant *made, *shown;
    cr_ok(create_tenant("", &made));
    Obol__Auth__V1__GetTenantRequest request = OBOL__AUTH__V1__GET_TENANT_REQUEST__INIT;
    request.id = made->id;
    cr_ok(ask(METHOD_AuthService_GetTenant, &request.base, &shown));
    cr_assert_str_eq(shown->name, "Acme");
    cr_assert_eq(shown->created_at->seconds, made->created_at->seconds);
    cr_assert_eq(shown->created_at->nanos, made->created_at->nanos);
}

Test(auth, refuses_a_second_tenant_of_the_same_id)
{
    Obol__Auth__V1__Tenant *tenant;
    tenant_a();
    cr_assert_eq(create_tenant("ten_a", &tenant), STATUS_ALREADY_EXISTS);
    cr_assert_str_eq(problem.code, "already_exists");
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*)::text FROM tenants"), "1");
}

Test(auth, refuses_what_the_rules_refuse)
{
    Obol__Auth__V1__Tenant *tenant;
    cr_assert_eq(create_tenant("order_1", &tenant), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "id");
    cr_assert_eq(import_key("ten_a", "order_1"), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*)::text FROM audit_log"), "0");
}

Test(auth, does_not_find_a_tenant_that_is_not_there)
{
    Obol__Auth__V1__GetTenantRequest request = OBOL__AUTH__V1__GET_TENANT_REQUEST__INIT;
    Obol__Auth__V1__Tenant *tenant;
    request.id = (char *)"ten_none";
    cr_assert_eq(ask(METHOD_AuthService_GetTenant, &request.base, &tenant), STATUS_NOT_FOUND);
    request.id = (char *)"\xff";
    cr_assert_eq(ask(METHOD_AuthService_GetTenant, &request.base, &tenant),
                 STATUS_INVALID_ARGUMENT);
}

Test(auth, verifies_a_key_that_it_made)
{
    tenant_a();
    const Obol__Auth__V1__ApiKey *key = create_key(NULL);
    Obol__Auth__V1__VerifyKeyResponse *response;
    cr_ok(verify(key->id, key->secret, &response));
    cr_assert_str_eq(response->tenant_id, "ten_a");
}

Test(auth, refuses_every_wrong_key_alike)
{
    Obol__Auth__V1__VerifyKeyResponse *response;
    Obol__Auth__V1__ApiKey *revoked;
    tenant_a();
    cr_ok(import_key("ten_a", "key_a"));
    cr_ok(import_key("ten_a", "key_r"));
    cr_ok(revoke("key_r", &revoked));
    const char *const pairs[][2] = {{"key_none", SECRET},
                                    {"key_a", "secret_test_xyz780"},
                                    {"key_r", SECRET},
                                    {"key_ü%$", SECRET},
                                    {"", ""},
                                    {"key_a", ""}};
    char first[PROBLEM_DETAIL_MAX] = "";
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        cr_assert_eq(verify(pairs[i][0], pairs[i][1], &response), STATUS_UNAUTHENTICATED, "%zu", i);
        cr_assert_str_eq(problem.code, "authentication_failed");
        cr_assert_str_eq(problem.param, "");
        if (i == 0)
            snprintf(first, sizeof first, "%s", problem.detail);
        cr_assert_str_eq(problem.detail, first);
    }
    cr_ok(verify("key_a", SECRET, &response));
}

Test(auth, keeps_no_secret_anywhere)
{
    tenant_a();
    const Obol__Auth__V1__ApiKey *key = create_key("once");
    cr_assert_str_eq(
        test_sql(db, arena, "SELECT count(*)::text FROM idempotency_keys WHERE sealed"), "1");
    const char *sql = arena_printf(
        arena,
        "SELECT (SELECT count(*) FROM audit_log a WHERE a::text LIKE '%%%s%%')"
        " + (SELECT count(*) FROM api_keys k WHERE k::text LIKE '%%%s%%')"
        " + (SELECT count(*) FROM idempotency_keys i WHERE position('%s'::bytea in answer) > 0)"
        " || ''",
        key->secret, key->secret, key->secret);
    cr_assert_str_eq(test_sql(db, arena, sql), "0");
}

Test(auth, replays_the_same_key_under_the_same_idempotency_key)
{
    tenant_a();
    const Obol__Auth__V1__ApiKey *first = create_key("once"), *second = create_key("once");
    cr_assert_str_eq(first->id, second->id);
    cr_assert_str_eq(first->secret, second->secret);
    cr_assert_str_eq(test_sql(db, arena, "SELECT count(*)::text FROM api_keys"), "1");
}

Test(auth, imports_a_key_once)
{
    cr_assert_eq(import_key("ten_a", "key_a"), STATUS_NOT_FOUND);
    tenant_a();
    cr_ok(import_key("ten_a", "key_a"));
    cr_assert_eq(import_key("ten_a", "key_a"), STATUS_ALREADY_EXISTS);
}

Test(auth, revokes_once_and_says_so_twice)
{
    Obol__Auth__V1__ApiKey *first, *second;
    tenant_a();
    cr_ok(import_key("ten_a", "key_a"));
    cr_ok(revoke("key_a", &first));
    cr_ok(revoke("key_a", &second));
    cr_assert_not_null(first->revoked_at);
    cr_assert_eq(first->revoked_at->seconds, second->revoked_at->seconds);
    cr_assert_eq(first->revoked_at->nanos, second->revoked_at->nanos);
    cr_assert_eq(revoke("key_none", &first), STATUS_NOT_FOUND);
    cr_assert_eq(revoke("\xff", &first), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(
        test_sql(db, arena, "SELECT count(*)::text FROM audit_log WHERE action = 'api_key.revoke'"),
        "1");
}

Test(auth, writes_who_did_what)
{
    tenant_a();
    cr_ok(import_key("ten_a", "key_a"));
    cr_assert_str_eq(test_sql(db, arena,
                              "SELECT string_agg(action || ' ' || object_id || ' ' || actor, ', '"
                              " ORDER BY id) FROM audit_log"),
                     "tenant.create ten_a operator:test, api_key.import key_a operator:test");
}

Test(auth, lists_tenants_and_keys_newest_first)
{
    Obol__Auth__V1__Tenant *tenant;
    tenant_a();
    cr_ok(create_tenant("ten_b", &tenant));
    cr_ok(import_key("ten_a", "key_a"));
    cr_ok(import_key("ten_a", "key_b"));
    Obol__Auth__V1__ListTenantsRequest tenants = OBOL__AUTH__V1__LIST_TENANTS_REQUEST__INIT;
    Obol__Auth__V1__TenantList *tenant_list;
    tenants.limit = 1;
    cr_ok(ask(METHOD_AuthService_ListTenants, &tenants.base, &tenant_list));
    cr_assert_str_eq(tenant_list->object, "list");
    cr_assert(tenant_list->n_data == 1 && tenant_list->has_more);
    cr_assert_str_eq(tenant_list->data[0]->id, "ten_b");
    Obol__Auth__V1__ListKeysRequest keys = OBOL__AUTH__V1__LIST_KEYS_REQUEST__INIT;
    Obol__Auth__V1__ApiKeyList *key_list;
    keys.tenant_id = (char *)"ten_a";
    cr_ok(ask(METHOD_AuthService_ListKeys, &keys.base, &key_list));
    cr_assert(key_list->n_data == 2 && !key_list->has_more);
    cr_assert_str_eq(key_list->data[0]->id, "key_b");
    cr_assert_str_eq(key_list->data[0]->secret, "");
    keys.starting_after = (char *)"key_b";
    cr_ok(ask(METHOD_AuthService_ListKeys, &keys.base, &key_list));
    cr_assert(key_list->n_data == 1);
}

Test(auth, refuses_lists_that_make_no_sense)
{
    Obol__Auth__V1__ListTenantsRequest tenants = OBOL__AUTH__V1__LIST_TENANTS_REQUEST__INIT;
    void *answer;
    tenants.limit = 101;
    cr_assert_eq(ask(METHOD_AuthService_ListTenants, &tenants.base, &answer),
                 STATUS_INVALID_ARGUMENT);
    Obol__Auth__V1__ListKeysRequest keys = OBOL__AUTH__V1__LIST_KEYS_REQUEST__INIT;
    cr_assert_eq(ask(METHOD_AuthService_ListKeys, &keys.base, &answer), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "tenant_id");
    keys.tenant_id = (char *)"ten_a";
    keys.starting_after = (char *)"a b";
    cr_assert_eq(ask(METHOD_AuthService_ListKeys, &keys.base, &answer), STATUS_INVALID_ARGUMENT);
}

struct bundle {
    _Atomic bool done;
};

static void bundle_done(void *context)
{
    ((struct bundle *)context)->done = true;
}

static bool bundle_is_done(void *context)
{
    return ((struct bundle *)context)->done;
}

Test(auth, verifies_a_whole_batch_each_for_itself)
{
    enum { N = 60 };
    struct call calls[N] = {0}, *all[N];
    struct bundle bundle = {false};
    tenant_a();
    cr_ok(import_key("ten_a", "key_a"));
    for (size_t i = 0; i < N; i++) {
        Obol__Auth__V1__VerifyKeyRequest request = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
        request.id = (char *)(i % 3 == 1 ? "key_none" : "key_a");
        request.secret = (char *)(i % 3 == 2 ? "secret_wrong_wrong" : SECRET);
        calls[i].arena = arena;
        calls[i].method = METHOD_AuthService_VerifyKey;
        calls[i].context = call_context_new(arena, "test", 20000);
        calls[i].request_bytes = message_pack(arena, &request.base);
        all[i] = &calls[i];
    }
    rpc_bundle(client, all, N, bundle_done, &bundle);
    test_wait(bundle_is_done, &bundle, 20000, "the bundle's answer");
    for (size_t i = 0; i < N; i++)
        cr_assert_eq(calls[i].problem.status, i % 3 ? STATUS_UNAUTHENTICATED : STATUS_OK, "%zu", i);
}

Test(auth, says_unavailable_without_a_database)
{
    Obol__Auth__V1__VerifyKeyResponse *response;
    Obol__Auth__V1__Tenant *tenant;
    tenant_a();
    db_free(db);
    db = NULL;
    struct test_database gone = database;
    test_database_drop(&gone);
    cr_assert_eq(verify("key_a", SECRET, &response), STATUS_UNAVAILABLE);
    cr_assert_eq(create_tenant("ten_b", &tenant), STATUS_UNAVAILABLE);
}
