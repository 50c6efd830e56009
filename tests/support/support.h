// What tests of the store and rpc tiers stand on. They run against the PostgreSQL server that
// OBOL_TEST_DATABASE_URL names (./dev test starts one); each test makes its own database and drops
// it.
#pragma once
#include <criterion/criterion.h>
#include <stdint.h>

#include "base/arena.h"
#include "crypto/crypto.h"
#include "db/db.h"
#include "db/migrate.h"

// Creates an empty database with a random name; the URL lives until test_database_drop.
struct test_database {
    char name[64];
    char url[512];
};
struct test_database test_database_new(void);
void test_database_drop(struct test_database *database);
// A connection with that schema as search_path, after applying journal's and the given migrations
// to it.
// The ring that databases of tests seal with.
const struct keyring *test_ring(void);
struct db *test_db_open(const struct test_database *database, const char *schema,
                        const struct db_migrations *migrations);
// Ends every other connection to the database, as a dying server would.
void test_database_disconnect(const struct test_database *database);
// One row, one column, as text ("" for NULL); fails the test on an error. For looking, not for
// product code.
const char *test_sql(struct db *db, struct arena *arena, const char *sql);

// What a column that is sealed holds: `hex` as encode(…, 'hex') gives it.
const char *test_opened(struct arena *arena, const struct keyring *ring, const char *hex,
                        const char *context);

// A nats-server with JetStream of its own on a free loopback port; dies with the test.
struct test_nats {
    int pid;
    int port;
    char url[64];
    char directory[128];
};
struct test_nats test_nats_start(void);
void test_nats_kill(struct test_nats *nats);               // SIGKILL, keeps the store
void test_nats_restart(struct test_nats *nats, bool wipe); // on the same port
void test_nats_stop(struct test_nats *nats);               // and removes the store

int test_free_port(void);
// Calls `holds` until it is true; fails the test after max_ms.
void test_wait(bool (*holds)(void *), void *context, int64_t max_ms, const char *what);

// cr_assert for a status, naming it.
#define cr_ok(expression)                                                                          \
    do {                                                                                           \
        enum status status_ = (expression);                                                        \
        cr_assert_eq(status_, STATUS_OK, "%s: %s", #expression, status_name(status_));             \
    } while (0)
