#include "setup/limit.h"

#include <inttypes.h>

static enum status refuse(struct problem *problem, const char *code, const char *bound,
                          const char *currency, int64_t amount)
{
    return problem_set(problem, STATUS_INVALID_ARGUMENT, code, "amount",
                       "A payment in %s is %s %" PRId64 ", in minor units.", currency, bound,
                       amount);
}

enum status limit_check(const struct limit *limit, int64_t amount, enum limit_verdict *ret,
                        struct problem *problem)
{
    if (limit && limit->minimum && amount < limit->minimum)
        return refuse(problem, "amount_too_small", "at least", limit->currency, limit->minimum);
    if (limit && limit->maximum && amount > limit->maximum)
        return refuse(problem, "amount_too_large", "at most", limit->currency, limit->maximum);
    bool review = limit && limit->review_above && amount > limit->review_above;
    *ret = review ? LIMIT_REVIEW : LIMIT_OK;
    return STATUS_OK;
}

bool volume_share(struct volume_slice slices[VOLUME_SLICES], int64_t limit, int64_t amount,
                  size_t own, bool *ret_changed)
{
    int64_t budget = 0, used = 0;
    for (size_t i = 0; i < VOLUME_SLICES; i++) {
        budget += slices[i].budget;
        used += slices[i].used;
    }
    int64_t left = limit > used ? limit - used : 0;
    bool granted = amount <= left;
    *ret_changed = granted || budget != used + left;
    if (!*ret_changed)
        return false;
    if (granted) {
        slices[own].used += amount;
        left -= amount;
    }
    for (size_t i = 0; i < VOLUME_SLICES; i++)
        slices[i].budget = slices[i].used + left / VOLUME_SLICES;
    slices[own].budget += left % VOLUME_SLICES;
    return granted;
}
