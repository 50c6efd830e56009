// Who pays, how often of late: taken in the transaction that accepts the payments, before the day's
// volume. What is refused later in that transaction has been tried all the same.
#include <stdlib.h>
#include <string.h>

#include "creation/create.h"
#include "creation/store_payers.h"

struct bytes create_payer(struct arena *arena, const struct keyring *ring,
                          const struct payment *payment, const struct sha256 *card)
{
    const char *text = NULL;
    if (payment->vpa) {
        char *lower = arena_printf(arena, "vpa:%s", payment->vpa);
        for (char *c = lower; c && *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        text = lower;
    } else if (payment->msisdn) {
        text = arena_printf(arena, "msisdn:%s", payment->msisdn);
    } else if (card) {
        text = arena_printf(arena, "card:%s", crypto_hex(arena, BYTES_OF_ARRAY(card->at)));
    }
    if (!text)
        return (struct bytes){0};
    struct sha256 digest = keyring_mac(ring, "payer", bytes_of_string(text));
    return arena_copy(arena, BYTES_OF_ARRAY(digest.at));
}

static bool counts(const struct create_item *item)
{
    return item->verdict == CREATE_GOES && item->new.payer.at;
}

static int same_payer(const struct create_item *x, const struct create_item *y)
{
    int order = strcmp(x->new.payment.tenant_id, y->new.payment.tenant_id);
    return order ? order : memcmp(x->new.payer.at, y->new.payer.at, SHA256_BYTES);
}

static int by_payer(const void *a, const void *b)
{
    const struct create_item *x = *(struct create_item *const *)a;
    const struct create_item *y = *(struct create_item *const *)b;
    int order = same_payer(x, y);
    return order ? order : (x > y) - (x < y);
}

static const char *field_of(const struct payment *payment)
{
    if (payment->vpa)
        return "vpa";
    return payment->msisdn ? "mobile_money.msisdn" : "card";
}

static void refuse(struct create_refusals *refusals, struct create_item *item,
                   const struct payer_ask *ask)
{
    struct problem problem = {0};
    const char *field = field_of(&item->new.payment);
    if (ask->blocked)
        (void)problem_set(&problem, STATUS_RESOURCE_EXHAUSTED, "payer_blocked", field,
                          "Too many payments of this payer were declined. Try again later.");
    else
        (void)problem_set(&problem, STATUS_RESOURCE_EXHAUSTED, "rate_limited", field,
                          "Too many payments of this payer within a minute.");
    problem.retry_after_s = ask->wait_s > 0 ? (int)ask->wait_s : 1;
    refusals->refuse(refusals->context, item, &problem);
}

static enum status take(struct worker *worker, struct arena *arena, struct create_item **items,
                        size_t n, struct create_refusals *refusals)
{
    const struct payments_state *state = worker->state;
    struct payer_ask *asks = ARENA_ARRAY(arena, n, struct payer_ask);
    size_t asks_n = 0;
    if (!asks)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || same_payer(items[i - 1], items[i]) != 0)
            asks[asks_n++] = (struct payer_ask){.tenant_id = items[i]->new.payment.tenant_id,
                                                .payer = items[i]->new.payer};
        asks[asks_n - 1].wanted++;
    }
    enum status status = store_payers_attempt(worker->db, arena, asks, asks_n,
                                              state->settings->payer_attempts_per_min);
    struct payer_ask *ask = asks;
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        if (i > 0 && same_payer(items[i - 1], items[i]) != 0)
            ask++;
        if (ask->granted-- <= 0)
            refuse(refusals, items[i], ask);
    }
    return status;
}

enum status create_take_payers(struct worker *worker, struct arena *arena,
                               struct create_item *const *items, size_t n,
                               struct create_refusals *refusals)
{
    struct create_item **counted = ARENA_ARRAY(arena, n, struct create_item *);
    size_t counted_n = 0;
    if (!counted)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        if (counts(items[i]))
            counted[counted_n++] = items[i];
    if (counted_n == 0)
        return STATUS_OK;
    qsort(counted, counted_n, sizeof(struct create_item *), by_payer);
    return take(worker, arena, counted, counted_n, refusals);
}
