// What the bus's tests share: a database, a server, and a consumer that writes down what it was given.
#pragma once
#include <stdatomic.h>

#include "base/bell.h"
#include "bus/bus.h"
#include "support/support.h"

struct fixture {
    struct test_database database;
    struct test_nats nats;
    struct db_config config;
    struct db *db;
    struct arena *arena;
    struct bus *bus;
    struct bell *bell;
};

struct fixture fixture_new(void);
void fixture_free(struct fixture *fixture);
// Commits n events evt_<first>… of this type.
void fixture_emit(struct fixture *fixture, const char *type, int first, int n);
// Waits until the query answers so.
void fixture_wait_sql(struct fixture *fixture, const char *sql, const char *expected);
