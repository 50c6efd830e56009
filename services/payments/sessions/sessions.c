// The table, and the thread that keeps what is in it fresh.
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sessions/sessions_internal.h"
#include "state.h"

#define BUCKETS_N 4099 // a prime, in the order of how many credentials are at work
#define TURN_MS_MAX 1000
#define LOOK_AGAIN_MS 1000 // whoever waits looks also without news

// --- The table
struct session *sessions_find(struct sessions *sessions, const struct provider_use *use,
                              const char *tenant_id, size_t which)
{
    char key[SESSION_KEY_SIZE];
    if (!session_key(use->credential->id, which, key))
        return NULL;
    struct session *session = (struct session *)recent_find(&sessions->table, key);
    if (!session) {
        session = session_new(use, tenant_id, which);
        if (!session)
            return NULL;
        recent_add(&sessions->table, &session->item);
    }
    session_follow(session, use->credential->updated_us);
    return session;
}

static void tell_why(const struct session *session, struct arena *arena, struct outcome *ret)
{
    *ret = (struct outcome){
        .kind = OUTCOME_FAILED,
        .elsewhere = true,
        .error_code = arena_strdup(arena, session->error_code),
        .error_message = arena_strdup(arena, session->error_message),
    };
}

static enum session_state look_at(struct sessions *sessions, struct session *session,
                                  struct provider_use *use, struct outcome *ret_why)
{
    int64_t now_ns = clock_now_ns();
    session->used_ns = now_ns;
    if (session_good(session, now_ns)) {
        const char *text = arena_strdup(use->arena, session->text);
        use->sessions[session->which] = text;
        return text ? SESSION_READY : SESSION_WAITS;
    }
    if (session_is_refused(session, now_ns)) {
        tell_why(session, use->arena, ret_why);
        return SESSION_REFUSED;
    }
    if (!session->wanted && !session->busy)
        http_client_wake(sessions->client);
    session->wanted = true;
    bool away = session->failures > 0 && !session->busy && now_ns < session->next_ns;
    return away ? SESSION_AWAY : SESSION_WAITS;
}

enum session_state sessions_look(struct sessions *sessions, const char *tenant_id, unsigned needs,
                                 struct provider_use *use, struct outcome *ret_why)
{
    enum session_state state = SESSION_READY;
    assert(use->provider->sessions_n <= PROVIDER_SESSIONS_MAX);
    for (size_t i = 0; i < use->provider->sessions_n; i++) {
        if (!(needs & 1u << i))
            continue;
        struct session *session = sessions_find(sessions, use, tenant_id, i);
        enum session_state one = session ? look_at(sessions, session, use, ret_why) : SESSION_WAITS;
        state = one > state ? one : state;
    }
    return state;
}

// --- For everybody
enum session_state sessions_fill(struct sessions *sessions, const struct setup *setup,
                                 unsigned needs, struct provider_use *use, struct outcome *ret_why)
{
    pthread_mutex_lock(&sessions->lock);
    enum session_state state = sessions_look(sessions, setup->tenant_id, needs, use, ret_why);
    pthread_mutex_unlock(&sessions->lock);
    return state;
}

static void wait_for_news(struct sessions *sessions, int64_t deadline_ns)
{
    int64_t until_ns = clock_deadline_ns(LOOK_AGAIN_MS);
    if (until_ns > deadline_ns)
        until_ns = deadline_ns;
    struct timespec until = {.tv_sec = until_ns / NS_PER_S, .tv_nsec = until_ns % NS_PER_S};
    pthread_cond_timedwait(&sessions->news, &sessions->lock, &until);
}

enum session_state sessions_wait(struct sessions *sessions, const struct setup *setup,
                                 unsigned needs, int64_t deadline_ns, struct provider_use *use,
                                 struct outcome *ret_why)
{
    pthread_mutex_lock(&sessions->lock);
    enum session_state state = sessions_look(sessions, setup->tenant_id, needs, use, ret_why);
    while ((state == SESSION_WAITS || state == SESSION_AWAY) && clock_left_ms(deadline_ns) > 0) {
        wait_for_news(sessions, deadline_ns);
        state = sessions_look(sessions, setup->tenant_id, needs, use, ret_why);
    }
    pthread_mutex_unlock(&sessions->lock);
    return state;
}

void sessions_refused(struct sessions *sessions, const struct setup *setup, unsigned needs,
                      const struct provider_use *use)
{
    bool any = false;
    pthread_mutex_lock(&sessions->lock);
    for (size_t i = 0; i < use->provider->sessions_n; i++) {
        if (!(needs & 1u << i) || !use->sessions[i])
            continue;
        struct session *session = sessions_find(sessions, use, setup->tenant_id, i);
        any = (session && session_spoil(session, use->sessions[i], clock_now_ns())) || any;
    }
    pthread_mutex_unlock(&sessions->lock);
    if (any)
        http_client_wake(sessions->client);
}

