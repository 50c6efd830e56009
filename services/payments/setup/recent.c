#include "setup/recent.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

bool recent_init(struct recent *recent, size_t buckets_n)
{
    *recent = (struct recent){.buckets_n = buckets_n};
    recent->buckets = calloc(buckets_n, sizeof(struct recent_item *));
    return recent->buckets != NULL;
}

void recent_deinit(struct recent *recent)
{
    free(recent->buckets);
    *recent = (struct recent){0};
}

static struct recent_item **place_of(const struct recent *recent, const char *key)
{
    struct recent_item **at = &recent->buckets[hash_text(key) % recent->buckets_n];
    while (*at && strcmp((*at)->key, key) != 0)
        at = &(*at)->chain;
    return at;
}

static void line_leave(struct recent *recent, struct recent_item *item)
{
    *(item->newer ? &item->newer->older : &recent->newest) = item->older;
    *(item->older ? &item->older->newer : &recent->oldest) = item->newer;
}

static void line_lead(struct recent *recent, struct recent_item *item)
{
    item->newer = NULL;
    item->older = recent->newest;
    *(item->older ? &item->older->newer : &recent->oldest) = item;
    recent->newest = item;
}

struct recent_item *recent_find(struct recent *recent, const char *key)
{
    struct recent_item *item = *place_of(recent, key);
    if (item && item != recent->newest) {
        line_leave(recent, item);
        line_lead(recent, item);
    }
    return item;
}

void recent_add(struct recent *recent, struct recent_item *item)
{
    item->chain = NULL;
    *place_of(recent, item->key) = item;
    line_lead(recent, item);
    recent->n++;
}

void recent_remove(struct recent *recent, struct recent_item *item)
{
    *place_of(recent, item->key) = item->chain;
    line_leave(recent, item);
    recent->n--;
}
