// Inside the room: parameters as libpq takes them.
#pragma once
#include <libpq-fe.h>

#include "db/db.h"

struct db_params {
    struct arena *arena;
    int n;
    bool full; // the arena was: db_run refuses
    Oid types[DB_PARAMS_MAX];
    const char *values[DB_PARAMS_MAX];
    int lengths[DB_PARAMS_MAX];
};

#define DB_OID_BOOL 16
#define DB_OID_BYTEA 17
#define DB_OID_INT8 20
#define DB_OID_INT2 21
#define DB_OID_INT4 23
#define DB_OID_TEXT 25
#define DB_OID_TIMESTAMPTZ 1184

// Microseconds from 1970 to 2000, where PostgreSQL's binary timestamps start.
#define DB_EPOCH_US 946684800000000LL
