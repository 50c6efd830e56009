// What `obol backup` makes and `obol restore` reads: a directory with a PostgreSQL archive for each
// service and manifest.json, which says what they are. Files are whole and on the disk before the
// directory gets its name.
#pragma once
#include "cli.h"
#include "crypto/crypto.h"
#include "db/db.h"

#define BACKUP_TABLES_MAX 64
#define BACKUP_MANIFEST "manifest.json"
#define BACKUP_SUMS "SHA256SUMS" // the manifest's digest first
#define BACKUP_FORMAT 1
#define KEY_IDS 256

struct table_rows {
    const char *name;
    int64_t rows;
};

// Services of one database share a snapshot.
struct backed_database {
    const char *name, *identity; // the server's and the database's: the same for the same database
    const char *snapshot_id;     // as pg_dump --snapshot takes it; while the backup runs
    const char *taken_at, *lsn, *horizon; // RFC 3339, WAL position, pg_current_snapshot()
    int64_t server_version;               // 150014
};

struct backed_service {
    enum peer peer;
    int64_t database;  // its place in the manifest
    int64_t migration; // the newest that is applied
    const char *file, *sha256;
    int64_t bytes;
    bool keys[KEY_IDS]; // ids of the keys that sealed rows need
    struct table_rows tables[BACKUP_TABLES_MAX];
    size_t tables_n;
};

struct manifest {
    const char *version, *taken_at;
    const char *mac; // tells whether OBOL_KEYS gives the same digests; NULL: nobody knew
    struct backed_database databases[PEERS];
    size_t databases_n;
    struct backed_service services[PEERS];
};

// Both say what is wrong. The manifest is written to a new file of the directory, and fsynced.
bool manifest_write(struct cli *cli, const struct manifest *manifest, const char *directory);
bool manifest_read(struct cli *cli, const char *directory, struct manifest *ret);
// Sizes and digests of every file, and that pg_restore can read it. Says what is wrong.
bool manifest_verify(struct cli *cli, const struct manifest *manifest, const char *directory);
const char *manifest_keys(struct arena *arena, const struct backed_service *service); // "1,2"

// Digest and size of a file; false, said, when it can't be read.
bool backup_digest(struct cli *cli, const char *path, const char **ret_sha256, int64_t *ret_bytes);
// Makes what was written to a file, or the entries of a directory, last.
bool backup_sync(const char *path);

// OBOL_KEYS of the environment. EXIT_FAILED, said, when they are no keys; *ret_there false: none.
int backup_keys(struct keyring *ret, bool *ret_there);
const char *backup_mac(struct arena *arena, const struct keyring *ring);

// The tables of a service with their rows.
enum status backup_count(struct db *db, struct arena *arena, struct backed_service *ret);

// --- Migrations, as this obol knows them
int peer_migrations_newest(enum peer peer);
MUST_USE enum status peer_migrate(enum peer peer, struct db *db); // applies what is missing

// --- Sealed columns
struct sealed_look {
    enum peer peer;
    const struct keyring *ring; // NULL: nothing is opened
    size_t pages_max;           // of each column; 0: all
    bool keys[KEY_IDS];         // out: of the keys that rows are sealed under
    const char *fault;          // out: what can't be opened; NULL: nothing
};
// Under which keys the sealed rows of a service are. With a ring, the first row of each column and
// key is opened.
MUST_USE enum status sealed_scan(struct db *db, struct arena *arena, struct sealed_look *look);
