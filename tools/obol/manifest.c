// manifest.json: what a backup is, written last and read first.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup.h"
#include "base/buffer.h"
#include "settings.h"
#include "json/json.h"

#define MANIFEST_MAX ((size_t)1 << 20)

bool backup_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return done;
}

bool backup_digest(struct cli *cli, const char *path, const char **ret_sha256, int64_t *ret_bytes)
{
    struct sha256 digest;
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && fstat(fd, &stat) == 0 && crypto_sha256_file(fd, &digest);
    if (!done)
        cli_fail("%s can't be read: %m", path);
    if (fd >= 0)
        (void)close(fd);
    if (!done)
        return false;
    *ret_bytes = stat.st_size;
    *ret_sha256 = crypto_hex(cli->arena, BYTES_OF_ARRAY(digest.at));
    return *ret_sha256;
}

int backup_keys(struct keyring *ret, bool *ret_there)
{
    const char *text = obol_settings.keys;
    *ret_there = *text;
    if (*ret_there && !keyring_parse(text, ret))
        return cli_fail("OBOL_KEYS is no list of keys");
    return EXIT_DONE;
}

const char *backup_mac(struct arena *arena, const struct keyring *ring)
{
    struct sha256 mac = keyring_mac(ring, "backup", bytes_of_string("manifest"));
    return crypto_hex(arena, BYTES_OF_ARRAY(mac.at));
}

const char *manifest_keys(struct arena *arena, const struct backed_service *service)
{
    const char *list = "";
    for (int id = 0; list && id < KEY_IDS; id++)
        if (service->keys[id])
            list = arena_printf(arena, "%s%s%d", list, *list ? "," : "", id);
    return list;
}

// --- Writing

static char *list(struct arena *arena, char *const *items, size_t n)
{
    CLEANUP(buffer_deinit) struct buffer text;
    buffer_init(&text, MANIFEST_MAX);
    buffer_adds(&text, "[");
    for (size_t i = 0; i < n; i++)
        buffer_addf(&text, "%s%s", i ? "," : "", items[i] ? items[i] : "null");
    buffer_adds(&text, "]");
    return text.full ? NULL : arena_strdup(arena, text.at);
}

static char *render_tables(struct arena *arena, const struct backed_service *service)
{
    char *items[BACKUP_TABLES_MAX];
    for (size_t i = 0; i < service->tables_n; i++)
        items[i] =
            json_object(arena, (struct json_member[]){JSON_S("name", service->tables[i].name),
                                                      JSON_I("rows", service->tables[i].rows),
                                                      {0}});
    return list(arena, items, service->tables_n);
}

static char *render_service(struct arena *arena, const struct backed_service *service)
{
    const char *keys = arena_printf(arena, "[%s]", manifest_keys(arena, service));
    return json_object(arena,
                       (struct json_member[]){JSON_S("service", peer_name(service->peer)),
                                              JSON_I("database", service->database),
                                              JSON_I("migration", service->migration),
                                              JSON_S("file", service->file),
                                              JSON_I("bytes", service->bytes),
                                              JSON_S("sha256", service->sha256),
                                              JSON_R("keys", keys),
                                              JSON_R("tables", render_tables(arena, service)),
                                              {0}});
}

static char *render_database(struct arena *arena, const struct backed_database *database)
{
    return json_object(arena,
                       (struct json_member[]){JSON_S("database", database->name),
                                              JSON_S("identity", database->identity),
                                              JSON_I("server_version", database->server_version),
                                              JSON_S("taken_at", database->taken_at),
                                              JSON_S("lsn", database->lsn),
                                              JSON_S("snapshot", database->horizon),
                                              {0}});
}

static char *render(struct arena *arena, const struct manifest *manifest)
{
    char *databases[PEERS], *services[PEERS];
    for (size_t i = 0; i < manifest->databases_n; i++)
        databases[i] = render_database(arena, &manifest->databases[i]);
    for (size_t i = 0; i < PEERS; i++)
        services[i] = render_service(arena, &manifest->services[i]);
    return json_object(
        arena,
        (struct json_member[]){JSON_I("format", BACKUP_FORMAT),
                               JSON_S("obol", manifest->version),
                               JSON_S("taken_at", manifest->taken_at),
                               JSON_S("keys_mac", manifest->mac),
                               JSON_R("databases", list(arena, databases, manifest->databases_n)),
                               JSON_R("services", list(arena, services, PEERS)),
                               {0}});
}

static bool write_file(struct cli *cli, const char *directory, const char *name, const char *text)
{
    const char *path = arena_printf(cli->arena, "%s/%s", directory, name);
    int fd = path && text ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool done = file && fputs(text, file) >= 0 && fflush(file) == 0 && fsync(fd) == 0;
    if (file)
        done = fclose(file) == 0 && done;
    if (!done)
        cli_fail("%s can't be written: %m", path ? path : name);
    return done;
}

// As sha256sum --check reads them.
static const char *sums(struct cli *cli, const struct manifest *manifest, const char *directory)
{
    int64_t bytes;
    const char *path = arena_printf(cli->arena, "%s/" BACKUP_MANIFEST, directory), *sha256;
    if (!path || !backup_digest(cli, path, &sha256, &bytes))
        return NULL;
    const char *text = arena_printf(cli->arena, "%s  " BACKUP_MANIFEST "\n", sha256);
    for (size_t i = 0; text && i < PEERS; i++)
        text = arena_printf(cli->arena, "%s%s  %s\n", text, manifest->services[i].sha256,
                            manifest->services[i].file);
    return text;
}

