// `--probe [live|ready]`: a program asks its own operations port how it is, for containers that
// have neither shell nor curl. One thread, instead of serving.
#pragma once
#include <stddef.h>

#include "base/config.h"

// The exit code of a main(): 0 when /health/live or /health/ready (what; NULL: ready) answers 200
// within 2 s; 1, and why not in a line on stderr; 2 when what is another word. It asks at the
// address that the entry at `offset` of the program's table gives ("host:port"; a wildcard is asked
// on loopback): no other variable is read, so a probe needs no secret.
MUST_USE int probe_run(const struct config_entry *entries, size_t n, size_t offset,
                       const char *what);
