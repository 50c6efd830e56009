#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "tenant.h"

static struct arena *arena;
static struct problem problem;

static void setup(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
    problem = (struct problem){0};
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(tenant, .init = setup, .fini = teardown);

static enum status make(const char *id, const char *name, struct tenant *ret)
{
    Obol__Auth__V1__CreateTenantRequest request = OBOL__AUTH__V1__CREATE_TENANT_REQUEST__INIT;
    request.id = (char *)id;
    request.name = (char *)name;
    return tenant_make(arena, &request, ret, &problem);
}

Test(tenant, gets_a_fresh_id_when_none_is_given)
{
    struct tenant first, second;
    cr_assert_eq(make("", "Acme", &first), STATUS_OK);
    cr_assert_eq(make("", "Acme", &second), STATUS_OK);
    cr_assert_eq(strncmp(first.id, "ten_", 4), 0);
    cr_assert_str_neq(first.id, second.id);
    cr_assert(first.created_us > 0);
}

Test(tenant, keeps_the_id_that_is_given)
{
    struct tenant tenant;
    cr_assert_eq(make("ten_demo", "Demo", &tenant), STATUS_OK);
    cr_assert_str_eq(tenant.id, "ten_demo");
}

Test(tenant, is_refused_when_the_id_is_of_another_kind)
{
    struct tenant tenant;
    cr_assert_eq(make("key_demo", "Demo", &tenant), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "id");
    cr_assert_eq(make("ten_", "Demo", &tenant), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(make("ten_a b", "Demo", &tenant), STATUS_INVALID_ARGUMENT);
}

Test(tenant, name_has_one_to_a_hundred_characters)
{
    char hundred[2 * 101 + 1];
    for (size_t i = 0; i < 101; i++)
        memcpy(hundred + 2 * i, "\xc3\xbc", 2); // ü: a character in two bytes
    hundred[202] = '\0';
    cr_assert_eq(name_check("", &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "name");
    cr_assert_eq(name_check(hundred, &problem), STATUS_INVALID_ARGUMENT);
    hundred[200] = '\0';
    cr_assert_eq(name_check(hundred, &problem), STATUS_OK);
}

Test(tenant, name_holds_no_control_character_and_no_broken_utf8)
{
    cr_assert_eq(name_check("a\nb", &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(name_check("a\x7f", &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(name_check("a\xff", &problem), STATUS_INVALID_ARGUMENT);
}

Test(tenant, message_shows_every_field)
{
    const struct tenant tenant = {"ten_a", "A", 1700000000123456, 600};
    const Obol__Auth__V1__Tenant *message = tenant_message(arena, &tenant);
    cr_assert_str_eq(message->id, "ten_a");
    cr_assert_str_eq(message->object, "tenant");
    cr_assert_str_eq(message->name, "A");
    cr_assert_eq(message->created_at->seconds, 1700000000);
    cr_assert_eq(message->created_at->nanos, 123456000);
}

Test(tenant, message_is_null_when_the_arena_is_full)
{
    const struct tenant tenant = {"ten_a", "A", 1, RATE_DEFAULT};
    while (arena_alloc(arena, 4096))
        ;
    while (arena_alloc(arena, 16))
        ;
    cr_assert_null(tenant_message(arena, &tenant));
    struct tenant made;
    cr_assert_eq(make("", "Acme", &made), STATUS_INTERNAL);
}

Test(tenant, rate_is_shown_where_it_is_the_tenants_own)
{
    const struct tenant own = {"ten_a", "A", 1, 600}, none = {"ten_a", "A", 1, 0},
                        other = {"ten_a", "A", 1, RATE_DEFAULT};
    cr_assert_eq(tenant_message(arena, &own)->rate_per_min->value, 600);
    cr_assert_eq(tenant_message(arena, &none)->rate_per_min->value, 0);
    cr_assert_null(tenant_message(arena, &other)->rate_per_min);
}

Test(tenant, rate_is_within_bounds)
{
    Google__Protobuf__Int64Value given = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    int64_t rate = 5;
    cr_assert_eq(tenant_read_rate(NULL, &rate, &problem), STATUS_OK);
    cr_assert_eq(rate, RATE_DEFAULT);
    cr_assert_eq(tenant_read_rate(&given, &rate, &problem), STATUS_OK);
    cr_assert_eq(rate, 0);
    given.value = RATE_PER_MIN_MAX;
    cr_assert_eq(tenant_read_rate(&given, &rate, &problem), STATUS_OK);
    given.value++;
    cr_assert_eq(tenant_read_rate(&given, &rate, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "rate_per_min");
    given.value = -1;
    cr_assert_eq(tenant_read_rate(&given, &rate, &problem), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(rate, RATE_PER_MIN_MAX);
}
