// Torture, after curl's: a scenario does a room's real work; it is run again and again in a process
// of its own, and each time another one of the calls that may fail is made to fail: the first, the
// second, … the last. Whatever fails, the scenario must come to its end: no crash, no sanitizer's
// report, no leak, no hang, and no result that claims more than was done.
//
// The calls are those that the program's own objects make (the linker wraps them, see wrap.c); what
// foreign libraries do inside themselves is theirs.
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum torture_kind {
    TORTURE_MEMORY, // malloc and its relatives, strdup, asprintf
    TORTURE_SYSTEM, // files, sockets, poll, threads, host names
    TORTURE_KINDS,
};

struct torture_scenario {
    const char *name;
    // Once, in the parent: what is not tortured (a database to work on). May be NULL.
    void (*begin)(void);
    void (*end)(void);
    // In a child: true when all went well, and then everything was right; false when something
    // refused, and said so. What is wrong in between is told by torture_wrong, which ends the
    // child. It frees what it makes.
    bool (*run)(void);
};

// Calls fail between these two only. run() arms itself, so that it can make ready and look back
// undisturbed.
void torture_arm(void);
void torture_disarm(void);
// Ends the child: what was claimed isn't so.
__attribute__((noreturn, format(printf, 1, 2))) void torture_wrong(const char *format, ...);
#define torture_check(condition)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            torture_wrong("%s:%d: %s", __FILE__, __LINE__, #condition);                            \
    } while (0)

// wrap.c asks before each call.
bool torture_fails(enum torture_kind kind);

// Runs scenarios; the exit code of the program. OBOL_TORTURE_ALL=1: every call; else at most
// TORTURE_RUNS_MAX of a series, spread evenly, the first half of them without a gap.
#define TORTURE_RUNS_MAX 200
int torture_main(const struct torture_scenario *scenarios, size_t n);
