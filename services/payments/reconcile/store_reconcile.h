// The tables of reconciliation, and our books as it reads them. As in store.h.
#pragma once
#include "providers/provider.h"
#include "reconcile/reconcile.h"
#include "store.h"

#define DAY_SIZE sizeof "2026-11-21"

struct reconciliation {
    const char *tenant_id, *id, *provider;
    const char *credential_id; // NULL: the simulator's
    const char *day;           // "2026-11-21"
    const char *source;        // csv | ledger | query
    bool daily;                // by the job: one for each credential and day
    int64_t created_us;
    int64_t until_us; // how far our books were read
};

// --- Our books
struct book { // whose
    const char *tenant_id, *provider, *credential_id;
};
struct book_row {
    struct our_row row;
    struct provider_act act; // to ask about it
    int64_t finished_us;
};
struct book_page {
    int64_t from_us, until_us; // finished in [from, until)
    int64_t after_us;          // of the last row; DB_TIME_NULL: from the beginning
    const char *after_id;      // likewise; ""
    size_t limit;
};
// Charges and refunds that are final, by the time at which they were finished.
MUST_USE enum status store_book_page(struct db *db, struct arena *arena, const struct book *book,
                                     const struct book_page *page, struct book_row **ret,
                                     size_t *ret_n);
// Those that the newest file of the day before left over.
MUST_USE enum status store_book_left_over(struct db *db, struct arena *arena,
                                          const struct book *book, const char *day,
                                          struct book_row **ret, size_t *ret_n);
// How far they were read for that file; DB_TIME_NULL: there was none.
MUST_USE enum status store_book_until(struct db *db, struct arena *arena, const struct book *book,
                                      const char *day, int64_t *ret_us);
// All operations, whatever their state, by id: id, provider's reference, kind.
MUST_USE enum status store_book_names(struct db *db, struct arena *arena, const struct book *book,
                                      const char *after_id, size_t limit, struct our_row **ret,
                                      size_t *ret_n);

// --- What came of it
// *ret_made false: the job has done this day already.
MUST_USE enum status store_reconciliation_insert(struct db *db, struct arena *arena,
                                                 const struct reconciliation *run,
                                                 const struct reconcile *result, bool *ret_made);
// How many differences the newest run of each credential has found, of the days from `day` on.
struct difference_count {
    const char *provider;
    int64_t differ[DIFFERENCE_KINDS];
};
MUST_USE enum status store_reconciliations_count(struct db *db, struct arena *arena,
                                                 const char *day, struct difference_count **ret,
                                                 size_t *ret_n);

// --- The daily job
// The first credential after that one which is enabled and has no daily run of that day; NULL:
// none.
MUST_USE enum status store_reconcile_next(struct db *db, struct arena *arena, const char *day,
                                          const struct key *after, struct key *ret,
                                          const char **ret_provider);
MUST_USE enum status store_reconcile_done(struct db *db, struct arena *arena,
                                          const struct key *credential, const char *day,
                                          bool *ret_done);
// One replica at a time has it, until it gives it back or its connection ends.
MUST_USE enum status store_reconcile_lock(struct db *db, struct arena *arena,
                                          const char *credential_id, const char *day,
                                          bool *ret_locked);
MUST_USE enum status store_reconcile_unlock(struct db *db, struct arena *arena,
                                            const char *credential_id, const char *day);
