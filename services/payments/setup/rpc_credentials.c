// Credentials are made, changed and listed. Values come in and are never seen again: they are
// sealed in the transaction that takes them, and wiped.
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "setup/credential_fields.h"
#include "setup/rpc_providers.h"

#define LABEL_MAX 100
#define SIMULATOR "simulator"

typedef Obol__Payments__V1__SetCredentialRequest Request;

struct credential_set {
    const char *id;
    bool is_new;
};

static const Request *request_of(const struct call *call)
{
    return CALL_REQUEST(call, Request);
}

static enum status refuse_provider(struct call *call, const struct providers *providers)
{
    const struct provider *provider;
    const char *names = "";
    for (size_t i = 0; names && (provider = providers_at(providers, i)); i++)
        if (strcmp(provider->name, SIMULATOR) != 0)
            names =
                arena_printf(call->arena, "%s%s%s", names, names[0] ? ", " : "", provider->name);
    return call_refuse(call, STATUS_INVALID_ARGUMENT, "invalid_request", "provider", "One of %s.",
                       names ? names : "those that docs/providers.md names");
}

// --- What it shall be
static enum status begin_new(struct call *call, const char *id, struct sealed_credential *ret)
{
    const Request *request = request_of(call);
    *ret = (struct sealed_credential){
        .credential = {.id = id,
                       .tenant_id = call->context.tenant_id,
                       .provider = request->provider,
                       .live = request->live,
                       .created_us = clock_unix_us()},
    };
    return STATUS_OK;
}

static enum status begin_change(struct call *call, const struct sealed_credential *before,
                                struct sealed_credential *ret)
{
    const Request *request = request_of(call);
    if (!before)
        return problem_not_found(&call->problem, "credential");
    if (request->provider[0] && strcmp(request->provider, before->credential.provider) != 0)
        return problem_invalid(&call->problem, "provider",
                               "The credential is another provider's; make a new one.");
    if (request->live && !before->credential.live)
        return problem_invalid(&call->problem, "live",
                               "That is settled when a credential is made; make a new one.");
    *ret = *before;
    return STATUS_OK;
}

static enum status seal_fields(struct worker *worker, struct call *call,
                               const struct field_values *values, struct sealed_credential *row)
{
    const struct payments_state *state = worker->state;
    const char *context =
        credential_context(call->arena, row->credential.tenant_id, row->credential.id);
    if (context)
        row->sealed =
            keyring_seal(state->ring, call->arena, bytes_of_string(values->json), context);
    row->names = values->names;
    row->names_n = values->n;
    return context && row->sealed.at ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static enum status take_fields(struct worker *worker, struct call *call, bool is_new,
                               struct sealed_credential *row)
{
    const struct payments_state *state = worker->state;
    const Request *request = request_of(call);
    const struct field_rules rules = {
        .provider = providers_find(state->providers, row->credential.provider),
        .live = row->credential.live,
        .allow_http = state->settings->provider_allow_http,
    };
    const struct json_value *before = NULL;
    struct field_values values = {0};
    enum status status = STATUS_OK;
    if (!rules.provider || strcmp(rules.provider->name, SIMULATOR) == 0)
        return refuse_provider(call, state->providers);
    struct field_change *changes = ARENA_ARRAY(call->arena, request->n_fields, struct field_change);
    if (!changes)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < request->n_fields; i++)
        changes[i] = (struct field_change){request->fields[i]->key, request->fields[i]->value};
    if (!is_new)
        status = credential_open(state->ring, call->arena, row, &before);
    if (status == STATUS_OK)
        status = credential_fields_change(call->arena, &rules, before, changes, request->n_fields,
                                          &values, &call->problem);
    if (status == STATUS_OK)
        status = seal_fields(worker, call, &values, row);
    if (values.json)
        crypto_wipe(values.json, strlen(values.json));
    return status;
}

static enum status take_label(struct call *call, struct credential *credential)
{
    const Request *request = request_of(call);
    enum status status = validate_text(request->label, LABEL_MAX, "label", &call->problem);
    if (status == STATUS_OK && strpbrk(request->label, "\t\n"))
        status = problem_invalid(&call->problem, "label", "No control characters are allowed.");
    if (!credential->label || request->label[0])
        credential->label = request->label;
    return status;
}

// Where no mode says which of them are used, real money and play money are never mixed: a route
// would lead from one to the other.
static enum status check_modes(struct worker *worker, struct call *call,
                               const struct sealed_credential *rows, size_t n,
                               const struct credential *after)
{
    struct tenant_mode mode;
    enum status status =
        store_tenant_modes_list(worker->db, call->arena, &call->context.tenant_id, 1, &mode);
    if (status != STATUS_OK || mode.settled)
        return status;
    for (size_t i = 0; after->enabled && i < n; i++) {
        const struct credential *other = &rows[i].credential;
        if (strcmp(other->id, after->id) != 0 && other->enabled && other->live != after->live)
            return call_refuse(call, STATUS_FAILED_PRECONDITION, "mode_mixed", "live",
                               "While no mode is set, a tenant's enabled credentials are all live "
                               "or all for tests, and %s is enabled and %s: disable it, or set "
                               "the mode (obol tenant mode), which then chooses.",
                               other->id, other->live ? "live" : "for tests");
    }
    return STATUS_OK;
}

