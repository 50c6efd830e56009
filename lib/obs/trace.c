#include "obs/trace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"

#define TRACE_ID_AT 3
#define SPAN_ID_AT 36
#define FLAGS_AT 53

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

void trace_continue(const char *parent, char out[TRACEPARENT_SIZE])
{
    char made[TRACEPARENT_SIZE] = "00-00000000000000000000000000000000-0000000000000000-01";
    if (trace_valid(parent))
        memcpy(made, parent, sizeof(made));
    else
        random_hex(made + TRACE_ID_AT, 32);
    random_hex(made + SPAN_ID_AT, 16);
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
