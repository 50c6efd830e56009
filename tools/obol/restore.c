// obol restore: a backup into databases that have nothing of Obol yet.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "db/child.h"
#include "postgres.h"
#include "restored.h"
#include "settings.h"
#include "json/json.h"

#define JOBS_MAX 64

// A service that starts meanwhile migrates first, and so waits until the connection ends.
static const struct db_statement sql_lock = {
    "", "SELECT pg_advisory_lock(hashtextextended('obol.migrate.' || $1::text, 0))::text"};
static const struct db_statement sql_server = {
    "", "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1::text), "
        "current_setting('server_version_num')::bigint, current_database()::text"};

struct restore {
    struct cli *cli;
    const char *directory, *jobs;
    struct manifest manifest;
    struct keyring ring;
    bool with_keys;
    struct db *dbs[PEERS];
    int64_t server_version[PEERS];
    struct restored restored;
};

static bool fail(const struct restore *restore, enum peer peer, enum status status,
                 const char *doing)
{
    if (status == STATUS_UNAVAILABLE)
        cli_fail("%s: the database does not answer, or refuses us", peer_name(peer));
    else
        cli_fail("%s: %s: %s %s", peer_name(peer), doing, status_name(status),
                 restore->dbs[peer] ? db_last_error(restore->dbs[peer])->sqlstate : "");
    return false;
}

// --- Before anything is written

static bool keys_fit(const struct restore *restore)
{
    const struct manifest *manifest = &restore->manifest;
    for (size_t i = 0; i < PEERS; i++)
        for (int id = 1; id < KEY_IDS; id++) {
            bool held = !manifest->services[i].keys[id];
            for (size_t key = 0; restore->with_keys && key < restore->ring.n; key++)
                held = held || restore->ring.keys[key].id == id;
            if (held)
                continue;
            cli_fail("%s has rows that are sealed under key %d, and OBOL_KEYS %s: give the keys "
                     "that were in use when the backup was made",
                     peer_name((enum peer)i), id,
                     restore->with_keys ? "does not hold it" : "is not set");
            return false;
        }
    const char *mac = restore->with_keys ? backup_mac(restore->cli->arena, &restore->ring) : NULL;
    if (!manifest->mac || !mac || strcmp(manifest->mac, mac) == 0)
        return true;
    cli_fail("OBOL_KEYS makes other digests than when the backup was made: no API key would be "
             "known. Give the keys of then, with their mac: if they had one");
    return false;
}

static bool versions_fit(const struct restore *restore)
{
    for (size_t i = 0; i < PEERS; i++) {
        const struct backed_service *service = &restore->manifest.services[i];
        int newest = peer_migrations_newest(service->peer);
        if (service->migration <= newest)
            continue;
        cli_fail("the backup has %s at migration %lld, this obol (%s) knows %d: restore with obol "
                 "%s or later",
                 peer_name(service->peer), (long long)service->migration, OBOL_VERSION, newest,
                 restore->manifest.version);
        return false;
    }
    return true;
}

// *ret_rows: whether there is a schema of the service's, the server's version, the database's name.
static bool connect_to(struct restore *restore, enum peer peer, struct db_rows **ret_rows)
{
    struct arena *arena = restore->cli->arena;
    const char *url = peer_database_url(peer);
    if (!*url) {
        cli_fail("%s: say --into, or set DATABASE_URL or the service's own", peer_name(peer));
        return false;
    }
    struct db *db = restore->dbs[peer] = db_new(
        &(struct db_config){.url = url, .schema = peer_name(peer), .application = "obol restore"});
    struct db_params *name = db_params(arena), *again = db_params(arena);
    db_text(name, peer_name(peer));
    db_text(again, peer_name(peer));
    enum status status = db ? db_run(db, arena, &sql_lock, name, NULL) : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        status = db_run(db, arena, &sql_server, again, ret_rows);
    return status == STATUS_OK || fail(restore, peer, status, "connecting");
}

static bool is_empty(struct restore *restore, enum peer peer)
{
    struct db_rows *rows = NULL;
    if (!connect_to(restore, peer, &rows))
        return false;
    restore->server_version[peer] = db_get_int(rows, 0, 1);
    if (!db_get_bool(rows, 0, 0))
        return true;
    cli_fail("%s: the database %s has a schema of that name already. A backup is restored into a "
             "database that has nothing of Obol: make one (CREATE DATABASE obol_restored) and say "
             "--into its URL",
             peer_name(peer), db_get_text(rows, 0, 2));
    return false;
}

