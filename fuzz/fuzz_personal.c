// A payer's data at rest: what was sealed for a payment comes back as it was, for that payment
// alone. The first line says which of the five there are ("11010"), a line each follows.
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "personal.h"
#include "support/service.h"

void __wrap_log_write(enum log_level level, const char *event, const struct log_field *fields);
static unsigned lines; // in the log

void __wrap_log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    assert(level == LOG_ERROR && event && fields);
    lines++;
}

static const char *field(struct fuzz_input *input, struct arena *arena, const char **there)
{
    bool given = **there && *(*there)++ == '1';
    return given ? fuzz_line(input, arena) : NULL;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_same(const struct payment *payment, const struct personal *read)
{
    assert(same(payment->vpa, read->vpa) && same(payment->msisdn, read->msisdn));
    assert(same(payment->email, read->email) && same(payment->phone, read->phone));
    assert(same(payment->name, read->name));
}

static bool opens(struct arena *arena, const struct payment *of, struct bytes sealed)
{
    struct personal read = {0};
    unsigned before = lines;
    bool opened = personal_open(fuzz_ring(), arena, of, sealed, &read);
    assert(lines - before == !opened);
    return opened;
}

// Another payment's, another tenant's, or changed: it does not open.
static void check_bound(struct arena *arena, const struct payment *payment, struct bytes sealed)
{
    struct payment other = *payment;
    other.id = "pay_2";
    assert(!opens(arena, &other, sealed));
    other = *payment;
    other.tenant_id = "ten_2";
    assert(!opens(arena, &other, sealed));
    ((uint8_t *)(uintptr_t)sealed.at)[sealed.length / 2] ^= 1;
    assert(!opens(arena, payment, sealed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    struct payment payment = {.tenant_id = "ten_1", .id = "pay_1"};
    struct personal read = {0};
    bool full = false;
    if (size > 0)
        assert(!opens(arena, &payment, (struct bytes){data, size}));
    const char *there = fuzz_line(&input, arena);
    payment.vpa = field(&input, arena, &there);
    payment.msisdn = field(&input, arena, &there);
    payment.email = field(&input, arena, &there);
    payment.phone = field(&input, arena, &there);
    payment.name = field(&input, arena, &there);
    bool any = payment.vpa || payment.msisdn || payment.email || payment.phone || payment.name;
    struct bytes sealed = personal_seal(fuzz_ring(), arena, &payment, &full);
    assert(!full && (sealed.at != NULL) == any);
    assert(personal_open(fuzz_ring(), arena, &payment, sealed, &read));
    check_same(&payment, &read);
    if (any)
        check_bound(arena, &payment, sealed);
    return 0;
}
