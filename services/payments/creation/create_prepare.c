#include <string.h>

#include "base/id.h"
#include "base/phone.h"
#include "creation/create.h"
#include "render.h"

static const Obol__Payments__V1__CreatePaymentRequest *request_of(const struct create_item *item)
{
    return CALL_REQUEST(item->base.call, Obol__Payments__V1__CreatePaymentRequest);
}

bool create_takes_order(const struct create_item *item)
{
    return item->order && !item->order->reusable;
}

static const char *unwrap(const Google__Protobuf__StringValue *value)
{
    return value ? value->value : NULL;
}

static const char *non_empty(const char *text)
{
    return text[0] ? text : NULL;
}

// The number without decoration, as every adapter expects it.
static void fill_mobile_money(struct create_item *item)
{
    const Obol__Payments__V1__MobileMoney *money = request_of(item)->mobile_money;
    char msisdn[PHONE_SIZE];
    if (!money || !phone_read(money->msisdn, NULL, msisdn))
        return;
    item->new.payment.msisdn = arena_strdup(item->base.call->arena, msisdn);
    item->new.payment.network = money->operator_;
}

static void fill_payment(struct create_item *item, int64_t now_us)
{
    const Obol__Payments__V1__CreatePaymentRequest *request = request_of(item);
    struct call *call = item->base.call;
    const Obol__Payments__V1__Customer *customer = request->customer;
    item->new.payment = (struct payment){
        .tenant_id = call->context.tenant_id,
        .id = arena_strdup(call->arena, id_new("pay").text),
        .charge_operation_id = arena_strdup(call->arena, id_new("op").text),
        .order_id = request->order_id,
        .amount = request->amount ? request->amount->value : 0,
        .currency = request->currency,
        .method = request->method,
        .vpa = non_empty(request->vpa),
        .card_token = non_empty(request->card_token),
        .return_url = non_empty(request->return_url),
        .capture = request->capture[0] ? request->capture : "automatic",
        .status = PAYMENT_PENDING,
        .sequence = 1,
        .description = unwrap(request->description),
        .email = customer ? unwrap(customer->email) : NULL,
        .phone = customer ? unwrap(customer->phone) : NULL,
        .name = customer ? unwrap(customer->name) : NULL,
        .metadata = render_metadata(call->arena, request->metadata, request->n_metadata),
        .request_id = call->context.request_id,
        .traceparent = call->context.traceparent,
        .created_us = now_us,
        .updated_us = now_us,
    };
    fill_mobile_money(item);
    for (size_t i = 0; i < 2; i++)
        item->events[i].id = arena_strdup(call->arena, id_new("evt").text);
    bool full = !item->new.payment.id || !item->new.payment.charge_operation_id ||
                !item->events[1].id || (request->n_metadata > 0 && !item->new.payment.metadata);
    if (full)
        item->problem.status = STATUS_RESOURCE_EXHAUSTED;
}

static enum status read_orders(struct worker *worker, struct arena *arena,
                               struct create_item *items, size_t n)
{
    struct key *keys = ARENA_ARRAY(arena, n, struct key);
    struct create_item **asking = ARENA_ARRAY(arena, n, struct create_item *);
    const struct order **orders = ARENA_ARRAY(arena, n, const struct order *);
    size_t asked = 0;
    if (!keys || !asking || !orders)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        if (items[i].problem.status != STATUS_OK)
            continue;
        asking[asked] = &items[i];
        keys[asked++] = (struct key){items[i].new.payment.tenant_id, items[i].new.payment.order_id};
    }
    if (asked == 0)
        return STATUS_OK;
    enum status status = store_orders_get(worker->db, arena, keys, asked, orders);
    for (size_t i = 0; status == STATUS_OK && i < asked; i++)
        asking[i]->order = orders[i];
    return status;
}

static void apply_order(struct create_item *item)
{
    struct payment *payment = &item->new.payment;
    if (!item->order) {
        (void)validate_reference(request_of(item), &item->problem);
        return;
    }
    if (order_check_amount(item->order, request_of(item), &item->problem) != STATUS_OK)
        return;
    payment->order_own = true;
    payment->amount = item->order->amount;
    payment->currency = item->order->currency;
}

static void apply_token(struct create_item *item, const struct card_token *token)
{
    struct payment *payment = &item->new.payment;
    if (!token) {
        (void)problem_invalid(&item->problem, "card_token", "There is no such card token.");
        return;
    }
    payment->card_brand = token->brand;
    payment->card_last4 = token->last4;
    payment->card_expiry_month = token->expiry_month;
    payment->card_expiry_year = token->expiry_year;
    payment->provider = token->provider;
    payment->credential_id = token->credential_id;
    item->new.provider_token = token->provider_token;
    item->card = &token->fingerprint;
}