static bool ready(struct restore *restore)
{
    struct cli *cli = restore->cli;
    if (!manifest_read(cli, restore->directory, &restore->manifest) ||
        backup_keys(&restore->ring, &restore->with_keys) != EXIT_DONE || !versions_fit(restore) ||
        !keys_fit(restore) || !manifest_verify(cli, &restore->manifest, restore->directory))
        return false;
    for (int i = 0; i < PEERS; i++)
        if (!is_empty(restore, (enum peer)i))
            return false;
    return true;
}

// --- Writing

static bool load(struct restore *restore, const struct backed_service *service)
{
    struct arena *arena = restore->cli->arena;
    const char *database = NULL;
    const char *program =
        postgres_program(arena, "pg_restore", restore->server_version[service->peer] / 10000);
    char **environment =
        db_child_environment(arena, peer_database_url(service->peer), environ, &database);
    const char *words[] = {
        program,
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--no-password",
        arena_printf(arena, "--jobs=%s", restore->jobs),
        arena_printf(arena, "--dbname=%s", database),
        arena_printf(arena, "%s/%s", restore->directory, service->file),
        NULL,
    };
    if (!program || !environment || !words[5] || !words[6] || !words[7])
        return false;
    int code = child_wait(
        child_start(&(struct child){.words = words, .environment = environment, .out_fd = -1}));
    if (code != 0)
        cli_fail("%s: pg_restore failed (%d). What is there now is of no use: drop the database, "
                 "make it anew and begin again",
                 peer_name(service->peer), code);
    return code == 0;
}

static bool counts_agree(const struct backed_service *backed, const struct backed_service *found)
{
    for (size_t i = 0; i < backed->tables_n; i++) {
        const struct table_rows *want = &backed->tables[i];
        int64_t rows = -1;
        for (size_t at = 0; at < found->tables_n; at++)
            if (strcmp(found->tables[at].name, want->name) == 0)
                rows = found->tables[at].rows;
        if (rows == want->rows)
            continue;
        cli_fail("%s.%s has %lld rows, the backup says %lld", peer_name(backed->peer), want->name,
                 (long long)rows, (long long)want->rows);
        return false;
    }
    return true;
}

static bool check(struct restore *restore, const struct backed_service *service)
{
    struct db *db = restore->dbs[service->peer];
    struct arena *arena = restore->cli->arena;
    struct backed_service found = {.peer = service->peer};
    struct sealed_look look = {.peer = service->peer,
                               .ring = restore->with_keys ? &restore->ring : NULL};
    enum status status = backup_count(db, arena, &found);
    if (status != STATUS_OK)
        return fail(restore, service->peer, status, "counting");
    if (!counts_agree(service, &found))
        return false;
    status = sealed_scan(db, arena, &look);
    if (status != STATUS_OK)
        return fail(restore, service->peer, status, "opening what is sealed");
    if (look.fault)
        cli_fail("%s: %s. Drop the database, make it anew and begin again with the right keys",
                 peer_name(service->peer), look.fault);
    return !look.fault;
}

static bool settle(struct restore *restore)
{
    for (int i = 0; i < PEERS; i++) {
        enum status status = peer_migrate((enum peer)i, restore->dbs[i]);
        if (status != STATUS_OK)
            return fail(restore, (enum peer)i, status, "migrating");
    }
    enum status status = restored_settle(restore->dbs, restore->cli->arena, &restore->restored);
    if (status != STATUS_OK)
        return fail(restore, PEER_PAYMENTS, status, "putting the restored rows right");
    bool well = true;
    for (size_t i = 0; i < 4; i++)
        if (restore->restored.wrong[i]) {
            cli_fail("%lld %s", (long long)restore->restored.wrong[i], restored_wrong_names[i]);
            well = false;
        }
    return well;
}

// --- Telling

static int64_t rows_of(const struct manifest *manifest)
{
    int64_t rows = 0;
    for (size_t i = 0; i < PEERS; i++)
        for (size_t at = 0; at < manifest->services[i].tables_n; at++)
            rows += manifest->services[i].tables[at].rows;
    return rows;
}

