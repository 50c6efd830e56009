// The environment that every service knows, and the service's own beside it.
#pragma once
#include "service/internal.h"

// Prints every fault to stderr.
MUST_USE enum status settings_load(struct service *service);
void settings_print(const struct service_definition *definition);
