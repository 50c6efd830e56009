#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "obol/payments/v1/providers.obol.h"

#define VALUE_MAX ((size_t)16 << 10) // bytes: as many as the service could take

typedef Obol__Payments__V1__Credential Credential;
typedef Obol__Payments__V1__SetCredentialRequest SetRequest;
typedef Obol__Payments__V1__SetCredentialRequest__FieldsEntry Field;

static const char *names_of(struct arena *arena, const Credential *credential)
{
    const char *text = "";
    for (size_t i = 0; text && i < credential->n_fields; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? "," : "", credential->fields[i]);
    return text;
}

static int print_credentials(struct cli *cli, Credential *const *credentials, size_t n)
{
    enum { COLUMNS = 7 };
    static const char *const headings[COLUMNS] = {"ID",    "PROVIDER", "MODE",        "STATE",
                                                  "LABEL", "FIELDS",   "CALLBACK URL"};
    const char **cells = ARENA_ARRAY(cli->arena, n * COLUMNS, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < n; i++) {
        const char **row = &cells[i * COLUMNS];
        row[0] = credentials[i]->id;
        row[1] = credentials[i]->provider;
        row[2] = credentials[i]->live ? "live" : "test";
        row[3] = credentials[i]->enabled ? "enabled" : "disabled";
        row[4] = credentials[i]->label;
        row[5] = names_of(cli->arena, credentials[i]);
        row[6] = credentials[i]->callback_url;
    }
    print_table(headings, COLUMNS, cells, n);
    return EXIT_DONE;
}

static int provider_list(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL;
    struct words words;
    const struct option_row rows[] = {{"tenant", "whose credentials", &tenant, NULL}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !tenant)
        return cli_usage(cli, "give --tenant");
    Obol__Payments__V1__ListCredentialsRequest request =
        OBOL__PAYMENTS__V1__LIST_CREDENTIALS_REQUEST__INIT;
    const Obol__Payments__V1__CredentialList *list =
        (const Obol__Payments__V1__CredentialList *)cli_call(
            cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_ListCredentials, tenant,
                               &request.base});
    if (!list)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &list->base)
                     : print_credentials(cli, list->data, list->n_data);
}

// Without the line's end. NULL, said why.
static char *value_take(struct arena *arena, char *text, size_t length, const char *name)
{
    if (memchr(text, '\0', length)) {
        cli_fail("%s: the value holds a zero byte", name);
        return NULL;
    }
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    return arena_strndup(arena, text, length);
}

static char *value_of_file(struct arena *arena, const char *path, const char *name)
{
    char text[VALUE_MAX];
    FILE *file = fopen(path, "re");
    if (!file) {
        cli_fail("%s: %s: %s", name, path, strerror(errno));
        return NULL;
    }
    size_t length = fread(text, 1, sizeof text, file);
    bool failed = ferror(file), more = length == sizeof text;
    (void)fclose(file);
    if (!failed && !more)
        return value_take(arena, text, length, name);
    cli_fail("%s: %s %s", name, path, failed ? "can't be read" : "is too large");
    return NULL;
}

static char *value_of_input(struct arena *arena, const char *name)
{
    char text[VALUE_MAX];
    if (fgets(text, sizeof text, stdin))
        return value_take(arena, text, strlen(text), name);
    cli_fail("%s: the standard input has no line for it", name);
    return NULL;
}

// "api_key=abc", "api_key=@file", "api_key=-". NULL, said why.
static Field *field_read(struct cli *cli, const char *word)
{
    const char *equals = strchr(word, '=');
    Field *field =
        MESSAGE_NEW(cli->arena, obol__payments__v1__set_credential_request__fields_entry, Field);
    if (!field || !equals || equals == word) {
        // The word is not repeated: it may be a secret.
        (void)cli_usage(cli, "fields look like name=value, name=@file or name=-");
        return NULL;
    }
    field->key = arena_strndup(cli->arena, word, (size_t)(equals - word));
    if (strcmp(equals, "=-") == 0)
        field->value = value_of_input(cli->arena, field->key);
    else if (equals[1] == '@')
        field->value = value_of_file(cli->arena, equals + 2, field->key);
    else
        field->value = arena_strdup(cli->arena, equals + 1);
    return field->key && field->value ? field : NULL;
}

static bool fields_read(struct cli *cli, char *const *words, size_t n, SetRequest *request)
{
    request->fields = ARENA_ARRAY(cli->arena, n, Field *);
    for (size_t i = 0; request->fields && i < n; i++) {
        request->fields[i] = field_read(cli, words[i]);
        if (!request->fields[i])
            return false;
        request->n_fields++;
    }
    return request->fields != NULL;
}

