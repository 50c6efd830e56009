// A table by text that knows which of its items was used longest ago, so that it can be kept within
// a bound. Items are the caller's, and so is locking.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct recent_item {
    const char *key;
    struct recent_item *chain, *newer, *older;
};

struct recent {
    struct recent_item **buckets;
    size_t buckets_n, n;
    struct recent_item *newest, *oldest;
};

bool recent_init(struct recent *recent, size_t buckets_n); // false: out of memory
void recent_deinit(struct recent *recent);                 // the items stay the caller's
// NULL when there is none. It is the newest from then on.
struct recent_item *recent_find(struct recent *recent, const char *key);
// Its key must not be there yet.
void recent_add(struct recent *recent, struct recent_item *item);
void recent_remove(struct recent *recent, struct recent_item *item);
