#include "db/child.h"

#include <libpq-fe.h>
#include <string.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(PQconninfoFree, PQconninfoOption *)

// Names of libpq's variables begin so, and a few others' too: what is no option is left alone.
static bool is_option(const PQconninfoOption *options, const char *variable)
{
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        size_t length = o->envvar ? strlen(o->envvar) : 0;
        if (length && strncmp(variable, o->envvar, length) == 0 && variable[length] == '=')
            return true;
    }
    return false;
}

static size_t count(const PQconninfoOption *options, char *const *environment)
{
    size_t n = 1;
    for (const PQconninfoOption *o = options; o->keyword; o++)
        n++;
    while (*environment++)
        n++;
    return n;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o->keyword; o++)
        if (strcmp(o->keyword, keyword) == 0 && o->val && *o->val)
            return o->val;
    return NULL;
}

char **db_child_environment(struct arena *arena, const char *url, char *const *environment,
                            const char **ret_database)
{
    CLEANUP(PQconninfoFree) PQconninfoOption *said = PQconninfoParse(url, NULL);
    size_t n = 0;
    if (!said)
        return NULL;
    char **ret = ARENA_ARRAY(arena, count(said, environment), char *);
    if (!ret)
        return NULL;
    for (char *const *each = environment; *each; each++)
        if (!is_option(said, *each))
            ret[n++] = *each;
    for (const PQconninfoOption *o = said; o->keyword; o++) {
        if (!o->envvar || !o->val)
            continue;
        ret[n] = arena_printf(arena, "%s=%s", o->envvar, o->val);
        if (!ret[n++])
            return NULL;
    }
    const char *database = value_of(said, "dbname");
    *ret_database = arena_strdup(arena, database ? database : value_of(said, "user"));
    ret[n] = NULL;
    return *ret_database ? ret : NULL;
}
