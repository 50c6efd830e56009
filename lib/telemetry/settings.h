// What the settings mean. Private to the room.
#pragma once
#include "telemetry/report.h"
#include "telemetry/telemetry.h"

struct telemetry_plan {
    bool traces, errors;
    double ratio;
    char traces_url[DSN_URL_SIZE];
    struct dsn dsn;
};
// INVALID_ARGUMENT: stderr says which can't be used, never a secret.
MUST_USE enum status telemetry_plan(const struct telemetry_settings *settings,
                                    struct telemetry_plan *ret);
