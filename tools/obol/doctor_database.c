#include <stdio.h>
#include <string.h>

#include "backup.h"
#include "base/clock.h"
#include "db/migrate.h"
#include "doctor.h"
#include "settings.h"

#define VERSION_MIN 150000
#define SLOW_US 50000
#define AGE_WARN 1000000000LL
#define AGE_FAIL 1800000000LL
#define LOOPS 8 // connections of a service's loops, about

static const struct db_statement sql_look = {
    "", "SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), "
        "current_setting('fsync'), current_setting('synchronous_commit'), "
        "current_setting('full_page_writes'), current_setting('max_connections')::bigint - "
        "current_setting('superuser_reserved_connections')::bigint, pg_is_in_recovery(), "
        "clock_timestamp(), (SELECT max(age(datfrozenxid))::bigint FROM pg_database), "
        "current_setting('synchronous_standby_names'), (SELECT count(*) FROM "
        "pg_stat_replication), current_setting('archive_mode'), "
        "current_setting('data_checksums')"};
static const struct db_statement sql_noted = {
    "", "SELECT name, key_id, done_at IS NOT NULL FROM resealing ORDER BY name"};
static const struct db_statement sql_version = {
    "", "SELECT coalesce((SELECT max(version) FROM schema_migrations), 0)"};

static struct db *open_db(enum peer peer)
{
    return db_new(&(struct db_config){.url = peer_database_url(peer),
                                      .schema = peer_name(peer),
                                      .application = "obol doctor",
                                      .statement_timeout_ms = DOCTOR_WAIT_MS});
}

// The first service with this URL speaks for it.
static enum peer speaker_of(enum peer peer)
{
    int first = 0;
    while (strcmp(peer_database_url((enum peer)first), peer_database_url(peer)) != 0)
        first++;
    return (enum peer)first;
}

static void check_setting(struct doctor *doctor, const char *what, const char *name,
                          const char *value)
{
    if (strcmp(value, "off") == 0)
        doctor_fail(doctor, what, "ALTER SYSTEM SET … = on, and restart or reload the server",
                    "%s is off: what was acknowledged may be lost", name);
}

static void check_room(struct doctor *doctor, const char *what, int64_t room)
{
    int64_t need = 0;
    for (int i = 0; i < PEERS; i++)
        if (doctor->known[i])
            need += doctor_number(doctor, peer_name((enum peer)i), "FAST_THREADS") +
                    doctor_number(doctor, peer_name((enum peer)i), "SLOW_THREADS") + LOOPS;
    if (need > room)
        doctor_warn(doctor, what, "raise max_connections, or lower SLOW_THREADS and FAST_THREADS",
                    "one replica of each service takes up to %lld connections, the server has %lld",
                    (long long)need, (long long)room);
}

static void check_replication(struct doctor *doctor, const char *what, const struct db_rows *rows)
{
    const char *wanted = db_get_text(rows, 0, 9);
    int64_t standbys = db_get_int(rows, 0, 10);
    if (db_get_bool(rows, 0, 6))
        doctor_fail(doctor, what, "name the primary in DATABASE_URL, or promote this one",
                    "it is a standby: nothing can be written");
    else if (*wanted && standbys == 0)
        doctor_fail(doctor, what, "start the standby, or empty synchronous_standby_names",
                    "commits wait for a standby (%s), and none is connected", wanted);
    else if (standbys == 0 && strcmp(db_get_text(rows, 0, 11), "off") == 0)
        doctor_warn(doctor, what, "a standby, or WAL archiving: docs/backup.md",
                    "no standby and no archive: the loss of its disk loses all since the newest "
                    "backup");
    else
        doctor_ok(doctor, what, "%lld standbys, archive_mode %s", (long long)standbys,
                  db_get_text(rows, 0, 11));
}

static void check_age(struct doctor *doctor, const char *what, int64_t age)
{
    static const char todo[] = "VACUUM (FREEZE), and see what keeps autovacuum from it: old "
                               "transactions, replication slots";
    if (age > AGE_FAIL)
        doctor_fail(doctor, what, todo, "transaction numbers run out: %lld are used",
                    (long long)age);
    else if (age > AGE_WARN)
        doctor_warn(doctor, what, todo, "transaction numbers: %lld of 2,100 million are used",
                    (long long)age);
}

static void judge_server(struct doctor *doctor, const char *what, const struct db_rows *rows,
                         int64_t latency_us)
{
    int64_t version = db_get_int(rows, 0, 0);
    size_t before = doctor->findings_n;
    if (version < VERSION_MIN)
        doctor_fail(doctor, what, "PostgreSQL 15 or later", "it is PostgreSQL %s",
                    db_get_text(rows, 0, 1));
    check_setting(doctor, what, "fsync", db_get_text(rows, 0, 2));
    check_setting(doctor, what, "synchronous_commit", db_get_text(rows, 0, 3));
    check_setting(doctor, what, "full_page_writes", db_get_text(rows, 0, 4));
    check_room(doctor, what, db_get_int(rows, 0, 5));
    check_age(doctor, what, db_get_int(rows, 0, 8));
    if (latency_us > SLOW_US)
        doctor_warn(doctor, what, "bring it nearer: each payment waits for it several times",
                    "an answer takes %.0f ms", (double)latency_us / 1000);
    if (doctor->findings_n == before)
        doctor_ok(doctor, what, "PostgreSQL %s, %.1f ms", db_get_text(rows, 0, 1),
                  (double)latency_us / 1000);
    check_replication(doctor, what, rows);
}

