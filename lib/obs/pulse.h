// Whether what must come round does. A thread is busy from when it takes something up until it
// rests; what is busy for too long at a stretch is stuck (a lock taken crosswise, a loop without
// an end). Time in which the thread waits for somebody else (the database) doesn't count: somebody
// else's absence is no fault of this process, and a restart would not mend it. Thread-safe.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pulse { // made by health_pulse
    struct pulse *next;
    const char *name;
    _Atomic int64_t busy_since_ns; // 0: at rest
};

// In the thread itself: it begins, or comes round again. NULL is fine, here and below.
void pulse_busy(struct pulse *pulse);
// From any thread: something has been asked of it. False when it was busy already; its clock runs
// on.
bool pulse_expect(struct pulse *pulse);
void pulse_rest(struct pulse *pulse);
// This thread, whichever it is, waits for somebody else; it goes on.
void pulse_away(void);
void pulse_back(void);
