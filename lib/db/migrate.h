// Schema migrations: numbered, each with a way back, each in its own transaction, under an advisory
// lock so that replicas starting together don't race. Recorded in <schema>.schema_migrations.
//
// They run while the version before them serves. A statement that needs a table for itself waits
// for it at most MIGRATE_LOCK_MS, because all others wait behind it; then the migration is tried
// again a second later, up to MIGRATE_TRIES times in all.
//
// The scripts are migrations/NNN_name.up.sql and .down.sql, embedded by the build.
#pragma once
#include "db/db.h"

#define MIGRATE_LOCK_MS 1000
#define MIGRATE_TRIES 60

struct db_migration {
    int version;
    const char *name;
    const char *up, *down; // scripts: any number of statements
};

struct db_migrations {
    const char *schema;
    const struct db_migration *items; // ascending versions
    size_t n;
};

// Creates the schema if missing and applies what is missing, in order.
MUST_USE enum status db_migrate_up(struct db *db, const struct db_migrations *migrations);
// Takes back the newest `steps` of these migrations that are applied.
MUST_USE enum status db_migrate_down(struct db *db, const struct db_migrations *migrations,
                                     int steps);
// Which of these migrations are not recorded in the schema, in order; all where there is no schema.
// ret_missing: room for all of them. What the schema has beyond them is none of its business.
MUST_USE enum status db_migrate_missing(struct db *db, const struct db_migrations *migrations,
                                        const struct db_migration **ret_missing, size_t *ret_n);
// Highest version recorded in the schema, 0 for none or no schema.
MUST_USE enum status db_migrate_version(struct db *db, const struct db_migrations *migrations,
                                        int *ret_version);

// Runs a script by the simple protocol: any number of statements, no parameters. *ret (may be NULL)
// gets the first column of the last result's first row as text, "" when there is none. For scripts
// that stand in the code, never for text from outside.
MUST_USE enum status db_script(struct db *db, struct arena *arena, const char *script,
                               const char **ret);
