#include "postgres.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

#define DEBIAN "/usr/lib/postgresql/*/bin/"
#define VERSION_MAX 256

struct search {
    struct arena *arena;
    const char *name;
    int64_t wanted, found; // major versions
    const char *path;
};

// "pg_dump (PostgreSQL) 15.14 (Debian …)"
static int64_t version_of(struct arena *arena, const char *path)
{
    const char *words[] = {path, "--version", NULL};
    const char *said = child_read(
        arena, &(struct child){.words = words, .out_fd = -1, .quiet = true}, VERSION_MAX);
    const char *at = said ? strstr(said, "(PostgreSQL) ") : NULL;
    return at ? strtoll(at + strlen("(PostgreSQL) "), NULL, 10) : 0;
}

static void consider(struct search *search, const char *path)
{
    if (!path || access(path, X_OK) != 0)
        return;
    int64_t version = version_of(search->arena, path);
    if (version < search->wanted || (search->path && version >= search->found))
        return;
    search->path = arena_strdup(search->arena, path);
    search->found = version;
}

static void look_in(struct search *search, const char *directory, size_t length)
{
    if (length)
        consider(search,
                 arena_printf(search->arena, "%.*s/%s", (int)length, directory, search->name));
}

static void look_on_path(struct search *search)
{
    const char *at = getenv("PATH");
    while (at && *at && !search->path) {
        size_t length = strcspn(at, ":");
        look_in(search, at, length);
        at += length + (at[length] == ':');
    }
}

static void look_at_debians(struct search *search)
{
    glob_t found = {0};
    const char *pattern = arena_printf(search->arena, DEBIAN "%s", search->name);
    if (pattern && glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            consider(search, found.gl_pathv[i]);
    globfree(&found);
}

const char *postgres_program(struct arena *arena, const char *name, int64_t major)
{
    struct search search = {.arena = arena, .name = name, .wanted = major};
    const char *said = getenv("PG_BIN");
    if (said && *said) {
        look_in(&search, said, strlen(said));
    } else {
        look_at_debians(&search);
        look_on_path(&search);
    }
    if (!search.path)
        cli_fail("no %s of version %lld or later %s%s: install the server's client programs, or "
                 "say PG_BIN=/where/they/are",
                 name, (long long)major, said && *said ? "in PG_BIN=" : "on PATH",
                 said && *said ? said : "");
    return search.path;
}
