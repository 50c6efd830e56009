// obol doctor: what is wrong with an installation, and what to do about it. Each check is bounded
// by DOCTOR_WAIT_MS a step and runs whatever the others found.
#pragma once
#include "base/config.h"
#include "cli.h"

#define DOCTOR_WAIT_MS 3000
#define FINDINGS_MAX 256
#define VARIABLES_MAX 512
#define PROGRAMS 5

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

struct finding {
    enum verdict verdict;
    const char *what, *text, *todo; // todo: NULL where nothing is to be done
};

// What the programs read from the environment, as they say themselves (--configuration).
struct variable {
    const char *program;
    struct config_entry entry;
};

struct doctor {
    struct cli *cli;
    struct finding findings[FINDINGS_MAX];
    size_t findings_n;
    struct variable variables[VARIABLES_MAX];
    size_t variables_n;
    bool known[PROGRAMS]; // whose tables were read
};

__attribute__((format(printf, 3, 4))) void doctor_ok(struct doctor *doctor, const char *what,
                                                     const char *format, ...);
__attribute__((format(printf, 4, 5))) void doctor_warn(struct doctor *doctor, const char *what,
                                                       const char *todo, const char *format, ...);
__attribute__((format(printf, 4, 5))) void doctor_fail(struct doctor *doctor, const char *what,
                                                       const char *todo, const char *format, ...);

// What a variable says in this environment, its default where it says nothing; "" when no program
// knows it or it is at fault. program NULL: any that has it.
const char *doctor_value(const struct doctor *doctor, const char *program, const char *name);
bool doctor_true(const struct doctor *doctor, const char *name);
int64_t doctor_number(const struct doctor *doctor, const char *program, const char *name);
extern const char *const doctor_programs[PROGRAMS]; // "auth", …, "gateway"

void doctor_configuration(struct doctor *doctor);
void doctor_dangers(struct doctor *doctor); // what must not be so in production
void doctor_certificates(struct doctor *doctor);
void doctor_machine(struct doctor *doctor);
void doctor_databases(struct doctor *doctor);
void doctor_bus(struct doctor *doctor);
void doctor_services(struct doctor *doctor);

// Of a clock elsewhere against ours, in microseconds, give or take.
void doctor_clock(struct doctor *doctor, const char *what, int64_t ahead_us, int64_t unsure_us);
