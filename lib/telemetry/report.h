// Lines of level error on their way to Sentry: how many of them (limiter), what is kept of each,
// and the envelope that it becomes. Pure but for the clock that it is given.
#pragma once
#include "base/arena.h"
#include "base/log.h"

#define REPORTS_PER_MINUTE 5 // of one event
#define LIMITER_EVENTS 64    // told apart; further ones share a place
#define REPORT_FIELDS_MAX 12
#define REPORT_EVENT_SIZE 96
#define REPORT_NAME_SIZE 32
#define REPORT_VALUE_SIZE 192
#define DSN_KEY_SIZE 72
#define DSN_URL_SIZE 2304

struct limiter {
    struct {
        char event[REPORT_EVENT_SIZE];
        int64_t since_ns; // 0: empty
        int n;
    } places[LIMITER_EVENTS];
};
// now_ns is greater than 0.
bool limiter_allows(struct limiter *limiter, const char *event, int64_t now_ns);

struct report {
    int64_t unix_us;
    char event[REPORT_EVENT_SIZE];
    size_t fields_n;
    struct report_field {
        char name[REPORT_NAME_SIZE];
        char value[REPORT_VALUE_SIZE]; // of a string
        bool is_number;
        int64_t number;
    } fields[REPORT_FIELDS_MAX];
};
void report_take(struct report *ret, const char *event, const struct log_field *fields,
                 int64_t unix_us);

// "https://KEY@host[:port][/path]/PROJECT". False: it is none.
struct dsn {
    char key[DSN_KEY_SIZE], url[DSN_URL_SIZE]; // url: of the envelopes
};
bool dsn_parse(const char *text, struct dsn *ret);

struct report_origin {
    const char *program, *version, *environment, *host;
};
// event_id: 32 hex digits. NULL when the arena is full.
const char *report_envelope(struct arena *arena, const struct report *report,
                            const struct report_origin *origin, const char *event_id);
// How long Sentry wants no errors: X-Sentry-Rate-Limits ("60:error;default:organization, …"), or
// NULL. Seconds.
int64_t report_quiet_s(const char *limits);
