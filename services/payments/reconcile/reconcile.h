// Reconciliation: a day of our books against the provider's, by reference. Nothing is corrected; it
// is told what differs.
//
// Only what is final with us is compared: charges and refunds that have succeeded or failed. What
// is under way is known, so it is not missing here; it belongs to the day on which it is finished.
// Money decides what is missing: a failure that one side doesn't list is no difference.
//
// A settlement file is cut at midnight by the provider's clock, not by ours, and we hear of an end
// only after it. So a file's day reaches RECONCILE_EDGE_S beyond ours, and what was finished so
// close to the edge, on either side of it, may be in this file or in the next: when it isn't in
// this one it is left over for the next day's run, which must find it.
//
// Use: reconcile_theirs, then reconcile_ours as often as there are pages of ours, then, where
// theirs may hold what isn't ours, reconcile_known with all that could be, and
// reconcile_missing_here. Pure; everything lives in the arena that it began with, but for the rows
// that are passed in, which need to live only as long as the call (theirs: until reconcile_theirs
// is called again).
#pragma once
#include "operation.h"

#define RECONCILE_EDGE_S 600
#define RECONCILE_KEPT_MAX 10000 // differences that are kept; the others are counted

enum booked { BOOKED_OPEN = 1, BOOKED_SUCCEEDED, BOOKED_FAILED };
const char *booked_name(enum booked booked); // "pending" | "succeeded" | "failed"

struct our_row {
    const char *operation_id, *payment_id;
    const char *provider_reference; // NULL: none
    enum operation_kind kind;
    int64_t amount;
    const char *currency;
    enum booked booked;
    bool at_edge;    // may be in the next day's file instead
    bool taken_back; // an authorization that was canceled: theirs may show it as either
};
struct their_row {
    const char *reference;
    enum operation_kind kind; // 0: not said. OPERATION_CANCEL: a void, which our refund may be
    int64_t amount;
    const char *currency;
    enum booked booked;
    int64_t moved;  // how often money moved; 0: as the status says
    const char *id; // the provider's own name for it; NULL: not said
};

enum difference_kind {
    DIFFERENCE_MISSING_HERE = 1,
    DIFFERENCE_MISSING_THERE,
    DIFFERENCE_AMOUNT, // or currency, or more than one success under one reference: the sum is told
    DIFFERENCE_STATUS,
};
#define DIFFERENCE_KINDS (DIFFERENCE_STATUS + 1)
const char *difference_kind_name(enum difference_kind kind);

struct difference {
    enum difference_kind kind;
    const char *reference;
    const char *operation_id, *payment_id; // NULL for what is missing here
    const char *ours, *theirs;             // "1000 ZMW succeeded", or ""
};

struct their_group;
struct their_name;
struct reconcile {
    struct arena *arena;
    struct their_group *groups; // by reference
    size_t groups_n;
    struct their_name *names; // of the groups, sorted
    size_t names_n;
    int64_t matched, differ[DIFFERENCE_KINDS];
    struct difference *differences;
    size_t differences_n, differences_max;
    const char **left_over; // operation ids
    size_t left_over_n, left_over_max;
    bool full; // the arena was: the result is not to be used
};

void reconcile_begin(struct reconcile *reconcile, struct arena *arena);
// What they have, instead of what they had before.
void reconcile_theirs(struct reconcile *reconcile, const struct their_row *rows, size_t n);
// Rows of ours, each once; scratch may be emptied afterwards.
void reconcile_ours(struct reconcile *reconcile, struct arena *scratch, const struct our_row *rows,
                    size_t n);
// Whether something of theirs that moved money has found nothing of ours so far.
bool reconcile_wants(const struct reconcile *reconcile);
// Operations of other days, or under way: they aren't missing here. Reads ids, references and kind.
void reconcile_known(struct reconcile *reconcile, struct arena *scratch, const struct our_row *rows,
                     size_t n);
void reconcile_missing_here(struct reconcile *reconcile);
int64_t reconcile_differences(const struct reconcile *reconcile); // all that were counted

// What a provider may know an operation by: our id as it is, compact or as a UUID
// (providers/common.h), and its own name for it.
#define RECONCILE_NAMES_MAX 4
// How many there are; 0 when the arena is full.
size_t reconcile_names(struct arena *arena, const struct our_row *row,
                       const char *ret[RECONCILE_NAMES_MAX]);
