#include "postgres.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "settings.h"

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
    int64_t version = path ? version_of(search->arena, path) : 0;
    if (version < search->wanted || (search->path && version >= search->found))
        return;
    search->path = arena_strdup(search->arena, path);
    search->found = version;
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
    const char *said = obol_settings.pg_bin;
    if (*said)
        consider(&search, arena_printf(arena, "%s/%s", said, name));
    else
        look_at_debians(&search);
    if (!*said && !search.path)
        consider(&search, name);
    if (!search.path)
        cli_fail("no %s of version %lld or later %s%s: install the server's client programs, or "
                 "say PG_BIN=/where/they/are",
                 name, (long long)major, *said ? "in PG_BIN=" : "on PATH", said);
    return search.path;
}
