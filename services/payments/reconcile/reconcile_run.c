#include "reconcile/reconcile_run.h"

#include <string.h>

#include "base/clock.h"
#include "reconcile/reconcile_ledger.h"
#include "reconcile/settlement.h"

#define PAGE_ROWS 500
#define DAY_US (86400 * US_PER_S)
#define EDGE_US (RECONCILE_EDGE_S * US_PER_S)

struct running {
    const struct reconcile_run *run;
    const struct provider *provider;
    struct db *db;
    struct arena *arena, *scratch; // scratch: of a page
    struct book book;
    int64_t from_us, until_us, edge_us; // from edge_us on it may be in the next day's file
    struct reconcile *result;
    struct problem *problem;
};
typedef enum status page_function(struct running *running, struct book_row *rows, size_t n);

bool reconcile_day_parse(const char *text, int64_t *ret_us)
{
    char time[RFC3339_SIZE];
    if (strlen(text) != DAY_SIZE - 1 || strspn(text, "0123456789-") != DAY_SIZE - 1)
        return false;
    memcpy(time, text, DAY_SIZE - 1);
    memcpy(time + DAY_SIZE - 1, "T00:00:00Z", sizeof "T00:00:00Z");
    return clock_parse_rfc3339(time, ret_us);
}

const char *reconcile_source(const struct payments_state *state,
                             const struct credential *credential)
{
    const struct provider *provider = providers_find(state->providers, credential->provider);
    if (reconcile_ledger_url(credential)[0])
        return "ledger";
    return provider && provider->query ? "query" : NULL;
}

static enum status need_file(const struct running *running)
{
    return problem_set(running->problem, STATUS_FAILED_PRECONDITION, "settlement_file_needed",
                       "csv", "%s can't be asked about that day: give its settlement file.",
                       running->provider->title);
}

static bool is_stopped(const struct running *running)
{
    return running->run->stopping && atomic_load(running->run->stopping);
}

// --- Ours, page by page
static enum status each_page(struct running *running, page_function *call)
{
    struct book_page page = {.from_us = running->from_us,
                             .until_us = running->until_us,
                             .after_us = DB_TIME_NULL,
                             .after_id = "",
                             .limit = PAGE_ROWS};
    for (;;) {
        struct book_row *rows = NULL;
        size_t n = 0;
        if (is_stopped(running))
            return STATUS_CANCELLED;
        enum status status =
            store_book_page(running->db, running->scratch, &running->book, &page, &rows, &n);
        if (status == STATUS_OK && n > 0)
            status = call(running, rows, n);
        if (status != STATUS_OK || n < PAGE_ROWS)
            return status;
        page.after_us = rows[n - 1].finished_us;
        page.after_id = arena_strdup(running->arena, rows[n - 1].row.operation_id);
        arena_reset(running->scratch);
        if (!page.after_id)
            return STATUS_RESOURCE_EXHAUSTED;
    }
}

// NULL when the arena is full.
static struct our_row *ours_of(struct running *running, const struct book_row *rows, size_t n)
{
    struct our_row *ours = ARENA_ARRAY(running->scratch, n, struct our_row);
    for (size_t i = 0; ours && i < n; i++) {
        ours[i] = rows[i].row;
        ours[i].at_edge = rows[i].finished_us >= running->edge_us;
    }
    return ours;
}

static enum status compare(struct running *running, struct book_row *rows, size_t n)
{
    struct our_row *ours = ours_of(running, rows, n);
    if (!ours)
        return STATUS_RESOURCE_EXHAUSTED;
    reconcile_ours(running->result, running->scratch, ours, n);
    return running->result->full ? STATUS_RESOURCE_EXHAUSTED : STATUS_OK;
}

// --- Against a list of theirs
static enum status compare_left_over(struct running *running)
{
    struct book_row *rows = NULL;
    size_t n = 0;
    enum status status = store_book_left_over(running->db, running->scratch, &running->book,
                                              running->run->day, &rows, &n);
    if (status != STATUS_OK || n == 0)
        return status;
    for (size_t i = 0; i < n; i++)
        rows[i].finished_us = running->from_us; // no second reprieve
    return compare(running, rows, n);
}

