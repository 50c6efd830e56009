// Spans: what a sampled trace did here, from when to when. A finished span is copied into a bounded
// ring, from which one thread takes (lib/telemetry exports them); when it is full, the span is
// dropped and counted. Recording never waits and never allocates; where nothing is exported, or the
// trace is not sampled, it costs a branch. Names follow OpenTelemetry's semantic conventions.
// Values are printable ASCII: anything else becomes '?'. Never a secret, never personal data.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "obs/trace.h"

#define SPAN_ATTRIBUTES_MAX 8 // further ones are left out
#define SPAN_VALUE_MAX 96     // bytes; what is longer is cut
#define SPAN_TEXT_SIZE 512    // name and values together, each with its NUL

enum span_kind { // as OTLP numbers them
    SPAN_SERVER = 2,
    SPAN_CLIENT,
    SPAN_PRODUCER,
    SPAN_CONSUMER,
};

struct span {
    const char *name;
    enum span_kind kind;
    const char *traceparent; // trace and own id
    const char *parent;      // whose span id is the parent's; NULL or "": a root
    int64_t began_ns;        // monotonic
    int64_t ended_ns;        // 0: now
    bool failed;
};

// Whether a span of this trace would be recorded.
bool span_wanted(const char *traceparent);
// A child's own traceparent when it is wanted; else false, and *own is "".
bool span_begin(const char *parent, char own[TRACEPARENT_SIZE]);
// attributes end at the first whose name is NULL; names are static storage, empty strings are left
// out. Does nothing unless wanted.
void span_record(const struct span *span, const struct log_field *attributes);
// The first field is there for its comma, and left out.
#define span_end(span, ...) span_record((span), (struct log_field[]){{0}, ##__VA_ARGS__, {0}} + 1)

// --- For the one that takes them.
struct span_kept {
    char trace_id[TRACE_ID_LENGTH], id[SPAN_ID_LENGTH], parent_id[SPAN_ID_LENGTH]; // hex
    bool has_parent, failed;
    enum span_kind kind;
    int64_t start_unix_ns, end_unix_ns;
    size_t attributes_n;
    struct span_attribute {
        const char *name;
        int64_t number;
        uint16_t text_at; // of a string, in text; 0: a number
    } attributes[SPAN_ATTRIBUTES_MAX];
    size_t text_length;
    char text[SPAN_TEXT_SIZE]; // begins with the name
};
// From now on spans are kept, up to so many (a power of two) at once.
MUST_USE enum status spans_open(size_t max);
void spans_close(void); // when nobody records any more
bool spans_take(struct span_kept *ret);
void spans_dropped(int64_t n); // counts what was taken and came to nothing
