#include "base/id.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

#define ULID_TIME_CHARS 10
#define ULID_RANDOM_BYTES 10
#define ULID_TIME_MAX ((INT64_C(1) << 48) - 1)

static const char crockford[] = "0123456789abcdefghjkmnpqrstvwxyz";

// Ten characters for the time, sixteen for the eighty bits, five bits each, highest first.
static void ulid_write(char *out, uint64_t unix_ms, const uint8_t random[ULID_RANDOM_BYTES])
{
    for (int i = ULID_TIME_CHARS - 1; i >= 0; i--, unix_ms >>= 5)
        out[i] = crockford[unix_ms & 31];
    out += ULID_TIME_CHARS;
    for (int half = 0; half < 2; half++, random += 5, out += 8) {
        uint64_t bits = 0;
        for (int i = 0; i < 5; i++)
            bits = bits << 8 | random[i];
        for (int i = 7; i >= 0; i--, bits >>= 5)
            out[i] = crockford[bits & 31];
    }
    *out = '\0';
}

static struct id id_make(const char *prefix, int64_t unix_ms,
                         const uint8_t random[ULID_RANDOM_BYTES])
{
    size_t length = strlen(prefix);
    assert(length > 0 && length <= ID_PREFIX_MAX);
    if (unix_ms < 0)
        unix_ms = 0;
    if (unix_ms > ULID_TIME_MAX)
        unix_ms = ULID_TIME_MAX;
    struct id id = {0};
    memcpy(id.text, prefix, length);
    id.text[length] = '_';
    ulid_write(id.text + length + 1, (uint64_t)unix_ms, random);
    return id;
}

static void random_fill(uint8_t random[ULID_RANDOM_BYTES])
{
    // Up to 256 bytes come whole or not at all; without entropy ids could collide, so don't go on.
    if (getrandom(random, ULID_RANDOM_BYTES, 0) != ULID_RANDOM_BYTES)
        abort();
}

static void random_count_up(uint8_t random[ULID_RANDOM_BYTES])
{
    for (int i = ULID_RANDOM_BYTES - 1; i >= 0 && ++random[i] == 0; i--)
        ;
}

struct id id_new(const char *prefix)
{
    // The specification's monotonic form, a thread at a time: what one thread makes within a
    // millisecond, or while the clock is set back, keeps its order.
    static _Thread_local int64_t last_ms;
    static _Thread_local uint8_t random[ULID_RANDOM_BYTES];
    int64_t now_ms = clock_unix_us() / 1000;
    if (now_ms > last_ms) {
        last_ms = now_ms;
        random_fill(random);
    } else {
        random_count_up(random);
    }
    return id_make(prefix, last_ms, random);
}

struct id id_floor(const char *prefix, int64_t unix_ms)
{
    static const uint8_t zeros[ULID_RANDOM_BYTES];
    return id_make(prefix, unix_ms, zeros);
}

static bool id_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
}

bool id_looks_like(const char *prefix, const char *text)
{
    if (!text)
        return false;
    size_t start = strlen(prefix);
    if (strncmp(text, prefix, start) != 0 || text[start] != '_')
        return false;
    size_t length = strnlen(text, ID_TEXT_MAX + 1);
    if (length > ID_TEXT_MAX || length == start + 1)
        return false;
    for (size_t i = start + 1; i < length; i++)
        if (!id_character(text[i]))
            return false;
    return true;
}
