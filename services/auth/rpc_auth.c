#include "rpc_auth.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "rpc_tokens.h"
#include "service/service.h"
#include "store.h"
#include "json/json.h"

#define AUTH "/obol.auth.v1.AuthService/"

static enum status refuse_missing(struct call *call, const char *noun)
{
    return problem_not_found(&call->problem, noun);
}

static enum status refuse_existing(struct call *call, const char *noun)
{
    return call_refuse(call, STATUS_ALREADY_EXISTS, "already_exists", "id",
                       "A %s with this id exists.", noun);
}

static enum status answer(struct call *call, const ProtobufCMessage *message)
{
    if (!message)
        return problem_internal(&call->problem);
    call_answer(call, message);
    return STATUS_OK;
}

// `after` is the object as it is shown, so it holds no secret.
static enum status audit(struct worker *worker, struct call *call, const char *tenant_id,
                         const char *action, const char *object_id, const ProtobufCMessage *after)
{
    char *json = after ? json_write(call->arena, after) : NULL;
    if (!json)
        return problem_internal(&call->problem);
    struct audit entry = {
        .tenant_id = tenant_id,
        .actor = call->context.actor,
        .action = action,
        .object_id = object_id,
        .request_id = call->context.request_id,
        .after = json,
    };
    enum status status = journal_audit(worker->db, call->arena, &entry, 1);
    return status == STATUS_OK ? STATUS_OK : call_refuse_status(call, status);
}

static enum status create_tenant_work(struct worker *worker, struct call *call, void *context)
{
    const struct tenant *tenant = context;
    bool made = false;
    enum status status = tenant_insert(worker->db, call->arena, tenant, &made);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    if (!made)
        return refuse_existing(call, "tenant");
    Obol__Auth__V1__Tenant *message = tenant_message(call->arena, tenant);
    status = audit(worker, call, tenant->id, "tenant.create", tenant->id,
                   message ? &message->base : NULL);
    return status == STATUS_OK ? answer(call, &message->base) : status;
}

static enum status create_tenant(void *context, struct call *call)
{
    struct tenant tenant;
    enum status status =
        tenant_make(call->arena, CALL_REQUEST(call, Obol__Auth__V1__CreateTenantRequest), &tenant,
                    &call->problem);
    if (status != STATUS_OK)
        return status;
    return service_once(context, call, tenant.id, create_tenant_work, &tenant);
}

struct new_rate {
    const char *id;
    int64_t rate_per_min;
};

static enum status set_rate_work(struct worker *worker, struct call *call, void *context)
{
    const struct new_rate *rate = context;
    struct tenant tenant;
    enum status status =
        tenant_set_rate(worker->db, call->arena, rate->id, rate->rate_per_min, &tenant);
    if (status == STATUS_NOT_FOUND)
        return refuse_missing(call, "tenant");
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Auth__V1__Tenant *message = tenant_message(call->arena, &tenant);
    status = audit(worker, call, tenant.id, "tenant.set_rate", tenant.id,
                   message ? &message->base : NULL);
    return status == STATUS_OK ? answer(call, &message->base) : status;
}

static enum status set_tenant_rate(void *context, struct call *call)
{
    const Obol__Auth__V1__SetTenantRateRequest *request =
        CALL_REQUEST(call, Obol__Auth__V1__SetTenantRateRequest);
    struct new_rate rate = {.id = request->id};
    if (!id_looks_like(TENANT_PREFIX, request->id))
        return refuse_missing(call, "tenant");
    enum status status =
        tenant_read_rate(request->rate_per_min, &rate.rate_per_min, &call->problem);
    return status == STATUS_OK ? service_once(context, call, rate.id, set_rate_work, &rate)
                               : status;
}

static enum status get_tenant(void *context, struct call *call)
{
    struct worker *worker = context;
    const char *id = CALL_REQUEST(call, Obol__Auth__V1__GetTenantRequest)->id;
    struct tenant tenant;
    enum status status = id_looks_like(TENANT_PREFIX, id)
                             ? tenant_get(worker->db, call->arena, id, &tenant)
                             : STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND)
        return refuse_missing(call, "tenant");
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    return answer(call, (ProtobufCMessage *)tenant_message(call->arena, &tenant));
}

