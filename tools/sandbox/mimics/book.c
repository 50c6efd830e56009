#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "mimics/internal.h"

static const char *key_text(const struct page *page, enum book_key key)
{
    switch (key) {
    case BOOK_REFERENCE:
        return page->entry.reference;
    case BOOK_ID:
        return page->entry.id;
    default:
        return page->entry.related;
    }
}

static size_t bucket_of(const char *text)
{
    return hash_text(text) & (BOOK_BUCKETS - 1);
}

// Room for one more item in a growing array.
static bool grow(void **array, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return true;
    size_t more = *capacity ? *capacity * 2 : 256;
    void *larger = realloc(*array, more * size);
    if (!larger)
        return false;
    *array = larger;
    *capacity = more;
    return true;
}

void book_deinit(struct book *book)
{
    for (size_t i = 0; i < book->n; i++)
        free(book->pages[i]);
    free(book->pages);
    free(book->heap);
    while (book->kept) {
        struct kept *kept = book->kept;
        book->kept = kept->next;
        free(kept);
    }
}

char *book_keep(struct book *book, const char *text)
{
    size_t size = strlen(text) + 1;
    struct kept *kept = malloc(sizeof *kept + size);
    if (!kept)
        return NULL;
    memcpy(kept->text, text, size);
    kept->next = book->kept;
    book->kept = kept;
    return kept->text;
}

static void link_in(struct book *book, struct page *page, enum book_key key)
{
    page->bucket[key] = bucket_of(key_text(page, key));
    struct page **bucket = &book->buckets[key][page->bucket[key]];
    page->next[key] = *bucket;
    *bucket = page;
}

void book_index(struct book *book, struct page *page)
{
    if (page->bucket[BOOK_ID] == bucket_of(page->entry.id))
        return;
    struct page **at = &book->buckets[BOOK_ID][page->bucket[BOOK_ID]];
    while (*at != page)
        at = &(*at)->next[BOOK_ID];
    *at = page->next[BOOK_ID];
    link_in(book, page, BOOK_ID);
}

struct page *book_add(struct book *book, const struct entry *entry)
{
    void *pages = book->pages;
    if (book->n >= ENTRIES_MAX || !grow(&pages, book->n, &book->capacity, sizeof(struct page *)))
        return NULL;
    book->pages = pages;
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return NULL;
    page->entry = *entry;
    if ((entry->callback_url &&
         !(page->entry.callback_url = book_keep(book, entry->callback_url))) ||
        (entry->extra && !(page->entry.extra = book_keep(book, entry->extra)))) {
        free(page);
        return NULL;
    }
    for (enum book_key key = 0; key < BOOK_KEYS; key++)
        link_in(book, page, key);
    book->pages[book->n++] = page;
    return page;
}

struct page *book_next(const struct book *book, enum book_key key, const char *text,
                       const struct page *after)
{
    struct page *at = after ? after->next[key] : book->buckets[key][bucket_of(text)];
    while (at && strcmp(key_text(at, key), text) != 0)
        at = at->next[key];
    return at;
}

bool book_schedule(struct book *book, struct page *page)
{
    void *heap = book->heap;
    if (!grow(&heap, book->heap_n, &book->heap_capacity, sizeof(struct due)))
        return false;
    book->heap = heap;
    struct due due = {page->entry.due_us, page};
    size_t i = book->heap_n++;
    for (; i > 0 && due.at_us < book->heap[(i - 1) / 2].at_us; i = (i - 1) / 2)
        book->heap[i] = book->heap[(i - 1) / 2];
    book->heap[i] = due;
    return true;
}

static void heap_pop(struct book *book)
{
    struct due last = book->heap[--book->heap_n];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= book->heap_n)
            break;
        if (child + 1 < book->heap_n && book->heap[child + 1].at_us < book->heap[child].at_us)
            child++;
        if (book->heap[child].at_us >= last.at_us)
            break;
        book->heap[i] = book->heap[child];
        i = child;
    }
    book->heap[i] = last;
}

struct page *book_due(struct book *book, int64_t now_us)
{
    while (book->heap_n && book->heap[0].at_us <= now_us) {
        struct due due = book->heap[0];
        heap_pop(book);
        if (due.page->entry.status == ENTRY_PENDING && due.page->entry.due_us == due.at_us)
            return due.page;
    }
    return NULL;
}

int64_t book_next_due_us(const struct book *book)
{
    return book->heap_n ? book->heap[0].at_us : INT64_MAX;
}
