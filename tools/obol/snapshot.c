#include "snapshot.h"

#include <string.h>

#include "db/migrate.h"

static const enum peer order[PEERS] = {PEER_AUTH, PEER_WEBHOOKS, PEER_REFUNDS, PEER_PAYMENTS};

static const struct db_statement sql_identity = {
    "", "SELECT current_database()::text, pg_postmaster_start_time()::text || '/' || (SELECT oid "
        "FROM pg_database WHERE datname = current_database()), "
        "current_setting('server_version_num')::bigint, pg_is_in_recovery()"};
static const struct db_statement sql_moment = {
    "", "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
        "pg_current_wal_lsn()::text, pg_current_snapshot()::text"};
static const struct db_statement sql_export = {"", "SELECT pg_export_snapshot()"};
static const struct db_statement sql_tables = {
    "", "SELECT c.relname::text, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n "
        "FROM %I.%I', n.nspname, c.relname), false, true, '')))[1]::text::bigint FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND "
        "c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1"};
static const struct db_statement sql_migration = {
    "", "SELECT coalesce(max(version), 0) FROM schema_migrations"};

static int fail(enum peer peer, const struct db *db, enum status status, const char *doing)
{
    if (status == STATUS_UNAVAILABLE)
        return cli_fail("%s: the database does not answer, or refuses us", peer_name(peer));
    return cli_fail("%s: %s: %s %s", peer_name(peer), doing, status_name(status),
                    db_last_error(db)->sqlstate);
}

static bool is_snapshot(const char *name)
{
    return *name && strspn(name, "0123456789ABCDEF-") == strlen(name);
}

static enum status begin(struct db *db, struct arena *arena, const char *snapshot_id)
{
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = db_script(db, arena, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                           NULL);
    if (status != STATUS_OK || !snapshot_id)
        return status;
    // No parameter can stand there.
    const char *script = is_snapshot(snapshot_id)
                             ? arena_printf(arena, "SET TRANSACTION SNAPSHOT '%s'", snapshot_id)
                             : NULL;
    return script ? db_script(db, arena, script, NULL) : STATUS_INTERNAL;
}

static enum status export(struct db *db, struct arena *arena, struct backed_database *database) {
    struct db_rows *rows = NULL; enum status status = begin(db, arena, NULL);
    if (status == STATUS_OK) status = db_run(db, arena, &sql_export, NULL, &rows);
    if (status != STATUS_OK) return status;
    database->snapshot_id = db_get_text(rows, 0, 0);
    status = db_run(db, arena, &sql_moment, NULL, &rows);
    if (status != STATUS_OK) return status;
    database->taken_at = db_get_text(rows, 0, 0);
    database->lsn = db_get_text(rows, 0, 1);
    database->horizon = db_get_text(rows, 0, 2);
    return STATUS_OK;
}

// The place of the database with this identity among those known; a new one at the end.
static size_t place_of(struct manifest *manifest, const struct db_rows *identity)
{
    size_t at = 0;
    while (at < manifest->databases_n &&
           strcmp(manifest->databases[at].identity, db_get_text(identity, 0, 1)) != 0)
        at++;
    return at;
}

static enum status join(struct snapshot *snapshot, enum peer peer, struct arena *arena)
{
    struct db *db = snapshot->dbs[peer];
    struct db_rows *rows = NULL;
    struct manifest *manifest = snapshot->manifest;
    enum status status = db_run(db, arena, &sql_identity, NULL, &rows);
    if (status != STATUS_OK)
        return status;
    size_t at = place_of(manifest, rows);
    struct backed_database *database = &manifest->databases[at];
    manifest->services[peer].peer = peer;
    manifest->services[peer].database = (int64_t)at;
    if (at < manifest->databases_n)
        return begin(db, arena, database->snapshot_id);
    manifest->databases_n++;
    *database = (struct backed_database){.name = db_get_text(rows, 0, 0),
                                         .identity = db_get_text(rows, 0, 1),
                                         .server_version = db_get_int(rows, 0, 2)};
    return export(db, arena, database);
}

bool snapshot_open(struct cli *cli, struct snapshot *snapshot)
{
    for (size_t i = 0; i < PEERS; i++) {
        enum peer peer = order[i];
        const char *url = peer_database_url(peer);
        if (!url || !*url) {
            cli_fail("%s: set DATABASE_URL, or the service's own", peer_name(peer));
            return false;
        }
        snapshot->dbs[peer] = db_new(&(struct db_config){
            .url = url, .schema = peer_name(peer), .application = "obol backup"});
        enum status status =
            snapshot->dbs[peer] ? join(snapshot, peer, cli->arena) : STATUS_RESOURCE_EXHAUSTED;
        if (status != STATUS_OK) {
            fail(peer, snapshot->dbs[peer], status, "taking a snapshot");
            return false;
        }
    }
    return true;
}

void snapshot_close(struct snapshot *snapshot)
{
    for (size_t i = 0; i < PEERS; i++)
        db_free(snapshot->dbs[i]);
}

enum status backup_count(struct db *db, struct arena *arena, struct backed_service *ret)
{
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_tables, NULL, &rows);
    size_t n = status == STATUS_OK ? db_count(rows) : 0;
    if (n > BACKUP_TABLES_MAX)
        return STATUS_INTERNAL;
    for (size_t i = 0; i < n; i++)
        ret->tables[i] = (struct table_rows){db_get_text(rows, i, 0), db_get_int(rows, i, 1)};
    ret->tables_n = n;
    return status;
}

static enum status describe(struct db *db, struct arena *arena, struct backed_service *ret)
{
    struct db_rows *rows = NULL;
    enum status status = db_run(db, arena, &sql_migration, NULL, &rows);
    if (status != STATUS_OK)
        return status;
    ret->migration = db_get_int(rows, 0, 0);
    status = backup_count(db, arena, ret);
    struct sealed_look look = {.peer = ret->peer};
    if (status == STATUS_OK)
        status = sealed_scan(db, arena, &look);
    memcpy(ret->keys, look.keys, sizeof ret->keys);
    return status;
}

bool snapshot_describe(struct cli *cli, struct snapshot *snapshot)
{
    for (size_t i = 0; i < PEERS; i++) {
        struct backed_service *service = &snapshot->manifest->services[i];
        enum status status = describe(snapshot->dbs[i], cli->arena, service);
        if (status != STATUS_OK) {
            fail(service->peer, snapshot->dbs[i], status,
                 "reading its schema (was it ever migrated?)");
            return false;
        }
    }
    return true;
}
