// One moment of every service's schema: read-only transactions that stay open while pg_dump reads.
// Services of one database share a snapshot. Where they have databases of their own, payments' is
// taken last: what refunds and webhooks know of it is there then, and what they don't know they ask
// for.
#pragma once
#include "backup.h"

struct snapshot {
    struct db *dbs[PEERS];
    struct manifest *manifest; // its databases, and each service's
};

// Says what is wrong.
bool snapshot_open(struct cli *cli, struct snapshot *snapshot);
void snapshot_close(struct snapshot *snapshot);
// Migrations, keys and rows of each service, as of the snapshot.
bool snapshot_describe(struct cli *cli, struct snapshot *snapshot);
