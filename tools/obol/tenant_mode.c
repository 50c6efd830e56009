#include <inttypes.h>
#include <stdio.h>

#include "tenant.h"
#include "json/json.h"

typedef Obol__Payments__V1__TenantMode TenantMode;

const TenantModes *tenant_modes_ask(struct cli *cli, char **ids, size_t n)
{
    Obol__Payments__V1__ListTenantModesRequest request =
        OBOL__PAYMENTS__V1__LIST_TENANT_MODES_REQUEST__INIT;
    request.tenant_ids = ids;
    request.n_tenant_ids = n;
    return (const TenantModes *)cli_call(
        cli,
        &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_ListTenantModes, NULL, &request.base});
}

bool tenant_mode_set(struct cli *cli, const char *tenant_id, const struct tenant_turn *turn)
{
    Obol__Payments__V1__SetTenantModeRequest request =
        OBOL__PAYMENTS__V1__SET_TENANT_MODE_REQUEST__INIT;
    request.test_mode = !turn->live;
    request.force = turn->force;
    return cli_call(cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_SetTenantMode,
                                       tenant_id, &request.base});
}

static const char *rate_text(struct cli *cli, const Google__Protobuf__Int64Value *rate)
{
    if (!rate)
        return "default";
    return rate->value ? arena_printf(cli->arena, "%" PRId64, rate->value) : "none";
}

static const char *mode_text(struct cli *cli, const TenantMode *mode)
{
    if (!mode)
        return "?";
    const char *note = !mode->settled                                ? ", not set"
                       : !mode->test_mode && !mode->live_credentials ? ", no credential"
                                                                     : "";
    return arena_printf(cli->arena, "%s%s", mode->test_mode ? "test" : "live", note);
}

static int print_table_of(struct cli *cli, Tenant *const *tenants, size_t n,
                          const TenantModes *modes)
{
    enum { COLUMNS = 5 };
    static const char *const headings[COLUMNS] = {"ID", "NAME", "MODE", "RATE/MIN", "CREATED"};
    const char **cells = ARENA_ARRAY(cli->arena, n * COLUMNS, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        const char **row = &cells[i * COLUMNS];
        row[0] = tenants[i]->id;
        row[1] = tenants[i]->name;
        row[2] = mode_text(cli, modes ? modes->data[i] : NULL);
        row[3] = rate_text(cli, tenants[i]->rate_per_min);
        row[4] = print_time(cli->arena, tenants[i]->created_at);
    }
    print_table(headings, COLUMNS, cells, n);
    return EXIT_DONE;
}

// The tenant's members, and its mode's beside them.
static const char *tenant_json(struct cli *cli, const Tenant *tenant, const TenantMode *mode)
{
    struct json_member members[9] = {
        JSON_S("id", tenant->id),
        JSON_S("object", tenant->object),
        JSON_S("name", tenant->name),
        JSON_S("created_at", print_time(cli->arena, tenant->created_at)),
    };
    size_t n = 4;
    members[n++] = tenant->rate_per_min
                       ? (struct json_member)JSON_I("rate_per_min", tenant->rate_per_min->value)
                       : (struct json_member)JSON_S("rate_per_min", NULL);
    if (mode) {
        members[n++] = (struct json_member)JSON_B("test_mode", mode->test_mode);
        members[n++] = (struct json_member)JSON_B("mode_settled", mode->settled);
        members[n++] = (struct json_member)JSON_I("live_credentials", mode->live_credentials);
    }
    return json_object(cli->arena, members);
}

int tenants_print(struct cli *cli, Tenant *tenant, const TenantModes *modes)
{
    if (!cli->json)
        return print_table_of(cli, &tenant, 1, modes);
    const char *json = tenant_json(cli, tenant, modes ? modes->data[0] : NULL);
    if (!json)
        return cli_fail("out of memory");
    puts(json);
    return EXIT_DONE;
}

int tenants_print_list(struct cli *cli, const Obol__Auth__V1__TenantList *list,
                       const TenantModes *modes)
{
    if (!cli->json)
        return print_table_of(cli, list->data, list->n_data, modes);
    const char *rows = "";
    for (size_t i = 0; rows && i < list->n_data; i++) {
        const char *row = tenant_json(cli, list->data[i], modes ? modes->data[i] : NULL);
        rows = row ? arena_printf(cli->arena, "%s%s%s", rows, i ? "," : "", row) : NULL;
    }
    const char *data = rows ? arena_printf(cli->arena, "[%s]", rows) : NULL;
    const char *json =
        data ? json_object(cli->arena, (struct json_member[]){JSON_S("object", "list"),
                                                              JSON_R("data", data),
                                                              JSON_B("has_more", list->has_more),
                                                              {0}})
             : NULL;
    if (!json)
        return cli_fail("out of memory");
    puts(json);
    return EXIT_DONE;
}
