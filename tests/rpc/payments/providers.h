// ProviderService behind a real server, and what its tests ask of it.
#pragma once
#include "../../store/payments/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "obol/payments/v1/providers.obol.h"
#include "rpc/client.h"

#define BASE_URL "https://pay.example"
#define SECRET "kept-secret-71"

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

static inline void *worker_begin(void *context)
{
    struct fixture *fixture = context;
    struct worker *worker = calloc(1, sizeof *worker);
    *worker = fixture->worker;
    worker->arena = arena_new(ARENA_CAP_BATCH);
    worker->db = db_new(&(struct db_config){.ring = test_ring(),
                                            .url = fixture->database.url,
                                            .schema = "payments",
                                            .application = "test",
                                            .lock_timeout_ms = 300});
    return worker;
}

static inline void worker_end(void *context)
{
    struct worker *worker = context;
    db_free(worker->db);
    arena_free(worker->arena);
    free(worker);
}

static inline void begin(void)
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

static inline void end(void)
{
    rpc_client_free(client);
    rpc_server_stop(server, 1000);
    health_free(health);
    setups_free(f.state.setups);
    f.state.setups = fixture_setups;
    fixture_end(&f);
}

// NULL when it is refused: see problem. No answer and no refusal shows a secret.
static inline ProtobufCMessage *ask(const struct method *method, const ProtobufCMessage *request,
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

static inline void assert_problem(enum status status, const char *code, const char *param)
{
    cr_assert_eq(problem.status, status, "%s: %s", status_name(problem.status), problem.detail);
    cr_assert_str_eq(problem.code, code);
    cr_assert_str_eq(problem.param, param, "%s: %s", problem.param, problem.detail);
}

// "api_key=k", …; ends with NULL.
static inline SetCredential *setting(const char *const *fields)
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

static inline SetCredential *mtn(const char *base_url)
{
    SetCredential *request =
        base_url ? FIELDS("api_user=user", "api_key=" SECRET, "subscription_key=" SECRET "-s",
                          arena_printf(f.arena, "base_url=%s", base_url))
                 : FIELDS("api_user=user", "api_key=" SECRET, "subscription_key=" SECRET "-s");
    request->provider = "mtn";
    return request;
}

static inline Credential *set(const SetCredential *request, const char *key)
{
    return (Credential *)ask(METHOD_ProviderService_SetCredential, &request->base, key);
}

static inline Credential *made(const SetCredential *request)
{
    Credential *credential = set(request, NULL);
    cr_assert_not_null(credential, "%s %s: %s", problem.code, problem.param, problem.detail);
    return credential;
}
