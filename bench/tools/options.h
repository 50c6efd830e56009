// A subcommand's options: a table of rows, each with the place its value goes to.
#pragma once
#include "bench.h"

#define OPTIONS_MAX 16
#define TEXTS_MAX 32

struct texts { // of an option that may be given again and again
    const char *at[TEXTS_MAX];
    size_t n;
};

struct option_row {
    const char *name;
    enum option_kind { OPTION_TEXT, OPTION_TEXTS, OPTION_INTEGER, OPTION_REAL } kind;
    void *into;      // const char *, struct texts, int64_t, double
    double min, max; // of numbers
    bool required;
    const char *help;
};

// The list ends with {0}. False when *ret_code is to be exited with.
bool options_read(const struct subcommand *self, int argc, char **argv,
                  const struct option_row *rows, int *ret_code);
