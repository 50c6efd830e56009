// obol-bench: the parts of the benchmark that no known tool has: a load of arrivals at a fixed
// rate, a fast receiver, and yardsticks to measure against. A subcommand is a row of a table;
// figures are one JSON object on stdout, reasons on stderr. Exit 0 when there are figures (errors
// during the load are among them), 1 when there are none, 2 for wrong arguments.
#pragma once
#include <stdint.h>

#include "base/arena.h"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct subcommand {
    const char *name, *help;
    int (*run)(const struct subcommand *self, int argc, char **argv);
};

int listen_main(const struct subcommand *self, int argc, char **argv);
int post_main(const struct subcommand *self, int argc, char **argv);
int arrive_main(const struct subcommand *self, int argc, char **argv);
int serve_main(const struct subcommand *self, int argc, char **argv);
int call_main(const struct subcommand *self, int argc, char **argv);

// "obol-bench: …" on stderr; gives EXIT_FAILED.
__attribute__((format(printf, 1, 2))) int bench_fail(const char *format, ...);
// One line of JSON on stdout; json NULL (the arena was full) gives EXIT_FAILED.
int bench_print(const char *json);
// A JSON number with three decimals, in the arena.
const char *bench_number(struct arena *arena, double value);
