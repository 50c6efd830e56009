#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "mimics/internal.h"

static struct book *book;

static void setup(void)
{
    book = calloc(1, sizeof *book);
}

static void teardown(void)
{
    book_deinit(book);
    free(book);
}

TestSuite(book, .init = setup, .fini = teardown);

static struct page *add(const char *reference, const char *id, const char *related, int64_t due_us)
{
    struct entry entry = {.kind = ENTRY_CHARGE, .status = ENTRY_PENDING, .due_us = due_us};
    (void)snprintf(entry.reference, sizeof entry.reference, "%s", reference);
    (void)snprintf(entry.id, sizeof entry.id, "%s", id);
    (void)snprintf(entry.related, sizeof entry.related, "%s", related);
    struct page *page = book_add(book, &entry);
    cr_assert_not_null(page);
    return page;
}

Test(book, finds_by_what_an_entry_is_called)
{
    struct page *charge = add("charge", "1", "", 0);
    struct page *first = add("refund", "2", "charge", 0);
    struct page *second = add("refund", "3", "charge", 0);
    cr_assert_eq(book_next(book, BOOK_REFERENCE, "charge", NULL), charge);
    cr_assert_null(book_next(book, BOOK_REFERENCE, "charge", charge));
    cr_assert_eq(book_next(book, BOOK_REFERENCE, "refund", NULL), second, "the newest first");
    cr_assert_eq(book_next(book, BOOK_REFERENCE, "refund", second), first);
    cr_assert_eq(book_next(book, BOOK_RELATED, "charge", NULL), second);
    cr_assert_eq(book_next(book, BOOK_RELATED, "charge", second), first);
    cr_assert_null(book_next(book, BOOK_RELATED, "charge", first));
    cr_assert_eq(book_next(book, BOOK_ID, "1", NULL), charge);
    cr_assert_null(book_next(book, BOOK_ID, "4", NULL));
}

Test(book, finds_by_an_id_that_came_later)
{
    struct page *page = add("a", "", "", 0);
    add("b", "", "", 0);
    (void)snprintf(page->entry.id, sizeof page->entry.id, "late");
    book_index(book, page);
    cr_assert_eq(book_next(book, BOOK_ID, "late", NULL), page);
    book_index(book, page);
    cr_assert_null(book_next(book, BOOK_ID, "late", page));
}

Test(book, keeps_what_it_was_given)
{
    char url[] = "http://here", extra[] = "{}";
    struct entry entry = {.callback_url = url, .extra = extra};
    struct page *page = book_add(book, &entry);
    url[0] = extra[0] = 'x';
    cr_assert_str_eq(page->entry.callback_url, "http://here");
    cr_assert_str_eq(page->entry.extra, "{}");
}

Test(book, gives_what_is_due_in_order)
{
    enum { N = 500 };
    for (int64_t i = 0; i < N; i++) // 7 and N have no factor in common: every number once
        cr_assert(book_schedule(book, add("a", "", "", i * 7 % N)));
    cr_assert_eq(book_next_due_us(book), 0);
    cr_assert_null(book_due(book, -1));
    for (int64_t i = 0; i < N; i++) {
        struct page *page = book_due(book, N);
        cr_assert_eq(page->entry.due_us, i);
    }
    cr_assert_null(book_due(book, N));
    cr_assert_eq(book_next_due_us(book), INT64_MAX);
}

Test(book, forgets_what_was_put_off_or_settled)
{
    struct page *put_off = add("a", "", "", 10), *settled = add("b", "", "", 20);
    cr_assert(book_schedule(book, put_off));
    cr_assert(book_schedule(book, settled));
    put_off->entry.due_us = 30;
    cr_assert(book_schedule(book, put_off));
    settled->entry.status = ENTRY_SUCCEEDED;
    cr_assert_null(book_due(book, 29));
    cr_assert_eq(book_due(book, 30), put_off);
    cr_assert_null(book_due(book, INT64_MAX));
}
