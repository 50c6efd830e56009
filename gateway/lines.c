#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "hop.h"

void lines_init(struct lines *lines)
{
    lines->last = &lines->first;
}

void lines_deinit(struct lines *lines)
{
    for (size_t i = 0; i < LINE_BUCKETS; i++) {
        struct line *next;
        for (struct line *line = lines->buckets[i]; line; line = next) {
            next = line->peer;
            free(line);
        }
    }
}

static struct line **bucket_of(struct lines *lines, const char *tenant_id)
{
    return &lines->buckets[hash_text(tenant_id) % LINE_BUCKETS];
}

static struct line *line_of(struct lines *lines, const char *tenant_id, bool writes)
{
    struct line **bucket = bucket_of(lines, tenant_id);
    for (struct line *line = *bucket; line; line = line->peer)
        if (line->writes == writes && strcmp(line->tenant_id, tenant_id) == 0)
            return line;
    size_t length = strlen(tenant_id) + 1;
    struct line *line = calloc(1, sizeof *line + length);
    if (!line)
        return NULL;
    memcpy(line->tenant_id, tenant_id, length);
    line->writes = writes;
    line->last = &line->first;
    line->peer = *bucket;
    *bucket = line;
    return line;
}

static void row_append(struct lines *lines, struct line *line)
{
    line->next = NULL;
    *lines->last = line;
    lines->last = &line->next;
}

static void row_remove(struct lines *lines, struct line *line)
{
    struct line **at = &lines->first;
    while (*at != line)
        at = &(*at)->next;
    *at = line->next;
    if (!*at)
        lines->last = at;
}

static void line_release(struct lines *lines, struct line *line)
{
    if (line->waiting_n > 0 || line->away_n > 0)
        return;
    struct line **at = bucket_of(lines, line->tenant_id);
    while (*at != line)
        at = &(*at)->peer;
    *at = line->peer;
    free(line);
}

bool lines_add(struct lines *lines, struct hop_call *item)
{
    const char *tenant_id = item->call.context.tenant_id;
    struct line *line = line_of(lines, tenant_id ? tenant_id : "", item->call.method->writes);
    if (!line)
        return false;
    if (line->waiting_n++ == 0)
        row_append(lines, line);
    item->next = NULL;
    *line->last = item;
    line->last = &item->next;
    return true;
}

struct hop_call *line_take(struct line *line)
{
    struct hop_call *item = line->first;
    line->first = item->next;
    if (!line->first)
        line->last = &line->first;
    line->waiting_n--;
    return item;
}

struct hop_call *lines_take_expired(struct lines *lines, int64_t until_ns)
{
    for (struct line *line = lines->first; line; line = line->next) {
        if (line->first->call.context.deadline_ns > until_ns)
            continue;
        struct hop_call *item = line_take(line);
        if (line->waiting_n == 0) {
            row_remove(lines, line);
            line_release(lines, line);
        }
        return item;
    }
    return NULL;
}

void line_left(struct lines *lines, struct line *line, int64_t now_ns)
{
    line->away_n++;
    line->left_ns = now_ns;
    row_remove(lines, line);
    if (line->waiting_n > 0)
        row_append(lines, line);
}

void line_came_home(struct lines *lines, struct line *line)
{
    line->away_n--;
    line_release(lines, line);
}
