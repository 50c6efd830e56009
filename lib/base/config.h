// Configuration from the environment, described by one table per program. `--help` prints that
// table, start-up refuses what it does not like, and a test holds the manifests against it. One
// thread, at start. A variable that is set but empty counts as not set.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum config_kind {
    CONFIG_STRING, // const char *; lives until exit
    CONFIG_SECRET, // const char *; never printed. NAME_FILE names a file (at most 64 KiB,
                   // trailing newlines dropped) to read it from instead; both are a fault
    CONFIG_INT,    // int64_t, within minimum and maximum
    CONFIG_BOOL,   // bool: true|false|1|0|yes|no
};

struct config_entry {
    const char *name; // "PAYMENTS_LISTEN"
    enum config_kind kind;
    size_t offset;            // offsetof the field in the program's struct
    const char *fallback;     // NULL: required. "" is a fallback too
    const char *help;         // one line
    int64_t minimum, maximum; // CONFIG_INT; both 0: any number
};

// Fills `into`. On failure prints every fault (name and reason, never a secret) to stderr and
// returns INVALID_ARGUMENT.
MUST_USE enum status config_load(const struct config_entry *entries, size_t n, void *into);
// One entry alone, as it stands now. False with what is wrong, in static storage until the next
// call; else *ret_text is its text. One thread.
bool config_check(const struct config_entry *entry, const char **ret_text, const char **ret_fault);
// A table for people on stdout: name, default, help. Secrets' defaults are not shown.
void config_print(const struct config_entry *entries, size_t n);
