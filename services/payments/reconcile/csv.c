#include "reconcile/csv.h"

#include <string.h>
#include <strings.h>

#define BLANKS " \t"
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

// Whatever comes first, outside quotes.
static char separator_of(struct bytes text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.length && (quoted || text.at[i] != '\n'); i++) {
        if (text.at[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text.at[i] == ',' || text.at[i] == ';'))
            return (char)text.at[i];
    }
    return ',';
}

void csv_begin(struct csv *csv, struct arena *arena, struct bytes text)
{
    size_t mark = strlen(BYTE_ORDER_MARK);
    if (text.length >= mark && memcmp(text.at, BYTE_ORDER_MARK, mark) == 0)
        text = (struct bytes){text.at + mark, text.length - mark};
    *csv = (struct csv){
        .arena = arena,
        .at = (const char *)text.at,
        .end = (const char *)text.at + text.length,
        .separator = separator_of(text),
        .line = 1,
    };
    if (text.length > CSV_BYTES_MAX)
        csv->wrong = "The file is larger than 1 MiB.";
}

static enum csv_result wrong_at(struct csv *csv, size_t line, const char *what)
{
    csv->wrong = arena_printf(csv->arena, "Line %zu: %s.", line, what);
    csv->at = csv->end;
    return CSV_WRONG;
}

// The line's end at `at`: how many characters; 0: it is none.
static size_t line_end(const struct csv *csv)
{
    if (*csv->at == '\n')
        return 1;
    return *csv->at == '\r' && csv->at + 1 < csv->end && csv->at[1] == '\n' ? 2 : 0;
}

static bool field_ends(const struct csv *csv)
{
    return csv->at == csv->end || *csv->at == csv->separator || line_end(csv) > 0;
}

// NULL with the reason in *ret_wrong, or without one: the arena is full.
static const char *read_plain(struct csv *csv, const char **ret_wrong)
{
    const char *start = csv->at;
    for (; !field_ends(csv); csv->at++) {
        if (*csv->at == '"')
            *ret_wrong = "a quote within a field that does not begin with one";
        else if (*csv->at == '\r' || *csv->at == '\0')
            *ret_wrong = "a control character";
        if (*ret_wrong)
            return NULL;
    }
    return arena_strndup(csv->arena, start, (size_t)(csv->at - start));
}

// How long it is when its quotes are taken off; csv->at stands behind the last quote then. False:
// it has none.
static bool pass_quoted(struct csv *csv, size_t *ret_length)
{
    for (*ret_length = 0, csv->at++; csv->at < csv->end; csv->at++, (*ret_length)++) {
        if (*csv->at == '"' && (csv->at + 1 == csv->end || csv->at[1] != '"')) {
            csv->at++;
            return true;
        }
        if (*csv->at == '"')
            csv->at++;
        else if (*csv->at == '\n')
            csv->line++;
    }
    return false;
}

static const char *read_quoted(struct csv *csv, const char **ret_wrong)
{
    const char *from = csv->at + 1;
    size_t length;
    if (!pass_quoted(csv, &length))
        *ret_wrong = "a quote that is never closed";
    else if (!field_ends(csv))
        *ret_wrong = "text behind a closing quote";
    char *field = *ret_wrong ? NULL : arena_alloc(csv->arena, length + 1);
    for (size_t i = 0; field && i < length; i++) {
        field[i] = *from;
        from += *from == '"' ? 2 : 1;
    }
    return field;
}

static enum csv_result read_row(struct csv *csv, struct csv_row *ret)
{
    const char *fields[CSV_FIELDS_MAX];
    for (;;) {
        const char *wrong = NULL;
        if (ret->n == CSV_FIELDS_MAX)
            return wrong_at(csv, ret->line, "more than 100 fields");
        bool quoted = csv->at < csv->end && *csv->at == '"';
        const char *field = quoted ? read_quoted(csv, &wrong) : read_plain(csv, &wrong);
        if (wrong)
            return wrong_at(csv, ret->line, wrong);
        if (!field)
            return CSV_WRONG;
        fields[ret->n++] = field;
        if (csv->at == csv->end || *csv->at != csv->separator)
            break;
        csv->at++;
    }
    ret->fields = ARENA_ARRAY(csv->arena, ret->n, const char *);
    if (!ret->fields)
        return CSV_WRONG;
    memcpy(ret->fields, fields, ret->n * sizeof *fields);
    return CSV_ROW;
}

static void pass_line_ends(struct csv *csv, bool many)
{
    size_t length;
    while (csv->at < csv->end && (length = line_end(csv)) > 0) {
        csv->at += length;
        csv->line++;
        if (!many)
            return;
    }
}

enum csv_result csv_next(struct csv *csv, struct csv_row *ret)
{
    *ret = (struct csv_row){0};
    if (csv->wrong)
        return CSV_WRONG;
    pass_line_ends(csv, true);
    ret->line = csv->line;
    if (csv->at == csv->end)
        return CSV_END;
    if (csv->rows > CSV_ROWS_MAX)
        return wrong_at(csv, ret->line, "more than 100000 rows");
    enum csv_result result = read_row(csv, ret);
    if (result != CSV_ROW)
        return result;
    pass_line_ends(csv, false);
    if (csv->rows++ == 0)
        csv->width = ret->n;
    else if (ret->n != csv->width)
        return wrong_at(csv, ret->line,
                        ret->n < csv->width ? "fewer fields than the header has"
                                            : "more fields than the header has");
    return CSV_ROW;
}

static bool is_named(const char *field, const char *name)
{
    size_t length = strlen(name);
    field += strspn(field, BLANKS);
    return strncasecmp(field, name, length) == 0 &&
           field[length + strspn(field + length, BLANKS)] == '\0';
}

int csv_column(const struct csv_row *header, const char *name)
{
    int found = -1;
    for (size_t i = 0; i < header->n; i++)
        if (is_named(header->fields[i], name))
            found = found == -1 ? (int)i : -2;
    return found;
}
