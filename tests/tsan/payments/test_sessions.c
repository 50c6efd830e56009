// Two replicas fetch, share, renew and lose access tokens while threads ask for them, under the
// thread sanitizer. Needs the server that OBOL_TEST_DATABASE_URL names, in which it makes a schema
// of its own for as long as it runs.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/migrate.h"
#include "http/server.h"
#include "journal/journal.h"
#include "payments_sql.h"
#include "sessions/sessions.h"
#include "setup/store_setup.h"
#include "state.h"

#define TENANT "tnt_a"
#define CREDENTIAL "cred_1"
#define THREADS 8
#define ROUNDS 200
#define REFUSED_EVERY 100 // rounds

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "failed: %s\n", what);
    abort();
}

// --- The provider
static void handle(void *state, struct http_exchange *exchange)
{
    static _Atomic int asked;
    (void)state;
    const struct json_member members[] = {
        JSON_I("lives_s", 2),
        JSON_S("text", arena_printf(http_arena(exchange), "token-%d", atomic_fetch_add(&asked, 1))),
        {0}};
    http_reply(exchange, 200, bytes_of_string(json_object(http_arena(exchange), members)));
}

static bool build(const struct provider_use *use, size_t which, struct http_request *ret)
{
    (void)which;
    *ret = (struct http_request){.method = "GET",
                                 .url = credential_base_url(use->credential, use->provider),
                                 .total_ms = use->provider->total_ms,
                                 .response_max = PROVIDER_RESPONSE_MAX};
    return true;
}

static void read_answer(const struct provider_use *use, size_t which,
                        const struct http_response *response, struct session_grant *ret)
{
    (void)which;
    const struct json_value *body = NULL;
    ret->outcome.kind = OUTCOME_NOT_SENT;
    if (json_parse(use->arena, response->body, &body) == STATUS_OK &&
        json_get_integer(body, "lives_s", &ret->lives_s))
        ret->text = json_get_string(body, "text");
}

static const struct provider_session provider_sessions[] = {{"token", 0}};
static struct provider provider = {.name = "fake",
                                   .total_ms = 5000,
                                   .sessions = provider_sessions,
                                   .sessions_n = 1,
                                   .session = build,
                                   .read_session = read_answer};

// --- The stage
static char schema[64], url[64];
static struct keyring ring;
static struct payments_settings settings = {.simulator_url = "http://127.0.0.1:1",
                                            .simulator_key = "key",
                                            .simulator_callback_secret = "secret",
                                            .simulator_credential = "default",
                                            .callback_base_url = "",
                                            .provider_times_percent = 100,
                                            .provider_allow_http = true};
static struct db_config config;
static struct payments_state states[2];
static struct sessions *replicas[2];

static void stage_begin(struct db *db, struct arena *arena)
{
    struct db_migrations journal = {schema, journal_migrations, journal_migrations_n};
    struct db_migrations payments = {schema, payments_migrations, payments_migrations_n};
    must(db_migrate_up(db, &journal) == STATUS_OK, "the journal's migrations");
    must(db_migrate_up(db, &payments) == STATUS_OK, "the migrations");
    must(keyring_parse("1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &ring),
         "the keyring");
    struct sealed_credential row = {.credential = {.id = CREDENTIAL,
                                                   .tenant_id = TENANT,
                                                   .provider = "fake",
                                                   .enabled = true,
                                                   .label = "",
                                                   .created_us = 1,
                                                   .updated_us = 1}};
    row.sealed = keyring_seal(&ring, arena, bytes_of_string("{}"),
                              credential_context(arena, TENANT, CREDENTIAL));
    must(store_credential_put(db, arena, &row) == STATUS_OK, "the credential");
    for (size_t i = 0; i < 2; i++) {
        states[i] = (struct payments_state){
            .settings = &settings, .ring = &ring, .providers = providers_new(&settings)};
        states[i].setups = setups_new(&ring, states[i].providers, "");
        replicas[i] = sessions_start(&states[i], &config);
        must(replicas[i], "the sessions");
    }
}

static void stage_end(struct db *db, struct arena *arena)
{
    for (size_t i = 0; i < 2; i++) {
        sessions_stop(replicas[i]);
        setups_free(states[i].setups);
        providers_free(states[i].providers);
    }
    const char *script = arena_printf(arena, "DROP SCHEMA %s CASCADE", schema);
    must(db_script(db, arena, script, NULL) == STATUS_OK, "the end of the schema");
}

// --- Those who ask
static void *ask(void *context)
{
    size_t replica = *(const size_t *)context;
    struct db *db = db_new(&config);
    for (int i = 1; i <= ROUNDS; i++) {
        struct arena *arena = arena_new(ARENA_CAP_REQUEST);
        const struct setup *setup = NULL;
        must(setups_get(states[replica].setups, db, TENANT, &setup) == STATUS_OK, "the setup");
        struct outcome why;
        struct provider_use use = {.provider = &provider,
                                   .credential = setup_credential(setup, CREDENTIAL),
                                   .arena = arena};
        must(sessions_wait(replicas[replica], setup, 1, clock_deadline_ns(20000), &use, &why) ==
                 SESSION_READY,
             "a token");
        if (i % REFUSED_EVERY == 0)
            sessions_refused(replicas[replica], setup, 1, &use);
        setup_release(setup);
        arena_free(arena);
    }
    db_free(db);
    return NULL;
}

static void on_news(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
}

int main(void)
{
    const char *server_url = getenv("OBOL_TEST_DATABASE_URL");
    pthread_t threads[THREADS];
    static const size_t replica_of[] = {0, 1};
    _Atomic int news = 0;
    struct http_server *server = NULL;
    struct http_server_config listener = {.address = "127.0.0.1",
                                          .loops = 1,
                                          .body_max = 65536,
                                          .connections_max = 64,
                                          .request_s = 5,
                                          .idle_s = 30,
                                          .handle = handle};
    must(server_url && *server_url, "OBOL_TEST_DATABASE_URL names a server");
    must(http_server_start(&listener, &server) == STATUS_OK, "the listener");
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_server_port(server));
    snprintf(schema, sizeof schema, "sessions_%c%c%c%c%c%c", 'a' + getpid() % 23,
             'a' + getpid() / 23 % 23, 'a' + getpid() / 529 % 23, 'a' + (int)(clock_now_ns() % 19),
             'a' + (int)(clock_now_ns() / 19 % 19), 'a' + (int)(clock_now_ns() / 361 % 19));
    provider.sandbox_url = url;
    config = (struct db_config){
        .ring = &ring, .url = server_url, .schema = schema, .application = "test"};
    struct db *db = db_new(&config);
    struct arena *arena = arena_new(ARENA_CAP_BATCH);
    stage_begin(db, arena);
    sessions_on_news(replicas[0], on_news, &news);
    for (size_t i = 0; i < THREADS; i++)
        must(pthread_create(&threads[i], NULL, ask, (void *)(uintptr_t)&replica_of[i % 2]) == 0,
             "a thread");
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    sessions_on_news(replicas[0], NULL, NULL);
    must(atomic_load(&news) > 1, "news");
    stage_end(db, arena);
    http_server_stop(server, 1000);
    db_free(db);
    arena_free(arena);
    return EXIT_SUCCESS;
}
