#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNIX_US_MAX INT64_C(253402300799999999) // the last microsecond of 9999

static int64_t clock_read(clockid_t clock, int64_t per_s)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0)
        abort();
    return now.tv_sec * per_s + now.tv_nsec / (NS_PER_S / per_s);
}

int64_t clock_now_ns(void)
{
    return clock_read(CLOCK_MONOTONIC, NS_PER_S);
}

int64_t clock_unix_us(void)
{
    return clock_read(CLOCK_REALTIME, US_PER_S);
}

int64_t clock_deadline_ns(int64_t from_now_ms)
{
    int64_t ns;
    if (__builtin_mul_overflow(from_now_ms, NS_PER_MS, &ns) ||
        __builtin_add_overflow(ns, clock_now_ns(), &ns))
        return from_now_ms < 0 ? 0 : INT64_MAX;
    return ns;
}

int64_t clock_left_ms(int64_t deadline_ns)
{
    int64_t now = clock_now_ns();
    return deadline_ns > now ? (deadline_ns - now) / NS_PER_MS : 0;
}

void clock_rfc3339(int64_t unix_us, char out[RFC3339_SIZE])
{
    if (unix_us < 0)
        unix_us = 0;
    if (unix_us > UNIX_US_MAX)
        unix_us = UNIX_US_MAX;
    time_t seconds = unix_us / US_PER_S;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t length = strftime(out, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + length, RFC3339_SIZE - length, ".%03dZ", (int)(unix_us % US_PER_S / 1000));
}

// Digits where the shape has '0', the same character elsewhere.
static bool clock_shaped(const char *text, const char *shape)
{
    for (; *shape; text++, shape++)
        if (*shape == '0' ? !isdigit((unsigned char)*text) : *text != *shape)
            return false;
    return true;
}

// strptime alone would take one digit for two, and blanks.
static bool clock_parse_seconds(const char *text, int64_t *ret_s)
{
    char copy[20] = {0};
    memcpy(copy, text, strnlen(text, sizeof(copy) - 1));
    if (copy[10] == 't')
        copy[10] = 'T';
    struct tm tm = {0};
    if (!clock_shaped(copy, "0000-00-00T00:00:00"))
        return false;
    const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end || *end || tm.tm_sec > 60)
        return false;
    int day = tm.tm_mday;
    struct tm date = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
    timegm(&date); // normalises the 31st of February
    if (date.tm_mday != day)
        return false;
    *ret_s = timegm(&tm);
    return true;
}

static const char *clock_parse_fraction(const char *text, int64_t *ret_us)
{
    int64_t us = 0, unit = US_PER_S / 10;
    int digits = 0;
    for (; isdigit((unsigned char)*text); text++, digits++, unit /= 10)
        us += unit * (*text - '0');
    *ret_us = us;
    return digits >= 1 && digits <= 9 ? text : NULL;
}

static bool clock_parse_offset(const char *text, int64_t *ret_s)
{
    *ret_s = 0;
    if ((*text == 'Z' || *text == 'z') && !text[1])
        return true;
    if ((*text != '+' && *text != '-') || !clock_shaped(text + 1, "00:00") || text[6])
        return false;
    int hours = (text[1] - '0') * 10 + (text[2] - '0');
    int minutes = (text[4] - '0') * 10 + (text[5] - '0');
    if (hours > 23 || minutes > 59)
        return false;
    *ret_s = (*text == '-' ? -60 : 60) * (hours * 60 + minutes);
    return true;
}

bool clock_parse_rfc3339(const char *text, int64_t *ret_unix_us)
{
    int64_t seconds, us = 0, offset_s;
    if (!text || !clock_parse_seconds(text, &seconds))
        return false;
    text += 19;
    if (*text == '.' && !(text = clock_parse_fraction(text + 1, &us)))
        return false;
    if (!clock_parse_offset(text, &offset_s))
        return false;
    int64_t unix_us = (seconds - offset_s) * US_PER_S + us;
    if (unix_us < 0 || unix_us > UNIX_US_MAX)
        return false;
    *ret_unix_us = unix_us;
    return true;
}
