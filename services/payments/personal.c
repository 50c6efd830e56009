#include "personal.h"

#include "base/log.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "rpc/call.h"
#include "rpc/wellknown.h"

static const char *context_of(struct arena *arena, const struct payment *payment)
{
    return arena_printf(arena, "personal:%s/%s", payment->tenant_id, payment->id);
}

static Google__Protobuf__StringValue *wrap(struct arena *arena, const char *value)
{
    return value ? wellknown_string(arena, value) : NULL;
}

static const char *unwrap(const Google__Protobuf__StringValue *value)
{
    return value ? value->value : NULL;
}

// Kept as the part of the API's own message that holds them.
struct bytes personal_seal(const struct keyring *ring, struct arena *arena,
                           const struct payment *payment, bool *ret_full)
{
    Obol__Payments__V1__Payment kept = OBOL__PAYMENTS__V1__PAYMENT__INIT;
    Obol__Payments__V1__Customer customer = OBOL__PAYMENTS__V1__CUSTOMER__INIT;
    Obol__Payments__V1__MobileMoney money = OBOL__PAYMENTS__V1__MOBILE_MONEY__INIT;
    customer.email = wrap(arena, payment->email);
    customer.phone = wrap(arena, payment->phone);
    customer.name = wrap(arena, payment->name);
    kept.vpa = wrap(arena, payment->vpa);
    if (payment->email || payment->phone || payment->name)
        kept.customer = &customer;
    if (payment->msisdn) {
        money.msisdn = (char *)(uintptr_t)payment->msisdn;
        kept.mobile_money = &money;
    }
    if (!payment->vpa && !kept.customer && !kept.mobile_money)
        return (struct bytes){0};
    const char *context = context_of(arena, payment);
    struct bytes packed = message_pack(arena, &kept.base), sealed = {0};
    if (context && packed.at)
        sealed = keyring_seal(ring, arena, packed, context);
    crypto_wipe((void *)(uintptr_t)packed.at, packed.length);
    *ret_full = *ret_full || !sealed.at;
    return sealed;
}

static void fill(const Obol__Payments__V1__Payment *kept, struct personal *ret)
{
    *ret = (struct personal){.vpa = unwrap(kept->vpa)};
    if (kept->mobile_money)
        ret->msisdn = kept->mobile_money->msisdn;
    if (kept->customer) {
        ret->email = unwrap(kept->customer->email);
        ret->phone = unwrap(kept->customer->phone);
        ret->name = unwrap(kept->customer->name);
    }
}

bool personal_open(const struct keyring *ring, struct arena *arena, const struct payment *of,
                   struct bytes sealed, struct personal *ret)
{
    struct bytes packed;
    if (!sealed.at)
        return true;
    const char *context = context_of(arena, of);
    const Obol__Payments__V1__Payment *kept = NULL;
    if (context && keyring_open(ring, arena, sealed, context, &packed) == STATUS_OK)
        kept = (const Obol__Payments__V1__Payment *)message_unpack(
            arena, &obol__payments__v1__payment__descriptor, packed);
    if (kept)
        fill(kept, ret);
    else
        log_error("a payer's data can't be opened", LOG_PAYMENT(of));
    return kept;
}
