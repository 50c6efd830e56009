#include "telemetry/courier.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define CONNECT_MS 2000
#define TOTAL_MS 5000
#define RESPONSE_MAX 4096
#define FIRST_WAIT_MS 1000
#define TOO_MANY_REQUESTS 429

enum verdict courier_verdict(enum http_failure failure, int status)
{
    if (failure != HTTP_OK)
        return failure == HTTP_REFUSED_URL ? VERDICT_REFUSED : VERDICT_AGAIN;
    if (status >= 200 && status < 300)
        return VERDICT_TAKEN;
    bool passes = status == TOO_MANY_REQUESTS || (status >= 502 && status <= 504);
    return passes ? VERDICT_AGAIN : VERDICT_REFUSED;
}

int64_t courier_wait_ms(int tries, const char *retry_after)
{
    int64_t wait_ms = FIRST_WAIT_MS << (tries > 1 ? (tries < 7 ? tries - 1 : 6) : 0);
    char *end;
    long asked_s = retry_after ? strtol(retry_after, &end, 10) : 0;
    if (asked_s > 0 && *end == '\0') {
        bool far = asked_s > COURIER_WAIT_MAX_MS / 1000;
        int64_t asked_ms = far ? COURIER_WAIT_MAX_MS : asked_s * 1000;
        wait_ms = asked_ms > wait_ms ? asked_ms : wait_ms;
    }
    return wait_ms < COURIER_WAIT_MAX_MS ? wait_ms : COURIER_WAIT_MAX_MS;
}

enum status courier_init(struct courier *courier, struct http_client *client)
{
    courier->client = client;
    courier->arena = arena_new(ARENA_CAP_REQUEST);
    return courier->arena ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

void courier_deinit(struct courier *courier)
{
    arena_free(courier->arena);
    courier->arena = NULL;
}

bool courier_free(const struct courier *courier)
{
    return courier->items == 0;
}

bool courier_ready(const struct courier *courier)
{
    return courier_free(courier) && clock_now_ns() >= courier->not_before_ns;
}

void courier_load(struct courier *courier, struct bytes body, size_t items)
{
    courier->request = (struct http_request){
        .method = "POST",
        .url = courier->url,
        .headers = courier->headers,
        .headers_n = courier->headers_n,
        .body = body,
        .connect_ms = CONNECT_MS,
        .total_ms = TOTAL_MS,
        .response_max = RESPONSE_MAX,
        .context = courier,
    };
    courier->items = items;
    courier->tries = 0;
}

void courier_go(struct courier *courier)
{
    if (courier_free(courier) || courier->out || clock_now_ns() < courier->not_before_ns)
        return;
    courier->out = http_client_start(courier->client, &courier->request) == STATUS_OK;
    courier->tries++;
    if (!courier->out)
        courier->not_before_ns = clock_deadline_ns(courier_wait_ms(courier->tries, NULL));
}

enum sent courier_hear(struct courier *courier, const struct http_response *response,
                       size_t *ret_items)
{
    enum verdict verdict = courier_verdict(response->failure, response->status);
    const char *retry_after =
        response->failure == HTTP_OK ? http_response_header(response, "retry-after") : NULL;
    bool limited = response->failure == HTTP_OK && response->status == TOO_MANY_REQUESTS;
    courier->out = false;
    if (verdict == VERDICT_AGAIN) {
        courier->not_before_ns = clock_deadline_ns(courier_wait_ms(courier->tries, retry_after));
        if (courier->tries < COURIER_TRIES_MAX && !(limited && courier->gives_up_when_limited))
            return SENT_WAITS;
    }
    *ret_items = courier->items;
    courier->items = 0;
    arena_reset(courier->arena);
    return verdict == VERDICT_TAKEN ? SENT_TAKEN : SENT_LOST;
}
