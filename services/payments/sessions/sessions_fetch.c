// Fetching: the row first, for another replica may have been faster, then its lease, then the
// provider.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "sessions/sessions_internal.h"
#include "state.h"

#define LEASE_MARGIN_MS 2000 // a lease outlives the request by this
#define POLL_MS 100          // another replica is at it: its row is looked at again
#define PARENT_MS 50         // what is needed to ask is itself being asked for
#define AGAIN_MS 1000        // our own database or memory failed

struct session_job {
    struct session *session;
    struct arena *arena;
    const struct setup *setup;
    struct provider_use use;
    int64_t updated_us; // of the credential that it asks with
    struct http_request request;
    struct session_lease lease;
};

static void job_free(struct session_job *job)
{
    setup_release(job->setup);
    arena_free(job->arena); // the job is in it
}

size_t sessions_jobs_free(const struct sessions *sessions)
{
    return SESSION_JOBS_MAX - http_client_busy(sessions->client);
}

void sessions_drop_jobs(struct sessions *sessions)
{
    for (size_t i = 0; i < SESSION_JOBS_MAX; i++)
        if (sessions->jobs[i])
            job_free(sessions->jobs[i]);
}

static const char *name_of(const struct session *session)
{
    return session->provider->sessions[session->which].name;
}

static void count(struct sessions *sessions, const struct session *session, const char *outcome)
{
    metric_add(sessions->fetched, 1, METRIC_LABELS(session->provider->name, outcome));
}

// --- What the thread concludes, each under the lock
static void later(struct sessions *sessions, struct session *session, int64_t ms)
{
    pthread_mutex_lock(&sessions->lock);
    session_later(session, ms, clock_now_ns());
    pthread_mutex_unlock(&sessions->lock);
}

static void refuse(struct sessions *sessions, struct session *session,
                   const struct outcome *outcome)
{
    log_warn("session refused by the provider", LOG_S("provider", session->provider->name),
             LOG_S("credential", session->credential_id), LOG_S("session", name_of(session)),
             LOG_S("reason", outcome->error_message));
    count(sessions, session, "refused");
    pthread_mutex_lock(&sessions->lock);
    session_refuse(session, outcome, clock_now_ns());
    pthread_mutex_unlock(&sessions->lock);
    sessions_tell(sessions);
}

static void fail(struct sessions *sessions, struct session *session, const char *reason,
                 int http_status)
{
    log_warn("session not fetched", LOG_S("provider", session->provider->name),
             LOG_S("credential", session->credential_id), LOG_S("session", name_of(session)),
             LOG_S("reason", reason), LOG_I("status", http_status));
    count(sessions, session, "failed");
    pthread_mutex_lock(&sessions->lock);
    session_fail(session, clock_now_ns());
    pthread_cond_broadcast(
        &sessions->news); // whoever still waits says so, or it is not tried again
    pthread_mutex_unlock(&sessions->lock);
}

// False when the credential was changed while this was fetched with the older one.
static bool grant(struct sessions *sessions, const struct session_job *job, const char *text,
                  struct session_life life)
{
    struct session *session = job->session;
    int64_t now_ns = clock_now_ns();
    pthread_mutex_lock(&sessions->lock);
    bool current = session->updated_us == job->updated_us;
    if (!current || !session_grant(session, text, life, clock_unix_us(), now_ns))
        session_later(session, AGAIN_MS, now_ns);
    pthread_mutex_unlock(&sessions->lock);
    return current;
}

// --- The row
static struct session_name row_name(const struct session *session)
{
    return (struct session_name){session->credential_id, name_of(session)};
}

static const char *context_of(struct arena *arena, const struct session *session)
{
    return arena_printf(arena, "session:%s/%s", session->credential_id, name_of(session));
}