static enum status read_tokens(struct worker *worker, struct arena *arena,
                               struct create_item *items, size_t n, int64_t now_us)
{
    struct key *keys = ARENA_ARRAY(arena, n, struct key);
    struct create_item **asking = ARENA_ARRAY(arena, n, struct create_item *);
    const struct card_token **tokens = ARENA_ARRAY(arena, n, const struct card_token *);
    size_t asked = 0;
    if (!keys || !asking || !tokens)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        const struct payment *payment = &items[i].new.payment;
        if (items[i].problem.status != STATUS_OK || !payment->card_token)
            continue;
        asking[asked] = &items[i];
        keys[asked++] = (struct key){payment->tenant_id, payment->card_token};
    }
    if (asked == 0)
        return STATUS_OK;
    enum status status = store_card_tokens_get(worker->db, arena, keys, asked, now_us, tokens);
    for (size_t i = 0; status == STATUS_OK && i < asked; i++)
        apply_token(asking[i], tokens[i]);
    return status;
}

static bool render_event(struct create_item *item, const struct payment *payment, const char *type)
{
    struct event *event = &item->events[item->events_n++];
    *event = (struct event){
        .id = event->id,
        .tenant_id = payment->tenant_id,
        .type = type,
        .object_id = payment->id,
        .payment_id = payment->id,
        .request_id = payment->request_id,
        .traceparent = payment->traceparent,
        .sequence = payment->sequence,
        .created_us = payment->created_us,
    };
    return render_payment_event(item->base.call->arena, payment, event);
}

static bool render_events(struct create_item *item)
{
    const struct payment *payment = &item->new.payment;
    struct payment at_first = *payment;
    if (!item->new.review)
        return render_event(item, payment, "payment.created");
    at_first.status = PAYMENT_PENDING;
    at_first.sequence = 1;
    at_first.error_code = at_first.error_message = NULL;
    return render_event(item, &at_first, "payment.created") &&
           render_event(item, payment, "payment.needs_review");
}

static void render(struct create_item *item)
{
    struct call *call = item->base.call;
    const struct payment *payment = &item->new.payment;
    const Obol__Payments__V1__Payment *message = render_payment(call->arena, payment);
    if (message)
        item->answer = message_pack(call->arena, &message->base);
    item->audit = render_payment_audit(call->arena, payment);
    if (!message || !item->answer.at || !item->audit || !render_events(item))
        item->problem.status = STATUS_RESOURCE_EXHAUSTED;
}

static void fill_claim(struct worker *worker, struct create_item *item, int64_t now_us)
{
    struct call *call = item->base.call;
    if (!call->context.idempotency_key)
        return;
    item->claim = (struct claim){
        .tenant_id = call->context.tenant_id,
        .key = call->context.idempotency_key,
        .hash = journal_hash(worker->journal, call->method->path, call->context.fingerprint,
                             call->request_bytes),
        .object_id = item->new.payment.id,
        .method = call->method->path,
        .answer = item->answer,
        .http_status = call->method->success,
        .now_us = now_us,
    };
}

static void fill_payer(const struct payments_state *state, struct create_item *item)
{
    const struct payments_settings *settings = state->settings;
    if (settings->payer_attempts_per_min > 0 || settings->payer_failures_block > 0)
        item->new.payer =
            create_payer(item->base.call->arena, state->ring, &item->new.payment, item->card);
}

enum status create_prepare(struct worker *worker, struct arena *arena, struct create_item *items,
                           size_t n, int64_t now_us)
{
    for (size_t i = 0; i < n; i++) {
        const struct call_context *context = &items[i].base.call->context;
        if (validate_tenant(context->tenant_id, &items[i].problem) == STATUS_OK)
            (void)validate_payment(request_of(&items[i]), &items[i].problem);
        fill_payment(&items[i], now_us);
    }
    enum status status = read_orders(worker, arena, items, n);
    for (size_t i = 0; status == STATUS_OK && i < n; i++)
        if (items[i].problem.status == STATUS_OK)
            apply_order(&items[i]);
    if (status == STATUS_OK)
        status = read_tokens(worker, arena, items, n, now_us);
    if (status == STATUS_OK)
        status = create_route(worker, items, n);
    for (size_t i = 0; status == STATUS_OK && i < n; i++) {
        if (items[i].problem.status == STATUS_OK) {
            fill_payer(worker->state, &items[i]);
            render(&items[i]);
        }
        fill_claim(worker, &items[i], now_us);
    }
    return status;
}
