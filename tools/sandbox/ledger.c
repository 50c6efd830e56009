#include "ledger.h"

#include <stdio.h>
#include <string.h>

#include "table.h"

const char *operation_kind_name(enum operation_kind kind)
{
    static const char *const names[] = {"charge", "capture", "cancel", "refund"};
    return names[kind];
}

const char *operation_state_name(enum operation_state state)
{
    static const char *const names[] = {"pending",         "succeeded", "authorized", "failed",
                                        "requires_action", "canceled",  "expired"};
    return names[state];
}

bool reference_valid(const char *reference)
{
    size_t length =
        strspn(reference, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:-");
    return length > 0 && length <= REFERENCE_MAX && reference[length] == '\0';
}

static enum status full(struct problem *problem)
{
    return problem_set(problem, STATUS_RESOURCE_EXHAUSTED, "ledger_full", NULL,
                       "The ledger is full.");
}

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

static struct operation born(const char *reference, const struct decision *decision, int64_t now_us)
{
    struct operation operation = {
        .succeeds = decision->succeeds,
        .action = decision->action,
        .due_us = now_us + decision->delay_ms * 1000,
    };
    copy_text(operation.reference, sizeof operation.reference, reference);
    copy_text(operation.error_code, sizeof operation.error_code, decision->error_code);
    return operation;
}

static void take_money(struct operation *charge)
{
    charge->taken = true;
    charge->state = charge->automatic ? OPERATION_SUCCEEDED : OPERATION_AUTHORIZED;
    if (charge->automatic)
        charge->captured = charge->amount;
}

enum status ledger_charge(struct ledger *ledger, const struct charge_order *order,
                          const struct decision *decision, int64_t now_us, struct operation **ret,
                          struct problem *problem)
{
    struct operation charge = born(order->reference, decision, now_us);
    charge.kind = OPERATION_CHARGE;
    charge.amount = order->amount;
    charge.automatic = order->automatic;
    charge.callback_url = (char *)order->callback_url;
    copy_text(charge.currency, sizeof charge.currency, order->currency);
    if (decision->silent) {
        charge.silent = true;
        charge.due_us = 0;
        charge.hidden_until_us = now_us + decision->hidden_ms * 1000;
        take_money(&charge);
    }
    struct operation *added = table_add(ledger, &charge);
    if (!added || (added->due_us && !table_schedule(ledger, added)))
        return full(problem);
    *ret = added;
    return STATUS_OK;
}

static enum status refuse_state(struct problem *problem, const char *code, const char *what)
{
    return problem_set(problem, STATUS_FAILED_PRECONDITION, code, NULL, "%s", what);
}

static enum status check_capture(const struct operation *charge, int64_t amount,
                                 struct problem *problem)
{
    if (charge->state != OPERATION_AUTHORIZED || charge->busy)
        return refuse_state(problem, "charge_not_authorized", "The charge can't be captured now.");
    if (amount < 1)
        return problem_invalid(problem, "amount", "amount is at least 1.");
    if (amount > charge->amount)
        return problem_set(problem, STATUS_OUT_OF_RANGE, "capture_exceeds_authorized", "amount",
                           "More than was authorized.");
    return STATUS_OK;
}

static enum status check_cancel(const struct operation *charge, struct problem *problem)
{
    bool open = charge->state == OPERATION_AUTHORIZED || charge->state == OPERATION_REQUIRES_ACTION;
    if (!open || charge->busy)
        return refuse_state(problem, "charge_not_cancelable", "The charge can't be canceled now.");
    return STATUS_OK;
}

static enum status check_refund(const struct operation *charge, int64_t amount,
                                struct problem *problem)
{
    if (charge->state != OPERATION_SUCCEEDED)
        return refuse_state(problem, "charge_not_captured", "The charge was not captured.");
    if (amount < 1)
        return problem_invalid(problem, "amount", "amount is at least 1.");
    if (amount > charge->captured - charge->refunded - charge->refunding)
        return problem_set(problem, STATUS_OUT_OF_RANGE, "refund_exceeds_captured", "amount",
                           "More than is left of what was captured.");
    return STATUS_OK;
}

static enum status check_follow(const struct operation *charge, const struct follow_order *order,
                                struct problem *problem)
{
    if (order->kind == OPERATION_CAPTURE)
        return check_capture(charge, order->amount, problem);
    if (order->kind == OPERATION_CANCEL)
        return check_cancel(charge, problem);
    return check_refund(charge, order->amount, problem);
}

// Holds on the charge what a pending operation may take, so that two can't take the same.
static void reserve(struct operation *charge, const struct operation *by)
{
    if (by->kind == OPERATION_REFUND)
        charge->refunding += by->amount;
    else
        charge->busy = true;
}

enum status ledger_follow(struct ledger *ledger, const struct follow_order *order,
                          const struct decision *decision, int64_t now_us, struct operation **ret,
                          struct problem *problem)
{
    struct operation *charge = ledger_find(ledger, order->charge);
    if (!charge || charge->kind != OPERATION_CHARGE)
        return problem_not_found(problem, "charge");
    enum status status = check_follow(charge, order, problem);
    if (status != STATUS_OK)
        return status;
    struct operation operation = born(order->reference, decision, now_us);
    operation.kind = order->kind;
    operation.amount = order->kind == OPERATION_CANCEL ? charge->amount : order->amount;
    operation.callback_url = (char *)order->callback_url;
    operation.charge = charge;
    copy_text(operation.currency, sizeof operation.currency, charge->currency);
    struct operation *added = table_add(ledger, &operation);
    if (!added || !table_schedule(ledger, added))
        return full(problem);
    reserve(charge, added);
    *ret = added;
    return STATUS_OK;
}

enum status ledger_act(struct operation *charge, bool approve, struct problem *problem)
{
    if (charge->state != OPERATION_REQUIRES_ACTION || charge->busy)
        return refuse_state(problem, "no_action_required", "The charge waits for no approval.");
    charge->due_us = 0;
    if (approve) {
        take_money(charge);
        return STATUS_OK;
    }
    charge->state = OPERATION_FAILED;
    copy_text(charge->error_code, sizeof charge->error_code, "authentication_failed");
    return STATUS_OK;
}

static void settle_charge(struct ledger *ledger, struct operation *charge, int64_t now_us)
{
    if (charge->state == OPERATION_REQUIRES_ACTION) {
        charge->state = OPERATION_EXPIRED;
        return;
    }
    if (!charge->succeeds) {
        charge->state = OPERATION_FAILED;
        return;
    }
    if (!charge->action) {
        take_money(charge);
        return;
    }
    charge->state = OPERATION_REQUIRES_ACTION;
    charge->due_us = now_us + ACTION_EXPIRES_US;
    if (!table_schedule(ledger, charge))
        charge->due_us = 0; // waits for ever, which a payer may
}

static void settle_follow(struct operation *operation)
{
    struct operation *charge = operation->charge;
    operation->state = operation->succeeds ? OPERATION_SUCCEEDED : OPERATION_FAILED;
    if (operation->kind == OPERATION_REFUND) {
        charge->refunding -= operation->amount;
        if (operation->succeeds)
            charge->refunded += operation->amount;
        return;
    }
    charge->busy = false;
    if (!operation->succeeds)
        return;
    charge->due_us = 0;
    if (operation->kind == OPERATION_CANCEL) {
        charge->state = OPERATION_CANCELED;
        return;
    }
    charge->state = OPERATION_SUCCEEDED;
    charge->captured = operation->amount;
}

struct operation *ledger_settle(struct ledger *ledger, int64_t now_us)
{
    struct operation *operation = table_due(ledger, now_us);
    if (!operation)
        return NULL;
    operation->due_us = 0;
    if (operation->kind == OPERATION_CHARGE)
        settle_charge(ledger, operation, now_us);
    else
        settle_follow(operation);
    return operation;
}

int64_t ledger_times_charged(const struct operation *charge)
{
    int64_t times = 0;
    for (const struct operation *at = charge; at; at = at->same)
        times += at->taken;
    return times;
}

enum status ledger_restore(struct ledger *ledger, const struct operation *written, int64_t charge)
{
    if (charge >= (int64_t)ledger->n || written->number > ledger->n)
        return STATUS_INVALID_ARGUMENT;
    struct operation *place =
        written->number < ledger->n ? ledger->items[written->number] : table_add(ledger, written);
    if (!place)
        return STATUS_RESOURCE_EXHAUSTED;
    struct operation kept = *place;
    *place = *written;
    place->callback_url = kept.callback_url;
    place->same = kept.same;
    place->next = kept.next;
    place->charge = charge < 0 ? NULL : ledger->items[charge];
    return STATUS_OK;
}

enum status ledger_resume(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->n; i++) {
        struct operation *operation = ledger->items[i];
        if (operation->charge && operation->state == OPERATION_PENDING)
            reserve(operation->charge, operation);
        if (operation->due_us && !table_schedule(ledger, operation))
            return STATUS_RESOURCE_EXHAUSTED;
    }
    return STATUS_OK;
}
