#include <string.h>

#include "mimics/internal.h"

// Development defaults: good for nothing but this sandbox.
#define TEXT(field_, name_, fallback_, help_)                                                      \
    {                                                                                              \
        .name = "SANDBOX_" name_, .kind = CONFIG_STRING,                                           \
        .offset = offsetof(struct mimic_settings, field_), .fallback = (fallback_),                \
        .help = (help_)                                                                            \
    }
#define SECRET(field_, name_, fallback_, help_)                                                    \
    {                                                                                              \
        .name = "SANDBOX_" name_, .kind = CONFIG_SECRET,                                           \
        .offset = offsetof(struct mimic_settings, field_), .fallback = (fallback_),                \
        .help = (help_)                                                                            \
    }

const struct config_entry mimic_settings_entries[] = {
    TEXT(mtn_api_user, "MTN_API_USER", "3c9f2a5e-8d14-4b6f-9a07-5e1d2c3b4a59",
         "MTN: a user that needs no provisioning"),
    SECRET(mtn_api_key, "MTN_API_KEY", "mtn-sandbox-key", "MTN: that user's key"),
    SECRET(mtn_subscription_key, "MTN_SUBSCRIPTION_KEY", "mtn-sandbox-subscription",
           "MTN: the products' key"),
    SECRET(mtn_webhook_secret, "MTN_WEBHOOK_SECRET", "",
           "MTN: signs callbacks (empty: unsigned, as they are)"),
    TEXT(airtel_client_id, "AIRTEL_CLIENT_ID", "airtel-sandbox-client", "Airtel: client id"),
    SECRET(airtel_client_secret, "AIRTEL_CLIENT_SECRET", "airtel-sandbox-secret",
           "Airtel: client secret"),
    SECRET(airtel_hash_key, "AIRTEL_HASH_KEY", "airtel-sandbox-hash-key",
           "Airtel: callbacks' hash"),
    SECRET(airtel_pin, "AIRTEL_PIN", "1234", "Airtel: the disburser's PIN"),
    TEXT(zamtel_third_party_id, "ZAMTEL_THIRD_PARTY_ID", "zamtel-sandbox",
         "Zamtel: third party id"),
    SECRET(zamtel_password, "ZAMTEL_PASSWORD", "zamtel-sandbox-password", "Zamtel: password"),
    TEXT(zamtel_shortcode, "ZAMTEL_SHORTCODE", "000000", "Zamtel: the merchant's short code"),
    TEXT(zamtel_identifier, "ZAMTEL_IDENTIFIER", "zamtel-sandbox-identifier",
         "Zamtel: payouts' identifier"),
    SECRET(zamtel_credential, "ZAMTEL_CREDENTIAL", "zamtel-sandbox-credential",
           "Zamtel: payouts' credential"),
    TEXT(blumon_username, "BLUMON_USERNAME", "blumon-sandbox-user", "Blumon: user name"),
    SECRET(blumon_password, "BLUMON_PASSWORD", "blumon-sandbox-password", "Blumon: password"),
    TEXT(blumon_client_id, "BLUMON_CLIENT_ID", "blumon-sandbox-client",
         "Blumon: the client of the tokener"),
    SECRET(blumon_client_secret, "BLUMON_CLIENT_SECRET", "blumon-sandbox-secret",
           "Blumon: that client's secret"),
    SECRET(blumon_webhook_secret, "BLUMON_WEBHOOK_SECRET", "",
           "Blumon: signs callbacks (empty: unsigned)"),
    SECRET(paydunya_master_key, "PAYDUNYA_MASTER_KEY", "paydunya-sandbox-master",
           "PayDunya: master key"),
    SECRET(paydunya_private_key, "PAYDUNYA_PRIVATE_KEY", "paydunya-sandbox-private",
           "PayDunya: private key"),
    SECRET(paydunya_token, "PAYDUNYA_TOKEN", "paydunya-sandbox-token", "PayDunya: token"),
    TEXT(airtel_callback_url, "AIRTEL_CALLBACK_URL", "",
         "Airtel: where callbacks go (empty: nowhere)"),
    SECRET(zamtel_live_password, "ZAMTEL_LIVE_PASSWORD", "zamtel-live-password",
           "Zamtel: below ZampayRestProd"),
    SECRET(zamtel_live_credential, "ZAMTEL_LIVE_CREDENTIAL", "zamtel-live-credential",
           "Zamtel: likewise"),
    TEXT(blumon_webhook_url, "BLUMON_WEBHOOK_URL", "",
         "Blumon: where webhooks go (empty: nowhere)"),
    {.name = "SANDBOX_TIME_PERCENT",
     .kind = CONFIG_INT,
     .offset = offsetof(struct mimic_settings, time_percent),
     .fallback = "100",
     .help = "how long a provider's own times take: 1 is a hundred times as fast",
     .minimum = 1,
     .maximum = 1000},
};
const size_t mimic_settings_n = sizeof mimic_settings_entries / sizeof *mimic_settings_entries;

const char *settings_value(const struct mimic_settings *settings, const char *name)
{
    for (size_t i = 0; i < mimic_settings_n; i++) {
        const struct config_entry *entry = &mimic_settings_entries[i];
        if (entry->kind != CONFIG_INT && strcmp(entry->name, name) == 0)
            return *(const char *const *)((const char *)settings + entry->offset);
    }
    return NULL;
}
