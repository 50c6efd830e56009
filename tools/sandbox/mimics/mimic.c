// What every mimicked provider can do with its book; the house that they live in.
#include "mimics/mimic.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bell.h"
#include "base/clock.h"
#include "base/log.h"
#include "mimics/internal.h"

#define SETTING_NAME_MAX 64
#define SLOW_MS 3000

struct mimics {
    struct mimics_config config;
    size_t n;
    struct mimic *mimics;
};

static bool mimic_init(struct mimic *mimic, const struct mimic_description *what,
                       const struct mimics_config *config)
{
    mimic->what = what;
    mimic->config = config;
    mimic->slow_ms = SLOW_MS;
    mimic->settle_ms = config->settle_ms;
    mimic->grants = calloc(GRANTS_MAX, sizeof *mimic->grants);
    pthread_mutex_init(&mimic->lock, NULL);
    return mimic->grants != NULL;
}

struct mimics *mimics_new(const struct mimics_config *config)
{
    struct mimics *mimics = calloc(1, sizeof *mimics);
    if (!mimics)
        return NULL;
    size_t n;
    const struct mimic_description *const *registry = mimic_registry(&n);
    mimics->config = *config;
    mimics->mimics = calloc(n, sizeof *mimics->mimics);
    bool ready = mimics->mimics != NULL;
    while (ready && mimics->n < n) {
        ready = mimic_init(&mimics->mimics[mimics->n], registry[mimics->n], &mimics->config);
        mimics->n++;
    }
    if (ready)
        return mimics;
    mimics_free(mimics);
    return NULL;
}

void mimics_free(struct mimics *mimics)
{
    if (!mimics)
        return;
    for (size_t i = 0; mimics->mimics && i < mimics->n; i++) {
        book_deinit(&mimics->mimics[i].book);
        free(mimics->mimics[i].grants);
        pthread_mutex_destroy(&mimics->mimics[i].lock);
    }
    free(mimics->mimics);
    free(mimics);
}

static struct mimic *find(struct mimics *mimics, const char *name, size_t length)
{
    for (size_t i = 0; i < mimics->n; i++) {
        const char *known = mimics->mimics[i].what->name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return &mimics->mimics[i];
    }
    return NULL;
}

struct mimic *mimics_find(struct mimics *mimics, const char *name)
{
    return find(mimics, name, strlen(name));
}

struct mimic *mimics_of_path(struct mimics *mimics, const char *path)
{
    size_t length = path[0] == '/' ? strcspn(path + 1, "/") : 0;
    return length && path[1 + length] == '/' ? find(mimics, path + 1, length) : NULL;
}

const char *mimic_name(const struct mimic *mimic)
{
    return mimic->what->name;
}

int64_t mimics_settle(struct mimics *mimics, int64_t now_us)
{
    int64_t earliest_us = INT64_MAX;
    for (size_t i = 0; i < mimics->n; i++) {
        struct mimic *mimic = &mimics->mimics[i];
        struct page *page;
        pthread_mutex_lock(&mimic->lock);
        while ((page = book_due(&mimic->book, now_us)))
            mimic_settle(mimic, &page->entry, page->entry.to, NULL);
        int64_t next_us = book_next_due_us(&mimic->book);
        pthread_mutex_unlock(&mimic->lock);
        if (next_us < earliest_us)
            earliest_us = next_us;
    }
    return earliest_us;
}

int64_t mimic_settle_ms(const struct mimic *mimic)
{
    return mimic->settle_ms;
}

int64_t mimic_scaled_us(const struct mimic *mimic, int64_t us)
{
    return us / 100 * mimic->config->settings.time_percent;
}

const char *mimic_setting(const struct mimic *mimic, const char *key)
{
    char name[SETTING_NAME_MAX];
    for (size_t i = 0; i < mimic->portal_n; i++)
        if (strcmp(mimic->portal[i].key, key) == 0)
            return mimic->portal[i].value;
    (void)snprintf(name, sizeof name, "SANDBOX_%s_%s", mimic->what->name, key);
    for (char *at = name; *at; at++)
        *at = (char)toupper((unsigned char)*at);
    const char *value = settings_value(&mimic->config->settings, name);
    if (!value)
        log_error("no_such_setting", LOG_S("name", name));
    return value ? value : "";
}

static struct entry *entry_of(struct page *page)
{
    return page ? &page->entry : NULL;
}

struct entry *mimic_find(struct mimic *mimic, const char *reference)
{
    return entry_of(book_next(&mimic->book, BOOK_REFERENCE, reference, NULL));
}

struct entry *mimic_find_id(struct mimic *mimic, const char *id)
{
    return entry_of(book_next(&mimic->book, BOOK_ID, id, NULL));
}

char *mimic_keep(struct mimic *mimic, const char *text)
{
    return text ? book_keep(&mimic->book, text) : NULL;
}

static bool at_rest(const struct entry *entry)
{
    return entry->status != ENTRY_OPEN && entry->status != ENTRY_PENDING;
}

static void come_to_rest(struct mimic *mimic, struct entry *entry)
{
    entry->finished_us = clock_unix_us();
    if (entry->status == ENTRY_SUCCEEDED &&
        (entry->kind == ENTRY_CHARGE || entry->kind == ENTRY_REFUND))
        entry->moved++;
    mimic_tell(mimic, entry);
}

struct entry *mimic_add(struct mimic *mimic, const struct entry *entry)
{
    struct page *page = book_add(&mimic->book, entry);
    if (!page)
        return NULL;
    if (!page->entry.created_us)
        page->entry.created_us = clock_unix_us();
    if (at_rest(&page->entry))
        come_to_rest(mimic, &page->entry);
    else
        mimic_reschedule(mimic, &page->entry);
    return &page->entry;
}

void mimic_settle(struct mimic *mimic, struct entry *entry, enum entry_status status,
                  const char *code)
{
    if (entry->status == status)
        return;
    entry->status = status;
    if (code)
        (void)snprintf(entry->code, sizeof entry->code, "%s", code);
    mimic_reschedule(mimic, entry);
    if (at_rest(entry))
        come_to_rest(mimic, entry);
}

void mimic_reschedule(struct mimic *mimic, struct entry *entry)
{
    struct page *page = (struct page *)entry;
    book_index(&mimic->book, page);
    if (entry->status != ENTRY_PENDING)
        return;
    if (!book_schedule(&mimic->book, page))
        log_error("never_due", LOG_S("reference", entry->reference));
    bell_ring(mimic->config->bell);
}

int64_t mimic_refundable(struct mimic *mimic, const struct entry *charge)
{
    int64_t left = charge->status == ENTRY_SUCCEEDED ? charge->amount : 0;
    struct page *page = NULL;
    while ((page = book_next(&mimic->book, BOOK_RELATED, charge->reference, page)))
        if (page->entry.kind == ENTRY_REFUND &&
            (page->entry.status == ENTRY_SUCCEEDED ||
             (page->entry.status == ENTRY_PENDING && page->entry.to == ENTRY_SUCCEEDED)))
            left -= page->entry.amount;
    return left;
}
