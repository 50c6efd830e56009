// Many record spans and report errors while one thread sends them to a port where nobody listens,
// which then stops.
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "obs/metrics.h"
#include "obs/span.h"
#include "telemetry/telemetry.h"

#define THREADS 4
#define EACH 5000

static void *work(void *context)
{
    (void)context;
    char traceparent[TRACEPARENT_SIZE], own[TRACEPARENT_SIZE];
    for (int i = 0; i < EACH; i++) {
        trace_continue(NULL, traceparent);
        struct span span = {.name = "work",
                            .kind = SPAN_SERVER,
                            .traceparent = traceparent,
                            .began_ns = clock_now_ns()};
        span_end(&span, LOG_I("i", i), LOG_S("text", "value"));
        cr_assert(span_begin(traceparent, own));
        if (i % 1000 == 0)
            log_error("it broke", LOG_I("i", i), LOG_TRACE(traceparent));
    }
    return NULL;
}

int main(void)
{
    const struct telemetry_settings settings = {"http://127.0.0.1:1", "1",
                                                "http://key@127.0.0.1:1/7", "test"};
    struct telemetry *telemetry = NULL;
    pthread_t threads[THREADS];
    cr_assert_eq(telemetry_start(&settings, "test", &telemetry), STATUS_OK);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    telemetry_stop(telemetry);
    cr_assert_not(span_wanted("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    return 0;
}
