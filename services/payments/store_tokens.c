#include <string.h>

#include "payments_sql.h"
#include "store.h"

const char *card_token_context(struct arena *arena, const char *tenant_id, const char *id)
{
    return arena_printf(arena, "card_token:%s/%s", tenant_id, id);
}

enum status store_card_tokens_get(struct db *db, struct arena *arena, const struct key *keys,
                                  size_t n, int64_t now_us, const struct card_token **ret)
{
    struct db_params *params = db_params(arena);
    struct card_token *tokens = ARENA_ARRAY(arena, n, struct card_token);
    struct db_rows *rows = NULL;
    if (!params || !tokens)
        return STATUS_RESOURCE_EXHAUSTED;
    db_texts(params, n, DB_COLUMN(keys, tenant_id));
    db_texts(params, n, DB_COLUMN(keys, id));
    db_time(params, now_us);
    memset(ret, 0, n * sizeof *ret);
    enum status status = db_run(db, arena, &sql_card_tokens_get, params, &rows);
    for (size_t i = 0; status == STATUS_OK && i < db_count(rows); i++) {
        size_t place = (size_t)db_get_int(rows, i, 6) - 1;
        struct card_token *token = &tokens[place];
        *token = (struct card_token){
            .tenant_id = keys[place].tenant_id,
            .id = keys[place].id,
            .provider = db_get_text(rows, i, 0),
            .provider_token = db_get_bytea(rows, i, 1),
            .brand = db_get_text(rows, i, 2),
            .expiry_month = db_get_int(rows, i, 4),
            .expiry_year = db_get_int(rows, i, 5),
            .credential_id = db_get_text(rows, i, 7),
        };
        struct bytes fingerprint = db_get_bytea(rows, i, 8);
        if (fingerprint.length == sizeof token->fingerprint.at)
            memcpy(token->fingerprint.at, fingerprint.at, fingerprint.length);
        strncpy(token->last4, db_get_text(rows, i, 3), sizeof token->last4 - 1);
        ret[place] = token;
    }
    return status;
}

enum status store_card_tokens_insert(struct db *db, struct arena *arena,
                                     const struct card_token *token)
{
    struct db_params *params = db_params(arena);
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_text(params, token->tenant_id);
    db_text(params, token->id);
    db_text(params, token->provider);
    db_bytea(params, token->provider_token);
    db_text(params, token->brand);
    db_text(params, token->last4);
    db_int(params, token->expiry_month);
    db_int(params, token->expiry_year);
    db_bytea(params, BYTES_OF_ARRAY(token->fingerprint.at));
    db_time(params, token->created_us);
    db_time(params, token->expires_us);
    db_text(params, token->credential_id);
    return db_post(db, arena, &sql_card_tokens_insert, params);
}

enum status store_sweep(struct db *db, struct arena *arena, const struct sweep *sweep,
                        size_t *ret_removed)
{
    struct db_params *params = db_params(arena);
    struct db_rows *rows = NULL;
    if (!params)
        return STATUS_RESOURCE_EXHAUSTED;
    db_time(params, sweep->before_us);
    db_int(params, (int64_t)sweep->limit);
    enum status status = db_run(db, arena, sweep->statement, params, &rows);
    if (status == STATUS_OK)
        *ret_removed = db_count(rows);
    return status;
}

enum status store_card_tokens_sweep(struct db *db, struct arena *arena, int64_t now_us,
                                    size_t limit, size_t *ret_removed)
{
    const struct sweep sweep = {&sql_card_tokens_sweep, now_us, limit};
    return store_sweep(db, arena, &sweep, ret_removed);
}
