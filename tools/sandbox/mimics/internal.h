// Between the files of the common part: what a mimic consists of. Everything here is guarded by the
// mimic's lock, except for what is set once at birth.
#pragma once
#include <pthread.h>
#include <stddef.h>

#include "base/buffer.h"
#include "mimics/mimics.h"

// --- The book: entries, found by what they are called, and the order in which they fall due.
#define BOOK_BUCKETS ((size_t)1 << 14)

enum book_key { BOOK_REFERENCE, BOOK_ID, BOOK_RELATED, BOOK_KEYS };

struct page {
    struct entry entry; // first: an entry of the book is a page
    size_t bucket[BOOK_KEYS];
    struct page *next[BOOK_KEYS]; // newest first
};

struct due {
    int64_t at_us;
    struct page *page;
};

struct kept {
    struct kept *next;
    char text[];
};

struct book {
    struct page **pages; // by age
    size_t n, capacity;
    struct page *buckets[BOOK_KEYS][BOOK_BUCKETS];
    struct due *heap; // earliest first; one whose page has another due time is stale
    size_t heap_n, heap_capacity;
    struct kept *kept;
};

void book_deinit(struct book *book);
struct page *book_add(struct book *book, const struct entry *entry); // NULL: full
// The newest with that key after `after` (NULL: of all); NULL when there is none.
struct page *book_next(const struct book *book, enum book_key key, const char *text,
                       const struct page *after);
void book_index(struct book *book, struct page *page); // after its id changed
bool book_schedule(struct book *book, struct page *page);
struct page *book_due(struct book *book, int64_t now_us); // the next one that is; NULL: none is
int64_t book_next_due_us(const struct book *book);        // INT64_MAX: nothing to wait for
char *book_keep(struct book *book, const char *text);     // a copy; NULL when out of memory

// --- Faults: by chance (percent) or by order (the next one).
enum fault {
    FAULT_NONE,
    FAULT_ERROR,
    FAULT_TIMEOUT_BEFORE,
    FAULT_TIMEOUT_AFTER,
    FAULT_MALFORMED,
    FAULT_SLOW,
    FAULT_CALLBACK_LOST,
    FAULT_CALLBACK_DOUBLE,
    FAULT_ERROR_AFTER,
    FAULT_CALLBACK_LATE,
    FAULTS
};

struct faults {
    int64_t percent[FAULTS];
    enum fault next;      // FAULT_NONE: nothing ordered
    int64_t done[FAULTS]; // how often each befell somebody
};

enum fault fault_of_name(const char *name); // FAULT_NONE when there is no such fault
const char *fault_name(enum fault fault);
// What befalls this request, or (of the two that concern callbacks) this callback.
enum fault fault_of_request(struct faults *faults, enum mimic_duty duty);
enum fault fault_of_callback(struct faults *faults);

// --- Access tokens.
struct grant {
    char kind[64], token[64];
    int64_t expires_us;
};

// --- A provider.
enum mimic_answering { MIMIC_NORMAL, MIMIC_ERROR, MIMIC_HANG };

// What an account's owner sets in the provider's portal: taken for the setting of that key.
#define PORTAL_MAX 8
struct portal {
    char key[32];
    const char *value; // the book's
};

struct mimic {
    const struct mimic_description *what;
    const struct mimics_config *config;
    pthread_mutex_t lock;
    struct book book;
    struct faults faults;
    enum mimic_answering answering;
    int64_t slow_ms, settle_ms;
    struct grant *grants; // GRANTS_MAX of them, the oldest overwritten first
    size_t grants_n;      // ever granted
    struct portal portal[PORTAL_MAX];
    size_t portal_n;
};

const struct mimic_description *const *mimic_registry(size_t *ret_n);
// By its whole name ("SANDBOX_MTN_API_KEY"); NULL when there is no such setting.
const char *settings_value(const struct mimic_settings *settings, const char *name);
void mimic_tell(struct mimic *mimic, const struct entry *entry);
// A callback that is a lie; false when the provider never calls back.
bool mimic_forge(struct mimic *mimic, const char *url, const char *reference);
// Fills call->names and gives the route, or NULL; *ret_known: the path exists with another verb.
const struct mimic_route *mimic_route_find(struct mimic_call *call, const char *path,
                                           bool *ret_known);
