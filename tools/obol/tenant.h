// Tenants as auth knows them beside their modes, which payments knows.
#pragma once
#include "cli.h"
#include "obol/auth/v1/auth.obol.h"
#include "obol/payments/v1/providers.obol.h"

typedef Obol__Auth__V1__Tenant Tenant;
typedef Obol__Payments__V1__TenantModeList TenantModes;

// Of as many tenants as ids, in their order. NULL, said why: payments does not answer.
const TenantModes *tenant_modes_ask(struct cli *cli, char **ids, size_t n);
struct tenant_turn {
    bool live, force;
};
bool tenant_mode_set(struct cli *cli, const char *tenant_id, const struct tenant_turn *turn);
// modes NULL: not known. Print JSON or a table, as the command was asked.
int tenants_print(struct cli *cli, Tenant *tenant, const TenantModes *modes);
int tenants_print_list(struct cli *cli, const Obol__Auth__V1__TenantList *list,
                       const TenantModes *modes);
