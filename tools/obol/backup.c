// obol backup: a consistent copy of every service's schema, by pg_dump.
#include "backup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup_place.h"
#include "child.h"
#include "db/child.h"
#include "postgres.h"
#include "snapshot.h"
#include "json/json.h"

#define KEEP_MAX 3650

static pid_t dump_start(struct cli *cli, const struct manifest *manifest,
                        const struct backed_service *service, const char *path)
{
    const struct backed_database *database = &manifest->databases[service->database];
    const char *name = NULL;
    const char *program = postgres_program(cli->arena, "pg_dump", database->server_version / 10000);
    char **environment =
        db_child_environment(cli->arena, peer_database_url(service->peer), environ, &name);
    const char *words[] = {
        program,
        "--format=custom",
        "--no-password",
        arena_printf(cli->arena, "--schema=%s", peer_name(service->peer)),
        arena_printf(cli->arena, "--snapshot=%s", database->snapshot_id),
        "--lock-wait-timeout=60000",
        NULL,
    };
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    pid_t pid = -1;
    if (program && environment && words[3] && words[4] && fd >= 0)
        pid =
            child_start(&(struct child){.words = words, .environment = environment, .out_fd = fd});
    if (fd >= 0)
        (void)close(fd);
    return pid;
}

// All at once: each service's rows lie apart.
static bool dump(struct cli *cli, struct manifest *manifest, const char *directory)
{
    pid_t pids[PEERS];
    const char *paths[PEERS];
    bool done = true;
    for (size_t i = 0; i < PEERS; i++) {
        struct backed_service *service = &manifest->services[i];
        service->file = arena_printf(cli->arena, "%s.dump", peer_name(service->peer));
        paths[i] = arena_printf(cli->arena, "%s/%s", directory, service->file);
        pids[i] = paths[i] ? dump_start(cli, manifest, service, paths[i]) : -1;
    }
    for (size_t i = 0; i < PEERS; i++) {
        struct backed_service *service = &manifest->services[i];
        int code = child_wait(pids[i]);
        if (code != 0)
            cli_fail("%s: pg_dump failed (%d)", peer_name(service->peer), code);
        done = done && code == 0;
    }
    for (size_t i = 0; i < PEERS && done; i++)
        done = backup_sync(paths[i]) && backup_digest(cli, paths[i], &manifest->services[i].sha256,
                                                      &manifest->services[i].bytes);
    return done;
}

static bool make(struct cli *cli, const char *directory, struct manifest *manifest)
{
    struct snapshot snapshot = {.manifest = manifest};
    struct keyring ring;
    bool with_keys = false;
    manifest->version = OBOL_VERSION;
    if (backup_keys(&ring, &with_keys) != EXIT_DONE)
        return false;
    manifest->mac = with_keys ? backup_mac(cli->arena, &ring) : NULL;
    crypto_wipe(&ring, sizeof ring);
    bool done = snapshot_open(cli, &snapshot) && dump(cli, manifest, directory) &&
                snapshot_describe(cli, &snapshot);
    snapshot_close(&snapshot);
    // The earliest: what was committed before is in every part.
    manifest->taken_at = manifest->databases[0].taken_at;
    return done && manifest_write(cli, manifest, directory);
}

static int say(struct cli *cli, const char *path, const struct manifest *manifest, int pruned)
{
    enum { COLUMNS = 5 };
    static const char *const headings[COLUMNS] = {"SERVICE", "BYTES", "MIGRATION", "KEYS",
                                                  "DATABASE"};
    const char *cells[PEERS * COLUMNS];
    int64_t bytes = 0;
    for (size_t i = 0; i < PEERS; i++) {
        const struct backed_service *service = &manifest->services[i];
        const char **row = &cells[i * COLUMNS];
        bytes += service->bytes;
        row[0] = peer_name(service->peer);
        row[1] = arena_printf(cli->arena, "%lld", (long long)service->bytes);
        row[2] = arena_printf(cli->arena, "%lld", (long long)service->migration);
        row[3] = manifest_keys(cli->arena, service);
        row[4] = manifest->databases[service->database].name;
    }
    if (cli->json) {
        const char *json = json_object(
            cli->arena, (struct json_member[]){JSON_S("backup", path),
                                               JSON_S("taken_at", manifest->taken_at),
                                               JSON_I("bytes", bytes),
                                               JSON_I("databases", (int64_t)manifest->databases_n),
                                               JSON_I("pruned", pruned),
                                               {0}});
        if (json)
            puts(json);
        return json ? EXIT_DONE : EXIT_FAILED;
    }
    printf("%s holds everything that was committed before %s.\n", path, manifest->taken_at);
    print_table(headings, COLUMNS, cells, PEERS);
    if (manifest->databases_n > 1)
        printf("The services have %zu databases: each is consistent in itself, payments' the "
               "newest.\n",
               manifest->databases_n);
    printf("It can't be read without the keys named (OBOL_KEYS), which are not in it: keep them "
           "apart.\n");
    return EXIT_DONE;
}

static int backup(struct cli *cli, const char *directory, int64_t keep)
{
    struct backup_place place;
    struct manifest manifest = {0};
    int code = EXIT_FAILED, pruned = 0;
    if (backup_place_open(cli, directory, &place) && make(cli, place.partial, &manifest) &&
        backup_place_keep(&place)) {
        pruned = keep ? backup_place_prune(cli, &place, (size_t)keep) : 0;
        code = say(cli, place.path, &manifest, pruned);
    }
    backup_place_close(&place);
    return pruned < 0 ? EXIT_FAILED : code;
}

static int backup_run(struct cli *cli, int argc, char **argv)
{
    const char *keep = "0";
    struct words words;
    const struct option_row rows[] = {
        {"keep", "how many backups stay; older ones are removed (default: all)", &keep, NULL}, {0}};
    int64_t number;
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "name the directory that holds the backups");
    if (!cli_number(keep, 0, KEEP_MAX, &number))
        return cli_usage(cli, "--keep is 1 to %d", KEEP_MAX);
    return backup(cli, words.at[0], number);
}

static int verify_run(struct cli *cli, int argc, char **argv)
{
    struct words words;
    struct manifest manifest;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "name the backup");
    if (!manifest_read(cli, words.at[0], &manifest) ||
        !manifest_verify(cli, &manifest, words.at[0]))
        return EXIT_FAILED;
    return say(cli, words.at[0], &manifest, 0);
}

const struct command backup_commands[] = {
    {"backup verify", "<backup>", "Whether a backup is whole: digests, and that it can be listed.",
     "  obol backup verify /var/backups/obol/obol-20261121T020000Z\n", verify_run},
    {"backup", "<directory> [--keep n]", "A copy of every service's data, all of one moment.",
     "  obol backup /var/backups/obol --keep 30\n"
     "\nNeeds DATABASE_URL (or the services' own) and pg_dump of the server's version or later,\n"
     "on PATH or in PG_BIN. OBOL_KEYS is not in it: what is sealed stays sealed.\n",
     backup_run},
    {0},
};
