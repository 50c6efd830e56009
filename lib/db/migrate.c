#include "db/migrate.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "db/connection.h"

#define TEXT(value) #value
#define TEXT_OF(value) TEXT(value)
#define MIGRATE_LOCK_MS_TEXT TEXT_OF(MIGRATE_LOCK_MS)

// Migrations take as long as they take: the connection's timeouts don't count here. A statement of
// its own, because a timeout is fixed when its statement starts.
static const struct db_statement sql_settings = {
    "db.migrate_settings",
    "SELECT set_config('search_path', $1, true), set_config('statement_timeout', '0', true),"
    " set_config('lock_timeout', '0', true), set_config('obol.schema', $1, true)"};

// One transaction at a time may migrate a schema; the lock ends with it.
static const struct db_statement sql_lock = {
    "db.migrate_lock",
    "SELECT pg_advisory_xact_lock(hashtextextended('obol.migrate.' || $1, 0))::text"};

// A statement that waits for a table makes all wait who come after it: not for long, then again.
static const char script_lock_timeout[] = "SET LOCAL lock_timeout = " MIGRATE_LOCK_MS_TEXT;

static const char script_schema[] =
    "DO $$ BEGIN\n"
    "  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = current_setting('obol.schema')) "
    "THEN\n"
    "    EXECUTE format('CREATE SCHEMA %I', current_setting('obol.schema'));\n"
    "  END IF;\n"
    "END $$;\n"
    "CREATE TABLE IF NOT EXISTS schema_migrations (\n"
    "  version bigint PRIMARY KEY, name text NOT NULL,\n"
    "  applied_at timestamptz NOT NULL DEFAULT now());";

static const struct db_statement sql_applied = {
    "", "SELECT 1 FROM schema_migrations WHERE version = $1"};
static const struct db_statement sql_record = {
    "", "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)"};
static const struct db_statement sql_unrecord = {
    "", "DELETE FROM schema_migrations WHERE version = $1"};
static const struct db_statement sql_newest = {
    "", "SELECT coalesce(max(version), 0) FROM schema_migrations"};
static const struct db_statement sql_versions = {"", "SELECT version FROM schema_migrations"};
static const struct db_statement sql_exists = {
    "", "SELECT to_regclass(quote_ident($1) || '.schema_migrations') IS NOT NULL"};

enum status db_script(struct db *db, struct arena *arena, const char *script, const char **ret)
{
    db_error_clear(db);
    if (db->transaction == DB_LOST)
        return STATUS_ABORTED;
    if (db->transaction == DB_OUTSIDE) {
        enum status status = db_connect(db);
        if (status != STATUS_OK)
            return status;
    }
    enum status settled = db_settle(db);
    if (settled != STATUS_OK)
        return settled;
    CLEANUP(PQclear) PGresult *result = NULL;
    if (PQsendQuery(db->connection, script))
        result = db_await(db);
    else
        db_break(db, PQerrorMessage(db->connection));
    if (!result)
        return db->transaction == DB_LOST ? STATUS_ABORTED : STATUS_UNKNOWN;
    enum status status = db_judge(db, result, "script");
    if (status != STATUS_OK || !ret)
        return status;
    bool empty = PQntuples(result) == 0 || PQnfields(result) == 0;
    *ret = arena_strdup(arena, empty ? "" : PQgetvalue(result, 0, 0));
    return *ret ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static enum status run_on_schema(struct db *db, struct arena *arena,
                                 const struct db_statement *statement, const char *schema)
{
    struct db_params *params = db_params(arena);
    db_text(params, schema);
    return db_run(db, arena, statement, params, NULL);
}

static enum status open_step(struct db *db, struct arena *arena, const char *schema)
{
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = run_on_schema(db, arena, &sql_settings, schema);
    if (status == STATUS_OK)
        status = run_on_schema(db, arena, &sql_lock, schema);
    return status == STATUS_OK ? db_script(db, arena, script_schema, NULL) : status;
}

static enum status is_applied(struct db *db, struct arena *arena, int version, bool *ret)
{
    struct db_params *params = db_params(arena);
    db_int(params, version);
    struct db_rows *rows;
    enum status status = db_run(db, arena, &sql_applied, params, &rows);
    if (status == STATUS_OK)
        *ret = db_count(rows) > 0;
    return status;
}

static enum status apply(struct db *db, struct arena *arena, const struct db_migration *item,
                         bool up)
{
    enum status status = db_script(db, arena, script_lock_timeout, NULL);
    if (status == STATUS_OK)
        status = db_script(db, arena, up ? item->up : item->down, NULL);
    if (status != STATUS_OK)
        return status;
    struct db_params *params = db_params(arena);
    db_int(params, item->version);
    if (up)
        db_text(params, item->name);
    return db_run(db, arena, up ? &sql_record : &sql_unrecord, params, NULL);
}

static bool waited_for_lock(const struct db *db)
{
    return strcmp(db->error.sqlstate, "55P03") == 0;
}

// *ret_done: it was missing (or, going down, there) and now isn't.
static enum status step_try(struct db *db, const char *schema, const struct db_migration *item,
                            bool up, bool *ret_done)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return STATUS_RESOURCE_EXHAUSTED;
    bool applied = false;
    enum status status = open_step(db, arena, schema);
    if (status == STATUS_OK)
        status = is_applied(db, arena, item->version, &applied);
    if (status == STATUS_OK && applied != up)
        status = apply(db, arena, item, up);
    if (status == STATUS_OK)
        status = db_commit(db);
    else
        db_rollback(db);
    if (status == STATUS_OK)
        *ret_done = applied != up;
    if (status == STATUS_OK && *ret_done)
        log_info("db.migrated", LOG_S("schema", schema), LOG_S("name", item->name),
                 LOG_I("version", item->version), LOG_S("direction", up ? "up" : "down"));
    arena_free(arena);
    return status;
}

