// Access tokens from a provider in the test's own process: how often it is asked, and who gets
// what.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/server.h"
#include "payments_sql.h"
#include "sessions/sessions.h"
#include "setup/store_setup.h"
#include "state.h"
#include "support/support.h"

#define TENANT "tnt_a"
#define CREDENTIAL "cred_1"
#define WAIT_MS 10000
#define TOKEN 1u
#define KEY 2u // asking for it needs the token

// --- The provider
static struct {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    struct http_server *server;
    int asked[PROVIDER_SESSIONS_MAX];
    char authorization[128]; // of the last request for the key
    int status;              // of its answers
    int lives_s;
    bool closed; // answers wait until it is opened
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER};

static void fake_handle(void *state, struct http_exchange *exchange)
{
    (void)state;
    struct arena *arena = http_arena(exchange);
    size_t which = strcmp(http_path(exchange), "/1") == 0;
    pthread_mutex_lock(&fake.lock);
    int number = ++fake.asked[which];
    const char *authorization = http_header_in(exchange, "Authorization");
    if (which == 1)
        snprintf(fake.authorization, sizeof fake.authorization, "%s",
                 authorization ? authorization : "");
    while (fake.closed)
        pthread_cond_wait(&fake.opened, &fake.lock);
    const struct json_member members[] = {
        JSON_S("text", arena_printf(arena, "%s-%d", which ? "key" : "token", number)),
        JSON_I("lives_s", fake.lives_s),
        {0}};
    int status = fake.status;
    pthread_mutex_unlock(&fake.lock);
    http_reply(exchange, status, bytes_of_string(json_object(arena, members)));
}

#define FAKE(assignments)                                                                          \
    do {                                                                                           \
        pthread_mutex_lock(&fake.lock);                                                            \
        assignments;                                                                               \
        pthread_cond_broadcast(&fake.opened);                                                      \
        pthread_mutex_unlock(&fake.lock);                                                          \
    } while (0)

static int asked(size_t which)
{
    int n;
    FAKE(n = fake.asked[which]);
    return n;
}

static bool build(const struct provider_use *use, size_t which, struct http_request *ret)
{
    struct http_header *headers = ARENA_NEW(use->arena, struct http_header);
    *headers = (struct http_header){"Authorization", use->sessions[0] ? use->sessions[0] : "none"};
    *ret = (struct http_request){
        .method = "GET",
        .url = arena_printf(use->arena, "%s/%zu",
                            credential_base_url(use->credential, use->provider), which),
        .headers = headers,
        .headers_n = 1,
        .total_ms = use->provider->total_ms,
        .response_max = PROVIDER_RESPONSE_MAX,
    };
    return true;
}

static void read_answer(const struct provider_use *use, size_t which,
                        const struct http_response *response, struct session_grant *ret)
{
    (void)which;
    const struct json_value *body = NULL;
    ret->outcome = (struct outcome){.kind = OUTCOME_NOT_SENT, .unwell = true};
    if (response->status == 401)
        ret->outcome = (struct outcome){.kind = OUTCOME_FAILED,
                                        .error_code = "provider_setup",
                                        .error_message = "The key is wrong."};
    if (response->status == 200 && json_parse(use->arena, response->body, &body) == STATUS_OK &&
        json_get_integer(body, "lives_s", &ret->lives_s))
        ret->text = json_get_string(body, "text");
}

static const struct provider_session provider_sessions[] = {{"token", 0}, {"key", TOKEN}};
static struct provider provider = {
    .name = "fake",
    .total_ms = 5000,
    .sessions = provider_sessions,
    .sessions_n = 2,
    .session = build,
    .read_session = read_answer,
};

// --- The stage
static struct test_database database;
static struct db_config config;
static struct db *db;
static struct arena *arena;
static struct keyring ring;
static struct payments_settings settings;
static struct payments_state states[2];
static struct sessions *replicas[2];
static char url[64];
static _Atomic int news;

static void put_credential(int64_t updated_us)
{
    struct sealed_credential row = {.credential = {.id = CREDENTIAL,
                                                   .tenant_id = TENANT,
                                                   .provider = "fake",
                                                   .enabled = true,
                                                   .label = "",
                                                   .created_us = 1,
                                                   .updated_us = updated_us}};
    row.sealed = keyring_seal(&ring, arena, bytes_of_string("{}"),
                              credential_context(arena, TENANT, CREDENTIAL));
    cr_ok(store_credential_put(db, arena, &row));
    for (size_t i = 0; i < 2; i++)
        setups_forget(states[i].setups, TENANT);
}

