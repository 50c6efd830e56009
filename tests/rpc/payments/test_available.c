// What is built in, over the wire: as the providers declare it, for whoever asks.
#include "providers.h"

typedef Obol__Payments__V1__Provider Provider;
typedef Obol__Payments__V1__ProviderList ProviderList;

TestSuite(available, .init = begin, .fini = end, .timeout = 120);

static const ProviderList *listed(void)
{
    const ProviderList *list = (const ProviderList *)ask(
        METHOD_ProviderService_ListProviders,
        &NEW(f.arena, list_providers_request, ListProvidersRequest)->base, NULL);
    cr_assert_not_null(list, "%s", problem.detail);
    return list;
}

static const Provider *find(const ProviderList *list, const char *name)
{
    for (size_t i = 0; i < list->n_data; i++)
        if (strcmp(list->data[i]->name, name) == 0)
            return list->data[i];
    return NULL;
}

static const Provider *named(const char *name)
{
    const Provider *provider = find(listed(), name);
    cr_assert_not_null(provider, "%s", name);
    return provider;
}

static const char *joined(char *const *words, size_t n)
{
    const char *text = "";
    for (size_t i = 0; i < n; i++)
        text = arena_printf(f.arena, "%s%s%s", text, i ? " " : "", words[i]);
    return text;
}

static const char *field_of(const Provider *provider, const char *name)
{
    for (size_t i = 0; i < provider->n_fields; i++)
        if (strcmp(provider->fields[i]->name, name) == 0)
            return arena_printf(f.arena, "%s%s", provider->fields[i]->required ? "required " : "",
                                provider->fields[i]->secret ? "secret" : "");
    return NULL;
}

Test(available, are_all_that_the_registry_has_in_its_order)
{
    const ProviderList *list = listed();
    const struct provider *provider;
    for (size_t i = 0; (provider = providers_at(f.state.providers, i)); i++) {
        cr_assert_lt(i, list->n_data, "%s", provider->name);
        const Provider *shown = list->data[i];
        cr_assert_str_eq(shown->name, provider->name);
        cr_assert_str_eq(shown->title, provider->title);
        cr_assert_eq(shown->total_ms, provider->total_ms);
        cr_assert_eq(shown->query_after_ms, provider->query_after_ms);
        for (size_t j = 0; j < shown->n_methods; j++)
            cr_assert_str_eq(shown->methods[j]->method, provider->supports[j].method);
        cr_assert_null(provider->supports[shown->n_methods].method);
    }
    cr_assert_str_eq(list->data[list->n_data - 1]->name, "simulator");
}

Test(available, name_currencies_and_operatorsone_by_one)
{
    const Provider *paydunya = named("paydunya");
    cr_assert_eq(paydunya->n_methods, 2);
    const Obol__Payments__V1__ProviderMethod *method = paydunya->methods[0];
    cr_assert_str_eq(method->method, "mobile_money");
    cr_assert_str_eq(joined(method->currencies, method->n_currencies), "XOF");
    cr_assert_str_eq(joined(method->operators, method->n_operators), "orange wave mtn");
    cr_assert_not(method->manual_capture);
    const Provider *simulator = named("simulator");
    cr_assert_eq(simulator->methods[0]->n_currencies, 0, "any");
    cr_assert(simulator->methods[0]->manual_capture);
}

Test(available, show_the_fields_of_a_credential_the_common_ones_last)
{
    const Provider *mtn_shown = named("mtn");
    cr_assert_str_eq(mtn_shown->fields[0]->name, "api_user");
    cr_assert_str_eq(field_of(mtn_shown, "api_user"), "required ");
    cr_assert_str_eq(field_of(mtn_shown, "api_key"), "required secret");
    cr_assert_str_eq(field_of(mtn_shown, "webhook_secret"), "secret");
    cr_assert_str_eq(field_of(mtn_shown, "base_url"), "");
    cr_assert_not(strlen(mtn_shown->fields[0]->help) == 0);
    cr_assert_str_eq(mtn_shown->fields[mtn_shown->n_fields - 1]->name, "ledger_url");
    cr_assert_eq(named("simulator")->n_fields, 0, "it needs no credential");
}

Test(available, tell_how_news_are_had_and_what_may_go_again)
{
    const ProviderList *list = listed();
    const Provider *mtn_shown = find(list, "mtn"), *zamtel = find(list, "zamtel");
    const Provider *blumon = find(list, "blumon"), *paydunya = find(list, "paydunya");
    cr_assert_str_eq(joined(mtn_shown->sent_again, mtn_shown->n_sent_again), "charge refund");
    cr_assert(mtn_shown->can_be_asked && !mtn_shown->speaks_by_callback);
    cr_assert_eq(zamtel->n_sent_again, 0);
    cr_assert(!zamtel->can_be_asked && !zamtel->speaks_by_callback);
    cr_assert(!blumon->can_be_asked && blumon->speaks_by_callback);
    cr_assert_eq(paydunya->n_sent_again, 0, "its preparations move no money");
    cr_assert_not(find(list, "airtel")->partial_refunds);
    cr_assert(mtn_shown->partial_refunds);
}

Test(available, need_no_tenant)
{
    tenant = "";
    cr_assert_gt(listed()->n_data, 1);
}

Test(available, leave_the_simulator_out_where_there_is_none)
{
    struct payments_settings settings = f.settings;
    struct providers *before = f.state.providers;
    settings.simulator_url = "none";
    f.state.providers = providers_new(&settings);
    const ProviderList *list = listed();
    cr_assert_null(find(list, "simulator"));
    cr_assert_not_null(find(list, "paydunya"));
    providers_free(f.state.providers);
    f.state.providers = before;
}
