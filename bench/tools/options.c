#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static void print_usage(FILE *out, const struct subcommand *self, const struct option_row *rows)
{
    (void)fprintf(out, "usage: obol-bench %s [options]\n\n%s\n\n", self->name, self->help);
    for (; rows->name; rows++)
        (void)fprintf(out, "  --%-16s %s%s\n", rows->name, rows->help,
                      rows->required ? " (required)" : "");
}

static size_t options_build(const struct option_row *rows, struct option *ret)
{
    size_t n = 0;
    for (; n < OPTIONS_MAX && rows[n].name; n++)
        ret[n] = (struct option){rows[n].name, required_argument, NULL, (int)n};
    ret[n] = (struct option){"help", no_argument, NULL, OPTIONS_MAX};
    ret[n + 1] = (struct option){0};
    return n;
}

static bool number_read(const struct option_row *row, const char *text, double *ret)
{
    char *end;
    *ret = strtod(text, &end);
    return end != text && !*end && *ret >= row->min && *ret <= row->max;
}

static bool option_take(const struct option_row *row, const char *text)
{
    double number;
    if (row->kind == OPTION_TEXT) {
        *(const char **)row->into = text;
        return true;
    }
    if (row->kind == OPTION_TEXTS) {
        struct texts *texts = row->into;
        if (texts->n == TEXTS_MAX)
            return false;
        texts->at[texts->n++] = text;
        return true;
    }
    if (!number_read(row, text, &number))
        return false;
    if (row->kind == OPTION_REAL)
        *(double *)row->into = number;
    else
        *(int64_t *)row->into = (int64_t)number;
    return true;
}

static bool usage_fault(int *ret_code, const char *what, const char *name)
{
    (void)fprintf(stderr, "obol-bench: %s: %s\n", what, name);
    *ret_code = EXIT_USAGE;
    return false;
}

bool options_read(const struct subcommand *self, int argc, char **argv,
                  const struct option_row *rows, int *ret_code)
{
    struct option options[OPTIONS_MAX + 2];
    bool given[OPTIONS_MAX] = {false};
    size_t n = options_build(rows, options);
    opterr = 0;
    for (int at; (at = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        if (at == OPTIONS_MAX) {
            print_usage(stdout, self, rows);
            *ret_code = EXIT_DONE;
            return false;
        }
        if (at < 0 || (size_t)at >= n)
            return usage_fault(ret_code, at == ':' ? "a value is missing" : "no such option",
                               argv[optind - 1]);
        if (!option_take(&rows[at], optarg))
            return usage_fault(ret_code, "not a value that fits", argv[optind - 1]);
        given[at] = true;
    }
    if (optind < argc)
        return usage_fault(ret_code, "no words are expected", argv[optind]);
    for (size_t i = 0; i < n; i++)
        if (rows[i].required && !given[i])
            return usage_fault(ret_code, "this option is required", rows[i].name);
    return true;
}
