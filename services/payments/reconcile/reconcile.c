#include "reconcile/reconcile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "providers/common.h"
#include "reconcile/tally.h"

#define LEAST 64

struct their_group {
    const char *reference;
    const char *id; // of the first; NULL: not said
    enum operation_kind kind;
    struct tally tally;
    bool found; // it is something of ours
};

// A group goes by its reference and, where that is not ours, by their id.
struct their_name {
    const char *name;
    size_t group;
    bool is_id;
};

// One of the names of one of ours.
struct naming {
    const char *name;
    size_t row;
    size_t rank; // the lower, the more certain
};

const char *booked_name(enum booked booked)
{
    static const char *const names[] = {"", "pending", "succeeded", "failed"};
    return names[booked];
}

const char *difference_kind_name(enum difference_kind kind)
{
    static const char *const names[] = {"", "missing_here", "missing_there", "amount", "status"};
    return names[kind];
}

void reconcile_begin(struct reconcile *reconcile, struct arena *arena)
{
    *reconcile = (struct reconcile){.arena = arena};
}

int64_t reconcile_differences(const struct reconcile *reconcile)
{
    int64_t n = 0;
    for (int kind = DIFFERENCE_MISSING_HERE; kind < DIFFERENCE_KINDS; kind++)
        n += reconcile->differ[kind];
    return n;
}

// --- Theirs
static int compare_groups(const void *one, const void *other)
{
    const struct their_group *a = one, *b = other;
    int order = strcasecmp(a->reference, b->reference);
    return order ? order : (int)a->kind - (int)b->kind;
}

static int compare_their_names(const void *one, const void *other)
{
    const struct their_name *a = one, *b = other;
    int order = strcasecmp(a->name, b->name);
    if (order)
        return order;
    if (a->is_id != b->is_id)
        return a->is_id ? 1 : -1;
    return (a->group > b->group) - (a->group < b->group);
}

static size_t group_all(struct their_group *groups, size_t n)
{
    size_t groups_n = 0;
    qsort(groups, n, sizeof *groups, compare_groups);
    for (size_t i = 0; i < n; i++) {
        if (groups_n > 0 && compare_groups(&groups[groups_n - 1], &groups[i]) == 0)
            tally_add(&groups[groups_n - 1].tally, &groups[i].tally);
        else
            groups[groups_n++] = groups[i];
    }
    return groups_n;
}

static size_t name_groups(const struct their_group *groups, size_t n, struct their_name *ret)
{
    size_t names_n = 0;
    for (size_t i = 0; i < n; i++) {
        ret[names_n++] = (struct their_name){groups[i].reference, i, false};
        if (groups[i].id && groups[i].id[0])
            ret[names_n++] = (struct their_name){groups[i].id, i, true};
    }
    qsort(ret, names_n, sizeof *ret, compare_their_names);
    return names_n;
}

void reconcile_theirs(struct reconcile *reconcile, const struct their_row *rows, size_t n)
{
    struct their_group *groups = ARENA_ARRAY(reconcile->arena, n, struct their_group);
    struct their_name *names = ARENA_ARRAY(reconcile->arena, n * 2, struct their_name);
    reconcile->groups_n = reconcile->names_n = 0;
    reconcile->full = reconcile->full || !groups || !names;
    if (reconcile->full)
        return;
    for (size_t i = 0; i < n; i++)
        groups[i] = (struct their_group){.reference = rows[i].reference,
                                         .id = rows[i].id,
                                         .kind = rows[i].kind,
                                         .tally = tally_of(&rows[i])};
    reconcile->groups = groups;
    reconcile->groups_n = group_all(groups, n);
    reconcile->names = names;
    reconcile->names_n = name_groups(groups, reconcile->groups_n, names);
}

// --- Names
size_t reconcile_names(struct arena *arena, const struct our_row *row,
                       const char *ret[RECONCILE_NAMES_MAX])
{
    ret[0] = row->operation_id;
    ret[1] = reference_compact(arena, row->operation_id);
    ret[2] = reference_uuid(arena, row->operation_id);
    ret[3] = row->provider_reference;
    if (!ret[1] || !ret[2])
        return 0;
    return ret[3] && ret[3][0] ? 4 : 3;
}

