#include <criterion/criterion.h>

#include "telemetry/courier.h"

Test(courier, verdict_is_otlps)
{
    static const struct {
        int status;
        enum verdict verdict;
    } table[] = {{200, VERDICT_TAKEN},   {202, VERDICT_TAKEN},   {429, VERDICT_AGAIN},
                 {502, VERDICT_AGAIN},   {503, VERDICT_AGAIN},   {504, VERDICT_AGAIN},
                 {500, VERDICT_REFUSED}, {400, VERDICT_REFUSED}, {401, VERDICT_REFUSED},
                 {404, VERDICT_REFUSED}, {301, VERDICT_REFUSED}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        cr_assert_eq(courier_verdict(HTTP_OK, table[i].status), table[i].verdict, "%d",
                     table[i].status);
    cr_assert_eq(courier_verdict(HTTP_NO_CONNECTION, 0), VERDICT_AGAIN);
    cr_assert_eq(courier_verdict(HTTP_TIMEOUT, 0), VERDICT_AGAIN);
    cr_assert_eq(courier_verdict(HTTP_BROKEN, 0), VERDICT_AGAIN);
    cr_assert_eq(courier_verdict(HTTP_REFUSED_URL, 0), VERDICT_REFUSED);
}

Test(courier, wait_doubles_and_heeds_who_asks_for_more)
{
    cr_assert_eq(courier_wait_ms(1, NULL), 1000);
    cr_assert_eq(courier_wait_ms(2, NULL), 2000);
    cr_assert_eq(courier_wait_ms(4, NULL), 8000);
    cr_assert_eq(courier_wait_ms(60, NULL), COURIER_WAIT_MAX_MS);
    cr_assert_eq(courier_wait_ms(1, "7"), 7000);
    cr_assert_eq(courier_wait_ms(4, "1"), 8000);
    cr_assert_eq(courier_wait_ms(1, "86400"), COURIER_WAIT_MAX_MS);
    cr_assert_eq(courier_wait_ms(1, "99999999999999999999"), COURIER_WAIT_MAX_MS);
    cr_assert_eq(courier_wait_ms(1, "soon"), 1000);
    cr_assert_eq(courier_wait_ms(1, "-3"), 1000);
}