// Theirs may be of another day's, or of what is still under way with us.
static enum status find_known(struct running *running)
{
    const char *after_id = "";
    while (reconcile_wants(running->result)) {
        struct our_row *rows = NULL;
        size_t n = 0;
        if (is_stopped(running))
            return STATUS_CANCELLED;
        arena_reset(running->scratch);
        enum status status = store_book_names(running->db, running->scratch, &running->book,
                                              after_id, PAGE_ROWS, &rows, &n);
        if (status != STATUS_OK || n == 0)
            return status;
        reconcile_known(running->result, running->scratch, rows, n);
        after_id = arena_strdup(running->arena, rows[n - 1].operation_id);
        if (!after_id || running->result->full)
            return STATUS_RESOURCE_EXHAUSTED;
    }
    return STATUS_OK;
}

static enum status against(struct running *running, const struct their_row *rows, size_t n)
{
    reconcile_theirs(running->result, rows, n);
    enum status status = running->result->full ? STATUS_RESOURCE_EXHAUSTED : STATUS_OK;
    if (status == STATUS_OK && running->run->csv.at)
        status = compare_left_over(running);
    arena_reset(running->scratch);
    if (status == STATUS_OK)
        status = each_page(running, compare);
    if (status == STATUS_OK)
        status = find_known(running);
    if (status == STATUS_OK)
        reconcile_missing_here(running->result);
    return status;
}

static enum status by_file(struct running *running)
{
    struct their_row *rows = NULL;
    size_t n = 0;
    enum status status =
        settlement_read(running->arena, running->run->csv, &rows, &n, running->problem);
    return status == STATUS_OK ? against(running, rows, n) : status;
}

static struct reconcile_asking asking_of(const struct running *running)
{
    const struct reconcile_run *run = running->run;
    return (struct reconcile_asking){
        .state = run->state,
        .setup = run->setup,
        .provider = running->provider,
        .credential = run->credential,
        .deadline_ns = run->deadline_ns,
        .stopping = run->stopping,
    };
}

static enum status by_ledger(struct running *running)
{
    const struct reconcile_asking asking = asking_of(running);
    struct their_row *rows = NULL;
    size_t n = 0;
    enum status status = reconcile_ledger(&asking, running->arena, &rows, &n, running->problem);
    return status == STATUS_OK ? against(running, rows, n) : status;
}

// --- By asking about each of ours
struct questions {
    struct asked *asked;
    struct our_row *rows;
    struct their_row *theirs;
    size_t n;
};

static bool questions_new(struct arena *arena, const struct book_row *rows, size_t n,
                          struct questions *ret)
{
    *ret = (struct questions){ARENA_ARRAY(arena, n, struct asked),
                              ARENA_ARRAY(arena, n, struct our_row),
                              ARENA_ARRAY(arena, n, struct their_row), n};
    if (!ret->asked || !ret->rows || !ret->theirs)
        return false;
    for (size_t i = 0; i < n; i++)
        ret->asked[i].act = &rows[i].act;
    return true;
}

// A status is all that they say: the amount is taken to be ours.
static void take_answers(struct running *running, struct book_row *rows, struct questions *all)
{
    size_t ours_n = 0, theirs_n = 0;
    for (size_t i = 0; i < all->n; i++) {
        const struct our_row *row = &rows[i].row;
        if (all->asked[i].answer == ANSWER_NEVER)
            continue;
        all->rows[ours_n++] = *row;
        if (all->asked[i].answer == ANSWER_KNOWN)
            all->theirs[theirs_n++] = (struct their_row){.reference = row->operation_id,
                                                         .kind = row->kind,
                                                         .amount = row->amount,
                                                         .currency = row->currency,
                                                         .booked = all->asked[i].booked};
    }
    reconcile_theirs(running->result, all->theirs, theirs_n);
    reconcile_ours(running->result, running->scratch, all->rows, ours_n);
    all->n = ours_n;
}

struct by_query { // running, and what is counted
    struct running running;
    size_t rows, asked;
};

