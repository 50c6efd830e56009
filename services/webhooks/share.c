#include "share.h"

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

// One slot for the tenant whose items these are; gives the item that got it, or NULL. The first
// item keeps the tenant's count and turn.
static const struct waiting *give_one(struct waiting *items, struct share_limits limits)
{
    size_t n = items->of_tenant;
    if (items->tenant_in_flight >= limits.per_tenant)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        struct waiting *item = &items[(items->turn + i) % n];
        if (!can_take(item, limits.per_endpoint))
            continue;
        item->allowed++;
        items->tenant_in_flight++;
        items->turn = (items->turn + i + 1) % n;
        return item;
    }
    return NULL;
}

// Returns where the tenant begins whose turn it is.
static size_t prepare(struct waiting *items, size_t n, size_t turn)
{
    size_t begin = 0;
    for (size_t i = 0, end; i < n; i = end) {
        end = tenant_end(items, n, i);
        for (size_t j = i; j < end; j++)
            items[j].allowed = 0;
        items[i].of_tenant = end - i;
        items[i].turn = 0;
        if (turn >= i && turn < end) {
            items[i].turn = turn - i;
            begin = i;
        }
    }
    return begin;
}

int64_t share_slots(struct waiting *items, size_t n, struct share_limits limits, size_t *turn)
{
    int64_t given = 0;
    size_t begin = prepare(items, n, *turn);
    bool progress = n > 0;
    while (progress && given < limits.free_slots) {
        size_t i = begin;
        progress = false;
        do {
            const struct waiting *item = give_one(&items[i], limits);
            if (item) {
                progress = true;
                given++;
                *turn = (size_t)(item - items + 1) % n;
            }
            i = (i + items[i].of_tenant) % n;
        } while (i != begin && given < limits.free_slots);
    }
    return given;
}