static int say_json(const struct restore *restore, bool with_files)
{
    const struct json_member files[] = {JSON_S("restored", restore->directory),
                                        JSON_S("taken_at", restore->manifest.taken_at),
                                        JSON_I("rows", rows_of(&restore->manifest)),
                                        {0}};
    struct json_member members[6] = {{0}};
    size_t n = 0;
    for (; with_files && files[n].name; n++)
        members[n] = files[n];
    members[n++] = (struct json_member)JSON_I("asked_first", restore->restored.doubtful);
    members[n] =
        (struct json_member)JSON_I("refunds_forgotten", (int64_t)restore->restored.forgot_n);
    const char *json = json_object(restore->cli->arena, members);
    if (json)
        puts(json);
    return json ? EXIT_DONE : EXIT_FAILED;
}

static int say(const struct restore *restore, bool with_files)
{
    const struct restored *restored = &restore->restored;
    if (restore->cli->json)
        return say_json(restore, with_files);
    if (with_files)
        printf("Restored: %lld rows, everything that was committed before %s. Counts, keys and "
               "sums agree.\n",
               (long long)rows_of(&restore->manifest), restore->manifest.taken_at);
    printf("%lld operations were under way: providers are asked about each before anything is "
           "sent.\n",
           (long long)restored->doubtful);
    for (size_t i = 0; i < restored->forgot_n; i++)
        printf("Refund %s had not been reserved: it is not there any more.\n", restored->forgot[i]);
    printf("\nWhat happened after that moment is on no record here, but it happened:\n"
           "1. Give the services a fresh stream: NATS_STREAM=%s_2, or delete the stream %s.\n"
           "2. Start the services and let nobody create payments yet.\n"
           "3. `obol reconcile` each provider for each day since: what it has and we don't.\n"
           "4. Tell merchants the time: what they did since is to be looked up, then repeated.\n"
           "docs/backup.md has the whole order.\n",
           obol_bus.stream, obol_bus.stream);
    return EXIT_DONE;
}

static int restore_from(struct restore *restore, bool with_files)
{
    struct db_rows *rows;
    bool done = true;
    for (int i = 0; !with_files && done && i < PEERS; i++)
        done = connect_to(restore, (enum peer)i, &rows);
    if (with_files)
        done = ready(restore);
    for (size_t i = 0; with_files && done && i < PEERS; i++)
        done = load(restore, &restore->manifest.services[i]);
    for (size_t i = 0; with_files && done && i < PEERS; i++)
        done = check(restore, &restore->manifest.services[i]);
    done = done && settle(restore);
    crypto_wipe(&restore->ring, sizeof restore->ring);
    for (size_t i = 0; i < PEERS; i++)
        db_free(restore->dbs[i]);
    return done ? say(restore, with_files) : EXIT_FAILED;
}

static int restore_run(struct cli *cli, int argc, char **argv)
{
    const char *into = NULL, *jobs = "2";
    struct words words;
    const struct option_row rows[] = {
        {"into", "the database's URL, for all services (else DATABASE_URL…)", &into, NULL},
        {"jobs", "how many tables are loaded at once (default 2)", &jobs, NULL},
        {0}};
    int64_t number;
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "name the backup");
    if (!cli_number(jobs, 1, JOBS_MAX, &number))
        return cli_usage(cli, "--jobs is 1 to %d", JOBS_MAX);
    if (into) {
        obol_settings.database_url = into;
        for (int i = 0; i < PEERS; i++)
            obol_settings.database_urls[i] = "";
    }
    struct restore *restore = ARENA_NEW(cli->arena, struct restore);
    if (!restore)
        return cli_fail("out of memory");
    *restore = (struct restore){.cli = cli, .directory = words.at[0], .jobs = jobs};
    return restore_from(restore, true);
}

static int settle_run(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    struct restore *restore = ARENA_NEW(cli->arena, struct restore);
    if (!restore)
        return cli_fail("out of memory");
    *restore = (struct restore){.cli = cli};
    return restore_from(restore, false);
}

const struct command restore_commands[] = {
    {"restore settle", "", "After a recovery that obol did not do: what was under way is in doubt.",
     "  obol restore settle\n"
     "\nFor a database that went back in time otherwise: point-in-time recovery, a snapshot of\n"
     "your provider's, a standby that had not everything. Before any service is started on it.\n",
     settle_run},
    {"restore", "<backup> [--into url] [--jobs n]", "A backup into a database without Obol's data.",
     "  DATABASE_URL=postgresql://localhost/obol obol restore "
     "/var/backups/obol/obol-20261121T020000Z\n"
     "\nServices must not run on the database meanwhile. A password in --into is seen in the list\n"
     "of processes: DATABASE_URL_FILE is the better place. OBOL_KEYS: the keys of the backup's "
     "time.\n",
     restore_run},
    {0},
};