// These lists are not filtered by time, so the bounds' prefix plays no part.
static enum status read_page(struct call *call, int32_t limit, const char *starting_after,
                             const char *ending_before, struct page *ret)
{
    Google__Protobuf__Int64Value asked = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    asked.value = limit;
    const struct page_request request = {
        .limit = limit ? &asked : NULL,
        .starting_after = starting_after,
        .ending_before = ending_before,
        .created_gte_us = DB_TIME_NULL,
        .created_lt_us = DB_TIME_NULL,
    };
    return page_read(&request, "", ret, &call->problem);
}

static enum status list_tenants(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Auth__V1__ListTenantsRequest *request =
        CALL_REQUEST(call, Obol__Auth__V1__ListTenantsRequest);
    struct page page;
    enum status status =
        read_page(call, request->limit, request->starting_after, request->ending_before, &page);
    if (status != STATUS_OK)
        return status;
    struct tenant *items;
    size_t n;
    bool more;
    status = tenant_list(worker->db, call->arena, &page, &items, &n, &more);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Auth__V1__TenantList *list =
        MESSAGE_NEW(call->arena, obol__auth__v1__tenant_list, Obol__Auth__V1__TenantList);
    Obol__Auth__V1__Tenant **data = ARENA_ARRAY(call->arena, n, Obol__Auth__V1__Tenant *);
    if (!list || !data)
        return problem_internal(&call->problem);
    for (size_t i = 0; i < n; i++)
        if (!(data[i] = tenant_message(call->arena, &items[i])))
            return problem_internal(&call->problem);
    list->object = (char *)"list";
    list->data = data;
    list->n_data = n;
    list->has_more = more;
    return answer(call, &list->base);
}

struct new_key {
    struct api_key key;
    const char *secret; // shown in the answer; NULL: the caller has it already
    const char *action;
};

static enum status insert_key_work(struct worker *worker, struct call *call, void *context)
{
    const struct new_key *made = context;
    enum status status = key_insert(worker->db, call->arena, &made->key);
    if (status == STATUS_NOT_FOUND)
        return refuse_missing(call, "tenant");
    if (status == STATUS_ALREADY_EXISTS)
        return refuse_existing(call, "key");
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Auth__V1__ApiKey *message = key_message(call->arena, &made->key);
    if (!message)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    status = audit(worker, call, made->key.tenant_id, made->action, made->key.id, &message->base);
    if (status != STATUS_OK)
        return status;
    if (made->secret)
        message->secret = (char *)made->secret;
    return answer(call, &message->base);
}

static enum status create_key(void *context, struct call *call)
{
    struct worker *worker = context;
    struct new_key made = {.action = "api_key.create"};
    enum status status = key_make(call->arena, worker->journal->ring,
                                  CALL_REQUEST(call, Obol__Auth__V1__CreateKeyRequest), &made.key,
                                  &made.secret, &call->problem);
    if (status != STATUS_OK)
        return status;
    return service_once(worker, call, made.key.id, insert_key_work, &made);
}

static enum status import_key(void *context, struct call *call)
{
    struct worker *worker = context;
    struct new_key made = {.action = "api_key.import"};
    enum status status =
        key_take(worker->journal->ring, CALL_REQUEST(call, Obol__Auth__V1__ImportKeyRequest),
                 &made.key, &call->problem);
    if (status != STATUS_OK)
        return status;
    return service_once(worker, call, made.key.id, insert_key_work, &made);
}

static enum status list_keys(void *context, struct call *call)
{
    struct worker *worker = context;
    const Obol__Auth__V1__ListKeysRequest *request =
        CALL_REQUEST(call, Obol__Auth__V1__ListKeysRequest);
    if (!id_looks_like(TENANT_PREFIX, request->tenant_id))
        return problem_invalid(&call->problem, "tenant_id", "tenant_id is not a tenant's id.");
    struct page page;
    enum status status =
        read_page(call, request->limit, request->starting_after, request->ending_before, &page);
    if (status != STATUS_OK)
        return status;
    struct api_key *items;
    size_t n;
    bool more;
    status = key_list(worker->db, call->arena, request->tenant_id, &page, &items, &n, &more);
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Auth__V1__ApiKeyList *list =
        MESSAGE_NEW(call->arena, obol__auth__v1__api_key_list, Obol__Auth__V1__ApiKeyList);
    Obol__Auth__V1__ApiKey **data = ARENA_ARRAY(call->arena, n, Obol__Auth__V1__ApiKey *);
    if (!list || !data)
        return problem_internal(&call->problem);
    for (size_t i = 0; i < n; i++)
        if (!(data[i] = key_message(call->arena, &items[i])))
            return problem_internal(&call->problem);
    list->object = (char *)"list";
    list->data = data;
    list->n_data = n;
    list->has_more = more;
    return answer(call, &list->base);
}

