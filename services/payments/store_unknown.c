#include "store_unknown.h"

#include "payments_sql.h"

static struct db_params *keys_params(struct arena *arena, const struct key *keys, size_t n)
{
    struct db_params *params = db_params(arena);
    db_texts(params, n, DB_COLUMN(keys, tenant_id));
    db_texts(params, n, DB_COLUMN(keys, id));
    return params;
}

enum status store_unknown_enter(struct db *db, struct arena *arena, const struct key *keys,
                                size_t n, int64_t now_us)
{
    struct db_params *params = keys_params(arena, keys, n);
    db_time(params, now_us);
    return db_post(db, arena, &sql_unknown_enter, params);
}

enum status store_unknown_leave(struct db *db, struct arena *arena, const struct key *keys,
                                size_t n)
{
    return db_post(db, arena, &sql_unknown_leave, keys_params(arena, keys, n));
}
