#include "setup/reseal.h"

#include "base/log.h"
#include "setup/store_setup.h"

static struct key_ids older_keys(const struct keyring *ring)
{
    struct key_ids keys = {.n = 0};
    for (size_t i = 1; i < ring->n; i++)
        keys.at[keys.n++] = ring->keys[i].id;
    return keys;
}

static enum status seal_anew(const struct keyring *ring, struct arena *arena,
                             struct sealed_credential *row)
{
    const struct credential *credential = &row->credential;
    const char *context = credential_context(arena, credential->tenant_id, credential->id);
    struct bytes plain = {0};
    if (!context)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = keyring_open(ring, arena, row->sealed, context, &plain);
    if (status != STATUS_OK)
        return status;
    row->sealed = keyring_seal(ring, arena, plain, context);
    crypto_wipe((void *)(uintptr_t)plain.at, plain.length);
    return row->sealed.at ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

// What can't be opened stays as it is: whoever wants it finds out. The others move to the front.
static enum status seal_all(const struct keyring *ring, struct arena *arena,
                            struct sealed_credential *rows, size_t n, size_t *ret_sealed)
{
    *ret_sealed = 0;
    for (size_t i = 0; i < n; i++) {
        enum status status = seal_anew(ring, arena, &rows[i]);
        if (status == STATUS_DATA_LOSS)
            log_error("credential not sealed anew", LOG_S("credential", rows[i].credential.id),
                      LOG_S("tenant", rows[i].credential.tenant_id));
        else if (status != STATUS_OK)
            return status;
        else
            rows[(*ret_sealed)++] = rows[i];
    }
    return STATUS_OK;
}

static enum status reseal(const struct keyring *ring, struct db *db, struct arena *arena,
                          bool *ret_more)
{
    const struct key_ids keys = older_keys(ring);
    struct sealed_credential *rows = NULL;
    size_t n = 0, sealed = 0;
    enum status status = store_credentials_sealed_by(db, arena, &keys, RESEAL_ROWS, &rows, &n);
    if (status == STATUS_OK)
        status = seal_all(ring, arena, rows, n, &sealed);
    if (status == STATUS_OK && sealed > 0) {
        log_info("credentials sealed anew", LOG_I("n", sealed));
        *ret_more = *ret_more || n == RESEAL_ROWS;
        status = store_credentials_reseal(db, arena, rows, sealed);
    }
    return status;
}

enum status reseal_credentials(const struct keyring *ring, struct db *db, struct arena *arena,
                               bool *ret_more)
{
    if (ring->n < 2)
        return STATUS_OK;
    enum status status = db_begin(db);
    if (status == STATUS_OK)
        status = reseal(ring, db, arena, ret_more);
    if (status == STATUS_OK)
        return db_commit(db);
    db_rollback(db);
    return status;
}
