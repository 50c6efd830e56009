// What a person or a test asks of a mimicked provider: faults, outages, lies, and its book.
#include <stdio.h>
#include <string.h>

#include "mimics/internal.h"

#define SLOW_MS_MAX 60000
#define SETTLE_MS_MAX 3600000

// Reads *value anew where the order has it. False: it is no number between 0 and maximum.
static bool read_number(const struct json_value *order, const char *path, int64_t maximum,
                        int64_t *value)
{
    int64_t given = *value;
    if (json_get_integer(order, path, &given) && (given < 0 || given > maximum))
        return false;
    *value = given;
    return true;
}

static bool read_faults(struct arena *arena, const struct json_value *order, struct faults *faults)
{
    const char *next = json_get_string(order, "next");
    if (next)
        faults->next = fault_of_name(next);
    bool good = !next || faults->next != FAULT_NONE;
    for (enum fault fault = FAULT_NONE + 1; good && fault < FAULTS; fault++) {
        const char *path = arena_printf(arena, "faults.%s", fault_name(fault));
        good = path && read_number(order, path, 100, &faults->percent[fault]);
    }
    return good;
}

static bool read_answering(const struct json_value *order, enum mimic_answering *value)
{
    static const char *const names[] = {
        [MIMIC_NORMAL] = "normal", [MIMIC_ERROR] = "error", [MIMIC_HANG] = "hang"};
    const char *given = json_get_string(order, "answering");
    if (!given)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], given) == 0) {
            *value = (enum mimic_answering)i;
            return true;
        }
    }
    return false;
}

static bool forge(struct mimic *mimic, const struct json_value *order)
{
    const char *url = json_get_string(order, "forge.url");
    const char *reference = json_get_string(order, "forge.reference");
    if (!url && !reference)
        return true;
    return url && reference && mimic_forge(mimic, url, reference);
}

static bool set_in_portal(struct mimic *mimic, const char *key, const char *value)
{
    size_t at = 0;
    if (!value)
        return true;
    while (at < mimic->portal_n && strcmp(mimic->portal[at].key, key) != 0)
        at++;
    const char *kept = at < PORTAL_MAX ? mimic_keep(mimic, value) : NULL;
    if (!kept)
        return false;
    (void)snprintf(mimic->portal[at].key, sizeof mimic->portal[at].key, "%s", key);
    mimic->portal[at].value = kept;
    mimic->portal_n += at == mimic->portal_n;
    return true;
}

// Where callbacks go and what signs them, where that is said in a portal and not in a request.
static bool read_portal(struct mimic *mimic, const struct json_value *order)
{
    const char *url = json_get_string(order, "callback_url");
    return set_in_portal(mimic, "CALLBACK_URL", url) && set_in_portal(mimic, "WEBHOOK_URL", url) &&
           set_in_portal(mimic, "WEBHOOK_SECRET", json_get_string(order, "webhook_secret"));
}

static bool obey(struct mimic *mimic, struct arena *arena, const struct json_value *order)
{
    struct faults faults = mimic->faults;
    enum mimic_answering answering = mimic->answering;
    int64_t slow_ms = mimic->slow_ms, settle_ms = mimic->settle_ms;
    bool expire = false;
    if (!read_faults(arena, order, &faults) || !read_answering(order, &answering) ||
        !read_number(order, "slow_ms", SLOW_MS_MAX, &slow_ms) ||
        !read_number(order, "settle_ms", SETTLE_MS_MAX, &settle_ms) || !forge(mimic, order) ||
        !read_portal(mimic, order))
        return false;
    mimic->faults = faults;
    mimic->answering = answering;
    mimic->slow_ms = slow_ms;
    mimic->settle_ms = settle_ms;
    if (json_get_bool(order, "expire_tokens", &expire) && expire)
        mimic->grants_n = 0;
    return true;
}

bool mimic_control(struct mimic *mimic, const struct json_value *order)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    pthread_mutex_lock(&mimic->lock);
    bool obeyed = arena && obey(mimic, arena, order);
    pthread_mutex_unlock(&mimic->lock);
    return obeyed;
}

static const char *entry_row(struct arena *arena, const struct entry *entry)
{
    static const char *const kinds[] = {[ENTRY_CHARGE] = "charge",
                                        [ENTRY_REFUND] = "refund",
                                        [ENTRY_VOID] = "void",
                                        [ENTRY_INVOICE] = "invoice"};
    static const char *const statuses[] = {
        [ENTRY_OPEN] = "open",     [ENTRY_PENDING] = "pending", [ENTRY_SUCCEEDED] = "succeeded",
        [ENTRY_FAILED] = "failed", [ENTRY_EXPIRED] = "expired", [ENTRY_CANCELED] = "canceled",
    };
    const char *row = json_object(
        arena,
        (struct json_member[]){JSON_S("reference", entry->reference),
                               JSON_S("id", entry->id),
                               JSON_S("kind", kinds[entry->kind]),
                               JSON_S("status", statuses[entry->status]),
                               JSON_S("code", entry->status == ENTRY_PENDING ? "" : entry->code),
                               JSON_I("amount", entry->amount),
                               JSON_S("currency", entry->currency),
                               JSON_S("payer", entry->payer),
                               JSON_S("related", entry->related),
                               JSON_I("moved", entry->moved),
                               {0}});
    return row ? row : "null";
}

static const char *faults_row(struct arena *arena, const struct faults *faults)
{
    struct json_member members[FAULTS] = {0}; // one for each but FAULT_NONE, and the end
    for (enum fault fault = FAULT_NONE + 1; fault < FAULTS; fault++)
        members[fault - 1] = (struct json_member)JSON_I(fault_name(fault), faults->done[fault]);
    const char *row = json_object(arena, members);
    return row ? row : "null";
}

void mimic_ledger(struct mimic *mimic, const char *reference, struct buffer *out)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    const char *comma = "";
    buffer_adds(out, "{\"entries\":[");
    pthread_mutex_lock(&mimic->lock);
    for (size_t i = 0; arena && i < mimic->book.n; i++) {
        const struct entry *entry = &mimic->book.pages[i]->entry;
        if (reference && strcmp(entry->reference, reference) != 0 &&
            strcmp(entry->related, reference) != 0)
            continue;
        buffer_adds(out, comma);
        buffer_adds(out, entry_row(arena, entry));
        comma = ",";
        arena_reset(arena);
    }
    buffer_adds(out, "],\"faults\":");
    buffer_adds(out, arena ? faults_row(arena, &mimic->faults) : "null");
    pthread_mutex_unlock(&mimic->lock);
    buffer_adds(out, "}");
}