static void on_news(void *context)
{
    (void)context;
    atomic_fetch_add(&news, 1);
}

static struct sessions *replica_start(size_t i)
{
    replicas[i] = sessions_start(&states[i], &config);
    cr_assert_not_null(replicas[i]);
    sessions_on_news(replicas[i], on_news, NULL);
    return replicas[i];
}

static void begin(void)
{
    struct db_migrations migrations = {"payments", payments_migrations, payments_migrations_n};
    FAKE(fake.status = 200; fake.lives_s = 3600);
    struct http_server_config server = {.address = "127.0.0.1",
                                        .loops = 1,
                                        .body_max = 65536,
                                        .connections_max = 64,
                                        .request_s = 5,
                                        .idle_s = 30,
                                        .handle = fake_handle};
    cr_ok(http_server_start(&server, &fake.server));
    snprintf(url, sizeof url, "http://127.0.0.1:%d", http_server_port(fake.server));
    provider.sandbox_url = url;
    database = test_database_new();
    db = test_db_open(&database, "payments", &migrations);
    arena = arena_new(ARENA_CAP_BATCH);
    cr_assert(
        keyring_parse("1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &ring));
    settings = (struct payments_settings){.simulator_url = "http://127.0.0.1:1",
                                          .simulator_key = "key",
                                          .simulator_callback_secret = "secret",
                                          .simulator_credential = "default",
                                          .callback_base_url = "",
                                          .provider_timeout_ms = 1000,
                                          .provider_times_percent = 100,
                                          .provider_allow_http = true};
    config = (struct db_config){.ring = test_ring(),
                                .url = database.url,
                                .schema = "payments",
                                .statement_timeout_ms = 20000};
    for (size_t i = 0; i < 2; i++) {
        states[i] = (struct payments_state){
            .settings = &settings, .ring = &ring, .providers = providers_new(&settings)};
        states[i].setups = setups_new(&ring, states[i].providers, "");
    }
    put_credential(1000);
    replica_start(0);
}

static void end(void)
{
    for (size_t i = 0; i < 2; i++) {
        sessions_stop(replicas[i]);
        setups_free(states[i].setups);
        providers_free(states[i].providers);
    }
    http_server_stop(fake.server, 1000);
    db_free(db);
    arena_free(arena);
    test_database_drop(&database);
}

TestSuite(sessions, .init = begin, .fini = end);

// Somebody who wants sessions of the credential, as it stands in the database.
struct asker {
    pthread_t thread;
    size_t replica;
    unsigned needs;
    struct arena *arena;
    const struct setup *setup;
    struct provider_use use;
    struct outcome why;
    enum session_state state;
};

static void asker_init(struct asker *asker, size_t replica, unsigned needs)
{
    *asker =
        (struct asker){.replica = replica, .needs = needs, .arena = arena_new(ARENA_CAP_REQUEST)};
    cr_ok(setups_get(states[replica].setups, db, TENANT, &asker->setup));
    asker->use = (struct provider_use){.provider = &provider,
                                       .credential = setup_credential(asker->setup, CREDENTIAL),
                                       .arena = asker->arena};
    cr_assert_not_null(asker->use.credential);
}

static void asker_deinit(struct asker *asker)
{
    setup_release(asker->setup);
    arena_free(asker->arena);
}

static void *asker_wait(void *context)
{
    struct asker *asker = context;
    asker->state = sessions_wait(replicas[asker->replica], asker->setup, asker->needs,
                                 clock_deadline_ns(WAIT_MS), &asker->use, &asker->why);
    return NULL;
}

static void asker_fill(struct asker *asker)
{
    asker->state = sessions_fill(replicas[asker->replica], asker->setup, asker->needs, &asker->use,
                                 &asker->why);
}

static void asker_begin(struct asker *asker, size_t replica)
{
    asker_init(asker, replica, TOKEN);
    cr_assert_eq(pthread_create(&asker->thread, NULL, asker_wait, asker), 0);
}

static void asker_gets(struct asker *asker, const char *token)
{
    cr_assert_eq(asker->state, SESSION_READY);
    cr_assert_str_eq(asker->use.sessions[0], token);
}

static void receives(size_t replica, const char *token)
{
    struct asker asker;
    asker_init(&asker, replica, TOKEN);
    asker_wait(&asker);
    asker_gets(&asker, token);
    asker_deinit(&asker);
}

static bool was_asked(void *context)
{
    return asked(0) >= *(int *)context;
}

static void wait_asked(int times)
{
    test_wait(was_asked, &times, WAIT_MS, "the provider to be asked");
}

static bool has_news(void *context)
{
    (void)context;
    return atomic_load(&news) > 0;
}

Test(sessions, are_fetched_once_for_a_hundred_that_wait)
{
    struct asker askers[100];
    FAKE(fake.closed = true);
    for (size_t i = 0; i < 100; i++)
        asker_begin(&askers[i], 0);
    wait_asked(1);
    FAKE(fake.closed = false);
    for (size_t i = 0; i < 100; i++) {
        pthread_join(askers[i].thread, NULL);
        asker_gets(&askers[i], "token-1");
        asker_deinit(&askers[i]);
    }
    cr_assert_eq(asked(0), 1);
    test_wait(has_news, NULL, WAIT_MS, "news");
}

Test(sessions, are_fetched_once_by_two_replicas)
{
    struct asker askers[8];
    replica_start(1);
    FAKE(fake.closed = true);
    for (size_t i = 0; i < 8; i++)
        asker_begin(&askers[i], i % 2);
    wait_asked(1);
    FAKE(fake.closed = false);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(askers[i].thread, NULL);
        asker_gets(&askers[i], "token-1");
        asker_deinit(&askers[i]);
    }
    sessions_stop(replicas[0]);
    replica_start(0); // one that starts later finds it too
    receives(0, "token-1");
    cr_assert_eq(asked(0), 1);
    cr_assert_str_eq(test_sql(db, arena,
                              "SELECT (secret IS NOT NULL) || ' ' || position('token'::bytea IN "
                              "secret) || ' ' || (fetching_until IS NULL) FROM provider_sessions"),
                     "true 0 true");
}

Test(sessions, do_not_wait_for_a_replica_that_died_for_longer_than_its_lease)
{
    test_sql(db, arena,
             "INSERT INTO provider_sessions (credential_id, name, fetching_until) VALUES ('cred_1',"
             " 'token', clock_timestamp() + interval '400 ms') RETURNING 1");
    int64_t began_ns = clock_now_ns();
    receives(0, "token-1");
    cr_assert_geq(clock_now_ns() - began_ns, 300 * NS_PER_MS);
}

static bool is_renewed(void *context)
{
    struct asker *asker = context;
    asker_fill(asker);
    cr_assert_eq(asker->state, SESSION_READY); // all the time
    return strcmp(asker->use.sessions[0], "token-2") == 0;
}

// Another replica takes it up when little of its life is left.
Test(sessions, are_renewed_before_they_expire)
{
    struct asker asker;
    receives(0, "token-1");
    test_sql(db, arena,
             "UPDATE provider_sessions SET granted_at = clock_timestamp() - interval '90 s', "
             "expires_at = clock_timestamp() + interval '20 s' RETURNING 1");
    replica_start(1);
    asker_init(&asker, 1, TOKEN);
    asker_wait(&asker);
    test_wait(is_renewed, &asker, WAIT_MS, "the renewal");
    asker_deinit(&asker);
    cr_assert_eq(asked(0), 2);
}

static void *refuse(void *context)
{
    struct asker *asker = context;
    sessions_refused(replicas[asker->replica], asker->setup, TOKEN, &asker->use);
    struct provider_use refused = asker->use;
    asker_wait(asker);
    // Late news of the old text do no harm to the new one.
    sessions_refused(replicas[asker->replica], asker->setup, TOKEN, &refused);
    return NULL;
}

Test(sessions, are_fetched_once_more_when_the_provider_refuses_them)
{
    struct asker askers[20];
    replica_start(1);
    receives(0, "token-1");
    for (size_t i = 0; i < 20; i++) {
        asker_init(&askers[i], i % 2, TOKEN);
        asker_wait(&askers[i]);
        asker_gets(&askers[i], "token-1");
    }
    for (size_t i = 0; i < 20; i++)
        cr_assert_eq(pthread_create(&askers[i].thread, NULL, refuse, &askers[i]), 0);
    for (size_t i = 0; i < 20; i++) {
        pthread_join(askers[i].thread, NULL);
        asker_gets(&askers[i], "token-2");
    }
    for (size_t i = 0; i < 20; i++) {
        asker_fill(&askers[i]);
        asker_gets(&askers[i], "token-2");
        asker_deinit(&askers[i]);
    }
    cr_assert_eq(asked(0), 2);
}

// Between two tries; while one is under way its end isn't known.
static bool is_away(void *context)
{
    struct asker *asker = context;
    return sessions_wait(replicas[0], asker->setup, TOKEN, clock_deadline_ns(100), &asker->use,
                         &asker->why) == SESSION_AWAY;
}

Test(sessions, come_when_the_provider_does)
{
    struct asker asker;
    FAKE(fake.status = 503);
    asker_init(&asker, 0, TOKEN);
    test_wait(is_away, &asker, 10000, "it is known that the provider is away");
    asker_begin(&asker, 0);
    wait_asked(2);
    FAKE(fake.status = 200);
    pthread_join(asker.thread, NULL);
    cr_assert_eq(asker.state, SESSION_READY);
    asker_deinit(&asker);
}

static bool is_not_refused(void *context)
{
    asker_fill(context);
    return ((struct asker *)context)->state != SESSION_REFUSED;
}

Test(sessions, are_not_asked_for_again_and_again_with_a_wrong_credential)
{
    struct asker asker;
    FAKE(fake.status = 401);
    asker_init(&asker, 0, TOKEN);
    asker_wait(&asker);
    int64_t began_ns = clock_now_ns();
    cr_assert_eq(asker.state, SESSION_REFUSED);
    cr_assert_eq(asker.why.kind, OUTCOME_FAILED);
    cr_assert_str_eq(asker.why.error_code, "provider_setup");
    cr_assert_str_eq(asker.why.error_message, "The key is wrong.");
    cr_assert_eq(asked(0), 1);
    test_wait(is_not_refused, &asker, WAIT_MS, "another try");
    cr_assert_geq(clock_now_ns() - began_ns, 800 * NS_PER_MS);
    asker_wait(&asker); // now for two seconds
    cr_assert_eq(asker.state, SESSION_REFUSED);
    cr_assert_eq(asked(0), 2);
    asker_deinit(&asker);
    FAKE(fake.status = 200);
    put_credential(2000);
    began_ns = clock_now_ns();
    receives(0, "token-3"); // put right, it does not wait for that
    cr_assert_lt(clock_now_ns() - began_ns, 1000 * NS_PER_MS);
}

Test(sessions, of_an_older_credential_are_forgotten_by_all_replicas)
{
    replica_start(1);
    receives(0, "token-1");
    receives(1, "token-1");
    put_credential(2000);
    receives(0, "token-2");
    receives(1, "token-2");
    cr_assert_eq(asked(0), 2);
}

Test(sessions, may_need_another_session)
{
    struct asker asker;
    asker_init(&asker, 0, KEY);
    asker_wait(&asker);
    cr_assert_eq(asker.state, SESSION_READY);
    cr_assert_null(asker.use.sessions[0]); // only what was asked for
    cr_assert_str_eq(asker.use.sessions[1], "key-1");
    FAKE(cr_assert_str_eq(fake.authorization, "token-1"));
    cr_assert_eq(asked(0), 1);
    asker_deinit(&asker);
}

Test(sessions, are_refused_where_what_they_need_is)
{
    struct asker asker;
    FAKE(fake.status = 401);
    asker_init(&asker, 0, TOKEN | KEY);
    asker_wait(&asker);
    cr_assert_eq(asker.state, SESSION_REFUSED);
    cr_assert_str_eq(asker.why.error_message, "The key is wrong.");
    cr_assert_eq(asked(1), 0);
    asker_deinit(&asker);
}

Test(sessions, end_with_a_request_under_way)
{
    FAKE(fake.closed = true);
    struct asker asker;
    asker_init(&asker, 0, TOKEN);
    asker_fill(&asker);
    cr_assert_eq(asker.state, SESSION_WAITS);
    wait_asked(1);
    sessions_stop(replicas[0]); // does not wait for the answer
    replicas[0] = NULL;
    FAKE(fake.closed = false);
    asker_deinit(&asker);
}