// What is sealed names the version of the credential before the text, so that no replica goes on
// with what was granted to an older one.
static struct bytes seal(struct sessions *sessions, const struct session_job *job, const char *text)
{
    const char *context = context_of(job->arena, job->session);
    char *plain = arena_printf(job->arena, "%" PRId64 " %s", job->updated_us, text);
    if (!context || !plain)
        return (struct bytes){0};
    struct bytes sealed =
        keyring_seal(sessions->state->ring, job->arena, bytes_of_string(plain), context);
    crypto_wipe(plain, strlen(plain));
    return sealed;
}

// NULL when it is of another version of the credential, or can't be opened.
static const char *unseal(struct sessions *sessions, const struct session_job *job,
                          struct bytes sealed)
{
    const char *context = context_of(job->arena, job->session);
    struct bytes plain;
    if (!context || !sealed.at ||
        keyring_open(sessions->state->ring, job->arena, sealed, context, &plain) != STATUS_OK)
        return NULL;
    const char *text = arena_strndup(job->arena, (const char *)plain.at, plain.length);
    char *end = NULL;
    if (!text || strtoll(text, &end, 10) != job->updated_us || *end != ' ')
        return NULL;
    return end + 1;
}

// Whether the row has something better than what we have.
static const char *news_in(struct sessions *sessions, const struct session_job *job,
                           const struct session_row *row)
{
    const char *text = unseal(sessions, job, row->sealed);
    if (!text || row->expires_us <= clock_unix_us())
        return NULL;
    pthread_mutex_lock(&sessions->lock);
    const struct session *session = job->session;
    bool news =
        !session_is_spoiled(session, text) && (!session->text || strcmp(session->text, text) != 0);
    pthread_mutex_unlock(&sessions->lock);
    return news ? text : NULL;
}

// --- Beginning
// NULL: not now, and the session knows when.
static struct session_job *job_new(struct sessions *sessions, struct session *session)
{
    const struct payments_state *state = sessions->state;
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct session_job *job = arena ? ARENA_NEW(arena, struct session_job) : NULL;
    const struct setup *setup = NULL;
    if (!job || setups_get(state->setups, sessions->db, session->tenant_id, &setup) != STATUS_OK) {
        arena_free(arena);
        later(sessions, session, AGAIN_MS);
        return NULL;
    }
    *job = (struct session_job){.session = session, .arena = arena, .setup = setup};
    const struct credential *credential = setup_credential(setup, session->credential_id);
    if (!credential) {
        struct outcome gone = {.error_message = "There is no such credential any more."};
        refuse(sessions, session, &gone);
        job_free(job);
        return NULL;
    }
    job->use = (struct provider_use){.provider = session->provider,
                                     .credential = credential,
                                     .arena = arena,
                                     .callback_url = credential->callback_url};
    job->updated_us = credential->updated_us;
    pthread_mutex_lock(&sessions->lock);
    session_follow(session, credential->updated_us);
    pthread_mutex_unlock(&sessions->lock);
    return job;
}

// What another replica fetched. True when that was all.
static bool adopt(struct sessions *sessions, struct session_job *job)
{
    struct session_row row = {0};
    job->lease = (struct session_lease){.name = row_name(job->session), .seen_us = DB_TIME_NULL};
    enum status status = store_session_get(sessions->db, job->arena, job->lease.name, &row);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        later(sessions, job->session, AGAIN_MS);
        return true;
    }
    if (status == STATUS_NOT_FOUND)
        return false;
    job->lease.seen_us = row.granted_us;
    const char *text = news_in(sessions, job, &row);
    if (!text)
        return false;
    if (grant(sessions, job, text, (struct session_life){row.granted_us, row.expires_us})) {
        count(sessions, job->session, "shared");
        sessions_tell(sessions);
    }
    return true;
}

// What the request itself travels under. True when it is there.
static bool parents_ready(struct sessions *sessions, struct session_job *job)
{
    struct session *session = job->session;
    struct outcome why = {0};
    pthread_mutex_lock(&sessions->lock);
    enum session_state state =
        sessions_look(sessions, session->tenant_id,
                      session->provider->sessions[session->which].needs, &job->use, &why);
    pthread_mutex_unlock(&sessions->lock);
    if (state == SESSION_REFUSED)
        refuse(sessions, session, &why);
    else if (state != SESSION_READY)
        later(sessions, session, PARENT_MS);
    return state == SESSION_READY;
}

