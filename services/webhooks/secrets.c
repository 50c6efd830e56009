#include "secrets.h"

#include <stdlib.h>
#include <string.h>

#define SECRETS_MAX 64 // more endpoints in one batch: the oldest gives way

struct opened {
    struct bytes sealed;
    const char *context;
    char *secret;
};

struct secrets {
    struct arena *arena;
    struct opened at[SECRETS_MAX];
    size_t n, next;
};

struct secrets *secrets_new(void)
{
    struct secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets && (secrets->arena = arena_new(ARENA_CAP_REQUEST)))
        return secrets;
    free(secrets);
    return NULL;
}

void secrets_free(struct secrets *secrets)
{
    if (!secrets)
        return;
    secrets_wipe(secrets);
    arena_free(secrets->arena);
    free(secrets);
}

void secrets_wipe(struct secrets *secrets)
{
    if (secrets->n == 0)
        return;
    for (size_t i = 0; i < secrets->n; i++)
        crypto_wipe(secrets->at[i].secret, strlen(secrets->at[i].secret));
    secrets->n = secrets->next = 0;
    arena_reset(secrets->arena);
}

static const struct opened *find(const struct secrets *secrets, struct bytes sealed,
                                 const char *context)
{
    for (size_t i = secrets->n; i-- > 0;) {
        const struct opened *opened = &secrets->at[i];
        if (opened->sealed.length == sealed.length &&
            memcmp(opened->sealed.at, sealed.at, sealed.length) == 0 &&
            strcmp(opened->context, context) == 0)
            return opened;
    }
    return NULL;
}

enum status secrets_open(struct secrets *secrets, const struct keyring *ring, struct bytes sealed,
                         const char *context, const char **ret)
{
    const struct opened *known = find(secrets, sealed, context);
    if (known) {
        *ret = known->secret;
        return STATUS_OK;
    }
    struct bytes plain = {0};
    enum status status = keyring_open(ring, secrets->arena, sealed, context, &plain);
    if (status != STATUS_OK)
        return status;
    struct opened opened = {
        .sealed = arena_copy(secrets->arena, sealed),
        .context = arena_strdup(secrets->arena, context),
        .secret = arena_strndup(secrets->arena, (const char *)plain.at, plain.length),
    };
    crypto_wipe((void *)(uintptr_t)plain.at, plain.length);
    if (!opened.sealed.at || !opened.context || !opened.secret)
        return STATUS_RESOURCE_EXHAUSTED;
    struct opened *place = &secrets->at[secrets->next];
    if (secrets->n == SECRETS_MAX)
        crypto_wipe(place->secret, strlen(place->secret));
    else
        secrets->n++;
    secrets->next = (secrets->next + 1) % SECRETS_MAX;
    *place = opened;
    *ret = opened.secret;
    return STATUS_OK;
}
