#include <criterion/criterion.h>
#include <string.h>

#include "reconcile/csv.h"

static struct arena *arena;

static void begin(void)
{
    arena = arena_new(ARENA_CAP_BATCH);
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(csv, .init = begin, .fini = end);

static struct csv csv_of(const char *text)
{
    struct csv csv;
    csv_begin(&csv, arena, bytes_of_string(text));
    return csv;
}

// The fields of the next row, with | between.
static const char *next(struct csv *csv)
{
    struct csv_row row;
    cr_assert_eq(csv_next(csv, &row), CSV_ROW, "%s", csv->wrong ? csv->wrong : "no row");
    const char *text = "";
    for (size_t i = 0; i < row.n; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? "|" : "", row.fields[i]);
    return text;
}

static void ends(struct csv *csv)
{
    struct csv_row row;
    cr_assert_eq(csv_next(csv, &row), CSV_END);
}

static void wrong(const char *text, const char *sentence)
{
    struct csv csv = csv_of(text);
    struct csv_row row;
    enum csv_result result;
    while ((result = csv_next(&csv, &row)) == CSV_ROW)
        ;
    cr_assert_eq(result, CSV_WRONG);
    cr_assert_str_eq(csv.wrong, sentence);
    cr_assert_eq(csv_next(&csv, &row), CSV_WRONG); // and stays so
}

Test(csv, reads_rows_of_either_line_end_and_passes_empty_lines_over)
{
    struct csv csv = csv_of("a,b\r\n1,2\n\r\n\n,\n3,4");
    cr_assert_str_eq(next(&csv), "a|b");
    cr_assert_str_eq(next(&csv), "1|2");
    cr_assert_str_eq(next(&csv), "|");
    cr_assert_str_eq(next(&csv), "3|4");
    ends(&csv);
    ends(&csv);
}

Test(csv, takes_the_separator_of_the_first_line)
{
    struct csv csv = csv_of("\"x,y\";b\n1,5;2\n");
    cr_assert_str_eq(next(&csv), "x,y|b");
    cr_assert_str_eq(next(&csv), "1,5|2");
    csv = csv_of("a\n1\n");
    cr_assert_str_eq(next(&csv), "a");
    cr_assert_str_eq(next(&csv), "1");
}

Test(csv, takes_quotes_off)
{
    struct csv csv = csv_of("\"a\",\"\",\"say \"\"yes\"\"\"\n\"two\nlines\",\"x,y\",\"\"\"\"\n");
    cr_assert_str_eq(next(&csv), "a||say \"yes\"");
    cr_assert_str_eq(next(&csv), "two\nlines|x,y|\"");
    ends(&csv);
}

Test(csv, passes_a_byte_order_mark_over)
{
    struct csv csv = csv_of("\xEF\xBB\xBF"
                            "a,b\n1,2\n");
    cr_assert_str_eq(next(&csv), "a|b");
}

Test(csv, says_in_which_line_it_is_wrong)
{
    wrong("a,b\n1,2\n1\n", "Line 3: fewer fields than the header has.");
    wrong("a,b\n1,2,3\n", "Line 2: more fields than the header has.");
    wrong("a,b\n1,\"2\n", "Line 2: a quote that is never closed.");
    wrong("a,b\n\"1\n\",2\n1,\"2\"x\n", "Line 4: text behind a closing quote.");
    wrong("a,b\n1,2\"2\n", "Line 2: a quote within a field that does not begin with one.");
    wrong("a,b\n1,2\rx\n", "Line 2: a control character.");
}

Test(csv, is_bounded)
{
    char *wide = arena_alloc(arena, 200);
    memset(wide, ',', 100);
    wrong(wide, "Line 1: more than 100 fields.");
    wide[99] = '\0';
    struct csv csv = csv_of(wide);
    next(&csv);
    size_t n = CSV_ROWS_MAX + 2;
    char *tall = arena_alloc(arena, n * 2 + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(tall + i * 2, "1\n", 2);
    wrong(tall, "Line 100002: more than 100000 rows.");
    tall[(n - 1) * 2] = '\0';
    csv = csv_of(tall);
    struct csv_row row;
    for (size_t i = 0; i < n - 1; i++)
        cr_assert_eq(csv_next(&csv, &row), CSV_ROW);
    ends(&csv);
    char *large = arena_alloc(arena, CSV_BYTES_MAX + 2);
    memset(large, 'x', CSV_BYTES_MAX + 1);
    wrong(large, "The file is larger than 1 MiB.");
}

Test(csv, finds_columns_in_any_case)
{
    struct csv csv = csv_of("Reference, AMOUNT ,b,B\n");
    struct csv_row header;
    cr_assert_eq(csv_next(&csv, &header), CSV_ROW);
    cr_assert_eq(csv_column(&header, "reference"), 0);
    cr_assert_eq(csv_column(&header, "amount"), 1);
    cr_assert_eq(csv_column(&header, "b"), -2);
    cr_assert_eq(csv_column(&header, "ref"), -1);
}