static int compare_namings(const void *one, const void *other)
{
    const struct naming *a = one, *b = other;
    int order = strcasecmp(a->name, b->name);
    if (order)
        return order;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

// All names of all rows, sorted. NULL when the arena is full.
static struct naming *name_all(struct arena *scratch, const struct our_row *rows, size_t n,
                               size_t *ret_n)
{
    struct naming *namings = ARENA_ARRAY(scratch, n * RECONCILE_NAMES_MAX, struct naming);
    const char *names[RECONCILE_NAMES_MAX];
    *ret_n = 0;
    for (size_t i = 0; namings && i < n; i++) {
        size_t names_n = reconcile_names(scratch, &rows[i], names);
        if (names_n == 0)
            return NULL;
        for (size_t rank = 0; rank < names_n; rank++)
            namings[(*ret_n)++] = (struct naming){names[rank], i, rank};
    }
    if (namings)
        qsort(namings, *ret_n, sizeof *namings, compare_namings);
    return namings;
}

static bool kinds_fit(enum operation_kind theirs, enum operation_kind ours)
{
    return theirs == 0 || theirs == ours ||
           (theirs == OPERATION_CANCEL && ours == OPERATION_REFUND);
}

// Both are sorted: one pass. tallies[row] (NULL: nobody wants to know) gets what theirs is row's.
static bool merge(struct reconcile *reconcile, struct arena *scratch, const struct our_row *rows,
                  size_t n, struct tally *tallies)
{
    size_t namings_n, at = 0;
    const struct naming *namings = name_all(scratch, rows, n, &namings_n);
    if (!namings)
        return false;
    for (size_t i = 0; i < reconcile->names_n; i++) {
        const char *name = reconcile->names[i].name;
        struct their_group *group = &reconcile->groups[reconcile->names[i].group];
        while (at < namings_n && strcasecmp(namings[at].name, name) < 0)
            at++;
        // `at` stays: the next group may have the same reference and another kind.
        for (size_t j = at;
             !group->found && j < namings_n && strcasecmp(namings[j].name, name) == 0; j++) {
            if (!kinds_fit(group->kind, rows[namings[j].row].kind))
                continue;
            group->found = true;
            if (tallies)
                tally_add(&tallies[namings[j].row], &group->tally);
        }
    }
    return true;
}

// --- What comes of it
static const char *said(struct reconcile *reconcile, int64_t amount, const char *currency,
                        enum booked booked)
{
    return arena_printf(reconcile->arena, "%lld %s %s", (long long)amount, currency,
                        booked_name(booked));
}

static const char *said_of_theirs(struct reconcile *reconcile, const struct tally *tally)
{
    enum booked booked = tally_booked(tally);
    if (tally->succeeded <= 1)
        return said(reconcile, tally->succeeded ? tally->sum : tally->amount, tally->currency,
                    booked);
    return arena_printf(reconcile->arena, "%lld %s %s, %lld times", (long long)tally->sum,
                        tally->mixed ? "(mixed)" : tally->currency, booked_name(booked),
                        (long long)tally->succeeded);
}

// A place behind the last; what there is moves when there is no more. NULL when the arena is full.
static void *grow(struct reconcile *reconcile, void *items, size_t n, size_t *max, size_t size)
{
    size_t wanted = *max ? *max * 2 : LEAST;
    if (n < *max)
        return items;
    void *larger = arena_array(reconcile->arena, wanted, size);
    if (!larger) {
        reconcile->full = true;
        return NULL;
    }
    if (n > 0)
        memcpy(larger, items, n * size);
    *max = wanted;
    return larger;
}

static void add_difference(struct reconcile *reconcile, const struct difference *difference)
{
    reconcile->differ[difference->kind]++;
    if (reconcile->differences_n >= RECONCILE_KEPT_MAX || reconcile->full)
        return;
    struct difference *items = grow(reconcile, reconcile->differences, reconcile->differences_n,
                                    &reconcile->differences_max, sizeof *items);
    if (!items)
        return;
    struct arena *arena = reconcile->arena;
    struct difference copy = *difference;
    copy.reference = arena_strdup(arena, difference->reference);
    copy.operation_id = arena_strdup(arena, difference->operation_id);
    copy.payment_id = arena_strdup(arena, difference->payment_id);
    if (!copy.reference || !copy.ours || !copy.theirs)
        reconcile->full = true;
    reconcile->differences = items;
    items[reconcile->differences_n++] = copy;
}

static void add_ours(struct reconcile *reconcile, enum difference_kind kind,
                     const struct our_row *row, const struct tally *tally)
{
    add_difference(reconcile, &(struct difference){
                                  .kind = kind,
                                  .reference = row->operation_id,
                                  .operation_id = row->operation_id,
                                  .payment_id = row->payment_id,
                                  .ours = said(reconcile, row->amount, row->currency, row->booked),
                                  .theirs = tally->currency ? said_of_theirs(reconcile, tally) : "",
                              });
}

static void leave_over(struct reconcile *reconcile, const struct our_row *row)
{
    const char **items = grow(reconcile, reconcile->left_over, reconcile->left_over_n,
                              &reconcile->left_over_max, sizeof *items);
    if (!items)
        return;
    reconcile->left_over = items;
    items[reconcile->left_over_n++] = arena_strdup(reconcile->arena, row->operation_id);
    if (!items[reconcile->left_over_n - 1])
        reconcile->full = true;
}

static void judge_absent(struct reconcile *reconcile, const struct our_row *row)
{
    if (row->booked != BOOKED_SUCCEEDED || row->taken_back)
        return;
    if (row->at_edge)
        leave_over(reconcile, row);
    else
        add_ours(reconcile, DIFFERENCE_MISSING_THERE, row, &(struct tally){0});
}

static void judge(struct reconcile *reconcile, const struct our_row *row, const struct tally *tally)
{
    enum booked theirs = tally_booked(tally);
    if (row->at_edge && theirs == BOOKED_OPEN)
        leave_over(reconcile, row);
    else if (row->taken_back && theirs == BOOKED_FAILED)
        reconcile->matched++;
    else if (theirs != row->booked)
        add_ours(reconcile, DIFFERENCE_STATUS, row, tally);
    else if (theirs == BOOKED_SUCCEEDED && (tally->succeeded > 1 || tally->sum != row->amount ||
                                            strcmp(tally->currency, row->currency) != 0))
        add_ours(reconcile, DIFFERENCE_AMOUNT, row, tally);
    else
        reconcile->matched++;
}

void reconcile_ours(struct reconcile *reconcile, struct arena *scratch, const struct our_row *rows,
                    size_t n)
{
    struct tally *tallies = ARENA_ARRAY(scratch, n, struct tally);
    if (!tallies || !merge(reconcile, scratch, rows, n, tallies)) {
        reconcile->full = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (tallies[i].currency)
            judge(reconcile, &rows[i], &tallies[i]);
        else
            judge_absent(reconcile, &rows[i]);
    }
}

static bool is_missing(const struct their_group *group)
{
    return !group->found && group->tally.succeeded > 0;
}

bool reconcile_wants(const struct reconcile *reconcile)
{
    for (size_t i = 0; i < reconcile->groups_n; i++)
        if (is_missing(&reconcile->groups[i]))
            return true;
    return false;
}

void reconcile_known(struct reconcile *reconcile, struct arena *scratch, const struct our_row *rows,
                     size_t n)
{
    if (!merge(reconcile, scratch, rows, n, NULL))
        reconcile->full = true;
}

void reconcile_missing_here(struct reconcile *reconcile)
{
    for (size_t i = 0; i < reconcile->groups_n; i++) {
        struct their_group *group = &reconcile->groups[i];
        if (is_missing(group))
            add_difference(reconcile, &(struct difference){
                                          .kind = DIFFERENCE_MISSING_HERE,
                                          .reference = group->reference,
                                          .ours = "",
                                          .theirs = said_of_theirs(reconcile, &group->tally),
                                      });
    }
}
