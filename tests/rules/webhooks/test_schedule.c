#include <criterion/criterion.h>

#include "base/clock.h"
#include "schedule.h"

#define NOW_US (1800000000 * US_PER_S)

static int64_t wait_s(bool test, int64_t made, int64_t retry_after_s)
{
    return (schedule_next_us(schedule_intervals_s(test), made, NOW_US, retry_after_s) - NOW_US) /
           US_PER_S;
}

Test(schedule, waits_longer_each_time)
{
    const int64_t production[] = {0, 60, 300, 1800, 7200}, test[] = {0, 5, 10, 15, 20};
    for (int made = 0; made < SCHEDULE_ATTEMPTS; made++) {
        cr_assert_eq(wait_s(false, made, -1), production[made]);
        cr_assert_eq(wait_s(true, made, -1), test[made]);
    }
    cr_assert_eq(wait_s(false, 9, -1), 7200);
    cr_assert_eq(wait_s(false, -1, -1), 0);
}

Test(schedule, lets_retry_after_only_put_off)
{
    cr_assert_eq(wait_s(false, 1, 10), 60);
    cr_assert_eq(wait_s(false, 1, 90), 90);
    cr_assert_eq(wait_s(false, 1, 999999), SCHEDULE_RETRY_AFTER_MAX_S);
}

Test(schedule, reads_retry_after_in_both_forms)
{
    cr_assert_eq(schedule_retry_after_s("120", NOW_US), 120);
    cr_assert_eq(schedule_retry_after_s("0", NOW_US), 0);
    cr_assert_gt(schedule_retry_after_s("99999999999999999999999999", NOW_US),
                 SCHEDULE_RETRY_AFTER_MAX_S);
    // 1800000000 is Fri, 15 Jan 2027 08:00:00 GMT
    cr_assert_eq(schedule_retry_after_s("Fri, 15 Jan 2027 08:01:30 GMT", NOW_US), 90);
    cr_assert_eq(schedule_retry_after_s("Fri, 15 Jan 2027 07:00:00 GMT", NOW_US), 0);
}

Test(schedule, ignores_a_malformed_retry_after)
{
    cr_assert_eq(schedule_retry_after_s(NULL, NOW_US), -1);
    cr_assert_eq(schedule_retry_after_s("", NOW_US), -1);
    cr_assert_eq(schedule_retry_after_s("-5", NOW_US), -1);
    cr_assert_eq(schedule_retry_after_s("1.5", NOW_US), -1);
    cr_assert_eq(schedule_retry_after_s("soon", NOW_US), -1);
    cr_assert_eq(schedule_retry_after_s("Fri, 15 Jan 2027 08:01:30 GMT!", NOW_US), -1);
}

Test(schedule, takes_only_2xx_for_delivered)
{
    cr_assert_eq(schedule_verdict(200), VERDICT_DELIVERED);
    cr_assert_eq(schedule_verdict(299), VERDICT_DELIVERED);
    const int failures[] = {100, 199, 300, 301, 307, 400, 404, 429, 500, 503};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        cr_assert_eq(schedule_verdict(failures[i]), VERDICT_FAILED);
    cr_assert_eq(schedule_verdict(410), VERDICT_GONE);
}
