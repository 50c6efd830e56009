// Private to sessions*.c: the table is everybody's, under the lock; fetching is the thread's own.
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "http/client.h"
#include "obs/metrics.h"
#include "sessions/session.h"
#include "sessions/sessions.h"
#include "sessions/store_sessions.h"

#define SESSION_JOBS_MAX 32

struct session_job; // a request to a provider that is under way

struct sessions {
    const struct payments_state *state;
    struct db_config db_config;
    pthread_t thread;
    _Atomic bool stopping;
    struct http_client *client;

    pthread_mutex_t lock;
    pthread_cond_t news; // with the lock: something was granted or refused
    struct recent table;

    pthread_mutex_t call_lock;
    void (*call)(void *context); // with the call_lock
    void *call_context;

    // The thread's own.
    struct db *db;
    struct arena *arena; // of a turn
    struct session_job *jobs[SESSION_JOBS_MAX];
    struct metric *fetched;
};

// The session at which a text is kept; made where there is none. With the lock. NULL when out of
// memory.
struct session *sessions_find(struct sessions *sessions, const struct provider_use *use,
                              const char *tenant_id, size_t which);
// Fills *ret_use->sessions for these bits, as sessions_fill does. With the lock.
enum session_state sessions_look(struct sessions *sessions, const char *tenant_id, unsigned needs,
                                 struct provider_use *use, struct outcome *ret_why);
void sessions_tell(struct sessions *sessions); // without the lock

// A session that is due, and busy: looks at its row, takes what another replica fetched, or starts
// to fetch.
void session_begin(struct sessions *sessions, struct session *session);
void session_finish(struct sessions *sessions, const struct http_response *response);
size_t sessions_jobs_free(const struct sessions *sessions);
void sessions_drop_jobs(struct sessions *sessions);