// True when it is ours to fetch.
static bool lease(struct sessions *sessions, struct session_job *job)
{
    bool leased = false;
    job->lease.now_us = clock_unix_us();
    job->lease.until_us =
        job->lease.now_us + (job->session->provider->total_ms + LEASE_MARGIN_MS) * 1000;
    enum status status = store_session_lease(sessions->db, job->arena, &job->lease, &leased);
    if (status != STATUS_OK || !leased)
        later(sessions, job->session, status == STATUS_OK ? POLL_MS : AGAIN_MS);
    return status == STATUS_OK && leased;
}

static void release(struct sessions *sessions, const struct session_job *job)
{
    enum status status = store_session_release(sessions->db, sessions->arena, &job->lease);
    if (status != STATUS_OK)
        log_warn("session's lease not given back, it runs out",
                 LOG_S("credential", job->session->credential_id),
                 LOG_S("status", status_name(status)));
}

static bool send(struct sessions *sessions, struct session_job *job)
{
    size_t place = 0;
    while (sessions->jobs[place])
        place++;
    const struct provider *provider = job->session->provider;
    bool built = provider->session(&job->use, job->session->which, &job->request);
    job->request.context = job;
    job->request.tls_required = state_tls_required(sessions->state, job->use.credential);
    if (built && http_client_start(sessions->client, &job->request) == STATUS_OK) {
        sessions->jobs[place] = job;
        return true;
    }
    release(sessions, job);
    fail(sessions, job->session, "The request could not be built.", 0);
    return false;
}

void session_begin(struct sessions *sessions, struct session *session)
{
    struct session_job *job = job_new(sessions, session);
    if (!job)
        return;
    bool out = !adopt(sessions, job) && parents_ready(sessions, job) && lease(sessions, job) &&
               send(sessions, job);
    if (!out)
        job_free(job);
}

// --- Ending
// What the request travelled under is no good any more, though its time is not over: unless it
// goes, no request would get through until then.
static void spoil_parents(struct sessions *sessions, const struct session_job *job)
{
    const struct session *session = job->session;
    unsigned needs = session->provider->sessions[session->which].needs;
    sessions_refused(sessions, job->setup, needs, &job->use);
}

static void keep(struct sessions *sessions, const struct session_job *job,
                 const struct session_grant *granted)
{
    int64_t now_us = clock_unix_us();
    int64_t lives_us = (granted->lives_s > 0 ? granted->lives_s : 1) * US_PER_S;
    struct session_row row = {seal(sessions, job, granted->text), now_us, now_us + lives_us};
    enum status status = row.sealed.at
                             ? store_session_put(sessions->db, job->arena, job->lease.name, &row)
                             : STATUS_RESOURCE_EXHAUSTED;
    if (status != STATUS_OK)
        log_warn("session not shared", LOG_S("credential", job->session->credential_id),
                 LOG_S("status", status_name(status)));
    count(sessions, job->session, "granted");
    (void)grant(sessions, job, granted->text,
                (struct session_life){row.granted_us, row.expires_us});
    sessions_tell(sessions);
}

static void conclude(struct sessions *sessions, struct session_job *job,
                     const struct http_response *response)
{
    struct session_grant granted = {0};
    job->session->provider->read_session(&job->use, job->session->which, response, &granted);
    if (granted.text) {
        keep(sessions, job, &granted);
        return;
    }
    release(sessions, job);
    if (granted.outcome.session_refused)
        spoil_parents(sessions, job);
    if (granted.outcome.kind == OUTCOME_FAILED)
        refuse(sessions, job->session, &granted.outcome);
    else
        fail(sessions, job->session, response->error, response->status);
}

void session_finish(struct sessions *sessions, const struct http_response *response)
{
    struct session_job *job = response->context;
    size_t place = 0;
    while (sessions->jobs[place] != job)
        place++;
    sessions->jobs[place] = NULL;
    conclude(sessions, job, response);
    job_free(job);
}
