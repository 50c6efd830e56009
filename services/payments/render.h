// Rows to messages, messages to the JSON that merchants get. Everything lives in the arena; NULL
// when it is full.
#pragma once
#include "base/arena.h"
#include "journal/journal.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "operation.h"
#include "order.h"
#include "payment.h"

Obol__Payments__V1__Payment *render_payment(struct arena *arena, const struct payment *payment);
Obol__Payments__V1__Order *render_order(struct arena *arena, const struct order *order);
// Fills event->body from the payment as it stands; the event's other fields must be set. False when
// full.
bool render_payment_event(struct arena *arena, const struct payment *payment, struct event *event);
// {"status":…,"amount_captured":…,…}: for audit rows.
char *render_payment_audit(struct arena *arena, const struct payment *payment);
Obol__Payments__V1__RefundOperation *
render_refund_operation(struct arena *arena, const struct operation *operation, int64_t at_us);
// The JSON object of string pairs that a row keeps. NULL for none.
char *render_metadata(struct arena *arena,
                      Obol__Payments__V1__CreatePaymentRequest__MetadataEntry *const *pairs,
                      size_t n);
char *render_notes(struct arena *arena,
                   Obol__Payments__V1__CreateOrderRequest__NotesEntry *const *pairs, size_t n);
