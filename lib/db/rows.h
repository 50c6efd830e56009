// Inside the room: a result that dies with its arena.
#pragma once
#include <libpq-fe.h>

#include "db/db.h"

struct db_rows {
    PGresult *result;
};
