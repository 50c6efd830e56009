#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sanitizer/common_interface_defs.h>

#define CHILD_SECONDS_MAX 60
#define AT_ONCE 4
#define TAIL 4000

enum { EXIT_WELL, EXIT_REFUSED = 3, EXIT_WRONG = 4, EXIT_ABORTED = 5 };

// What a child is told, and tells; in memory that both see.
struct order {
    enum torture_kind kind;
    uint64_t nth; // the call that fails, from 1; 0: none
    bool ever_after;
    _Atomic uint64_t seen[TORTURE_KINDS];
    char said[2048];
};

static struct order *order; // this child's; NULL in the parent
static atomic_bool armed;

bool torture_fails(enum torture_kind kind)
{
    if (!order || !atomic_load(&armed))
        return false;
    uint64_t n = atomic_fetch_add(&order->seen[kind], 1) + 1;
    if (kind != order->kind || order->nth == 0)
        return false;
    return n == order->nth || (order->ever_after && n > order->nth);
}

void torture_arm(void)
{
    atomic_store(&armed, true);
}

void torture_disarm(void)
{
    atomic_store(&armed, false);
}

void torture_wrong(const char *format, ...)
{
    va_list arguments;
    torture_disarm();
    va_start(arguments, format);
    vsnprintf(order->said, sizeof order->said, format, arguments);
    va_end(arguments);
    _exit(EXIT_WRONG);
}

// In the place of abort() in our own objects: the parent decides whether that function may.
__attribute__((noreturn)) void __wrap_abort(void);
void __wrap_abort(void)
{
    torture_disarm();
    __sanitizer_symbolize_pc(__builtin_return_address(0), "%f", order->said, sizeof order->said);
    _exit(EXIT_ABORTED);
}

struct child {
    pid_t pid;
    int out;
    struct order *order;
    struct timespec deadline;
};

static _Noreturn void be_child(const struct torture_scenario *scenario, struct order *mine, int out)
{
    order = mine;
    dup2(out, STDERR_FILENO);
    dup2(out, STDOUT_FILENO);
    bool well = scenario->run();
    torture_disarm();
    exit(well ? EXIT_WELL : EXIT_REFUSED); // by exit, so that leaks are looked for
}

static struct child child_start(const struct torture_scenario *scenario, struct order *mine)
{
    struct child child = {.order = mine};
    FILE *file = tmpfile();
    if (!file)
        exit(2);
    child.out = dup(fileno(file));
    fclose(file);
    child.pid = fork();
    if (child.pid == 0)
        be_child(scenario, mine, child.out);
    clock_gettime(CLOCK_MONOTONIC, &child.deadline);
    child.deadline.tv_sec += CHILD_SECONDS_MAX;
    return child;
}

static int child_wait(const struct child *child)
{
    int status = 0;
    for (;;) {
        struct timespec now;
        if (waitpid(child->pid, &status, WNOHANG) == child->pid)
            return status;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > child->deadline.tv_sec) {
            kill(child->pid, SIGKILL);
            waitpid(child->pid, &status, 0);
            snprintf(child->order->said, sizeof child->order->said, "it hung");
            return status;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

// Where something missing ends the process, by design.
static const struct {
    const char *function, *why;
} by_design[] = {
    {"crypto_die", "a primitive failed: going on without it would be worse"},
    {"random_fill", "ids that could come twice are worse than none"},
    {"random_byte", "likewise"},
    {"metric_new", "at start: there is nothing to go on with"},
    {"worker_main", "a thread of the fast lane that begins, at start"},
};

static bool abort_allowed(const char *function)
{
    for (size_t i = 0; i < sizeof by_design / sizeof *by_design; i++)
        if (strcmp(by_design[i].function, function) == 0)
            return true;
    return false;
}

static void tell(const struct torture_scenario *scenario, const struct child *child, int status)
{
    char tail[TAIL + 1] = "";
    off_t length = lseek(child->out, 0, SEEK_END);
    off_t from = length > TAIL ? length - TAIL : 0;
    ssize_t n = pread(child->out, tail, TAIL, from);
    tail[n > 0 ? n : 0] = '\0';
    printf("# %s: %s call %llu%s: %s %d: %s\n%s\n", scenario->name,
           child->order->kind == TORTURE_MEMORY ? "memory" : "system",
           (unsigned long long)child->order->nth, child->order->ever_after ? " and all after" : "",
           WIFEXITED(status) ? "exit" : "signal",
           WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), child->order->said, tail);
}

static bool child_judge(const struct torture_scenario *scenario, struct child *child)
{
    int status = child_wait(child);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    bool fine = code == EXIT_WELL || (child->order->nth > 0 && code == EXIT_REFUSED) ||
                (code == EXIT_ABORTED && abort_allowed(child->order->said));
    if (!fine)
        tell(scenario, child, status);
    close(child->out);
    return fine;
}

struct series {
    const struct torture_scenario *scenario;
    struct order orders[AT_ONCE];
    size_t failed, runs;
};

static struct order order_of(enum torture_kind kind, uint64_t nth, bool ever_after)
{
    return (struct order){.kind = kind, .nth = nth, .ever_after = ever_after};
}

// The first half of what may be run without a gap, the rest spread evenly.
static uint64_t next_call(uint64_t n, uint64_t total)
{
    uint64_t half = TORTURE_RUNS_MAX / 2;
    if (getenv("OBOL_TORTURE_ALL") || total <= TORTURE_RUNS_MAX || n < half)
        return n + 1;
    return n + (total - half + half - 1) / half;
}

static void run_series(struct series *series, enum torture_kind kind, uint64_t total,
                       bool ever_after)
{
    uint64_t n = 1;
    while (n <= total) {
        struct child children[AT_ONCE];
        size_t started = 0;
        for (; started < AT_ONCE && n <= total; n = next_call(n, total)) {
            series->orders[started] = order_of(kind, n, ever_after);
            children[started] = child_start(series->scenario, &series->orders[started]);
            started++;
        }
        for (size_t i = 0; i < started; i++)
            series->failed += !child_judge(series->scenario, &children[i]);
        series->runs += started;
    }
}

static bool torture(struct series *series)
{
    uint64_t totals[TORTURE_KINDS];
    series->orders[0] = order_of(TORTURE_MEMORY, 0, false);
    struct child first = child_start(series->scenario, &series->orders[0]);
    if (!child_judge(series->scenario, &first))
        return false; // it fails by itself
    for (int kind = 0; kind < TORTURE_KINDS; kind++)
        totals[kind] = atomic_load(&series->orders[0].seen[kind]);
    for (int kind = 0; kind < TORTURE_KINDS; kind++) {
        run_series(series, (enum torture_kind)kind, totals[kind], false);
        run_series(series, (enum torture_kind)kind, totals[kind], true);
    }
    printf("# %s: %llu memory and %llu system calls, %zu runs\n", series->scenario->name,
           (unsigned long long)totals[TORTURE_MEMORY], (unsigned long long)totals[TORTURE_SYSTEM],
           series->runs);
    return series->failed == 0;
}

int torture_main(const struct torture_scenario *scenarios, size_t n)
{
    struct series *series =
        mmap(NULL, sizeof *series, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool all = true;
    if (series == MAP_FAILED)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < n; i++) {
        series->scenario = &scenarios[i];
        series->failed = series->runs = 0;
        if (scenarios[i].begin)
            scenarios[i].begin();
        bool well = torture(series);
        if (scenarios[i].end)
            scenarios[i].end();
        printf("%sok %zu - %s\n", well ? "" : "not ", i + 1, scenarios[i].name);
        all = all && well;
    }
    return all ? 0 : 1;
}
