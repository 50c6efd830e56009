// Where backups lie: a directory with one directory each, obol-<time>, made under another name and
// renamed when it is whole; so whatever bears such a name is whole.
#pragma once
#include "cli.h"

struct backup_place {
    const char *directory;
    int lock_fd;
    const char *partial, *path; // of the backup that is being made
};

// Takes the place for this backup, and clears what one that was killed has left. Says what is
// wrong.
bool backup_place_open(struct cli *cli, const char *directory, struct backup_place *ret);
// The partial one gets its name; says what is wrong.
bool backup_place_keep(struct backup_place *place);
// What is not kept goes.
void backup_place_close(struct backup_place *place);
// Removes all but the newest `keep`; how many. -1, said: one can't be removed.
int backup_place_prune(struct cli *cli, const struct backup_place *place, size_t keep);
