// How every program begins: its first argument, its environment, its log, its memory. One thread.
#pragma once
#include "base/config.h"

struct config_table {
    const struct config_entry *entries;
    size_t n;
    void *into;
};

struct program {
    const char *name, *version; // "obol-payments"
    const char *service;        // as the log shows it
    const char *about;          // what --help says of it; NULL: nothing more
    const struct config_table *tables;
    size_t tables_n;
};

#define PROGRAM_SERVES (-1)

// Answers --version, --help and --configuration and refuses any other argument. Without one: sets
// up the log, guards the memory and fills each table. What is left to do is PROGRAM_SERVES;
// anything else is the exit code.
int program_begin(const struct program *program, int argc, char **argv);
// What --configuration prints: {"program","version","variables":[{"name","kind","required",
// "default","help","minimum","maximum"}]}. A secret's default is null; bounds only where there are.
void program_print_configuration(const struct program *program);
