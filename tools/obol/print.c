#include <google/protobuf/timestamp.pb-c.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli.h"
#include "json/json.h"

#define COLUMNS_MAX 12

int print_json(struct cli *cli, const ProtobufCMessage *message)
{
    const char *json = json_write(cli->arena, message);
    if (!json)
        return cli_fail("the answer is too large");
    puts(json);
    return EXIT_DONE;
}

// In characters, so that names in any script line up.
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static const char *shown(const char *cell)
{
    return cell && *cell ? cell : "-";
}

static void print_row(const char *const *cells, size_t columns, const size_t *widths)
{
    for (size_t i = 0; i < columns; i++) {
        const char *cell = shown(cells[i]);
        size_t blanks = i + 1 < columns ? widths[i] - width_of(cell) + 2 : 0;
        printf("%s%*s", cell, (int)blanks, "");
    }
    putchar('\n');
}

void print_table(const char *const *headings, size_t columns, const char *const *cells, size_t rows)
{
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t i = 0; i < columns && i < COLUMNS_MAX; i++) {
        widths[i] = width_of(headings[i]);
        for (size_t row = 0; row < rows; row++) {
            size_t width = width_of(shown(cells[row * columns + i]));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    print_row(headings, columns, widths);
    for (size_t row = 0; row < rows; row++)
        print_row(cells + row * columns, columns, widths);
}

const char *print_time(struct arena *arena, const void *timestamp)
{
    const Google__Protobuf__Timestamp *at = timestamp;
    char text[RFC3339_SIZE];
    if (!at)
        return "-";
    clock_rfc3339(at->seconds * US_PER_S + at->nanos / 1000, text);
    return arena_strdup(arena, text);
}
