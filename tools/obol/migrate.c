#include "db/migrate.h"

#include <stdio.h>
#include <string.h>

#include "auth_sql.h"
#include "backup.h"
#include "journal/journal.h"
#include "payments_sql.h"
#include "refunds_sql.h"
#include "settings.h"
#include "webhooks_sql.h"
#include "json/json.h"

DEFINE_CLEANUP(db_free, struct db *)

static const struct {
    const struct db_migration *items;
    const size_t *n;
} services[PEERS] = {
    [PEER_AUTH] = {auth_migrations, &auth_migrations_n},
    [PEER_PAYMENTS] = {payments_migrations, &payments_migrations_n},
    [PEER_REFUNDS] = {refunds_migrations, &refunds_migrations_n},
    [PEER_WEBHOOKS] = {webhooks_migrations, &webhooks_migrations_n},
};

enum direction { SHOW, UP, DOWN };

const char *peer_database_url(enum peer peer)
{
    const char *own = obol_settings.database_urls[peer];
    return *own ? own : obol_settings.database_url;
}

static bool migrations_of(enum peer peer, struct db_migration *items, struct db_migrations *ret)
{
    const struct db_migrations own = {peer_name(peer), services[peer].items, *services[peer].n};
    return journal_migrations_before(&own, items, ret);
}

static enum status migrate(struct db *db, const struct db_migrations *migrations,
                           enum direction direction, int steps, int *ret_version)
{
    enum status status = STATUS_OK;
    if (direction == UP)
        status = db_migrate_up(db, migrations);
    else if (direction == DOWN)
        status = db_migrate_down(db, migrations, steps);
    return status == STATUS_OK ? db_migrate_version(db, migrations, ret_version) : status;
}

// *ret_version is where the schema stands after it.
static int migrate_service(enum peer peer, enum direction direction, int steps, int *ret_version,
                           int *ret_newest)
{
    struct db_migration items[MIGRATIONS_MAX];
    struct db_migrations migrations;
    if (!migrations_of(peer, items, &migrations))
        return cli_fail("%s: too many migrations", peer_name(peer));
    const char *url = peer_database_url(peer);
    if (!*url)
        return cli_fail("%s: set DATABASE_URL, or the service's own", peer_name(peer));
    CLEANUP(db_free)
    struct db *db =
        db_new(&(struct db_config){.url = url, .schema = migrations.schema, .application = "obol"});
    if (!db)
        return cli_fail("out of memory");
    enum status status = migrate(db, &migrations, direction, steps, ret_version);
    if (status == STATUS_UNAVAILABLE)
        return cli_fail("%s: the database does not answer", peer_name(peer));
    if (status != STATUS_OK)
        return cli_fail("%s: %s %s", peer_name(peer), status_name(status),
                        db_last_error(db)->sqlstate);
    *ret_newest = items[migrations.n - 1].version;
    return EXIT_DONE;
}

int peer_migrations_newest(enum peer peer)
{
    const size_t n = *services[peer].n;
    return n ? services[peer].items[n - 1].version : 0;
}

enum status peer_migrate(enum peer peer, struct db *db)
{
    struct db_migration items[MIGRATIONS_MAX];
    struct db_migrations migrations;
    return migrations_of(peer, items, &migrations) ? db_migrate_up(db, &migrations)
                                                   : STATUS_INTERNAL;
}

static int migrate_all(struct cli *cli, const char *service, enum direction direction, int steps)
{
    static const char *const headings[] = {"SERVICE", "VERSION", "NEWEST", "STATUS"};
    const char *cells[PEERS * 4];
    struct json_member members[PEERS + 1] = {{0}};
    size_t n = 0;
    int code = EXIT_DONE;
    for (int i = 0; i < PEERS; i++) {
        enum peer peer = (enum peer)i;
        int version = 0, newest = 0;
        if (service && strcmp(service, peer_name(peer)) != 0)
            continue;
        if (migrate_service(peer, direction, steps, &version, &newest) != EXIT_DONE) {
            code = EXIT_FAILED;
            continue;
        }
        cells[n * 4] = peer_name(peer);
        cells[n * 4 + 1] = arena_printf(cli->arena, "%d", version);
        cells[n * 4 + 2] = arena_printf(cli->arena, "%d", newest);
        cells[n * 4 + 3] = version == newest ? "up to date" : "behind";
        members[n++] = (struct json_member)JSON_I(peer_name(peer), version);
    }
    const char *json = cli->json ? json_object(cli->arena, members) : NULL;
    if (json)
        puts(json);
    else if (n)
        print_table(headings, 4, cells, n);
    return code;
}

static int migrate_run(struct cli *cli, int argc, char **argv, enum direction direction)
{
    const char *steps = "1";
    struct words words;
    const struct option_row rows[] = {{"steps", "how many to take back (default 1)", &steps, NULL},
                                      {0}};
    int64_t number;
    if (!cli_options(cli, argc, argv, direction == DOWN ? rows : rows + 1, &words))
        return EXIT_USAGE;
    const char *service = words.n ? words.at[0] : NULL;
    if (words.n > 1 || (service && peer_find(service) < 0))
        return cli_usage(cli, "name one service (auth, payments, refunds, webhooks), or none");
    if (direction == DOWN && !service)
        return cli_usage(cli, "taking back needs the service's name");
    if (!cli_number(steps, 1, MIGRATIONS_MAX, &number))
        return cli_usage(cli, "--steps is 1 to 64");
    return migrate_all(cli, service, direction, (int)number);
}

static int migrate_status(struct cli *cli, int argc, char **argv)
{
    return migrate_run(cli, argc, argv, SHOW);
}

static int migrate_up(struct cli *cli, int argc, char **argv)
{
    return migrate_run(cli, argc, argv, UP);
}

static int migrate_down(struct cli *cli, int argc, char **argv)
{
    return migrate_run(cli, argc, argv, DOWN);
}

const struct command migrate_commands[] = {
    {"migrate status", "[service]", "Where each schema stands.",
     "  DATABASE_URL=postgresql://localhost/obol obol migrate status\n", migrate_status},
    {"migrate up", "[service]", "Apply the migrations that are missing.",
     "  obol migrate up\n  obol migrate up payments\n", migrate_up},
    {"migrate down", "<service> [--steps n]", "Take back the newest migrations. Loses their data.",
     "  obol migrate down payments --steps 1\n", migrate_down},
    {0},
};
