#include "db/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "obs/health.h"
#include "obs/pulse.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define OPTIONS_MAX 4096
#define REPORT_EVERY_NS NS_PER_S

// One plan a statement, by index: every statement of ours reaches its rows by key. The plan is made
// from the size that its tables have at that moment, and a table that was empty then invites the
// wrong order of a join (seen: 180 ms for ten rows among 78,000). So plans are made anew as a
// connection grows older: after one second, two, four, and then every minute. No compiling of plans
// that only look expensive, and no second process for them.
#define KEYED_PLANS                                                                                \
    " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off"          \
    " -c enable_mergejoin=off -c enable_bitmapscan=off -c jit=off"                                 \
    " -c max_parallel_workers_per_gather=0"
#define RENEW_FIRST_MS 1000
#define RENEW_MAX_MS 60000

// What the URL itself says under `options` stays in front of ours.
static void add_url_options(struct buffer *out, const char *url)
{
    PQconninfoOption *parsed = PQconninfoParse(url, NULL);
    for (PQconninfoOption *o = parsed; o && o->keyword; o++) {
        if (strcmp(o->keyword, "options") == 0 && o->val)
            buffer_addf(out, "%s ", o->val);
    }
    PQconninfoFree(parsed);
}

static char *options_of(const struct db_config *config)
{
    struct buffer out;
    buffer_init(&out, OPTIONS_MAX);
    add_url_options(&out, config->url);
    buffer_adds(&out, "-c timezone=UTC -c client_min_messages=warning" KEYED_PLANS);
    if (config->relaxed)
        buffer_adds(&out, " -c synchronous_commit=off");
    if (config->schema)
        buffer_addf(&out, " -c search_path=%s", config->schema);
    if (config->statement_timeout_ms > 0)
        buffer_addf(&out, " -c statement_timeout=%lld", (long long)config->statement_timeout_ms);
    if (config->lock_timeout_ms > 0)
        buffer_addf(&out, " -c lock_timeout=%lld", (long long)config->lock_timeout_ms);
    char *options = out.full ? NULL : strdup(out.at);
    buffer_deinit(&out);
    return options;
}

struct db *db_new(const struct db_config *config)
{
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        return NULL;
    db_measures_join(db);
    db->config = *config;
    db->url = strdup(config->url);
    db->application = strdup(config->application ? config->application : "obol");
    db->options = options_of(config);
    if (!db->url || !db->application || !db->options) {
        db_free(db);
        return NULL;
    }
    return db;
}

const struct keyring *db_keyring(const struct db *db)
{
    return db->config.ring;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    db_measures_leave(db);
    PQfinish(db->connection);
    db_prepared_clear(&db->prepared);
    free(db->counts);
    free(db->options);
    free(db->application);
    free(db->url);
    free(db);
}

void db_report(struct db *db, bool up, int64_t latency_us)
{
    if (!db->config.health)
        return;
    int64_t now_ns = clock_now_ns();
    // Several threads report on one server: each says again that it is well, so that the last word
    // is never an old failure of a thread that has nothing to do since.
    if (up && db->reported_ns != 0 && now_ns - db->reported_ns < REPORT_EVERY_NS)
        return;
    db->reported_ns = up ? now_ns : 0;
    health_report(db->config.health, db->config.dependency, up, latency_us);
}

void db_error_clear(struct db *db)
{
    db->error = (struct db_error){0};
}

void db_break(struct db *db, const char *why)
{
    if (!db->stale)
        db_measure_error(DB_CONNECTION_LOST);
    log_warn("db.connection_lost", LOG_S("application", db->application), LOG_S("reason", why));
    PQfinish(db->connection);
    db->connection = NULL;
    db->stale = false;
    db->begun = false;
    db->posted_n = 0;
    db_prepared_clear(&db->prepared);
    if (db->transaction == DB_INSIDE)
        db->transaction = DB_LOST;
    db_show(db, false);
}