static int provider_set(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL, *id = "", *label = "";
    SetRequest request = OBOL__PAYMENTS__V1__SET_CREDENTIAL_REQUEST__INIT;
    bool live = false, disable = false;
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose credential", &tenant, NULL},
        {"id", "change this one; fields that are not named stay, empty ones go", &id, NULL},
        {"live", "real money; settled when it is made", NULL, &live},
        {"label", "for people", &label, NULL},
        {"disable", "no new payments; without it the credential is enabled", NULL, &disable},
        {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n < 1 || !tenant)
        return cli_usage(cli, "give the provider, --tenant and fields");
    request.provider = words.at[0];
    request.id = (char *)id;
    request.label = (char *)label;
    request.live = live;
    request.disabled = disable;
    if (!fields_read(cli, words.at + 1, (size_t)words.n - 1, &request))
        return EXIT_USAGE;
    Credential *credential = (Credential *)cli_call(
        cli,
        &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_SetCredential, tenant, &request.base});
    if (!credential)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &credential->base)
                     : print_credentials(cli, (Credential *const[]){credential}, 1);
}

static int provider_test(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL, *currency = "";
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose credential", &tenant, NULL},
        {"currency", "whether it takes this one too", &currency, NULL},
        {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !tenant)
        return cli_usage(cli, "give the credential and --tenant");
    Obol__Payments__V1__TestCredentialRequest request =
        OBOL__PAYMENTS__V1__TEST_CREDENTIAL_REQUEST__INIT;
    request.id = words.at[0];
    request.currency = (char *)currency;
    const Obol__Payments__V1__TestCredentialResponse *response =
        (const Obol__Payments__V1__TestCredentialResponse *)cli_call(
            cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_TestCredential, tenant,
                               &request.base});
    if (!response)
        return EXIT_FAILED;
    if (cli->json)
        (void)print_json(cli, &response->base);
    else
        puts(response->finding);
    return response->ok ? EXIT_DONE : EXIT_FAILED;
}

// --- What is built in
typedef Obol__Payments__V1__Provider Provider;
typedef Obol__Payments__V1__ProviderList ProviderList;

static const ProviderList *providers_ask(struct cli *cli)
{
    Obol__Payments__V1__ListProvidersRequest request =
        OBOL__PAYMENTS__V1__LIST_PROVIDERS_REQUEST__INIT;
    return (const ProviderList *)cli_call(
        cli,
        &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_ListProviders, NULL, &request.base});
}

static const char *words_of(struct arena *arena, char *const *words, size_t n, const char *none)
{
    const char *text = n ? "" : none;
    for (size_t i = 0; text && i < n; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? " " : "", words[i]);
    return text;
}

static const char *asked_of(struct arena *arena, const Provider *provider)
{
    if (provider->can_be_asked)
        return arena_printf(arena, "after %.3g s", (double)provider->query_after_ms / 1000);
    return provider->speaks_by_callback ? "no: it tells" : "no";
}

static int print_available(struct cli *cli, const ProviderList *list)
{
    enum { COLUMNS = 7 };
    static const char *const headings[COLUMNS] = {"PROVIDER", "METHOD", "CURRENCIES", "OPERATORS",
                                                  "REFUNDS",  "ASKED",  "SENT AGAIN"};
    size_t rows = 0;
    for (size_t i = 0; i < list->n_data; i++)
        rows += list->data[i]->n_methods;
    const char **row = ARENA_ARRAY(cli->arena, rows * COLUMNS, const char *), **cells = row;
    for (size_t i = 0; row && i < list->n_data; i++) {
        const Provider *provider = list->data[i];
        for (size_t j = 0; j < provider->n_methods; j++, row += COLUMNS) {
            const Obol__Payments__V1__ProviderMethod *method = provider->methods[j];
            row[0] = provider->name;
            row[1] = method->method;
            row[2] = words_of(cli->arena, method->currencies, method->n_currencies, "any");
            row[3] = words_of(cli->arena, method->operators, method->n_operators, NULL);
            row[4] = provider->partial_refunds ? "part or whole" : "whole";
            row[5] = asked_of(cli->arena, provider);
            row[6] = words_of(cli->arena, provider->sent_again, provider->n_sent_again, "nothing");
        }
    }
    if (!cells)
        return cli_fail("out of memory");
    print_table(headings, COLUMNS, cells, rows);
    return EXIT_DONE;
}

