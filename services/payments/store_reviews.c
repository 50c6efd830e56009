#include "store_reviews.h"

#include "payments_sql.h"

enum status store_reviews_list(struct db *db, struct arena *arena, const char *tenant_id,
                               const char *after, size_t limit, struct review **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    db_text(p, tenant_id);
    db_text(p, after);
    db_int(p, (int64_t)limit);
    enum status status = db_run(db, arena, &sql_reviews_list, p, &rows);
    if (status != STATUS_OK)
        return status;
    struct review *reviews = ARENA_ARRAY(arena, db_count(rows), struct review);
    if (!reviews)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < db_count(rows); i++)
        reviews[i] = (struct review){
            .tenant_id = db_get_text(rows, i, 0),
            .payment_id = db_get_text(rows, i, 1),
            .reason = db_get_text(rows, i, 2),
            .amount = db_get_int(rows, i, 3),
            .currency = db_get_text(rows, i, 4),
            .provider = db_get_text(rows, i, 5),
            .reference = db_get_text(rows, i, 6),
            .unknown_operation = db_get_text(rows, i, 7),
            .since_us = db_get_time(rows, i, 8),
        };
    *ret = reviews;
    *ret_n = db_count(rows);
    return STATUS_OK;
}
