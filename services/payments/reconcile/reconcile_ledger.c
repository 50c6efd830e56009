#include "reconcile/reconcile_ledger.h"

#include <string.h>

#include "base/clock.h"
#include "reconcile/settlement.h"

#define BYTES_MAX ((size_t)32 << 20)
#define TOTAL_MS 30000
#define COLLECT_MS 200 // a stop is noticed so late

const char *reconcile_ledger_url(const struct credential *credential)
{
    return credential->live ? "" : credential_get(credential, "ledger_url");
}

// One sandbox keeps the books of several providers.
static const char *url_of(const struct reconcile_asking *asking, struct arena *arena)
{
    const char *url = reconcile_ledger_url(asking->credential);
    return strchr(url, '?') ? url
                            : arena_printf(arena, "%s?provider=%s", url, asking->provider->name);
}

static enum status hear(const struct reconcile_asking *asking, struct http_client *client,
                        struct arena *arena, struct http_response *ret)
{
    while (http_client_collect(client, arena, COLLECT_MS, ret, 1) == 0) {
        if (asking->stopping && atomic_load(asking->stopping))
            return STATUS_CANCELLED;
        if (clock_left_ms(asking->deadline_ns) == 0) {
            ret->failure = HTTP_TIMEOUT;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

static enum status fetch(const struct reconcile_asking *asking, struct arena *arena,
                         struct http_response *ret)
{
    const struct http_request request = {
        .method = "GET",
        .url = url_of(asking, arena),
        .total_ms = TOTAL_MS,
        .response_max = BYTES_MAX,
        .tls_required = state_tls_required(asking->state, asking->credential),
    };
    struct http_client *client = http_client_new(1, "Obol/" OBOL_VERSION);
    enum status status =
        client && request.url ? http_client_start(client, &request) : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        status = hear(asking, client, arena, ret);
    if (client)
        http_client_free(client);
    return status;
}

static enum status judge(const struct reconcile_asking *asking,
                         const struct http_response *response, struct problem *problem)
{
    if (response->failure != HTTP_OK || response->status >= 500)
        return problem_set(problem, STATUS_UNAVAILABLE, "provider_unavailable", NULL,
                           "The ledger of %s does not answer.", asking->provider->title);
    if (response->status != 200)
        return problem_set(problem, STATUS_FAILED_PRECONDITION, "ledger_unreadable", NULL,
                           "ledger_url answers HTTP %d.", response->status);
    if (response->truncated)
        return problem_set(problem, STATUS_FAILED_PRECONDITION, "ledger_too_large", NULL,
                           "The ledger is larger than 32 MiB.");
    return STATUS_OK;
}

enum status reconcile_ledger(const struct reconcile_asking *asking, struct arena *arena,
                             struct their_row **ret, size_t *ret_n, struct problem *problem)
{
    struct http_response response = {0};
    enum status status = fetch(asking, arena, &response);
    if (status == STATUS_OK)
        status = judge(asking, &response, problem);
    return status == STATUS_OK ? settlement_read_ledger(arena, response.body, ret, ret_n, problem)
                               : status;
}
