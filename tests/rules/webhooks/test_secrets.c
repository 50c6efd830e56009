#include "secrets.h"

#include <criterion/criterion.h>
#include <string.h>

static struct keyring ring;
static struct arena *arena;
static struct secrets *secrets;

static void begin(void)
{
    cr_assert(
        keyring_parse("1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &ring));
    arena = arena_new(ARENA_CAP_REQUEST);
    secrets = secrets_new();
}

static void end(void)
{
    secrets_free(secrets);
    arena_free(arena);
}

TestSuite(secrets, .init = begin, .fini = end);

static struct bytes sealed(const char *secret, const char *context)
{
    return keyring_seal(&ring, arena, bytes_of_string(secret), context);
}

Test(secrets, are_opened_once)
{
    const char *first = NULL, *again = NULL;
    struct bytes box = sealed("whsec_1", "ten_a/we_1");
    cr_assert_eq(secrets_open(secrets, &ring, box, "ten_a/we_1", &first), STATUS_OK);
    cr_assert_str_eq(first, "whsec_1");
    struct bytes copy = arena_copy(arena, box);
    cr_assert_eq(secrets_open(secrets, &ring, copy, "ten_a/we_1", &again), STATUS_OK);
    cr_assert_eq(first, again);
}

Test(secrets, are_not_given_to_another_endpoint)
{
    const char *secret = NULL;
    struct bytes box = sealed("whsec_1", "ten_a/we_1");
    cr_assert_eq(secrets_open(secrets, &ring, box, "ten_a/we_1", &secret), STATUS_OK);
    cr_assert_eq(secrets_open(secrets, &ring, box, "ten_b/we_1", &secret), STATUS_DATA_LOSS);
    cr_assert_eq(secrets_open(secrets, &ring, bytes_of_string("broken"), "ten_a/we_1", &secret),
                 STATUS_DATA_LOSS);
}

Test(secrets, are_told_apart_however_many)
{
    struct bytes boxes[200];
    const char *secret = NULL;
    for (int i = 0; i < 200; i++)
        boxes[i] = sealed(arena_printf(arena, "whsec_%d", i), "ten_a/we_1");
    for (int i = 0; i < 400; i++) {
        cr_assert_eq(secrets_open(secrets, &ring, boxes[i % 200], "ten_a/we_1", &secret),
                     STATUS_OK);
        cr_assert_str_eq(secret, arena_printf(arena, "whsec_%d", i % 200));
    }
    secrets_wipe(secrets);
    cr_assert_eq(secrets_open(secrets, &ring, boxes[7], "ten_a/we_1", &secret), STATUS_OK);
    cr_assert_str_eq(secret, "whsec_7");
}
