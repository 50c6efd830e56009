#include "setup/setup_load.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "setup/store_setup.h"

static struct held *held_new(const char *tenant_id)
{
    size_t size = strlen(tenant_id) + 1;
    struct held *held = calloc(1, sizeof *held + size);
    if (!held)
        return NULL;
    memcpy(held->tenant_id, tenant_id, size);
    held->setup.tenant_id = held->tenant_id;
    atomic_init(&held->holders, 1);
    held->arena = arena_new(ARENA_CAP_REQUEST);
    if (held->arena)
        return held;
    free(held);
    return NULL;
}

void setup_release(const struct setup *setup)
{
    struct held *held = (struct held *)(uintptr_t)setup;
    if (!held || atomic_fetch_sub(&held->holders, 1) > 1)
        return;
    arena_free(held->arena);
    free(held);
}

static const char *callback_url(const struct setup_source *source, struct arena *arena,
                                const struct credential *credential)
{
    return arena_printf(arena, "%s/api/v1/webhooks/%s/%s", source->callback_base_url,
                        credential->provider, credential->id);
}

// Adds what lies sealed beside the row. The credential is of the row's arena.
static enum status credential_finish(const struct setup_source *source, struct arena *arena,
                                     const struct sealed_credential *row,
                                     struct credential *credential)
{
    *credential = row->credential;
    if (source->callback_base_url[0]) {
        credential->callback_url = callback_url(source, arena, credential);
        if (!credential->callback_url)
            return STATUS_RESOURCE_EXHAUSTED;
    }
    enum status status = credential_open(source->ring, arena, row, &credential->fields);
    if (status != STATUS_OK)
        log_error("credential not opened", LOG_S("credential", credential->id),
                  LOG_S("tenant", credential->tenant_id), LOG_S("status", status_name(status)));
    return status;
}

static enum status credentials_finish(const struct setup_source *source, struct held *held,
                                      const struct setup_rows *rows)
{
    struct credential *credentials =
        ARENA_ARRAY(held->arena, rows->credentials_n, struct credential);
    if (!credentials)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < rows->credentials_n; i++) {
        enum status status =
            credential_finish(source, held->arena, &rows->credentials[i], &credentials[i]);
        if (status != STATUS_OK)
            return status;
        credentials[i].tenant_id = held->tenant_id;
    }
    held->setup.credentials = credentials;
    held->setup.credentials_n = rows->credentials_n;
    return STATUS_OK;
}

// Where no mode is settled. A tenant that has switched everything off stays live when it was: play
// money must not pass for real money there.
static bool is_live(const struct setup *setup)
{
    bool live = false;
    for (size_t i = 0; i < setup->credentials_n; i++) {
        if (!setup->credentials[i].live && setup->credentials[i].enabled)
            return false;
        live = live || setup->credentials[i].live;
    }
    return live;
}

static enum status fill(const struct setup_source *source, struct db *db, struct held *held)
{
    struct setup *setup = &held->setup;
    struct setup_rows rows = {0};
    // Nobody is the tenant of the simulator's callbacks.
    if (held->tenant_id[0]) {
        enum status status = store_setup_read(db, held->arena, held->tenant_id, &rows);
        if (status == STATUS_OK)
            status = credentials_finish(source, held, &rows);
        if (status != STATUS_OK)
            return status;
    }
    setup->routes = rows.routes;
    setup->routes_n = rows.routes_n;
    setup->limits = rows.limits;
    setup->limits_n = rows.limits_n;
    setup->mode_settled = rows.mode_settled;
    setup->live = rows.mode_settled ? !rows.test_mode : is_live(setup);
    setup->simulator = setup->live ? NULL : source->simulator;
    return STATUS_OK;
}

static void drop_arena_when_empty(struct held *held)
{
    struct setup *setup = &held->setup;
    if (setup->credentials_n + setup->routes_n + setup->limits_n > 0)
        return;
    setup->credentials = NULL;
    setup->routes = NULL;
    setup->limits = NULL;
    arena_free(held->arena);
    held->arena = NULL;
}

enum status setup_load(const struct setup_source *source, struct db *db, const char *tenant_id,
                       struct held **ret)
{
    struct held *held = held_new(tenant_id);
    enum status status = held ? fill(source, db, held) : STATUS_RESOURCE_EXHAUSTED;
    if (status != STATUS_OK) {
        setup_release(held ? &held->setup : NULL);
        return status;
    }
    drop_arena_when_empty(held);
    *ret = held;
    return STATUS_OK;
}