static const struct sealed_credential *row_find(const struct sealed_credential *rows, size_t n,
                                                const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].credential.id, id) == 0)
            return &rows[i];
    return NULL;
}

static enum status write(struct worker *worker, struct call *call,
                         const struct sealed_credential *before,
                         const struct sealed_credential *after)
{
    const struct payments_state *state = worker->state;
    const char *base_url = state->settings->callback_base_url;
    const Obol__Payments__V1__Credential *old =
        before ? view_credential(call->arena, before, base_url) : NULL;
    const Obol__Payments__V1__Credential *new = view_credential(call->arena, after, base_url);
    if (!new || (before && !old))
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = store_credential_put(worker->db, call->arena, after);
    if (status == STATUS_OK)
        status = setup_audit(
            worker, call,
            &(struct setup_audit){before ? "credential.change" : "credential.create",
                                  after->credential.id, old ? &old->base : NULL, &new->base});
    if (status == STATUS_OK)
        call_answer(call, &new->base);
    return status;
}

// What was granted to an older state of it is known by this, whosever clock it was.
static int64_t later_than(const struct sealed_credential *before)
{
    int64_t now_us = clock_unix_us();
    return before && before->credential.updated_us >= now_us ? before->credential.updated_us + 1
                                                             : now_us;
}

static enum status set(struct worker *worker, struct call *call, void *context)
{
    const struct credential_set *setting = context;
    struct sealed_credential *rows = NULL, after = {0};
    size_t n = 0;
    enum status status =
        store_credentials_list(worker->db, call->arena, call->context.tenant_id, &rows, &n);
    if (status != STATUS_OK)
        return status;
    const struct sealed_credential *before = row_find(rows, n, setting->id);
    if (setting->is_new && n >= SETUP_CREDENTIALS_MAX)
        return call_refuse(call, STATUS_FAILED_PRECONDITION, "too_many_credentials", NULL,
                           "At most %d credentials a tenant.", SETUP_CREDENTIALS_MAX);
    status =
        setting->is_new ? begin_new(call, setting->id, &after) : begin_change(call, before, &after);
    if (status != STATUS_OK)
        return status;
    after.credential.enabled = !request_of(call)->disabled;
    after.credential.updated_us = later_than(before);
    status = take_label(call, &after.credential);
    if (status == STATUS_OK)
        status = take_fields(worker, call, setting->is_new, &after);
    if (status == STATUS_OK)
        status = check_modes(worker, call, rows, n, &after.credential);
    return status == STATUS_OK ? write(worker, call, before, &after) : status;
}

static void wipe_request(struct call *call)
{
    const Request *request = request_of(call);
    for (size_t i = 0; i < request->n_fields; i++)
        if (request->fields[i]->value[0])
            crypto_wipe(request->fields[i]->value, strlen(request->fields[i]->value));
    crypto_wipe((void *)(uintptr_t)call->request_bytes.at, call->request_bytes.length);
}

static enum status set_credential(struct worker *worker, struct call *call)
{
    const Request *request = request_of(call);
    struct credential_set setting = {.id = request->id, .is_new = !request->id[0]};
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    if (setting.is_new)
        setting.id = arena_strdup(call->arena, id_new("cred").text);
    else if (!id_looks_like("cred", request->id))
        return problem_not_found(&call->problem, "credential");
    if (!setting.id)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    return setup_change(worker, call, &(struct setup_change){setting.id, set, &setting});
}

enum status rpc_set_credential(void *worker, struct call *call)
{
    enum status status = set_credential(worker, call);
    wipe_request(call);
    return status;
}

// --- Listing
static enum status answer_list(struct call *call, const struct sealed_credential *rows, size_t n,
                               const char *callback_base_url)
{
    Obol__Payments__V1__CredentialList *list = MESSAGE_NEW(
        call->arena, obol__payments__v1__credential_list, Obol__Payments__V1__CredentialList);
    if (!list || !(list->data = ARENA_ARRAY(call->arena, n, Obol__Payments__V1__Credential *)))
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    list->object = (char *)(uintptr_t) "list";
    for (; list->n_data < n; list->n_data++) {
        list->data[list->n_data] =
            view_credential(call->arena, &rows[list->n_data], callback_base_url);
        if (!list->data[list->n_data])
            return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    }
    call_answer(call, &list->base);
    return STATUS_OK;
}

enum status rpc_list_credentials(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
    struct sealed_credential *rows = NULL;
    size_t n = 0;
    enum status status = validate_tenant(call->context.tenant_id, &call->problem);
    if (status != STATUS_OK)
        return status;
    status = store_credentials_list(worker->db, call->arena, call->context.tenant_id, &rows, &n);
    return status == STATUS_OK ? answer_list(call, rows, n, state->settings->callback_base_url)
                               : call_refuse_status(call, status);
}
