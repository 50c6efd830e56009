#include "share.h"

#include <stdbool.h>
#include <string.h>

static size_t tenant_end(const struct waiting *items, size_t n, size_t start)
{
    size_t end = start + 1;
    while (end < n && strcmp(items[end].tenant_id, items[start].tenant_id) == 0)
        end++;
    return end;
}

static bool can_take(const struct waiting *item, int64_t per_endpoint)
{
    return item->allowed < item->due && item->in_flight + item->allowed < per_endpoint;
}

// One slot for the tenant whose items these are. The first item keeps the tenant's count and turn.
static bool give_one(struct waiting *items, size_t n, struct share_limits limits)
{
    if (items->tenant_in_flight >= limits.per_tenant)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct waiting *item = &items[(items->turn + i) % n];
        if (!can_take(item, limits.per_endpoint))
            continue;
        item->allowed++;
        items->tenant_in_flight++;
        items->turn = (items->turn + i + 1) % n;
        return true;
    }
    return false;
}

int64_t share_slots(struct waiting *items, size_t n, struct share_limits limits)
{
    for (size_t i = 0; i < n; i++)
        items[i].allowed = 0, items[i].turn = 0;
    int64_t given = 0;
    bool progress = true;
    while (progress && given < limits.free_slots) {
        progress = false;
        for (size_t i = 0, end; i < n && given < limits.free_slots; i = end) {
            end = tenant_end(items, n, i);
            if (give_one(&items[i], end - i, limits))
                progress = true, given++;
        }
    }
    return given;
}
