// Settlement files and ledgers, as people and sandboxes hand them in; CSV beneath.
#include <string.h>

#include "base/buffer.h"
#include "base/currency.h"
#include "reconcile/csv.h"
#include "reconcile/settlement.h"
#include "support/fuzz.h"

#define ROWS_MAX 16
#define FILE_MAX ((size_t)64 << 10)

static void check_rows(const struct their_row *rows, size_t n, bool file)
{
    for (size_t i = 0; i < n; i++) {
        assert(rows[i].reference && rows[i].currency && rows[i].amount >= 0 && rows[i].moved >= 0);
        assert(rows[i].booked >= BOOKED_SUCCEEDED || rows[i].booked <= BOOKED_OPEN);
        if (file)
            assert(rows[i].reference[0] && currency_known(rows[i].currency, NULL) &&
                   (rows[i].kind == 0 || rows[i].kind == OPERATION_CHARGE ||
                    rows[i].kind == OPERATION_REFUND));
    }
}

static void quote(struct buffer *out, const char *field)
{
    buffer_adds(out, "\"");
    for (; *field; field++)
        buffer_add(out, *field == '"' ? "\"\"" : field, *field == '"' ? 2 : 1);
    buffer_adds(out, "\"");
}

// Every row as wide as the first; written with quotes they are read as they were.
static void check_csv(struct arena *arena, struct bytes file)
{
    struct csv csv;
    struct csv_row rows[ROWS_MAX], row;
    size_t n = 0;
    enum csv_result result;
    struct buffer written;
    buffer_init(&written, FILE_MAX);
    csv_begin(&csv, arena, file);
    while ((result = csv_next(&csv, &row)) == CSV_ROW) {
        assert(row.n >= 1 && row.n <= CSV_FIELDS_MAX && row.n == csv.width && row.line >= 1);
        for (size_t i = 0; n < ROWS_MAX && i < row.n; i++) {
            buffer_adds(&written, i ? "," : "");
            quote(&written, row.fields[i]);
        }
        if (n < ROWS_MAX) {
            rows[n++] = row;
            buffer_adds(&written, "\r\n");
        }
    }
    if (csv.wrong)
        fuzz_check_text(csv.wrong, 128);
    if (!written.full && n > 0) {
        csv_begin(&csv, arena, buffer_bytes(&written));
        for (size_t i = 0; i < n; i++) {
            result = csv_next(&csv, &row);
            assert((result == CSV_ROW && row.n == rows[i].n) || !csv.wrong);
            for (size_t j = 0; result == CSV_ROW && j < row.n; j++)
                assert(strcmp(row.fields[j], rows[i].fields[j]) == 0);
        }
    }
    buffer_deinit(&written);
}

// Any text that is written with quotes is read as it was.
static void check_field(struct arena *arena, const char *field)
{
    struct csv csv;
    struct csv_row row;
    struct buffer written;
    buffer_init(&written, FILE_MAX);
    buffer_adds(&written, "a,b\n");
    quote(&written, field);
    buffer_adds(&written, ",");
    quote(&written, field);
    csv_begin(&csv, arena, buffer_bytes(&written));
    assert(csv_next(&csv, &row) == CSV_ROW && row.n == 2);
    assert(csv_next(&csv, &row) == CSV_ROW && row.n == 2);
    assert(strcmp(row.fields[0], field) == 0 && strcmp(row.fields[1], field) == 0);
    assert(csv_next(&csv, &row) == CSV_END);
    buffer_deinit(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    struct their_row *rows = NULL;
    struct problem problem = {0};
    struct bytes file = fuzz_rest(&input);
    size_t n = 0;
    enum status status = settlement_read(arena, file, &rows, &n, &problem);
    if (status == STATUS_OK)
        check_rows(rows, n, true);
    else if (status != STATUS_RESOURCE_EXHAUSTED)
        fuzz_check_refusal(status, &problem);
    problem = (struct problem){0};
    status = settlement_read_ledger(arena, file, &rows, &n, &problem);
    if (status == STATUS_OK)
        check_rows(rows, n, false);
    else if (status != STATUS_RESOURCE_EXHAUSTED)
        fuzz_check_refusal(status, &problem);
    check_csv(arena, file);
    input = (struct fuzz_input){data, size};
    check_field(arena, fuzz_text(&input, arena));
    return 0;
}