static enum status revoke_key_work(struct worker *worker, struct call *call, void *context)
{
    const char *id = context;
    struct api_key key;
    bool changed = false;
    enum status status = key_revoke(worker->db, call->arena, id, clock_unix_us(), &key, &changed);
    if (status == STATUS_NOT_FOUND)
        return refuse_missing(call, "key");
    if (status != STATUS_OK)
        return call_refuse_status(call, status);
    Obol__Auth__V1__ApiKey *message = key_message(call->arena, &key);
    if (!message)
        return problem_internal(&call->problem);
    if (changed)
        status = audit(worker, call, key.tenant_id, "api_key.revoke", key.id, &message->base);
    return status == STATUS_OK ? answer(call, &message->base) : status;
}

static enum status revoke_key(void *context, struct call *call)
{
    char *id = CALL_REQUEST(call, Obol__Auth__V1__RevokeKeyRequest)->id;
    if (!key_id_valid(id))
        return refuse_missing(call, "key");
    return service_once(context, call, id, revoke_key_work, id);
}

// One and the same answer whatever is wrong, so that keys can't be found by trying.
static void verify_answer(struct worker *worker, struct call *call, const struct key_check *check)
{
    const Obol__Auth__V1__VerifyKeyRequest *request =
        CALL_REQUEST(call, Obol__Auth__V1__VerifyKeyRequest);
    if (!key_matches(worker->journal->ring, check->id, request->secret, check->digest)) {
        (void)call_refuse(call, STATUS_UNAUTHENTICATED, "authentication_failed", NULL,
                          "The API key or secret is missing or wrong.");
        return;
    }
    Obol__Auth__V1__VerifyKeyResponse *response = MESSAGE_NEW(
        call->arena, obol__auth__v1__verify_key_response, Obol__Auth__V1__VerifyKeyResponse);
    char *tenant_id = arena_strdup(call->arena, check->tenant_id);
    if (!response || !tenant_id) {
        (void)problem_internal(&call->problem);
        return;
    }
    response->tenant_id = tenant_id;
    const struct auth_settings *settings = worker->state;
    response->rate_per_min =
        check->rate_per_min == RATE_DEFAULT ? settings->tenant_rate_per_min : check->rate_per_min;
    call_answer(call, &response->base);
}

static void verify_key(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct arena *arena = calls[0]->arena; // the batch's own things are small
    struct key_check checks[RPC_BATCH_MAX];
    for (size_t start = 0; start < n; start += RPC_BATCH_MAX) {
        size_t many = n - start < RPC_BATCH_MAX ? n - start : RPC_BATCH_MAX;
        for (size_t i = 0; i < many; i++) {
            const char *id = CALL_REQUEST(calls[start + i], Obol__Auth__V1__VerifyKeyRequest)->id;
            checks[i] = (struct key_check){.id = key_id_valid(id) ? id : "none"};
        }
        enum status status = key_find(worker->db, arena, checks, many);
        for (size_t i = 0; i < many; i++) {
            if (status != STATUS_OK)
                (void)call_refuse_status(calls[start + i], status);
            else
                verify_answer(worker, calls[start + i], &checks[i]);
        }
    }
}

const struct rpc_handler auth_handlers[] = {
    {.method = AUTH "CreateTenant", .one = create_tenant},
    {.method = AUTH "SetTenantRate", .one = set_tenant_rate},
    {.method = AUTH "GetTenant", .one = get_tenant},
    {.method = AUTH "ListTenants", .one = list_tenants},
    {.method = AUTH "CreateKey", .one = create_key},
    {.method = AUTH "ImportKey", .one = import_key},
    {.method = AUTH "ListKeys", .one = list_keys},
    {.method = AUTH "RevokeKey", .one = revoke_key},
    {.method = AUTH "VerifyKey", .many = verify_key},
    {.method = AUTH "LeaseTokens", .many = rpc_lease_tokens},
};
const size_t auth_handlers_n = sizeof auth_handlers / sizeof *auth_handlers;
