// What the payments service is told by its environment.
#pragma once
#include "base/config.h"

struct payments_settings {
    const char *simulator_url, *simulator_key, *simulator_callback_secret, *simulator_credential;
    bool simulator_idempotent;
    const char *callback_base_url; // "": polls only
    int64_t provider_timeout_ms;   // the simulator's
    // Of what real providers declare, for tests: timeouts; and what is waited for, such as the
    // earliest query.
    int64_t provider_times_percent, provider_delays_percent;
    bool provider_allow_http; // development: base URLs without TLS
    int64_t callback_replay_s;
    int64_t processor_slots;
    int64_t unknown_deadline_s, processing_deadline_s, action_ttl_s, poll_first_ms;
    int64_t card_token_ttl_s;
    int64_t payer_attempts_per_min, payer_failures_block, payer_block_s;
    int64_t payment_retention_s;  // 0: for ever
    const char *reconcile_at_utc; // "02:00"; "off": never
};

extern const struct config_entry payments_config[];
extern const size_t payments_config_n;
