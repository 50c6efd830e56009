// What a program tells of itself to others: spans of sampled traces to a collector by OTLP/HTTP
// (opentelemetry.io/docs/specs/otlp), lines of level error to Sentry as envelopes
// (develop.sentry.dev/sdk/data-model/envelopes). One thread does all of it, from bounded rings:
// who records never waits for it. What can't be sent is dropped and counted. Where neither is
// configured nothing runs. Where they go is the operator's to say, so plain HTTP and private
// addresses are allowed.
#pragma once
#include "base/config.h"

struct telemetry_settings {
    const char *otlp_endpoint, *sampler_arg, *sentry_dsn, *sentry_environment;
};
extern const struct config_entry telemetry_entries[];
extern const size_t telemetry_entries_n;

struct telemetry;

// program: "payments"; static storage. After the signals are blocked, before the first request.
// *ret is NULL where there is nothing to do. INVALID_ARGUMENT when a setting can't be used (stderr
// says which).
MUST_USE enum status telemetry_start(const struct telemetry_settings *settings, const char *program,
                                     struct telemetry **ret);
// Sends what is left, within TELEMETRY_STOP_MS, and joins. After everyone who records has ended.
// NULL is fine.
#define TELEMETRY_STOP_MS 1000
void telemetry_stop(struct telemetry *telemetry);