void sessions_on_news(struct sessions *sessions, void (*call)(void *context), void *context)
{
    pthread_mutex_lock(&sessions->call_lock);
    sessions->call = call;
    sessions->call_context = context;
    pthread_mutex_unlock(&sessions->call_lock);
}

void sessions_tell(struct sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    pthread_cond_broadcast(&sessions->news);
    pthread_mutex_unlock(&sessions->lock);
    pthread_mutex_lock(&sessions->call_lock);
    if (sessions->call)
        sessions->call(sessions->call_context);
    pthread_mutex_unlock(&sessions->call_lock);
}

// --- The thread
static void forget_unused(struct sessions *sessions, int64_t now_ns)
{
    struct recent_item *item = sessions->table.oldest;
    while (item) {
        struct session *session = (struct session *)item;
        if (session->busy || now_ns - session->used_ns < SESSION_IDLE_MS * NS_PER_MS)
            return;
        item = item->newer;
        recent_remove(&sessions->table, &session->item);
        session_free(session);
    }
}

// Those that are due now, busy from here on; *ret_wake_ns is when the next of the others will be.
static size_t gather(struct sessions *sessions, struct session **ret, size_t max,
                     int64_t *ret_wake_ns)
{
    int64_t now_ns = clock_now_ns();
    size_t n = 0;
    *ret_wake_ns = now_ns + TURN_MS_MAX * NS_PER_MS;
    pthread_mutex_lock(&sessions->lock);
    forget_unused(sessions, now_ns);
    for (struct recent_item *item = sessions->table.newest; item; item = item->older) {
        struct session *session = (struct session *)item;
        int64_t due_ns = session_due_ns(session);
        if (due_ns <= now_ns && n < max) {
            session->busy = true;
            ret[n++] = session;
        } else if (due_ns < *ret_wake_ns) {
            *ret_wake_ns = due_ns;
        }
    }
    pthread_mutex_unlock(&sessions->lock);
    return n;
}

static void turn(struct sessions *sessions)
{
    struct session *due[SESSION_JOBS_MAX];
    struct http_response responses[SESSION_JOBS_MAX];
    int64_t wake_ns;
    size_t places = sessions_jobs_free(sessions);
    size_t n = gather(sessions, due, places, &wake_ns);
    for (size_t i = 0; i < n; i++)
        session_begin(sessions, due[i]);
    // What was begun may be due again at once, with a look at its row; without a place it waits.
    int64_t left_ms = n > 0 ? 0 : places == 0 ? TURN_MS_MAX : clock_left_ms(wake_ns);
    size_t answered = http_client_collect(sessions->client, sessions->arena, left_ms, responses,
                                          SESSION_JOBS_MAX);
    for (size_t i = 0; i < answered; i++)
        session_finish(sessions, &responses[i]);
    arena_reset(sessions->arena);
}

static void *run(void *context)
{
    struct sessions *sessions = context;
    sessions->db = db_new(&sessions->db_config);
    while (sessions->db && !atomic_load(&sessions->stopping))
        turn(sessions);
    db_free(sessions->db);
    return NULL;
}

static void locks_init(struct sessions *sessions)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sessions->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&sessions->lock, NULL);
    pthread_mutex_init(&sessions->call_lock, NULL);
}

static void release(struct sessions *sessions)
{
    if (sessions->client)
        http_client_free(sessions->client); // aborts what is under way, before its memory goes
    sessions_drop_jobs(sessions);
    while (sessions->table.oldest) {
        struct session *session = (struct session *)sessions->table.oldest;
        recent_remove(&sessions->table, &session->item);
        session_free(session);
    }
    recent_deinit(&sessions->table);
    arena_free(sessions->arena);
    pthread_cond_destroy(&sessions->news);
    pthread_mutex_destroy(&sessions->lock);
    pthread_mutex_destroy(&sessions->call_lock);
    free(sessions);
}

struct sessions *sessions_start(const struct payments_state *state, const struct db_config *db)
{
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (!sessions)
        return NULL;
    sessions->state = state;
    sessions->db_config = *db;
    locks_init(sessions);
    sessions->client = http_client_new(SESSION_JOBS_MAX, "Obol/" OBOL_VERSION);
    sessions->arena = arena_new(ARENA_CAP_BATCH);
    sessions->fetched =
        metric_counter("obol_provider_sessions_total",
                       "Access tokens by what became of asking for them.", "provider,outcome");
    if (sessions->client && sessions->arena && recent_init(&sessions->table, BUCKETS_N) &&
        pthread_create(&sessions->thread, NULL, run, sessions) == 0)
        return sessions;
    release(sessions);
    return NULL;
}

void sessions_stop(struct sessions *sessions)
{
    if (!sessions)
        return;
    atomic_store(&sessions->stopping, true);
    http_client_wake(sessions->client);
    pthread_join(sessions->thread, NULL);
    release(sessions);
}
