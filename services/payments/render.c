#include "render.h"

#include "db/db.h"
#include "rpc/call.h"
#include "rpc/wellknown.h"
#include "json/json.h"

static char *text(const char *value)
{
    return (char *)(uintptr_t)(value ? value : "");
}

static Google__Protobuf__StringValue *wrap(struct arena *arena, const char *value)
{
    return value ? wellknown_string(arena, value) : NULL;
}

static Google__Protobuf__Timestamp *stamp(struct arena *arena, int64_t unix_us)
{
    return unix_us == DB_TIME_NULL ? NULL : wellknown_time(arena, unix_us);
}

static Obol__Payments__V1__Error *render_error(struct arena *arena, const char *code,
                                               const char *message)
{
    if (!code)
        return NULL;
    Obol__Payments__V1__Error *error =
        MESSAGE_NEW(arena, obol__payments__v1__error, Obol__Payments__V1__Error);
    if (error) {
        error->code = text(code);
        error->message = text(message);
    }
    return error;
}

// Kept pairs are an object of ours: read back by the message that once brought them.
static ProtobufCMessage *read_pairs(struct arena *arena, const ProtobufCMessageDescriptor *type,
                                    const char *field, const char *object)
{
    ProtobufCMessage *message = NULL;
    struct problem problem = {0};
    const char *json = arena_printf(arena, "{\"%s\":%s}", field, object);
    if (!json || json_read(arena, type, bytes_of_string(json), &message, &problem) != STATUS_OK)
        return NULL;
    return message;
}

static bool render_payment_pairs(struct arena *arena, const char *metadata,
                                 Obol__Payments__V1__Payment *ret)
{
    if (!metadata)
        return true;
    // Both entry types are {key, value}; reading as the answer's own type needs no conversion.
    Obol__Payments__V1__Payment *read = (Obol__Payments__V1__Payment *)read_pairs(
        arena, &obol__payments__v1__payment__descriptor, "metadata", metadata);
    if (!read)
        return false;
    ret->n_metadata = read->n_metadata;
    ret->metadata = read->metadata;
    return true;
}

static bool render_card(struct arena *arena, const struct payment *payment,
                        Obol__Payments__V1__Payment *ret)
{
    if (!payment->card_last4)
        return true;
    ret->card = MESSAGE_NEW(arena, obol__payments__v1__card, Obol__Payments__V1__Card);
    if (!ret->card)
        return false;
    ret->card->brand = text(payment->card_brand);
    ret->card->last4 = text(payment->card_last4);
    ret->card->expiry_month = (int32_t)payment->card_expiry_month;
    ret->card->expiry_year = (int32_t)payment->card_expiry_year;
    return true;
}

static bool render_customer(struct arena *arena, const struct payment *payment,
                            Obol__Payments__V1__Payment *ret)
{
    if (!payment->email && !payment->phone && !payment->name)
        return true;
    ret->customer = MESSAGE_NEW(arena, obol__payments__v1__customer, Obol__Payments__V1__Customer);
    if (!ret->customer)
        return false;
    ret->customer->email = wrap(arena, payment->email);
    ret->customer->phone = wrap(arena, payment->phone);
    ret->customer->name = wrap(arena, payment->name);
    return true;
}

static bool render_action(struct arena *arena, const struct payment *payment,
                          Obol__Payments__V1__Payment *ret)
{
    if (!payment->action_url)
        return true;
    ret->next_action =
        MESSAGE_NEW(arena, obol__payments__v1__next_action, Obol__Payments__V1__NextAction);
    if (!ret->next_action)
        return false;
    ret->next_action->type = text("redirect_to_url");
    ret->next_action->url = text(payment->action_url);
    ret->next_action->return_url = wrap(arena, payment->return_url);
    return true;
}

static bool render_mobile_money(struct arena *arena, const struct payment *payment,
                                Obol__Payments__V1__Payment *ret)
{
    if (!payment->msisdn)
        return true;
    ret->mobile_money =
        MESSAGE_NEW(arena, obol__payments__v1__mobile_money, Obol__Payments__V1__MobileMoney);
    if (!ret->mobile_money)
        return false;
    ret->mobile_money->msisdn = text(payment->msisdn);
    ret->mobile_money->operator_ = text(payment->network);
    return true;
}

