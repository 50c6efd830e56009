#include "reconcile/settlement.h"

#include <string.h>
#include <strings.h>

#include "base/currency.h"
#include "reconcile/csv.h"
#include "json/members.h"

// --- The words of others
static const struct {
    const char *word;
    enum booked booked;
} statuses[] = {
    {"succeeded", BOOKED_SUCCEEDED},
    {"success", BOOKED_SUCCEEDED},
    {"successful", BOOKED_SUCCEEDED},
    {"completed", BOOKED_SUCCEEDED},
    {"complete", BOOKED_SUCCEEDED},
    {"paid", BOOKED_SUCCEEDED},
    {"settled", BOOKED_SUCCEEDED},
    {"approved", BOOKED_SUCCEEDED},
    {"failed", BOOKED_FAILED},
    {"failure", BOOKED_FAILED},
    {"declined", BOOKED_FAILED},
    {"rejected", BOOKED_FAILED},
    {"refused", BOOKED_FAILED},
    {"expired", BOOKED_FAILED},
    {"canceled", BOOKED_FAILED},
    {"cancelled", BOOKED_FAILED},
    {"pending", BOOKED_OPEN},
    {"processing", BOOKED_OPEN},
    {"ongoing", BOOKED_OPEN},
    {"created", BOOKED_OPEN},
    {"open", BOOKED_OPEN},
};

static bool booked_parse(const char *word, enum booked *ret)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (strcasecmp(word, statuses[i].word) == 0) {
            *ret = statuses[i].booked;
            return true;
        }
    }
    return false;
}

// --- Files
enum column { REFERENCE, AMOUNT, CURRENCY, STATUS, KIND, COLUMNS };
static const char *const column_names[COLUMNS] = {"reference", "amount", "currency", "status",
                                                  "kind"};

struct reading {
    struct csv csv;
    int columns[COLUMNS];
    struct their_row *rows;
    size_t n, max;
    struct problem *problem;
};

static enum status refuse_line(struct reading *reading, size_t line, const char *what)
{
    return problem_set(reading->problem, STATUS_INVALID_ARGUMENT, "invalid_request", "csv",
                       "Line %zu: %s.", line, what);
}

static enum status refuse_file(struct reading *reading)
{
    if (!reading->csv.wrong)
        return STATUS_RESOURCE_EXHAUSTED;
    return problem_invalid(reading->problem, "csv", reading->csv.wrong);
}

static enum status read_header(struct reading *reading)
{
    struct csv_row header;
    enum csv_result result = csv_next(&reading->csv, &header);
    if (result == CSV_END)
        return problem_invalid(reading->problem, "csv", "The file is empty.");
    if (result == CSV_WRONG)
        return refuse_file(reading);
    for (size_t i = 0; i < COLUMNS; i++) {
        reading->columns[i] = csv_column(&header, column_names[i]);
        if (reading->columns[i] == -2)
            return problem_set(reading->problem, STATUS_INVALID_ARGUMENT, "invalid_request", "csv",
                               "The header has two columns %s.", column_names[i]);
        if (reading->columns[i] < 0 && i != KIND)
            return problem_set(reading->problem, STATUS_INVALID_ARGUMENT, "invalid_request", "csv",
                               "The header has no column %s; it needs reference, amount, currency "
                               "and status.",
                               column_names[i]);
    }
    return STATUS_OK;
}

// Without blanks around it.
static char *field_of(struct reading *reading, const struct csv_row *row, enum column column)
{
    const char *text = row->fields[reading->columns[column]];
    text += strspn(text, " \t");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t", text[length - 1]))
        length--;
    return arena_strndup(reading->csv.arena, text, length);
}

static bool kind_read(const char *word, enum operation_kind *ret)
{
    if (!word[0])
        return true; // not said
    if (strcasecmp(word, "charge") == 0 || strcasecmp(word, "payment") == 0)
        *ret = OPERATION_CHARGE;
    else if (strcasecmp(word, "refund") == 0)
        *ret = OPERATION_REFUND;
    return *ret != 0;
}

static enum status read_row(struct reading *reading, const struct csv_row *row,
                            struct their_row *ret)
{
    const char *fields[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        fields[i] = reading->columns[i] < 0 ? "" : field_of(reading, row, (enum column)i);
        if (!fields[i])
            return STATUS_RESOURCE_EXHAUSTED;
    }
    *ret = (struct their_row){.reference = fields[REFERENCE], .currency = fields[CURRENCY]};
    if (!fields[REFERENCE][0])
        return refuse_line(reading, row->line, "the reference is missing");
    if (!currency_known(fields[CURRENCY], &(int){0}))
        return refuse_line(reading, row->line, "the currency is none of ISO 4217");
    if (!currency_parse(fields[AMOUNT], fields[CURRENCY], &ret->amount))
        return refuse_line(reading, row->line,
                           "the amount is no decimal number as the currency has it");
    if (!booked_parse(fields[STATUS], &ret->booked))
        return refuse_line(reading, row->line,
                           "the status is not known; succeeded, failed and pending are");
    if (!kind_read(fields[KIND], &ret->kind))
        return refuse_line(reading, row->line, "the kind is neither charge nor refund");
    return STATUS_OK;
}

