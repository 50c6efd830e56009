#include "backup_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup.h"

#define PREFIX "obol-"
#define PARTIAL ".partial-"
#define STAMP_SIZE 32
#define BACKUPS_MAX 4096

// A backup holds files only, no directories.
static bool remove_backup(const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return false;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    (void)closedir(directory);
    return rmdir(path) == 0;
}

static bool is_whole(const char *name)
{
    return strncmp(name, PREFIX, strlen(PREFIX)) == 0;
}

static void clear_partial(struct cli *cli, const char *path)
{
    DIR *directory = opendir(path);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        const char *left = strncmp(entry->d_name, PARTIAL, strlen(PARTIAL)) == 0
                               ? arena_printf(cli->arena, "%s/%s", path, entry->d_name)
                               : NULL;
        if (left)
            (void)remove_backup(left);
    }
    (void)closedir(directory);
}

static bool lock(struct backup_place *place)
{
    place->lock_fd = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->lock_fd < 0) {
        cli_fail("%s can't be opened: %m", place->directory);
        return false;
    }
    if (flock(place->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    cli_fail(errno == EWOULDBLOCK ? "another backup to %s is under way" : "%s can't be locked: %m",
             place->directory);
    return false;
}

static bool make(struct cli *cli, struct backup_place *place)
{
    char stamp[STAMP_SIZE];
    struct tm broken;
    time_t now = time(NULL);
    if (!gmtime_r(&now, &broken) || !strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &broken))
        return false;
    place->path = arena_printf(cli->arena, "%s/" PREFIX "%s", place->directory, stamp);
    place->partial = arena_printf(cli->arena, "%s/" PARTIAL "%s", place->directory, stamp);
    if (!place->path || !place->partial)
        return false;
    if (access(place->path, F_OK) == 0) {
        cli_fail("%s is there already, and is not overwritten", place->path);
        place->partial = NULL;
        return false;
    }
    if (mkdir(place->partial, 0700) == 0)
        return true;
    cli_fail("%s can't be made: %m", place->partial);
    place->partial = NULL;
    return false;
}

bool backup_place_open(struct cli *cli, const char *directory, struct backup_place *ret)
{
    *ret = (struct backup_place){.directory = directory, .lock_fd = -1};
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        cli_fail("%s can't be made: %m", directory);
        return false;
    }
    if (!lock(ret))
        return false;
    clear_partial(cli, directory);
    return make(cli, ret);
}

bool backup_place_keep(struct backup_place *place)
{
    // Whole on the disk before it has a name.
    if (!backup_sync(place->partial) || rename(place->partial, place->path) != 0 ||
        !backup_sync(place->directory)) {
        cli_fail("%s can't be kept: %m", place->path);
        return false;
    }
    place->partial = NULL;
    return true;
}

void backup_place_close(struct backup_place *place)
{
    if (place->partial)
        (void)remove_backup(place->partial);
    if (place->lock_fd >= 0)
        (void)close(place->lock_fd);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int backup_place_prune(struct cli *cli, const struct backup_place *place, size_t keep)
{
    const char *names[BACKUPS_MAX];
    size_t n = 0;
    DIR *directory = opendir(place->directory);
    if (!directory)
        return -1;
    for (struct dirent *entry; n < BACKUPS_MAX && (entry = readdir(directory));)
        if (is_whole(entry->d_name))
            names[n++] = arena_printf(cli->arena, "%s/%s", place->directory, entry->d_name);
    (void)closedir(directory);
    qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i + keep < n; i++) {
        // A half-removed one must not look whole.
        const char *gone = arena_printf(cli->arena, "%s/" PARTIAL "removed", place->directory);
        if (!gone || !names[i] || rename(names[i], gone) != 0 || !remove_backup(gone)) {
            cli_fail("%s can't be removed: %m", names[i]);
            return -1;
        }
    }
    return n > keep ? (int)(n - keep) : 0;
}