static Obol__Payments__V1__Attempt *earlier_attempt(struct arena *arena,
                                                    const struct json_value *attempts, size_t i)
{
    const char *names[] = {"provider", "reference", "status", "error.code", "error.message"};
    const char *values[5];
    for (size_t j = 0; j < 5; j++) {
        const char *path = arena_printf(arena, "%zu.%s", i, names[j]);
        values[j] = path ? json_get_string(attempts, path) : NULL;
    }
    Obol__Payments__V1__Attempt *ret =
        MESSAGE_NEW(arena, obol__payments__v1__attempt, Obol__Payments__V1__Attempt);
    if (!ret || !values[0])
        return NULL;
    ret->provider = text(values[0]);
    ret->reference = text(values[1]);
    ret->status = text(values[2]);
    ret->error = render_error(arena, values[3], values[4]);
    return ret;
}

// How the charge that counts stands, which is how the payment does until it is charged.
static const char *charge_status(enum payment_status status)
{
    switch (status) {
    case PAYMENT_AUTHORIZED:
    case PAYMENT_CAPTURING:
    case PAYMENT_CANCELING:
        return payment_status_name(PAYMENT_SUCCEEDED);
    default:
        return payment_status_name(status);
    }
}

static Obol__Payments__V1__Attempt *last_attempt(struct arena *arena, const struct payment *payment)
{
    Obol__Payments__V1__Attempt *ret =
        MESSAGE_NEW(arena, obol__payments__v1__attempt, Obol__Payments__V1__Attempt);
    if (!ret)
        return NULL;
    ret->provider = text(payment->provider);
    ret->reference = text(payment->charge_operation_id);
    ret->status = text(charge_status(payment->status));
    ret->error = render_error(arena, payment->error_code, payment->error_message);
    return ret;
}

#define ATTEMPTS_SHOWN_MAX 16

static bool render_attempts(struct arena *arena, const struct payment *payment,
                            Obol__Payments__V1__Payment *ret)
{
    const struct json_value *earlier = NULL;
    ret->attempts = ARENA_ARRAY(arena, ATTEMPTS_SHOWN_MAX, Obol__Payments__V1__Attempt *);
    if (!ret->attempts ||
        (payment->earlier_attempts &&
         json_parse(arena, bytes_of_string(payment->earlier_attempts), &earlier) != STATUS_OK))
        return false;
    while (earlier && ret->n_attempts < ATTEMPTS_SHOWN_MAX - 1) {
        Obol__Payments__V1__Attempt *attempt = earlier_attempt(arena, earlier, ret->n_attempts);
        if (!attempt)
            break;
        ret->attempts[ret->n_attempts++] = attempt;
    }
    ret->attempts[ret->n_attempts] = last_attempt(arena, payment);
    return ret->attempts[ret->n_attempts++];
}

Obol__Payments__V1__Payment *render_payment(struct arena *arena, const struct payment *payment)
{
    Obol__Payments__V1__Payment *ret =
        MESSAGE_NEW(arena, obol__payments__v1__payment, Obol__Payments__V1__Payment);
    if (!ret)
        return NULL;
    ret->id = text(payment->id);
    ret->object = text("payment");
    ret->order_id = text(payment->order_id);
    ret->amount = payment->amount;
    ret->currency = text(payment->currency);
    ret->method = text(payment->method);
    ret->vpa = wrap(arena, payment->vpa);
    ret->capture = text(payment->capture);
    ret->status = text(payment_status_name(payment->status));
    ret->unknown_operation = wrap(arena, payment->unknown_operation);
    ret->captured = payment->amount_captured > 0;
    ret->amount_captured = payment->amount_captured;
    ret->amount_refunded = payment->amount_refunded;
    ret->provider = text(payment->provider);
    ret->test_mode = wellknown_bool(arena, payment->test_mode);
    ret->sequence = payment->sequence;
    ret->error = render_error(arena, payment->error_code, payment->error_message);
    ret->description = wrap(arena, payment->description);
    ret->created_at = stamp(arena, payment->created_us);
    ret->updated_at = stamp(arena, payment->updated_us);
    bool whole = render_card(arena, payment, ret) && render_customer(arena, payment, ret) &&
                 render_action(arena, payment, ret) && render_mobile_money(arena, payment, ret) &&
                 render_attempts(arena, payment, ret) &&
                 render_payment_pairs(arena, payment->metadata, ret) && ret->updated_at &&
                 ret->test_mode;
    return whole ? ret : NULL;
}