static int provider_available(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    const ProviderList *list = providers_ask(cli);
    if (!list)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &list->base) : print_available(cli, list);
}

static const Provider *provider_named(const ProviderList *list, const char *name)
{
    for (size_t i = 0; i < list->n_data; i++)
        if (strcmp(list->data[i]->name, name) == 0)
            return list->data[i];
    return NULL;
}

static int print_fields(struct cli *cli, const Provider *provider)
{
    enum { COLUMNS = 4 };
    static const char *const headings[COLUMNS] = {"FIELD", "REQUIRED", "SECRET", "WHAT"};
    const char **cells = ARENA_ARRAY(cli->arena, provider->n_fields * COLUMNS, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < provider->n_fields; i++) {
        const Obol__Payments__V1__ProviderField *field = provider->fields[i];
        const char **row = &cells[i * COLUMNS];
        row[0] = field->name;
        row[1] = field->required ? "yes" : NULL;
        row[2] = field->secret ? "yes" : NULL;
        row[3] = field->help;
    }
    print_table(headings, COLUMNS, cells, provider->n_fields);
    return EXIT_DONE;
}

static int provider_fields(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 1)
        return cli_usage(cli, "give the provider");
    const ProviderList *list = providers_ask(cli);
    if (!list)
        return EXIT_FAILED;
    const Provider *provider = provider_named(list, words.at[0]);
    if (!provider)
        return cli_fail("there is no provider %s: see obol provider available", words.at[0]);
    return cli->json ? print_json(cli, &provider->base) : print_fields(cli, provider);
}

static int print_breakers(struct cli *cli, const Obol__Payments__V1__BreakerList *list)
{
    enum { COLUMNS = 4 };
    static const char *const headings[COLUMNS] = {"PROVIDER", "CREDENTIAL", "STATE", "RETRY"};
    const char **cells = ARENA_ARRAY(cli->arena, list->n_data * COLUMNS, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < list->n_data; i++) {
        const Obol__Payments__V1__BreakerState *breaker = list->data[i];
        const char **row = &cells[i * COLUMNS];
        row[0] = breaker->provider;
        row[1] = breaker->credential_id;
        row[2] = breaker->state;
        row[3] = breaker->retry_ms
                     ? arena_printf(cli->arena, "in %lld ms", (long long)breaker->retry_ms)
                     : NULL;
    }
    print_table(headings, COLUMNS, cells, list->n_data);
    return EXIT_DONE;
}

static int provider_breakers(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    Obol__Payments__V1__ListBreakersRequest request =
        OBOL__PAYMENTS__V1__LIST_BREAKERS_REQUEST__INIT;
    const Obol__Payments__V1__BreakerList *list = (const Obol__Payments__V1__BreakerList *)cli_call(
        cli,
        &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_ListBreakers, NULL, &request.base});
    if (!list)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &list->base) : print_breakers(cli, list);
}

const struct command provider_commands[] = {
    {"provider available", "", "The providers that are built in, and what each takes.",
     "  obol provider available\n", provider_available},
    {"provider fields", "<provider>", "What a credential at this provider is made of.",
     "  obol provider fields mtn\n", provider_fields},
    {"provider list", "--tenant ten_…", "A tenant's credentials, without their values.",
     "  obol provider list --tenant ten_demo\n", provider_list},
    {"provider set", "<provider> --tenant ten_… [--id cred_…] [field=value …]",
     "Make or change a credential at a provider.",
     "Values that must not stand on a command line: name=@file reads a file, name=- a line of the\n"
     "standard input. `obol provider fields <provider>` says which there are.\n\n"
     "  obol provider set mtn --tenant ten_demo api_user=@user api_key=@key \\\n"
     "      subscription_key=- target_environment=sandbox < subscription\n"
     "  obol provider set airtel --tenant ten_demo --live --label Zambia client_id=… \\\n"
     "      client_secret=@secret country=ZM\n"
     "  obol provider set mtn --tenant ten_demo --id cred_01… api_key=@new-key\n"
     "  obol provider set mtn --tenant ten_demo --id cred_01… --disable\n",
     provider_set},
    {"provider test", "<credential> --tenant ten_… [--currency ZMW]",
     "Ask the provider whether a credential works; says what is wrong.",
     "  obol provider test cred_01… --tenant ten_demo --currency ZMW\n", provider_test},
    {"provider breakers", "", "Credentials whose provider is not well, so that payments wait.",
     "As the replica sees it that PAYMENTS_TARGET leads to.\n\n  obol provider breakers\n",
     provider_breakers},
    {0},
};
