// All the mimicked providers together: what main.c and routes.c see of them. Thread-safe, except
// for mimics_new and mimics_free.
#pragma once
#include "base/config.h"
#include "callbacks.h"
#include "hold.h"
#include "mimics/mimic.h"

struct bell;
struct mimics;

// What the sandbox expects of callers and signs with, by provider, and how time passes.
struct mimic_settings {
    const char *mtn_api_user, *mtn_api_key, *mtn_subscription_key, *mtn_webhook_secret;
    const char *airtel_client_id, *airtel_client_secret, *airtel_hash_key, *airtel_pin,
        *airtel_callback_url;
    const char *zamtel_third_party_id, *zamtel_password, *zamtel_shortcode, *zamtel_identifier,
        *zamtel_credential, *zamtel_live_password, *zamtel_live_credential;
    const char *blumon_username, *blumon_password, *blumon_client_id, *blumon_client_secret,
        *blumon_webhook_secret, *blumon_webhook_url;
    const char *paydunya_master_key, *paydunya_private_key, *paydunya_token;
    int64_t time_percent;
};
extern const struct config_entry mimic_settings_entries[];
extern const size_t mimic_settings_n;

// Everything is borrowed until mimics_free. bell is rung when something may be due earlier.
struct mimics_config {
    struct callbacks *callbacks;
    struct holder *holder;
    struct bell *bell;
    struct mimic_settings settings;
    int64_t settle_ms;
};
struct mimics *mimics_new(const struct mimics_config *config); // NULL when out of memory
void mimics_free(struct mimics *mimics);                       // NULL is fine

// By the name of a provider; NULL when there is none.
struct mimic *mimics_find(struct mimics *mimics, const char *name);
// Whose path this is ("/mtn/…"); NULL: nobody's.
struct mimic *mimics_of_path(struct mimics *mimics, const char *path);
const char *mimic_name(const struct mimic *mimic); // "mtn"
// What is due comes to rest. The time when the next thing is due; INT64_MAX: nothing to wait for.
int64_t mimics_settle(struct mimics *mimics, int64_t now_us);

// Answers the exchange, at once or later.
void mimic_serve(struct mimic *mimic, struct http_loop *loop, struct http_exchange *exchange);
// The members of POST /control, see mimic.h. False, with nothing changed, when one is no good.
bool mimic_control(struct mimic *mimic, const struct json_value *order);
// The answer to GET /ledger; reference NULL: all of it.
void mimic_ledger(struct mimic *mimic, const char *reference, struct buffer *out);