Obol__Payments__V1__Order *render_order(struct arena *arena, const struct order *order)
{
    Obol__Payments__V1__Order *ret =
        MESSAGE_NEW(arena, obol__payments__v1__order, Obol__Payments__V1__Order);
    if (!ret)
        return NULL;
    ret->id = text(order->id);
    ret->object = text("order");
    ret->amount = order->amount;
    ret->currency = text(order->currency);
    ret->receipt = wrap(arena, order->receipt);
    ret->status = text(order->status);
    ret->created_at = stamp(arena, order->created_us);
    if (order->notes) {
        Obol__Payments__V1__Order *read = (Obol__Payments__V1__Order *)read_pairs(
            arena, &obol__payments__v1__order__descriptor, "notes", order->notes);
        if (!read)
            return NULL;
        ret->n_notes = read->n_notes;
        ret->notes = read->notes;
    }
    return ret->created_at ? ret : NULL;
}

bool render_payment_event(struct arena *arena, const struct payment *payment, struct event *event)
{
    const Obol__Payments__V1__Payment *message = render_payment(arena, payment);
    const char *object = message ? json_write(arena, &message->base) : NULL;
    const char *body = object ? journal_render(arena, event, "payment", object) : NULL;
    if (!body)
        return false;
    event->body = bytes_of_string(body);
    return true;
}

char *render_payment_audit(struct arena *arena, const struct payment *payment)
{
    return json_object(arena, (struct json_member[]){
                                  JSON_S("status", payment_status_name(payment->status)),
                                  JSON_I("amount_captured", payment->amount_captured),
                                  JSON_I("amount_refunded", payment->amount_refunded),
                                  JSON_I("refund_reserved", payment->refund_reserved),
                                  JSON_I("sequence", payment->sequence),
                                  JSON_S("error", payment->error_code),
                                  {0},
                              });
}

Obol__Payments__V1__RefundOperation *
render_refund_operation(struct arena *arena, const struct operation *operation, int64_t at_us)
{
    Obol__Payments__V1__RefundOperation *ret = MESSAGE_NEW(
        arena, obol__payments__v1__refund_operation, Obol__Payments__V1__RefundOperation);
    if (!ret)
        return NULL;
    ret->refund_id = text(operation->refund_id);
    ret->payment_id = text(operation->payment_id);
    ret->status = text(operation_refund_status(operation->status));
    ret->error = render_error(arena, operation->error_code, operation->error_message);
    ret->amount = operation->amount;
    ret->at = stamp(arena, at_us);
    ret->revision = operation->revision;
    return ret->at ? ret : NULL;
}

static char *write_members(struct arena *arena, struct json_member *members, size_t n)
{
    return n > 0 ? json_object(arena, members) : NULL;
}

char *render_metadata(struct arena *arena,
                      Obol__Payments__V1__CreatePaymentRequest__MetadataEntry *const *pairs,
                      size_t n)
{
    struct json_member *members = ARENA_ARRAY(arena, n + 1, struct json_member);
    for (size_t i = 0; members && i < n; i++)
        members[i] = (struct json_member)JSON_S(pairs[i]->key, pairs[i]->value);
    return members ? write_members(arena, members, n) : NULL;
}

char *render_notes(struct arena *arena,
                   Obol__Payments__V1__CreateOrderRequest__NotesEntry *const *pairs, size_t n)
{
    struct json_member *members = ARENA_ARRAY(arena, n + 1, struct json_member);
    for (size_t i = 0; members && i < n; i++)
        members[i] = (struct json_member)JSON_S(pairs[i]->key, pairs[i]->value);
    return members ? write_members(arena, members, n) : NULL;
}
