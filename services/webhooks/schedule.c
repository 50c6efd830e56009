#include "schedule.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static const int64_t production_s[SCHEDULE_ATTEMPTS] = {0, 60, 300, 1800, 7200};
static const int64_t test_s[SCHEDULE_ATTEMPTS] = {0, 5, 10, 15, 20};

const int64_t *schedule_intervals_s(bool test)
{
    return test ? test_s : production_s;
}

int64_t schedule_next_us(const int64_t *intervals_s, int64_t made, int64_t now_us,
                         int64_t retry_after_s)
{
    int64_t last = SCHEDULE_ATTEMPTS - 1;
    int64_t index = made < 0 ? 0 : made > last ? last : made;
    int64_t wait_s = intervals_s[index];
    if (retry_after_s > SCHEDULE_RETRY_AFTER_MAX_S)
        retry_after_s = SCHEDULE_RETRY_AFTER_MAX_S;
    if (retry_after_s > wait_s)
        wait_s = retry_after_s;
    return now_us + wait_s * US_PER_S;
}

static int64_t seconds_of(const char *digits)
{
    int64_t value = 0;
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9')
            return -1;
        if (value <= SCHEDULE_RETRY_AFTER_MAX_S) // beyond the bound it no longer matters
            value = value * 10 + (*digits - '0');
    }
    return value;
}

int64_t schedule_retry_after_s(const char *header, int64_t now_us)
{
    if (!header || !*header)
        return -1;
    int64_t seconds = seconds_of(header);
    if (seconds >= 0)
        return seconds;
    struct tm broken = {0};
    const char *end = strptime(header, "%a, %d %b %Y %H:%M:%S GMT", &broken);
    if (!end || *end)
        return -1;
    int64_t until_s = (int64_t)timegm(&broken) - now_us / US_PER_S;
    return until_s > 0 ? until_s : 0;
}

enum verdict schedule_verdict(int http_status)
{
    if (http_status >= 200 && http_status < 300)
        return VERDICT_DELIVERED;
    return http_status == 410 ? VERDICT_GONE : VERDICT_FAILED;
}
