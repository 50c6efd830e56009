#include "settings.h"

#define AT(field) offsetof(struct payments_settings, field)
#define DAY_S (24LL * 3600)

const struct config_entry payments_config[] = {
    {"SIMULATOR_URL", CONFIG_STRING, AT(simulator_url), "http://127.0.0.1:8080",
     "Base URL of the simulator; none: no simulator", 0, 0},
    {"SIMULATOR_KEY", CONFIG_SECRET, AT(simulator_key), "sandbox",
     "Bearer key that the simulator asks for", 0, 0},
    {"SIMULATOR_CALLBACK_SECRET", CONFIG_SECRET, AT(simulator_callback_secret), "sandbox-callbacks",
     "Secret that signs the simulator's callbacks", 0, 0},
    {"SIMULATOR_CREDENTIAL", CONFIG_STRING, AT(simulator_credential), "default",
     "Credential id in the simulator's callback path", 0, 0},
    {"SIMULATOR_IDEMPOTENT", CONFIG_BOOL, AT(simulator_idempotent), "true",
     "The simulator takes one reference twice without harm", 0, 0},
    {"CALLBACK_BASE_URL", CONFIG_STRING, AT(callback_base_url), "",
     "Where providers reach the gateway; empty: no callbacks, polls only", 0, 0},
    {"PROVIDER_TIMEOUT_MS", CONFIG_INT, AT(provider_timeout_ms), "5000",
     "Whole time for one request to the simulator", 50, 120000},
    {"PROVIDER_TIMES_PERCENT", CONFIG_INT, AT(provider_times_percent), "100",
     "Scales what providers declare (timeouts, earliest queries), for tests", 1, 1000},
    {"PROVIDER_ALLOW_HTTP", CONFIG_BOOL, AT(provider_allow_http), "false",
     "Credentials may name base URLs without TLS: for development", 0, 0},
    {"CALLBACK_REPLAY_S", CONFIG_INT, AT(callback_replay_s), "600",
     "A callback with the same bytes does nothing again for so long", 0, DAY_S},
    {"PROCESSOR_SLOTS", CONFIG_INT, AT(processor_slots), "256",
     "Operations in hand at once; 0: this replica accepts, others process", 0, 1024},
    {"UNKNOWN_DEADLINE_S", CONFIG_INT, AT(unknown_deadline_s), "86400",
     "How long an unknown outcome is asked about before a person must look", 1, 30 * DAY_S},
    {"PROCESSING_DEADLINE_S", CONFIG_INT, AT(processing_deadline_s), "600",
     "How long a provider may work on an operation before it counts as unknown", 1, 30 * DAY_S},
    {"ACTION_TTL_S", CONFIG_INT, AT(action_ttl_s), "900", "How long a payer has to act", 1,
     30 * DAY_S},
    {"POLL_FIRST_MS", CONFIG_INT, AT(poll_first_ms), "2000",
     "First status query after a provider took an operation", 10, 600000},
    {"CARD_TOKEN_TTL_S", CONFIG_INT, AT(card_token_ttl_s), "86400",
     "How long a card token can be used", 60, 30 * DAY_S},
    {"PAYMENT_RETENTION_S", CONFIG_INT, AT(payment_retention_s), "0",
     "How long payments are kept; 0: for ever", 0, 3650 * DAY_S},
};
const size_t payments_config_n = sizeof payments_config / sizeof *payments_config;
