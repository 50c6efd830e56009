#include <string.h>

#include "base/clock.h"
#include "mtn.h"

#define PREFIX "467331234"
#define DELAYED_US (25 * US_PER_S)
#define REFUSED(suffix_, http_, code_)                                                             \
    {                                                                                              \
        .suffix = (suffix_), .http = (http_), .code = (code_)                                      \
    }
#define FAILS(suffix_, to_, code_)                                                                 \
    {                                                                                              \
        .suffix = (suffix_), .code = (code_), .state = "PENDING", .to = (to_)                      \
    }
#define ONGOING(suffix_)                                                                           \
    {                                                                                              \
        .suffix = (suffix_), .code = "", .state = "PENDING", .to = ENTRY_SUCCEEDED, .after_us = -1 \
    }
#define DELAYED(suffix_)                                                                           \
    {                                                                                              \
        .suffix = (suffix_), .code = "", .state = "CREATED", .to = ENTRY_SUCCEEDED,                \
        .after_us = DELAYED_US                                                                     \
    }

static const struct mtn_outcome pays = {.code = "", .state = "PENDING", .to = ENTRY_SUCCEEDED};

static const struct mtn_outcome requests[] = {
    FAILS("50", ENTRY_FAILED, "INTERNAL_PROCESSING_ERROR"),
    FAILS("51", ENTRY_FAILED, "APPROVAL_REJECTED"),
    FAILS("52", ENTRY_EXPIRED, "EXPIRED"),
    ONGOING("53"),
    DELAYED("54"),
    REFUSED("55", 500, "PAYER_NOT_FOUND"),
    REFUSED("56", 500, "PAYEE_NOT_ALLOWED_TO_RECEIVE"),
    REFUSED("57", 500, "NOT_ALLOWED"),
    REFUSED("58", 500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
    REFUSED("59", 500, "INVALID_CALLBACK_URL_HOST"),
    REFUSED("60", 500, "INVALID_CURRENCY"),
    REFUSED("61", 500, "INTERNAL_PROCESSING_ERROR"),
    REFUSED("62", 503, "SERVICE_UNAVAILABLE"),
    FAILS("63", ENTRY_FAILED, "COULD_NOT_PERFORM_TRANSACTION"),
    FAILS("64", ENTRY_FAILED, "TRANSFER_TYPE_UNKNOWN"),
};

static const struct mtn_outcome transfers[] = {
    FAILS("50", ENTRY_FAILED, "INTERNAL_PROCESSING_ERROR"),
    FAILS("51", ENTRY_FAILED, "APPROVAL_REJECTED"),
    FAILS("52", ENTRY_EXPIRED, "EXPIRED"),
    ONGOING("53"),
    DELAYED("54"),
    REFUSED("55", 500, "NOT_ENOUGH_FUNDS"),
    REFUSED("56", 500, "PAYER_LIMIT_REACHED"),
    REFUSED("57", 500, "PAYEE_NOT_FOUND"),
    REFUSED("58", 500, "NOT_ALLOWED"),
    REFUSED("59", 500, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
    REFUSED("60", 500, "INVALID_CALLBACK_URL_HOST"),
    REFUSED("61", 500, "INVALID_CURRENCY"),
    REFUSED("62", 500, "INTERNAL_PROCESSING_ERROR"),
    REFUSED("63", 503, "SERVICE_UNAVAILABLE"),
    FAILS("64", ENTRY_FAILED, "TRANSFER_TYPE_UNKNOWN"),
};

const struct mtn_outcome *mtn_outcome_of(const char *party, bool transfer)
{
    const struct mtn_outcome *table = transfer ? transfers : requests;
    size_t n = transfer ? sizeof transfers / sizeof *transfers : sizeof requests / sizeof *requests;
    size_t prefix = strlen(PREFIX);
    if (strncmp(party, PREFIX, prefix) != 0)
        return &pays;
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].suffix, party + prefix) == 0)
            return &table[i];
    return &pays;
}