// As many as there are lines.
static size_t rows_most(struct bytes file)
{
    size_t n = 1;
    for (size_t i = 0; i < file.length; i++)
        n += file.at[i] == '\n';
    return n < CSV_ROWS_MAX ? n : CSV_ROWS_MAX;
}

enum status settlement_read(struct arena *arena, struct bytes file, struct their_row **ret,
                            size_t *ret_n, struct problem *problem)
{
    struct reading reading = {.max = rows_most(file), .problem = problem};
    struct csv_row row;
    enum csv_result result;
    csv_begin(&reading.csv, arena, file);
    enum status status = read_header(&reading);
    if (status != STATUS_OK)
        return status;
    reading.rows = ARENA_ARRAY(arena, reading.max, struct their_row);
    if (!reading.rows)
        return STATUS_RESOURCE_EXHAUSTED;
    while ((result = csv_next(&reading.csv, &row)) == CSV_ROW) {
        status = read_row(&reading, &row, &reading.rows[reading.n++]);
        if (status != STATUS_OK)
            return status;
    }
    if (result == CSV_WRONG)
        return refuse_file(&reading);
    *ret = reading.rows;
    *ret_n = reading.n;
    return STATUS_OK;
}

// --- Ledgers
static enum status unreadable(struct problem *problem, size_t entry)
{
    return problem_set(problem, STATUS_FAILED_PRECONDITION, "ledger_unreadable", NULL,
                       "What ledger_url gives is no ledger (at entry %zu).", entry);
}

static const char *ledger_text(struct arena *arena, const struct json_value *ledger, size_t i,
                               const char *name)
{
    const char *path = arena_printf(arena, "entries.%zu.%s", i, name);
    return path ? json_get_string(ledger, path) : NULL;
}

static bool ledger_number(struct arena *arena, const struct json_value *ledger, size_t i,
                          const char *name, int64_t *ret)
{
    const char *path = arena_printf(arena, "entries.%zu.%s", i, name);
    return path && json_get_integer(ledger, path, ret) && *ret >= 0;
}

enum entry { ENTRY_END, ENTRY_ROW, ENTRY_OTHER, ENTRY_WRONG };

static enum entry read_entry(struct arena *arena, const struct json_value *ledger, size_t i,
                             struct their_row *ret)
{
    static const char *const kinds[] = {
        [OPERATION_CHARGE] = "charge", [OPERATION_CANCEL] = "void", [OPERATION_REFUND] = "refund"};
    const char *kind = ledger_text(arena, ledger, i, "kind");
    const char *status = ledger_text(arena, ledger, i, "status");
    *ret = (struct their_row){.reference = ledger_text(arena, ledger, i, "reference"),
                              .currency = ledger_text(arena, ledger, i, "currency"),
                              .id = ledger_text(arena, ledger, i, "id")};
    if (!kind && !status && !ret->reference)
        return ENTRY_END;
    for (size_t j = 0; kind && j < sizeof kinds / sizeof *kinds; j++)
        if (kinds[j] && strcmp(kind, kinds[j]) == 0)
            ret->kind = (enum operation_kind)j;
    if (kind && ret->kind == 0)
        return ENTRY_OTHER;
    bool whole = kind && status && ret->reference && ret->currency &&
                 booked_parse(status, &ret->booked) &&
                 ledger_number(arena, ledger, i, "amount", &ret->amount);
    if (whole && !ledger_number(arena, ledger, i, "moved", &ret->moved))
        ret->moved = 0;
    return whole ? ENTRY_ROW : ENTRY_WRONG;
}

// Rows are kept in pieces: nobody says beforehand how many there are.
static struct their_row *room_for(struct arena *arena, struct their_row *rows, size_t n,
                                  size_t *max)
{
    if (n < *max)
        return rows;
    size_t wanted = *max ? *max * 2 : 256;
    struct their_row *larger = ARENA_ARRAY(arena, wanted, struct their_row);
    if (larger && n > 0)
        memcpy(larger, rows, n * sizeof *rows);
    *max = wanted;
    return larger;
}

enum status settlement_read_ledger(struct arena *arena, struct bytes json, struct their_row **ret,
                                   size_t *ret_n, struct problem *problem)
{
    const struct json_value *ledger = NULL;
    struct their_row *rows = NULL;
    size_t n = 0, max = 0;
    enum status status = json_parse(arena, json, &ledger);
    if (status != STATUS_OK)
        return status == STATUS_INVALID_ARGUMENT ? unreadable(problem, 0) : status;
    if (!json_member_of(ledger, "entries"))
        return unreadable(problem, 0);
    for (size_t i = 0;; i++) {
        rows = room_for(arena, rows, n, &max);
        if (!rows)
            return STATUS_RESOURCE_EXHAUSTED;
        enum entry entry = read_entry(arena, ledger, i, &rows[n]);
        if (entry == ENTRY_END && !ledger_text(arena, ledger, i + 1, "reference"))
            break;
        if (entry == ENTRY_WRONG || entry == ENTRY_END) // a hole is no end
            return unreadable(problem, i);
        n += entry == ENTRY_ROW;
    }
    *ret = rows;
    *ret_n = n;
    return STATUS_OK;
}