static void on_notice(void *context, const PGresult *result)
{
    const struct db *db = context;
    log_info("db.notice", LOG_S("application", db->application),
             LOG_S("text", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

static PGconn *open_connection(const struct db *db)
{
    // What stands before dbname may be overridden by the URL, what stands behind it not.
    const char *const names[] = {"connect_timeout",
                                 "target_session_attrs",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "keepalives_count",
                                 "tcp_user_timeout",
                                 "dbname",
                                 "options",
                                 "application_name",
                                 "client_encoding",
                                 NULL};
    const char *const values[] = {"3",         "read-write",    "10",   "5", "3", "15000", db->url,
                                  db->options, db->application, "UTF8", NULL};
    return PQconnectdbParams(names, values, 1);
}

const char *db_refused(const struct db *db)
{
    return db->refused;
}

static void connect_failed(struct db *db, PGconn *connection)
{
    snprintf(db->refused, sizeof db->refused, "%s",
             connection ? PQerrorMessage(connection) : "out of memory");
    db->backoff_ms = db->backoff_ms == 0 ? BACKOFF_FIRST_MS : db->backoff_ms * 2;
    if (db->backoff_ms > BACKOFF_MAX_MS)
        db->backoff_ms = BACKOFF_MAX_MS;
    db->retry_at_ns = clock_deadline_ns(db->backoff_ms);
    log_warn("db.connect_failed", LOG_S("application", db->application),
             LOG_S("reason", connection ? PQerrorMessage(connection) : "out of memory"),
             LOG_I("retry_ms", db->backoff_ms));
    PQfinish(connection);
    db_measure_error(DB_CONNECTION_LOST);
    db_report(db, false, -1);
}

// A server that went away while we were idle has said so: the socket is readable, and behind its
// last words is the end. Notices may wait there too, hence the loop.
static bool is_alive(struct db *db)
{
    struct pollfd fd = {.fd = PQsocket(db->connection), .events = POLLIN};
    while (PQstatus(db->connection) == CONNECTION_OK && poll(&fd, 1, 0) > 0) {
        if (!PQconsumeInput(db->connection))
            return false;
    }
    return PQstatus(db->connection) == CONNECTION_OK;
}

// False when the connection was lost over it.
static bool plans_renew(struct db *db)
{
    if (clock_now_ns() < db->renew_at_ns)
        return true;
    db->renew_ms = db->renew_ms * 2 > RENEW_MAX_MS ? RENEW_MAX_MS : db->renew_ms * 2;
    db->renew_at_ns = clock_deadline_ns(db->renew_ms);
    if (!PQsendQuery(db->connection, "DISCARD PLANS")) {
        db_break(db, PQerrorMessage(db->connection));
        return false;
    }
    CLEANUP(PQclear) PGresult *result = db_await(db);
    return result != NULL;
}

enum status db_connect(struct db *db)
{
    if (db->connection && (db->stale || !is_alive(db)))
        db_break(db, db->stale ? "out of date: a plan, or the primary" : "closed while idle");
    if (db->connection && plans_renew(db))
        return STATUS_OK;
    int64_t start_ns = clock_now_ns();
    if (start_ns < db->retry_at_ns)
        return STATUS_UNAVAILABLE;
    pulse_away();
    PGconn *connection = open_connection(db);
    pulse_back();
    if (PQstatus(connection) != CONNECTION_OK || PQsetnonblocking(connection, 1) != 0) {
        connect_failed(db, connection);
        return STATUS_UNAVAILABLE;
    }
    PQsetNoticeReceiver(connection, on_notice, db);
    db->connection = connection;
    db->backoff_ms = 0;
    db->retry_at_ns = 0;
    db->renew_ms = RENEW_FIRST_MS;
    db->renew_at_ns = clock_deadline_ns(db->renew_ms);
    db->reported_ns = 0;
    db_show(db, false);
    db_report(db, true, (clock_now_ns() - start_ns) / 1000);
    return STATUS_OK;
}