bool manifest_write(struct cli *cli, const struct manifest *manifest, const char *directory)
{
    const char *json = render(cli->arena, manifest);
    const char *text = json ? arena_printf(cli->arena, "%s\n", json) : NULL;
    return write_file(cli, directory, BACKUP_MANIFEST, text) &&
           write_file(cli, directory, BACKUP_SUMS, sums(cli, manifest, directory));
}

// --- Reading

static bool read_text(struct cli *cli, const char *path, struct bytes *ret)
{
    CLEANUP(buffer_deinit) struct buffer text;
    char piece[4096];
    size_t n;
    buffer_init(&text, MANIFEST_MAX);
    FILE *file = fopen(path, "re");
    if (!file) {
        cli_fail(errno == ENOENT ? "%s is not there: this is no backup, or one that was never "
                                   "finished"
                                 : "%s can't be read: %m",
                 path);
        return false;
    }
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_add(&text, piece, n);
    bool broken = ferror(file) || text.full;
    (void)fclose(file);
    *ret = arena_copy(cli->arena, buffer_bytes(&text));
    if (broken)
        cli_fail("%s can't be read", path);
    return !broken;
}

struct reader {
    struct arena *arena;
    const struct json_value *json;
    bool failed;
};

static const char *text_at(struct reader *reader, const char *path)
{
    const char *text = json_get_string(reader->json, path);
    reader->failed |= !text;
    return text;
}

static int64_t number_at(struct reader *reader, const char *path)
{
    int64_t number = 0;
    reader->failed |= !json_get_integer(reader->json, path, &number);
    return number;
}

#define AT(...) arena_printf(reader->arena, __VA_ARGS__)

static void read_database(struct reader *reader, int i, struct backed_database *ret)
{
    *ret = (struct backed_database){
        .name = text_at(reader, AT("databases.%d.database", i)),
        .identity = text_at(reader, AT("databases.%d.identity", i)),
        .server_version = number_at(reader, AT("databases.%d.server_version", i)),
        .taken_at = text_at(reader, AT("databases.%d.taken_at", i)),
        .lsn = text_at(reader, AT("databases.%d.lsn", i)),
        .horizon = text_at(reader, AT("databases.%d.snapshot", i)),
    };
}

static void read_tables(struct reader *reader, int i, struct backed_service *ret)
{
    for (int at = 0; at < BACKUP_TABLES_MAX; at++) {
        const char *name = json_get_string(reader->json, AT("services.%d.tables.%d.name", i, at));
        if (!name)
            return;
        ret->tables[ret->tables_n++] =
            (struct table_rows){name, number_at(reader, AT("services.%d.tables.%d.rows", i, at))};
    }
}

static void read_service(struct reader *reader, int i, struct backed_service *ret)
{
    int64_t key;
    *ret = (struct backed_service){
        .peer = (enum peer)i,
        .database = number_at(reader, AT("services.%d.database", i)),
        .migration = number_at(reader, AT("services.%d.migration", i)),
        .file = text_at(reader, AT("services.%d.file", i)),
        .bytes = number_at(reader, AT("services.%d.bytes", i)),
        .sha256 = text_at(reader, AT("services.%d.sha256", i)),
    };
    const char *name = text_at(reader, AT("services.%d.service", i));
    // A name of ours, so that nothing outside of the directory is read.
    reader->failed |= !name || strcmp(name, peer_name(ret->peer)) != 0 || !ret->file ||
                      strchr(ret->file, '/') || ret->database < 0;
    for (int at = 0; at < KEY_IDS; at++)
        if (json_get_integer(reader->json, AT("services.%d.keys.%d", i, at), &key) && key > 0 &&
            key < KEY_IDS)
            ret->keys[key] = true;
    read_tables(reader, i, ret);
}

static bool understand(struct reader *reader, struct manifest *ret)
{
    ret->version = text_at(reader, "obol");
    ret->taken_at = text_at(reader, "taken_at");
    ret->mac = json_get_string(reader->json, "keys_mac");
    while (ret->databases_n < PEERS &&
           json_get_string(reader->json, AT("databases.%d.database", (int)ret->databases_n))) {
        read_database(reader, (int)ret->databases_n, &ret->databases[ret->databases_n]);
        ret->databases_n++;
    }
    for (int i = 0; i < PEERS; i++) {
        read_service(reader, i, &ret->services[i]);
        reader->failed |= ret->services[i].database >= (int64_t)ret->databases_n;
    }
    return !reader->failed;
}

static bool damaged(const char *path)
{
    cli_fail("%s is damaged: restore from another backup", path);
    return false;
}

// The manifest is what was written: a digest of it stands beside it.
static bool is_itself(struct cli *cli, const char *directory, const char *path)
{
    struct bytes text;
    const char *sha256;
    int64_t bytes;
    const char *said = arena_printf(cli->arena, "%s/" BACKUP_SUMS, directory);
    if (!said || !read_text(cli, said, &text) || !backup_digest(cli, path, &sha256, &bytes))
        return false;
    bool same = text.length > strlen(sha256) && memcmp(text.at, sha256, strlen(sha256)) == 0;
    return same || damaged(path);
}

bool manifest_read(struct cli *cli, const char *directory, struct manifest *ret)
{
    const char *path = arena_printf(cli->arena, "%s/" BACKUP_MANIFEST, directory);
    struct reader reader = {.arena = cli->arena};
    struct bytes text;
    *ret = (struct manifest){0};
    if (!path || !read_text(cli, path, &text) || !is_itself(cli, directory, path))
        return false;
    if (json_parse(cli->arena, text, &reader.json) != STATUS_OK)
        return damaged(path);
    int64_t format = number_at(&reader, "format");
    if (format > BACKUP_FORMAT) {
        cli_fail("%s is of a later obol (%s): restore with that", path,
                 json_get_string(reader.json, "obol"));
        return false;
    }
    return understand(&reader, ret) || damaged(path);
}
