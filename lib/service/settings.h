// The environment that every service knows, and the service's own beside it.
#pragma once
#include "base/program.h"
#include "service/internal.h"

// program_begin with all of it, and --probe (http/probe.h); faults are on stderr. PROGRAM_SERVES,
// or what to exit with.
int settings_begin(struct service *service, int argc, char **argv);
