#include <string.h>

#include "crypto/crypto.h"
#include "mimics/internal.h"

static const char *const names[FAULTS] = {
    [FAULT_NONE] = "",
    [FAULT_ERROR] = "error",
    [FAULT_TIMEOUT_BEFORE] = "timeout_before",
    [FAULT_TIMEOUT_AFTER] = "timeout_after",
    [FAULT_MALFORMED] = "malformed",
    [FAULT_SLOW] = "slow",
    [FAULT_CALLBACK_LOST] = "callback_lost",
    [FAULT_CALLBACK_DOUBLE] = "callback_double",
    [FAULT_ERROR_AFTER] = "error_after",
    [FAULT_CALLBACK_LATE] = "callback_late",
};

enum fault fault_of_name(const char *name)
{
    for (enum fault fault = FAULT_NONE + 1; fault < FAULTS; fault++)
        if (strcmp(names[fault], name) == 0)
            return fault;
    return FAULT_NONE;
}

const char *fault_name(enum fault fault)
{
    return names[fault];
}

static bool concerns_callbacks(enum fault fault)
{
    return fault == FAULT_CALLBACK_LOST || fault == FAULT_CALLBACK_DOUBLE ||
           fault == FAULT_CALLBACK_LATE;
}

static bool concerns(enum fault fault, enum mimic_duty duty)
{
    if (duty == MIMIC_MONEY)
        return !concerns_callbacks(fault);
    return duty == MIMIC_QUERY && (fault == FAULT_ERROR || fault == FAULT_MALFORMED);
}

static bool by_chance(const struct faults *faults, enum fault fault)
{
    uint32_t number;
    if (!faults->percent[fault])
        return false;
    crypto_random(&number, sizeof number);
    return number % 100 < faults->percent[fault];
}

static enum fault choose_for_request(struct faults *faults, enum mimic_duty duty)
{
    if (duty == MIMIC_MONEY && faults->next && !concerns_callbacks(faults->next)) {
        enum fault next = faults->next;
        faults->next = FAULT_NONE;
        return next;
    }
    for (enum fault fault = FAULT_NONE + 1; fault < FAULTS; fault++)
        if (concerns(fault, duty) && by_chance(faults, fault))
            return fault;
    return FAULT_NONE;
}

static enum fault choose_for_callback(struct faults *faults)
{
    if (concerns_callbacks(faults->next)) {
        enum fault next = faults->next;
        faults->next = FAULT_NONE;
        return next;
    }
    for (enum fault fault = FAULT_NONE + 1; fault < FAULTS; fault++)
        if (concerns_callbacks(fault) && by_chance(faults, fault))
            return fault;
    return FAULT_NONE;
}

enum fault fault_of_request(struct faults *faults, enum mimic_duty duty)
{
    enum fault fault = choose_for_request(faults, duty);
    faults->done[fault]++;
    return fault;
}

enum fault fault_of_callback(struct faults *faults)
{
    enum fault fault = choose_for_callback(faults);
    faults->done[fault]++;
    return fault;
}
