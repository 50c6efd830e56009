#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "support/support.h"

#include "journal/journal.h"

#define SERVER_FALLBACK "postgresql://postgres@127.0.0.1:5432/postgres"

static const char *server_url(void)
{
    const char *url = getenv("OBOL_TEST_DATABASE_URL");
    return url && *url ? url : SERVER_FALLBACK;
}

// The server's URL with another database in its path.
static void url_of(const char *database, char out[512])
{
    const char *server = server_url();
    const char *authority = strstr(server, "://");
    cr_assert_not_null(authority, "OBOL_TEST_DATABASE_URL must be a URI");
    size_t head = strcspn(authority + 3, "/?") + (size_t)(authority + 3 - server);
    const char *query = strchr(server, '?');
    int n = snprintf(out, 512, "%.*s/%s%s", (int)head, server, database, query ? query : "");
    cr_assert(n > 0 && n < 512);
}

static struct db *server_open(void)
{
    struct db *db = db_new(
        &(struct db_config){.ring = test_ring(), .url = server_url(), .application = "test"});
    cr_assert_not_null(db);
    return db;
}

// Scripts of the harness: the names in them are its own.
static void run_on_server(const char *format, const char *name)
{
    char script[256];
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct db *db = server_open();
    snprintf(script, sizeof script, format, name);
    cr_ok(db_script(db, arena, script, NULL));
    db_free(db);
    arena_free(arena);
}

struct test_database test_database_new(void)
{
    struct test_database database;
    uint64_t random = 0;
    FILE *file = fopen("/dev/urandom", "rb");
    cr_assert(file && fread(&random, sizeof random, 1, file) == 1);
    fclose(file);
    snprintf(database.name, sizeof database.name, "obol_test_%016llx", (unsigned long long)random);
    url_of(database.name, database.url);
    // template0 has nobody connected to it, so that tests starting together don't hinder each
    // other.
    run_on_server("CREATE DATABASE %s TEMPLATE template0", database.name);
    return database;
}

void test_database_drop(struct test_database *database)
{
    run_on_server("DROP DATABASE IF EXISTS %s WITH (FORCE)", database->name);
    database->url[0] = '\0';
}

const struct keyring *test_ring(void)
{
    static struct keyring ring;
    if (ring.n == 0)
        cr_assert(keyring_parse(
            "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &ring));
    return &ring;
}

struct db *test_db_open(const struct test_database *database, const char *schema,
                        const struct db_migrations *migrations)
{
    struct db *db = db_new(&(struct db_config){.ring = test_ring(),
                                               .url = database->url,
                                               .schema = schema,
                                               .application = "test",
                                               .statement_timeout_ms = 20000,
                                               .lock_timeout_ms = 5000});
    cr_assert_not_null(db);
    cr_ok(db_migrate_up(db,
                        &(struct db_migrations){schema, journal_migrations, journal_migrations_n}));
    if (migrations)
        cr_ok(db_migrate_up(db, migrations));
    return db;
}

void test_database_disconnect(const struct test_database *database)
{
    run_on_server("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                  " WHERE datname = '%s' AND pid <> pg_backend_pid()",
                  database->name);
}

const char *test_sql(struct db *db, struct arena *arena, const char *sql)
{
    const char *text = "";
    enum status status = db_script(db, arena, sql, &text);
    cr_assert_eq(status, STATUS_OK, "%s: %s (%s)", sql, status_name(status),
                 db_last_error(db)->sqlstate);
    return text;
}

void test_wait(bool (*holds)(void *), void *context, int64_t max_ms, const char *what)
{
    int64_t deadline_ns = clock_deadline_ns(max_ms);
    while (!holds(context)) {
        cr_assert(clock_left_ms(deadline_ns) > 0, "not within %lld ms: %s", (long long)max_ms,
                  what);
        nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
    }
}

const char *test_opened(struct arena *arena, const struct keyring *ring, const char *hex,
                        const char *context)
{
    struct bytes sealed, plain;
    cr_assert(crypto_hex_decode(arena, hex, &sealed));
    cr_ok(keyring_open(ring, arena, sealed, context, &plain));
    return arena_strndup(arena, (const char *)plain.at, plain.length);
}