static bool check_server(struct doctor *doctor, enum peer peer, struct db *db)
{
    struct arena *arena = doctor->cli->arena;
    const char *what = arena_printf(arena, "database of %s", peer_name(peer));
    struct db_rows *rows = NULL;
    enum status status = db_ping(db);
    if (status != STATUS_OK) {
        const char *reason = db_refused(db);
        doctor_fail(doctor, what,
                    "start it, or put DATABASE_URL right; the reason is the server's or libpq's",
                    "it does not answer, or refuses us: %.*s", (int)strcspn(reason, "\n"), reason);
        return false;
    }
    int64_t begun_ns = clock_now_ns();
    status = db_run(db, arena, &sql_look, NULL, &rows);
    int64_t latency_us = (clock_now_ns() - begun_ns) / 1000;
    if (status != STATUS_OK) {
        doctor_fail(doctor, what, NULL, "it can't be looked at: %s %s", status_name(status),
                    db_last_error(db)->sqlstate);
        return false;
    }
    int64_t ahead_us = db_get_time(rows, 0, 7) - clock_unix_us();
    judge_server(doctor, what, rows, latency_us);
    doctor_clock(doctor, what, ahead_us, latency_us);
    return true;
}

// *ret_there: the schema is.
static void check_migrations(struct doctor *doctor, enum peer peer, struct db *db, bool *ret_there)
{
    const char *what = arena_printf(doctor->cli->arena, "migrations of %s", peer_name(peer));
    struct db_rows *rows = NULL;
    int newest = peer_migrations_newest(peer);
    enum status status = db_run(db, doctor->cli->arena, &sql_version, NULL, &rows);
    int64_t version = status == STATUS_OK ? db_get_int(rows, 0, 0) : 0;
    *ret_there = version > 0;
    if (version == newest)
        doctor_ok(doctor, what, "up to date (%d)", newest);
    else if (version > newest)
        doctor_fail(doctor, what, "install the version that migrated it, or a later one",
                    "the schema is at %lld, this obol (%s) knows %d", (long long)version,
                    OBOL_VERSION, newest);
    else
        doctor_fail(doctor, what, "obol migrate up (or start the service with OBOL_MIGRATE=true)",
                    "the schema is at %lld, this obol (%s) wants %d", (long long)version,
                    OBOL_VERSION, newest);
}

static bool holds(const struct keyring *ring, int64_t id)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ring->keys[i].id == id)
            return true;
    return false;
}

static void check_noted(struct doctor *doctor, const char *what, const struct keyring *ring,
                        const struct db_rows *rows)
{
    for (size_t i = 0; i < db_count(rows); i++) {
        const char *column = db_get_text(rows, i, 0);
        int64_t key = db_get_int(rows, i, 1);
        bool done = db_get_bool(rows, i, 2);
        if (!holds(ring, key))
            doctor_fail(doctor, what, "put that key into OBOL_KEYS again",
                        "%s is under key %lld, which OBOL_KEYS does not hold", column,
                        (long long)key);
        else if (key != ring->keys[0].id || !done)
            doctor_warn(doctor, what, "keep the older keys until `obol keys status` has every row",
                        "%s is %s key %lld, the newest is %d", column,
                        done ? "still under" : "on its way to", (long long)key, ring->keys[0].id);
    }
}

static void check_sealed(struct doctor *doctor, enum peer peer, struct db *db)
{
    struct arena *arena = doctor->cli->arena;
    const char *what = arena_printf(arena, "sealed rows of %s", peer_name(peer));
    struct keyring ring;
    struct db_rows *rows = NULL;
    size_t before = doctor->findings_n;
    if (!*obol_settings.keys || !keyring_parse(obol_settings.keys, &ring))
        return;
    struct sealed_look look = {.peer = peer, .ring = &ring, .pages_max = 1};
    enum status status = db_run(db, arena, &sql_noted, NULL, &rows);
    if (status == STATUS_OK)
        check_noted(doctor, what, &ring, rows);
    if (status == STATUS_OK)
        status = sealed_scan(db, arena, &look);
    crypto_wipe(&ring, sizeof ring);
    if (status != STATUS_OK)
        doctor_warn(doctor, what, NULL, "they can't be looked at: %s %s", status_name(status),
                    db_last_error(db)->sqlstate);
    else if (look.fault)
        doctor_fail(doctor, what, "give the keys that were in use when it was written", "%s",
                    look.fault);
    else if (doctor->findings_n == before)
        doctor_ok(doctor, what, "OBOL_KEYS opens them");
}

static void check(struct doctor *doctor, enum peer peer, bool reached[PEERS])
{
    enum peer speaker = speaker_of(peer);
    const char *what = arena_printf(doctor->cli->arena, "database of %s", peer_name(peer));
    if (!*peer_database_url(peer)) {
        doctor_fail(doctor, what, "set DATABASE_URL, or the service's own", "it is not named");
        return;
    }
    if (speaker != peer && !reached[speaker])
        return;
    struct db *db = open_db(peer);
    bool there = false;
    reached[peer] = db && (speaker != peer || check_server(doctor, peer, db));
    if (reached[peer]) {
        check_migrations(doctor, peer, db, &there);
        if (there)
            check_sealed(doctor, peer, db);
    }
    db_free(db);
}

void doctor_databases(struct doctor *doctor)
{
    bool reached[PEERS] = {false};
    for (int i = 0; i < PEERS; i++)
        check(doctor, (enum peer)i, reached);
}
