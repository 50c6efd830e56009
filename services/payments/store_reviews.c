#include "store_reviews.h"

#include "payments_sql.h"

enum status store_reviews_list(struct db *db, struct arena *arena, const struct review_page *page,
                               struct review **ret, size_t *ret_n)
{
    struct db_params *p = db_params(arena);
    struct db_rows *rows = NULL;
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(p, page->tenant_id);
    db_text(p, page->after_payment_id);
    db_text(p, page->after_refund_id);
    db_int(p, (int64_t)page->limit);
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
            .refund_id = db_get_text(rows, i, 9),
        };
    *ret = reviews;
    *ret_n = db_count(rows);
    return STATUS_OK;
}

enum status store_reviews_enter(struct db *db, struct arena *arena, const struct review *reviews,
                                size_t n, int64_t now_us)
{
    struct db_params *p = db_params(arena);
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(reviews, tenant_id));
    db_texts(p, n, DB_COLUMN(reviews, payment_id));
    db_texts(p, n, DB_COLUMN(reviews, refund_id));
    db_texts(p, n, DB_COLUMN(reviews, reason));
    db_time(p, now_us);
    return db_post(db, arena, &sql_reviews_enter, p);
}

enum status store_reviews_leave(struct db *db, struct arena *arena, const struct review *reviews,
                                size_t n)
{
    struct db_params *p = db_params(arena);
    if (!p)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(p, n, DB_COLUMN(reviews, tenant_id));
    db_texts(p, n, DB_COLUMN(reviews, payment_id));
    db_texts(p, n, DB_COLUMN(reviews, refund_id));
    return db_post(db, arena, &sql_reviews_leave, p);
}