static enum status step(struct db *db, const char *schema, const struct db_migration *item, bool up,
                        bool *ret_done)
{
    enum status status;
    *ret_done = false;
    for (int tries = 1;; tries++) {
        status = step_try(db, schema, item, up, ret_done);
        if (status != STATUS_ABORTED || !waited_for_lock(db) || tries == MIGRATE_TRIES)
            break;
        log_warn("db.migration_waits", LOG_S("schema", schema), LOG_S("name", item->name),
                 LOG_I("version", item->version), LOG_I("tries", tries));
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    if (status != STATUS_OK && status != STATUS_UNAVAILABLE) // that one is the server's absence
        log_error("db.migration_failed", LOG_S("schema", schema), LOG_S("name", item->name),
                  LOG_I("version", item->version), LOG_S("status", status_name(status)),
                  LOG_S("sqlstate", db->error.sqlstate));
    return status;
}

enum status db_migrate_up(struct db *db, const struct db_migrations *migrations)
{
    enum status status = STATUS_OK;
    db->patient = true;
    for (size_t i = 0; i < migrations->n && status == STATUS_OK; i++) {
        bool done;
        assert(i == 0 || migrations->items[i - 1].version < migrations->items[i].version);
        status = step(db, migrations->schema, &migrations->items[i], true, &done);
    }
    db->patient = false;
    return status;
}

enum status db_migrate_down(struct db *db, const struct db_migrations *migrations, int steps)
{
    enum status status = STATUS_OK;
    db->patient = true;
    for (size_t i = migrations->n; i > 0 && steps > 0 && status == STATUS_OK; i--) {
        bool done = false;
        status = step(db, migrations->schema, &migrations->items[i - 1], false, &done);
        steps -= done;
    }
    db->patient = false;
    return status;
}

// The rows of a statement about schema_migrations; *ret NULL where there is no such table.
static enum status ask_schema(struct db *db, struct arena *arena, const char *schema,
                              const struct db_statement *statement, struct db_rows **ret)
{
    struct db_rows *rows;
    struct db_params *params = db_params(arena);
    db_text(params, schema);
    *ret = NULL;
    enum status status = db_run(db, arena, &sql_exists, params, &rows);
    if (status != STATUS_OK || !db_get_bool(rows, 0, 0))
        return status;
    status = db_begin(db);
    if (status != STATUS_OK)
        return status;
    status = run_on_schema(db, arena, &sql_settings, schema);
    if (status == STATUS_OK)
        status = db_run(db, arena, statement, NULL, ret);
    db_rollback(db);
    return status;
}

enum status db_migrate_version(struct db *db, const struct db_migrations *migrations,
                               int *ret_version)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return STATUS_RESOURCE_EXHAUSTED;
    struct db_rows *rows;
    enum status status = ask_schema(db, arena, migrations->schema, &sql_newest, &rows);
    if (status == STATUS_OK)
        *ret_version = rows ? (int)db_get_int(rows, 0, 0) : 0;
    return status;
}

static bool is_recorded(const struct db_rows *rows, int version)
{
    for (size_t i = 0; rows && i < db_count(rows); i++)
        if (db_get_int(rows, i, 0) == version)
            return true;
    return false;
}

enum status db_migrate_missing(struct db *db, const struct db_migrations *migrations,
                               const struct db_migration **ret_missing, size_t *ret_n)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return STATUS_RESOURCE_EXHAUSTED;
    struct db_rows *rows;
    enum status status = ask_schema(db, arena, migrations->schema, &sql_versions, &rows);
    size_t n = 0;
    for (size_t i = 0; status == STATUS_OK && i < migrations->n; i++)
        if (!is_recorded(rows, migrations->items[i].version))
            ret_missing[n++] = &migrations->items[i];
    if (status == STATUS_OK)
        *ret_n = n;
    return status;
}
