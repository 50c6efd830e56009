#include <string.h>

#include "journal/journal.h"

bool journal_migrations_before(const struct db_migrations *own,
                               struct db_migration items[MIGRATIONS_MAX], struct db_migrations *ret)
{
    if (journal_migrations_n + own->n > MIGRATIONS_MAX)
        return false;
    memcpy(items, journal_migrations, journal_migrations_n * sizeof *items);
    memcpy(items + journal_migrations_n, own->items, own->n * sizeof *items);
    *ret = (struct db_migrations){own->schema, items, journal_migrations_n + own->n};
    return true;
}
