#include "telemetry/settings.h"

#include <stdio.h>

#include "http/guard.h"
#include "obs/trace.h"

#define ENTRY(name_, kind_, field, fallback_, help_)                                               \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .offset = offsetof(struct telemetry_settings, field),    \
        .fallback = (fallback_), .help = (help_)                                                   \
    }

const struct config_entry telemetry_entries[] = {
    ENTRY("OTEL_EXPORTER_OTLP_ENDPOINT", CONFIG_STRING, otlp_endpoint, "",
          "collector of traces, OTLP/HTTP: \"http://collector:4318\"; empty: none"),
    ENTRY("OTEL_TRACES_SAMPLER_ARG", CONFIG_STRING, sampler_arg, "1.0",
          "share of new traces that are sampled, 0 to 1; a caller's own traces keep its decision"),
    ENTRY("SENTRY_DSN", CONFIG_SECRET, sentry_dsn, "",
          "where errors are reported: \"https://KEY@host/PROJECT\"; empty: nowhere"),
    ENTRY("SENTRY_ENVIRONMENT", CONFIG_STRING, sentry_environment, "production",
          "the environment that errors are reported under"),
};
const size_t telemetry_entries_n = sizeof telemetry_entries / sizeof *telemetry_entries;

static enum status fault(const char *text)
{
    (void)fprintf(stderr, "%s\n", text);
    return STATUS_INVALID_ARGUMENT;
}

enum status telemetry_plan(const struct telemetry_settings *settings, struct telemetry_plan *ret)
{
    struct problem problem = {0};
    size_t length = strlen(settings->otlp_endpoint);
    *ret = (struct telemetry_plan){.traces = length > 0, .errors = settings->sentry_dsn[0]};
    if (!trace_ratio_read(settings->sampler_arg, &ret->ratio))
        return fault("OTEL_TRACES_SAMPLER_ARG: want a number from 0 to 1");
    if (length > sizeof ret->traces_url / 2)
        return fault("OTEL_EXPORTER_OTLP_ENDPOINT: too long");
    while (length > 0 && settings->otlp_endpoint[length - 1] == '/')
        length--;
    (void)snprintf(ret->traces_url, sizeof ret->traces_url, "%.*s/v1/traces", (int)length,
                   settings->otlp_endpoint);
    if (ret->traces && guard_url(ret->traces_url, true, &problem) != STATUS_OK)
        return fault("OTEL_EXPORTER_OTLP_ENDPOINT: want a URL such as http://collector:4318");
    if (ret->errors && !dsn_parse(settings->sentry_dsn, &ret->dsn))
        return fault("SENTRY_DSN: want https://KEY@host/PROJECT");
    return STATUS_OK;
}
