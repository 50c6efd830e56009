#include "support/providers.h"

#include <string.h>

#include "settings.h"
#include "json/json.h"

#define PROVIDERS_MAX 16

static struct payments_settings settings = {
    .simulator_url = "http://127.0.0.1:1",
    .simulator_key = "key",
    .simulator_callback_secret = "secret",
    .simulator_credential = "default",
    .callback_base_url = "https://pay.example",
    .provider_timeout_ms = 1000,
    .provider_times_percent = 100,
    .provider_delays_percent = 100,
};

static const char plain[] =
    "{\"api_user\":\"u\",\"api_key\":\"k\",\"subscription_key\":\"s\",\"country\":\"ZM\","
    "\"client_id\":\"c\",\"client_secret\":\"x\",\"third_party_id\":\"t\",\"password\":\"p\","
    "\"shortcode\":\"0\",\"identifier\":\"i\",\"credential\":\"r\",\"username\":\"n\","
    "\"master_key\":\"m\",\"private_key\":\"test_p\",\"token\":\"o\",\"key\":\"y\","
    "\"base_url\":\"https://a.example/ZampayRest\"}";
static const char secret[] =
    "{\"webhook_secret\":\"" FUZZ_SECRET "\",\"callback_hash_key\":\"" FUZZ_SECRET "\","
    "\"country\":\"ZM\",\"master_key\":\"m\",\"base_url\":\"https://a.example/v1\"}";

static const struct providers *providers(void)
{
    static struct providers *made;
    if (!made)
        made = providers_new(&settings);
    assert(made);
    return made;
}

const struct provider *fuzz_provider(struct fuzz_input *input, struct arena *arena)
{
    const char *line = fuzz_line(input, arena);
    const struct provider *all[PROVIDERS_MAX];
    size_t n = 0;
    while (n < PROVIDERS_MAX && (all[n] = providers_at(providers(), n))) {
        if (strcmp(all[n]->name, line) == 0)
            return all[n];
        n++;
    }
    return all[(unsigned char)line[0] % n];
}

static const struct json_value *fields_of(const char *text)
{
    static struct arena *arena;
    const struct json_value *fields = NULL;
    if (!arena)
        arena = arena_new(ARENA_CAP_REQUEST);
    assert(arena && json_parse(arena, bytes_of_string(text), &fields) == STATUS_OK);
    return fields;
}

struct provider_use fuzz_use(struct arena *arena, const struct provider *provider, bool secrets)
{
    static struct credential credentials[2];
    if (!credentials[0].fields) {
        credentials[0] = (struct credential){.id = "cred_1", .tenant_id = "ten_1", .label = ""};
        credentials[1] = credentials[0];
        credentials[0].fields = fields_of(plain);
        credentials[1].fields = fields_of(secret);
    }
    return (struct provider_use){.provider = provider,
                                 .credential = &credentials[secrets],
                                 .arena = arena,
                                 .sessions = {"token", NULL},
                                 .callback_url = "https://pay.example/cb"};
}
