#include "setup/fetch.h"

#include "base/clock.h"

#define MARGIN_MS 500 // the client says itself that the time is over

bool fetch_once(struct arena *arena, const struct http_request *request, int64_t deadline_ns,
                struct http_response *ret)
{
    int64_t left_ms = clock_left_ms(deadline_ns);
    struct http_request cut = *request;
    struct http_client *client = http_client_new(1, "Obol/" OBOL_VERSION);
    bool answered = false;
    if (cut.total_ms > left_ms)
        cut.total_ms = left_ms;
    if (client && left_ms > 0 && http_client_start(client, &cut) == STATUS_OK) {
        int64_t until_ns = clock_deadline_ns(cut.total_ms + MARGIN_MS);
        while (!answered && clock_left_ms(until_ns) > 0)
            answered = http_client_collect(client, arena, clock_left_ms(until_ns), ret, 1) == 1;
    }
    if (client)
        http_client_free(client);
    return answered;
}
