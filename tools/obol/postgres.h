// PostgreSQL's own programs, found by version: one that is older than the server refuses it.
#pragma once
#include "cli.h"

// The path of "pg_dump" or "pg_restore" in PG_BIN, on PATH or where Debian keeps them, of this
// major version or later, the nearest to it first. NULL: there is none, which is said.
const char *postgres_program(struct arena *arena, const char *name, int64_t major);
