#include "change.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "measure.h"
#include "render.h"
#include "store_reviews.h"
#include "store_unknown.h"

struct row {
    struct payment_update update;
    bool dirty, rerouted;
};

static int key_order(const void *a, const void *b)
{
    const struct key *key = a;
    const struct row *row = b;
    int tenants = strcmp(key->tenant_id, row->update.payment.tenant_id);
    return tenants ? tenants : strcmp(key->id, row->update.payment.id);
}

static enum status read_rows(struct db *db, struct arena *arena, const struct payment_change *items,
                             size_t n, struct row **ret, size_t *ret_n)
{
    struct key *keys = ARENA_ARRAY(arena, n, struct key);
    struct payment *payments = NULL;
    if (!keys)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++)
        keys[i] = items[i].payment;
    enum status status = store_payments_lock(db, arena, keys, n, &payments, ret_n);
    if (status != STATUS_OK)
        return status;
    struct row *rows = ARENA_ARRAY(arena, *ret_n, struct row);
    if (!rows)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < *ret_n; i++)
        rows[i].update =
            (struct payment_update){payments[i], payments[i].status, payments[i].sequence};
    *ret = rows;
    return STATUS_OK;
}

static void emit(struct effects *effects, struct payment *payment,
                 const struct payment_events *events, const struct payment_change *item)
{
    struct cause cause = item->cause;
    if (!cause.request_id) {
        cause.request_id = payment->request_id;
        cause.traceparent = payment->traceparent;
    }
    for (size_t i = 0; i < events->n; i++) {
        payment->sequence++;
        effects_payment_event(effects, payment, arena_strdup(effects->arena, id_new("evt").text),
                              events->types[i], &cause);
    }
}

static void change_one(struct effects *effects, struct row *row, struct payment_change *item,
                       int64_t now_us)
{
    struct payment *payment = &row->update.payment;
    struct payment_events events;
    const char *before = render_payment_audit(effects->arena, payment);
    if (payment_apply(payment, &item->act, &events, &item->reserved, &item->problem) != STATUS_OK) {
        item->result = CHANGE_REFUSED;
        return;
    }
    item->result = CHANGE_APPLIED;
    row->dirty = true;
    row->rerouted = row->rerouted || item->act.kind == ACT_REROUTE;
    payment->updated_us = now_us;
    if (item->charge_operation_id)
        payment->charge_operation_id = item->charge_operation_id;
    emit(effects, payment, &events, item);
    const char *after = render_payment_audit(effects->arena, payment);
    effects->full = effects->full || !before || !after;
    effects_audit(effects, &(struct audit){
                               .tenant_id = payment->tenant_id,
                               .actor = item->cause.actor,
                               .action = payment_act_name(item->act.kind),
                               .object_id = payment->id,
                               .request_id = item->cause.request_id ? item->cause.request_id
                                                                    : payment->request_id,
                               .before = before,
                               .after = after,
                           });
}

static bool enters_review(const struct row *row)
{
    return row->update.payment.status == PAYMENT_NEEDS_REVIEW &&
           row->update.seen_status != PAYMENT_NEEDS_REVIEW;
}

static bool leaves_review(const struct row *row)
{
    return row->update.seen_status == PAYMENT_NEEDS_REVIEW &&
           row->update.payment.status != PAYMENT_NEEDS_REVIEW;
}

static bool enters_unknown(const struct row *row)
{
    return row->update.payment.status == PAYMENT_UNKNOWN &&
           row->update.seen_status != PAYMENT_UNKNOWN;
}

static bool leaves_unknown(const struct row *row)
{
    return row->update.seen_status == PAYMENT_UNKNOWN &&
           row->update.payment.status != PAYMENT_UNKNOWN;
}

static bool was_rerouted(const struct row *row)
{
    return row->rerouted;
}

static size_t pick(const struct row *rows, size_t n, bool (*wanted)(const struct row *),
                   struct payment_update *ret)
{
    size_t picked = 0;
    for (size_t i = 0; i < n; i++)
        if (wanted(&rows[i]))
            ret[picked++] = rows[i].update;
    return picked;
}

static size_t pick_reviews(const struct row *rows, size_t n, bool (*wanted)(const struct row *),
                           struct review *ret)
{
    size_t picked = 0;
    for (size_t i = 0; i < n; i++) {
        const struct payment *payment = &rows[i].update.payment;
        if (wanted(&rows[i]))
            ret[picked++] = (struct review){.tenant_id = payment->tenant_id,
                                            .payment_id = payment->id,
                                            .refund_id = "",
                                            .reason = payment->error_code};
    }
    return picked;
}

