// Callbacks of the mimicked providers: as they should be, lost, doubled or a lie.
#include <stdio.h>

#include "mimics/internal.h"

static bool send(struct mimic *mimic, const struct entry *entry, const char *url, bool forged,
                 int64_t after_ms)
{
    const struct mimic_description *what = mimic->what;
    struct mimic_answer told = {0};
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena || !what->tell || !what->tell(mimic, arena, entry, forged, &told))
        return false;
    struct callback callback = {
        .verb = what->tell_verb ? what->tell_verb : "POST",
        .url = url,
        .tries = what->tell_tries ? what->tell_tries : 1,
        .body = bytes_of_string(told.body),
        .after_ms = after_ms,
        .headers = {{"Content-Type", told.type ? told.type : "application/json"}},
    };
    for (size_t i = 0; i < sizeof told.headers / sizeof *told.headers && told.headers[i][0]; i++)
        callback.headers[i + 1] = (struct http_header){told.headers[i][0], told.headers[i][1]};
    callbacks_send(mimic->config->callbacks, &callback);
    return true;
}

void mimic_tell(struct mimic *mimic, const struct entry *entry)
{
    if (!entry->callback_url || !*entry->callback_url || !mimic->what->tell)
        return;
    enum fault fault = fault_of_callback(&mimic->faults);
    if (fault == FAULT_CALLBACK_LOST)
        return;
    int64_t after_ms = fault == FAULT_CALLBACK_LATE ? callback_late_ms() : 0;
    if (send(mimic, entry, entry->callback_url, false, after_ms) && fault == FAULT_CALLBACK_DOUBLE)
        (void)send(mimic, entry, entry->callback_url, false, 0);
}

bool mimic_forge(struct mimic *mimic, const char *url, const char *reference)
{
    const struct entry *known = mimic_find(mimic, reference);
    struct entry lie = known ? *known : (struct entry){.amount = 100, .currency = "EUR"};
    if (!known)
        (void)snprintf(lie.reference, sizeof lie.reference, "%s", reference);
    lie.status = ENTRY_SUCCEEDED;
    lie.code[0] = '\0';
    return send(mimic, &lie, url, true, 0);
}
