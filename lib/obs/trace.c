#include "obs/trace.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"

#define FLAGS_AT 53
#define FLAG_SAMPLED 1
#define BOUND_ALL (UINT64_C(1) << 63)

static _Atomic uint64_t sampled_below = BOUND_ALL;

static bool lower_hex(const char *text, size_t n, bool *ret_all_zero)
{
    *ret_all_zero = true;
    for (size_t i = 0; i < n; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
        if (text[i] != '0')
            *ret_all_zero = false;
    }
    return true;
}

bool trace_valid(const char *traceparent)
{
    if (!traceparent || strnlen(traceparent, TRACEPARENT_SIZE) != TRACEPARENT_SIZE - 1)
        return false;
    if (strncmp(traceparent, "00-", 3) != 0 || traceparent[SPAN_ID_AT - 1] != '-' ||
        traceparent[FLAGS_AT - 1] != '-')
        return false;
    bool zero_trace, zero_span, zero_flags;
    return lower_hex(traceparent + TRACE_ID_AT, 32, &zero_trace) && !zero_trace &&
           lower_hex(traceparent + SPAN_ID_AT, 16, &zero_span) && !zero_span &&
           lower_hex(traceparent + FLAGS_AT, 2, &zero_flags);
}

// Ids are no secrets, and every call makes one: a pool spares most of the system calls.
static uint8_t random_byte(void)
{
    static _Thread_local uint8_t pool[256]; // so many come whole or not at all
    static _Thread_local size_t left;
    if (left == 0) {
        if (getrandom(pool, sizeof pool, 0) != sizeof pool)
            abort();
        left = sizeof pool;
    }
    return pool[--left];
}

// n random hex digits, not all zero: the specification calls such an id invalid.
static void random_hex(char *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    bool zero;
    do {
        for (size_t i = 0; i < n; i += 2) {
            uint8_t byte = random_byte();
            out[i] = digits[byte >> 4];
            out[i + 1] = digits[byte & 15];
        }
    } while (lower_hex(out, n, &zero) && zero);
}

static unsigned digit(char hex)
{
    return (unsigned)(hex <= '9' ? hex - '0' : hex - 'a' + 10);
}

// The last eight bytes of the id without their last bit, below 2^63.
static bool samples(const char *traceparent, uint64_t bound)
{
    uint64_t number = 0;
    for (size_t i = TRACE_ID_LENGTH - 16; i < TRACE_ID_LENGTH; i++)
        number = number << 4 | digit(traceparent[TRACE_ID_AT + i]);
    return number >> 1 < bound;
}

static uint64_t bound_of(double ratio)
{
    if (ratio >= 1)
        return BOUND_ALL;
    return ratio > 0 ? (uint64_t)(ratio * (double)BOUND_ALL) : 0;
}

void trace_sample(double ratio)
{
    atomic_store(&sampled_below, bound_of(ratio));
}

bool trace_ratio_samples(const char *traceparent, double ratio)
{
    return samples(traceparent, bound_of(ratio));
}

bool trace_ratio_read(const char *text, double *ret)
{
    char *end;
    if (text[0] == '\0' || text[strspn(text, "0123456789.")] != '\0')
        return false;
    double ratio = strtod(text, &end);
    if (*end || !(ratio >= 0 && ratio <= 1))
        return false;
    *ret = ratio;
    return true;
}

bool trace_sampled(const char *traceparent)
{
    return traceparent && strnlen(traceparent, TRACEPARENT_SIZE) == TRACEPARENT_SIZE - 1 &&
           (digit(traceparent[FLAGS_AT + 1]) & FLAG_SAMPLED);
}

static void start(char out[TRACEPARENT_SIZE])
{
    memcpy(out, "00-00000000000000000000000000000000-0000000000000000-00", TRACEPARENT_SIZE);
    random_hex(out + TRACE_ID_AT, TRACE_ID_LENGTH);
}

void trace_quiet(char out[TRACEPARENT_SIZE])
{
    start(out);
    random_hex(out + SPAN_ID_AT, SPAN_ID_LENGTH);
}

void trace_continue(const char *parent, char out[TRACEPARENT_SIZE])
{
    char made[TRACEPARENT_SIZE];
    if (trace_valid(parent)) {
        memcpy(made, parent, sizeof(made));
    } else {
        start(made);
        if (samples(made, atomic_load_explicit(&sampled_below, memory_order_relaxed)))
            made[FLAGS_AT + 1] = '0' + FLAG_SAMPLED;
    }
    random_hex(made + SPAN_ID_AT, SPAN_ID_LENGTH);
    memcpy(out, made, sizeof(made));
}

bool trace_request_id_valid(const char *request_id)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (!request_id)
        return false;
    size_t length = strspn(request_id, allowed);
    return length >= 1 && length <= REQUEST_ID_MAX && request_id[length] == '\0';
}