static size_t pick_keys(const struct row *rows, size_t n, bool (*wanted)(const struct row *),
                        struct key *ret)
{
    size_t picked = 0;
    for (size_t i = 0; i < n; i++)
        if (wanted(&rows[i]))
            ret[picked++] =
                (struct key){rows[i].update.payment.tenant_id, rows[i].update.payment.id};
    return picked;
}

static enum status write_unknown(struct db *db, struct arena *arena, const struct row *rows,
                                 size_t n, int64_t now_us)
{
    struct key *keys = ARENA_ARRAY(arena, n, struct key);
    enum status status = keys ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    size_t picked = keys ? pick_keys(rows, n, enters_unknown, keys) : 0;
    if (picked > 0)
        status = store_unknown_enter(db, arena, keys, picked, now_us);
    picked = keys ? pick_keys(rows, n, leaves_unknown, keys) : 0;
    if (status == STATUS_OK && picked > 0)
        status = store_unknown_leave(db, arena, keys, picked);
    return status;
}

// What happens to few of the payments that change.
static enum status write_rare(struct db *db, struct arena *arena, const struct row *rows, size_t n,
                              int64_t now_us)
{
    struct payment_update *updates = ARENA_ARRAY(arena, n, struct payment_update);
    struct review *reviews = ARENA_ARRAY(arena, n, struct review);
    if (!updates || !reviews)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = STATUS_OK;
    size_t picked = pick(rows, n, was_rerouted, updates);
    if (picked > 0)
        status = store_payments_reroute(db, arena, updates, picked);
    picked = pick_reviews(rows, n, enters_review, reviews);
    if (status == STATUS_OK && picked > 0)
        status = store_reviews_enter(db, arena, reviews, picked, now_us);
    picked = pick_reviews(rows, n, leaves_review, reviews);
    if (status == STATUS_OK && picked > 0)
        status = store_reviews_leave(db, arena, reviews, picked);
    return status == STATUS_OK ? write_unknown(db, arena, rows, n, now_us) : status;
}

static enum status write_rows(struct db *db, struct arena *arena, const struct row *rows, size_t n,
                              int64_t now_us)
{
    struct payment_update *updates = ARENA_ARRAY(arena, n, struct payment_update);
    struct order_following *orders = ARENA_ARRAY(arena, n, struct order_following);
    size_t updates_n = 0, orders_n = 0;
    if (!updates || !orders)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        const struct payment *payment = &rows[i].update.payment;
        if (!rows[i].dirty)
            continue;
        updates[updates_n++] = rows[i].update;
        enum order_effect effect = payment_order_effect(payment->status);
        if (payment->order_own && effect != ORDER_KEEPS &&
            payment->status != rows[i].update.seen_status)
            orders[orders_n++] = (struct order_following){
                {payment->tenant_id, payment->order_id}, payment->id, effect == ORDER_PAID};
    }
    enum status status = STATUS_OK;
    if (updates_n > 0)
        status = store_payments_update(db, arena, updates, updates_n, now_us);
    if (status == STATUS_OK)
        status = write_rare(db, arena, rows, n, now_us);
    if (status == STATUS_OK && orders_n > 0)
        status = store_orders_follow(db, arena, orders, orders_n);
    return status;
}

enum status payments_change(struct db *db, struct payment_change *items, size_t n, int64_t now_us,
                            struct effects *effects)
{
    struct row *rows = NULL;
    size_t rows_n = 0;
    if (n == 0)
        return STATUS_OK;
    enum status status = read_rows(db, effects->arena, items, n, &rows, &rows_n);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        struct row *row = bsearch(&items[i].payment, rows, rows_n, sizeof *rows, key_order);
        items[i].result = CHANGE_ABSENT;
        items[i].after = row ? &row->update.payment : NULL;
        if (!row)
            continue;
        enum payment_status before = row->update.payment.status;
        change_one(effects, row, &items[i], now_us);
        if (items[i].result == CHANGE_APPLIED)
            tally_changed(db, &row->update.payment, before, &items[i].act);
    }
    return write_rows(db, effects->arena, rows, rows_n, now_us);
}
