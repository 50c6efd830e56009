// Keys of secrets at rest: what the services' housekeeping has noted of its columns, and the
// digests' key by itself.
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"
#include "db/db.h"
#include "settings.h"
#include "json/json.h"

#define COLUMNS_MAX 64

DEFINE_CLEANUP(db_free, struct db *)

static const struct db_statement sql_noted = {
    "", "SELECT name, key_id, done_at IS NOT NULL FROM resealing ORDER BY name"};

struct table {
    const char *cells[COLUMNS_MAX * 4];
    char *rows[COLUMNS_MAX + 1];
    size_t n;
};

static bool add(struct cli *cli, struct table *table, enum peer peer, const struct db_rows *rows)
{
    for (size_t i = 0; i < db_count(rows) && table->n < COLUMNS_MAX; i++) {
        const char **cells = &table->cells[table->n * 4];
        bool done = db_get_bool(rows, i, 2);
        cells[0] = peer_name(peer);
        cells[1] = db_get_text(rows, i, 0);
        cells[2] = arena_printf(cli->arena, "%lld", (long long)db_get_int(rows, i, 1));
        cells[3] = done ? "every row" : "under way";
        table->rows[table->n++] =
            json_object(cli->arena, (struct json_member[]){JSON_S("service", cells[0]),
                                                           JSON_S("column", cells[1]),
                                                           JSON_I("key", db_get_int(rows, i, 1)),
                                                           JSON_R("done", done ? "true" : "false"),
                                                           {0}});
        if (!cells[2] || !table->rows[table->n - 1])
            return false;
    }
    return true;
}

static int read_service(struct cli *cli, enum peer peer, struct table *table)
{
    const char *url = peer_database_url(peer);
    struct db_rows *rows = NULL;
    if (!url || !*url)
        return cli_fail("DATABASE_URL is not set");
    CLEANUP(db_free)
    struct db *db =
        db_new(&(struct db_config){.url = url, .schema = peer_name(peer), .application = "obol"});
    enum status status = db ? db_run(db, cli->arena, &sql_noted, NULL, &rows) : STATUS_UNAVAILABLE;
    if (status == STATUS_OK && !add(cli, table, peer, rows))
        status = STATUS_RESOURCE_EXHAUSTED;
    return status == STATUS_OK ? EXIT_DONE
                               : cli_fail("%s: %s", peer_name(peer), status_name(status));
}

static int print_columns(struct cli *cli, const struct table *table)
{
    static const char *const headings[] = {"SERVICE", "COLUMN", "KEY", "ROWS"};
    if (!cli->json) {
        print_table(headings, 4, table->cells, table->n);
        return EXIT_DONE;
    }
    char *list = arena_strdup(cli->arena, "");
    for (size_t i = 0; list && i < table->n; i++)
        list = arena_printf(cli->arena, "%s%s%s", list, i ? "," : "", table->rows[i]);
    char *json = list ? arena_printf(cli->arena, "{\"columns\":[%s]}", list) : NULL;
    if (!json)
        return cli_fail("out of memory");
    puts(json);
    return EXIT_DONE;
}

static int keys_status(struct cli *cli, int argc, char **argv)
{
    struct words words;
    struct table table = {.n = 0};
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    for (int i = 0; i < PEERS; i++)
        if (read_service(cli, (enum peer)i, &table) != EXIT_DONE)
            return EXIT_FAILED;
    return print_columns(cli, &table);
}

static int keys_mac(struct cli *cli, int argc, char **argv)
{
    struct words words;
    struct keyring ring;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    if (!keyring_parse(obol_settings.keys, &ring))
        return cli_fail("OBOL_KEYS is no list of keys");
    printf("mac:%s\n", crypto_hex(cli->arena, BYTES_OF_ARRAY(ring.mac_key)));
    crypto_wipe(&ring, sizeof ring);
    return EXIT_DONE;
}

const struct command keys_commands[] = {
    {"keys status", "", "Under which key the sealed columns are; needs DATABASE_URL.",
     "  DATABASE_URL=postgresql://localhost/obol obol keys status\n", keys_status},
    {"keys mac", "", "What takes the place of OBOL_KEYS' oldest key, for digests. A secret.",
     "  OBOL_KEYS_FILE=/etc/obol/keys obol keys mac\n", keys_mac},
    {0},
};
