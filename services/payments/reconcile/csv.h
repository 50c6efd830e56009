// Comma-separated values (RFC 4180), as people's programs write them: comma or semicolon, whichever
// the first line uses, quoted fields, line ends of either kind, a byte order mark. Rows come one by
// one, all as wide as the first, which names the columns. Pure; what is returned lives in the
// arena.
#pragma once
#include <stdbool.h>

#include "base/arena.h"

#define CSV_BYTES_MAX ((size_t)1 << 20)
#define CSV_ROWS_MAX 100000 // without the header
#define CSV_FIELDS_MAX 100  // in a row

struct csv_row {
    const char **fields;
    size_t n;
    size_t line; // where it begins, from 1
};

struct csv {
    struct arena *arena;
    const char *at, *end;
    char separator;
    size_t line, rows, width;
    const char *wrong; // why there is no more: a sentence that names the line
};

enum csv_result {
    CSV_ROW,
    CSV_END,
    CSV_WRONG, // csv->wrong; NULL: the arena is full
};

void csv_begin(struct csv *csv, struct arena *arena, struct bytes text);
// Empty lines are passed over.
enum csv_result csv_next(struct csv *csv, struct csv_row *ret);
// The place of a column in the header: in any case, with or without blanks around it. -1 when it is
// not there, -2 when it is there twice.
int csv_column(const struct csv_row *header, const char *name);
