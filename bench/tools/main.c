#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bench.h"
#include "listen.h"

static const struct subcommand subcommands[] = {
    {"listen", "The bare listener: answers a constant 200 and counts, until TERM.", listen_main},
    {"post", "A bare libcurl multi loop that posts the same bytes again and again.", post_main},
    {"arrive", "Payments arrive at a fixed rate; latency counts from when each was due.",
     arrive_main},
    {"serve", "A stand-in payments service: GetPayment answers a constant, until TERM.",
     serve_main},
    {"call", "GetPayment by gRPC, a number of calls in flight at all times.", call_main},
};
#define SUBCOMMANDS_N (sizeof subcommands / sizeof *subcommands)

int bench_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("obol-bench: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return EXIT_FAILED;
}

int bench_print(const char *json)
{
    if (!json)
        return bench_fail("out of memory");
    return puts(json) >= 0 && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

const char *bench_number(struct arena *arena, double value)
{
    return arena_printf(arena, "%.3f", value);
}

int main(int argc, char **argv)
{
    (void)setenv("LOG_FORMAT", "text", 0);
    log_init("bench");
    listen_block_signals();
    for (size_t i = 0; argc > 1 && i < SUBCOMMANDS_N; i++)
        if (strcmp(argv[1], subcommands[i].name) == 0)
            return subcommands[i].run(&subcommands[i], argc - 1, argv + 1);
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    FILE *out = help ? stdout : stderr;
    (void)fputs("usage: obol-bench <command> [options]; <command> --help has the options\n\n", out);
    for (size_t i = 0; i < SUBCOMMANDS_N; i++)
        (void)fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].help);
    return help ? EXIT_DONE : EXIT_USAGE;
}
