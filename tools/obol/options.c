#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

static void print_help(const struct cli *cli, const struct option_row *rows)
{
    const struct command *command = cli->command;
    printf("obol %s %s\n\n%s\n\n", command->words, command->usage, command->help);
    for (; rows->name; rows++)
        printf("  --%-18s %s\n", rows->name, rows->help);
    printf("  --%-18s %s\n  --%-18s %s\n", "json", "print JSON", "help", "print this");
    if (command->examples)
        printf("\n%s", command->examples);
}

static size_t options_build(const struct option_row *rows, struct option *ret)
{
    size_t n = 0;
    for (; n < OPTIONS_MAX && rows[n].name; n++)
        ret[n] = (struct option){rows[n].name, rows[n].value ? required_argument : no_argument,
                                 NULL, (int)n};
    ret[n] = (struct option){"json", no_argument, NULL, OPTIONS_MAX};
    ret[n + 1] = (struct option){"help", no_argument, NULL, OPTIONS_MAX + 1};
    ret[n + 2] = (struct option){0};
    return n;
}

bool cli_options(struct cli *cli, int argc, char **argv, const struct option_row *rows,
                 struct words *ret)
{
    struct option options[OPTIONS_MAX + 3];
    size_t n = options_build(rows, options);
    optind = 1;
    opterr = 0;
    for (;;) {
        int at = getopt_long(argc, argv, ":", options, NULL);
        if (at == -1)
            break;
        if (at == OPTIONS_MAX) {
            cli->json = true;
        } else if (at == OPTIONS_MAX + 1) {
            print_help(cli, rows);
            exit(EXIT_DONE);
        } else if (at < 0 || (size_t)at >= n) {
            cli_usage(cli, at == ':' ? "%s needs a value" : "no such option: %s", argv[optind - 1]);
            return false;
        } else if (rows[at].value) {
            *rows[at].value = optarg;
        } else {
            *rows[at].on = true;
        }
    }
    *ret = (struct words){argv + optind, argc - optind};
    return true;
}

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("obol: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\nusage: obol %s %s\n", cli->command->words, cli->command->usage);
    return EXIT_USAGE;
}

int cli_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("obol: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return EXIT_FAILED;
}

bool cli_number(const char *text, int64_t minimum, int64_t maximum, int64_t *ret)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || number < minimum || number > maximum)
        return false;
    *ret = number;
    return true;
}
