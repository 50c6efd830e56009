// What is built in, as each provider declares it: for operators, and to hold documents against.
#include <string.h>

#include "setup/rpc_providers.h"

typedef Obol__Payments__V1__Provider View;
typedef Obol__Payments__V1__ProviderMethod ViewMethod;
typedef Obol__Payments__V1__ProviderField ViewField;

// "ZMW UGX" in parts; NULL is any, so none. False: the arena is full.
static bool view_words(struct arena *arena, const char *list, char ***ret, size_t *ret_n)
{
    size_t length = list ? strlen(list) : 0;
    *ret = ARENA_ARRAY(arena, length / 2 + 1, char *);
    *ret_n = 0;
    if (!*ret)
        return false;
    for (const char *at = list; at && *at; at += strspn(at, " ")) {
        size_t word = strcspn(at, " ");
        if (!((*ret)[(*ret_n)++] = arena_strndup(arena, at, word)))
            return false;
        at += word;
    }
    return true;
}

static ViewMethod *view_method(struct arena *arena, const struct provider_support *from)
{
    ViewMethod *ret = MESSAGE_NEW(arena, obol__payments__v1__provider_method, ViewMethod);
    if (!ret || !view_words(arena, from->currencies, &ret->currencies, &ret->n_currencies) ||
        !view_words(arena, from->networks, &ret->operators, &ret->n_operators))
        return NULL;
    ret->method = (char *)(uintptr_t)from->method;
    ret->manual_capture = from->manual_capture;
    return ret;
}

static bool view_methods(struct arena *arena, const struct provider *provider, View *ret)
{
    size_t n = 0;
    while (provider->supports[n].method)
        n++;
    ret->methods = ARENA_ARRAY(arena, n, ViewMethod *);
    for (; ret->methods && ret->n_methods < n; ret->n_methods++) {
        ViewMethod *method = view_method(arena, &provider->supports[ret->n_methods]);
        if (!method)
            return false;
        ret->methods[ret->n_methods] = method;
    }
    return ret->methods != NULL;
}

static bool add_fields(struct arena *arena, const struct credential_field *fields, View *ret)
{
    for (; fields->name; fields++) {
        ViewField *field = MESSAGE_NEW(arena, obol__payments__v1__provider_field, ViewField);
        if (!field)
            return false;
        field->name = (char *)(uintptr_t)fields->name;
        field->help = (char *)(uintptr_t)fields->help;
        field->required = fields->required;
        field->secret = fields->secret;
        ret->fields[ret->n_fields++] = field;
    }
    return true;
}

// Its own, then those that all have. The simulator's credential is the installation's: it has none.
static bool view_fields(struct arena *arena, const struct provider *provider, View *ret)
{
    size_t n = 0, common = 0;
    while (provider->fields && provider->fields[n].name)
        n++;
    while (credential_common_fields[common].name)
        common++;
    ret->fields = ARENA_ARRAY(arena, n + common, ViewField *);
    if (!ret->fields || !provider->fields)
        return ret->fields != NULL;
    return add_fields(arena, provider->fields, ret) &&
           add_fields(arena, credential_common_fields, ret);
}

// What moves money and may go again under the same reference.
static bool view_sent_again(struct arena *arena, const struct provider *provider, View *ret)
{
    static const char *const names[OPERATION_KINDS] = {
        [OPERATION_CHARGE] = "charge",
        [OPERATION_CAPTURE] = "capture",
        [OPERATION_CANCEL] = "cancel",
        [OPERATION_REFUND] = "refund",
    };
    ret->sent_again = ARENA_ARRAY(arena, OPERATION_KINDS, char *);
    for (size_t kind = OPERATION_CHARGE; ret->sent_again && kind < OPERATION_KINDS; kind++)
        if (provider->repeatable[kind] & ~provider->prepares[kind])
            ret->sent_again[ret->n_sent_again++] = (char *)(uintptr_t)names[kind];
    return ret->sent_again != NULL;
}

static View *view(struct arena *arena, const struct provider *provider)
{
    View *ret = MESSAGE_NEW(arena, obol__payments__v1__provider, View);
    if (!ret || !view_methods(arena, provider, ret) || !view_fields(arena, provider, ret) ||
        !view_sent_again(arena, provider, ret))
        return NULL;
    ret->name = (char *)(uintptr_t)provider->name;
    ret->object = (char *)(uintptr_t) "provider";
    ret->title = (char *)(uintptr_t)provider->title;
    ret->partial_refunds = provider->partial_refunds;
    ret->can_be_asked = provider->query && !provider->speaks_by_callback;
    ret->speaks_by_callback = provider->speaks_by_callback;
    ret->connect_ms = provider->connect_ms;
    ret->total_ms = provider->total_ms;
    ret->query_after_ms = provider->query_after_ms;
    ret->settle_ms = provider->settle_ms;
    return ret;
}

enum status rpc_list_providers(void *context, struct call *call)
{
    struct worker *worker = context;
    const struct payments_state *state = worker->state;
    const struct credential *simulators = providers_simulator(state->providers);
    const struct provider *provider;
    size_t n = 0;
    while (providers_at(state->providers, n))
        n++;
    Obol__Payments__V1__ProviderList *list = MESSAGE_NEW(
        call->arena, obol__payments__v1__provider_list, Obol__Payments__V1__ProviderList);
    if (list)
        list->data = ARENA_ARRAY(call->arena, n, View *);
    if (!list || !list->data)
        return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
    for (size_t i = 0; (provider = providers_at(state->providers, i)); i++) {
        if (!simulators && strcmp(provider->name, "simulator") == 0)
            continue;
        View *shown = view(call->arena, provider);
        if (!shown)
            return call_refuse_status(call, STATUS_RESOURCE_EXHAUSTED);
        list->data[list->n_data++] = shown;
    }
    list->object = (char *)(uintptr_t) "list";
    call_answer(call, &list->base);
    return STATUS_OK;
}
