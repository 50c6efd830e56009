// For programs of PostgreSQL's own (pg_dump, pg_restore): where to go and as whom, in their
// environment, so that a password stands on no command line.
#pragma once
#include "base/arena.h"

// `environment` (as execve has it) with the URL's settings as PGHOST, PGPASSWORD and so on, and
// without those that it had of these. *ret_database is the database's name. NULL: the URL is none,
// or the arena is full.
char **db_child_environment(struct arena *arena, const char *url, char *const *environment,
                            const char **ret_database);