static enum status ask_page(struct running *running, struct book_row *rows, size_t n)
{
    struct by_query *by = (struct by_query *)running; // its first member
    const struct reconcile_asking asking = asking_of(running);
    struct questions all;
    by->rows += n;
    if (by->rows > RECONCILE_QUERIES_MAX)
        return problem_set(running->problem, STATUS_FAILED_PRECONDITION, "settlement_file_needed",
                           "csv", "More than %d operations are too many to ask about one by one.",
                           RECONCILE_QUERIES_MAX);
    if (!questions_new(running->scratch, rows, n, &all))
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = reconcile_ask(&asking, all.asked, n, running->problem);
    if (status != STATUS_OK)
        return status;
    take_answers(running, rows, &all);
    by->asked += all.n;
    return running->result->full ? STATUS_RESOURCE_EXHAUSTED : STATUS_OK;
}

static enum status by_query(const struct running *running)
{
    struct by_query by = {.running = *running};
    enum status status = each_page(&by.running, ask_page);
    return status == STATUS_OK && by.rows > 0 && by.asked == 0 ? need_file(running) : status;
}

// --- The run
// The run of the day before may have come before its time was over: where it ended, this one
// begins.
static enum status begin_where_the_last_ended(struct running *running, int64_t day_us)
{
    int64_t until_us;
    enum status status = store_book_until(running->db, running->scratch, &running->book,
                                          running->run->day, &until_us);
    if (status != STATUS_OK || until_us == DB_TIME_NULL || until_us >= running->from_us)
        return status;
    running->from_us = until_us > day_us - EDGE_US ? until_us : day_us - EDGE_US;
    return STATUS_OK;
}

static void set_times(struct running *running, int64_t day_us, int64_t now_us)
{
    int64_t shift_us = running->run->csv.at ? EDGE_US : 0;
    running->from_us = day_us + shift_us;
    running->until_us = day_us + DAY_US + shift_us;
    if (running->until_us > now_us)
        running->until_us = now_us; // what is finished later, theirs may not have shown
    running->edge_us = running->run->csv.at ? day_us + DAY_US - EDGE_US : INT64_MAX;
}

static enum status run_by(struct running *running, const char *source)
{
    if (running->run->csv.at)
        return by_file(running);
    if (!source)
        return need_file(running);
    return strcmp(source, "ledger") == 0 ? by_ledger(running) : by_query(running);
}

static bool is_simulators(const struct reconcile_run *run)
{
    return run->credential == providers_simulator(run->state->providers);
}

enum status reconcile_run(const struct reconcile_run *run, struct db *db, struct arena *arena,
                          struct reconcile *ret, struct reconciliation *ret_run,
                          struct problem *problem)
{
    CLEANUP(arena_free) struct arena *scratch = arena_new(ARENA_CAP_BATCH);
    const struct credential *credential = run->credential;
    const char *source = reconcile_source(run->state, credential);
    int64_t day_us, now_us = clock_unix_us();
    struct running running = {
        .run = run,
        .provider = providers_find(run->state->providers, credential->provider),
        .db = db,
        .arena = arena,
        .scratch = scratch,
        .book = {run->setup->tenant_id, credential->provider,
                 is_simulators(run) ? NULL : credential->id},
        .result = ret,
        .problem = problem,
    };
    if (!scratch || !reconcile_day_parse(run->day, &day_us))
        return STATUS_RESOURCE_EXHAUSTED;
    if (!running.provider)
        return problem_set(problem, STATUS_FAILED_PRECONDITION, "provider_unknown", "provider",
                           "There is no provider %s any more.", credential->provider);
    set_times(&running, day_us, now_us);
    reconcile_begin(ret, arena);
    *ret_run = (struct reconciliation){
        .tenant_id = arena_strdup(arena, running.book.tenant_id), // the setup may go before this
        .provider = running.provider->name,
        .credential_id = arena_strdup(arena, running.book.credential_id),
        .day = arena_strdup(arena, run->day),
        .source = run->csv.at ? "csv" : source,
        .created_us = now_us,
        .until_us = running.until_us,
    };
    bool whole = ret_run->tenant_id && ret_run->day &&
                 (ret_run->credential_id || !running.book.credential_id);
    enum status status = whole ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK && run->csv.at)
        status = begin_where_the_last_ended(&running, day_us);
    return status == STATUS_OK ? run_by(&running, source) : status;
}
