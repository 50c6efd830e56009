#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "crypto/crypto.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "FFEEDDCCBBAA99887766554433221100ffeeddccbbaa99887766554433221100"

static struct arena *arena;
static struct keyring ring;

static void setup(void)
{
    arena = arena_new(1 << 20);
    cr_assert(keyring_parse("1:" KEY_A, &ring));
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(keyring, .init = setup, .fini = teardown);

Test(keyring, parse_takes_one_key_and_many)
{
    struct keyring two;
    cr_assert(keyring_parse("255:" KEY_B ",1:" KEY_A, &two));
    cr_assert_eq(two.n, 2);
    cr_assert_eq(two.keys[0].id, 255);
    cr_assert_eq(two.keys[0].key[0], 0xff);
    cr_assert_eq(two.keys[1].id, 1);
    cr_assert_eq(two.keys[1].key[31], 0xff);
    cr_assert_eq(memcmp(two.mac_key, ring.mac_key, 32), 0, "the lowest id makes the mac key");
}

Test(keyring, parse_takes_keyring_max_keys_and_no_more)
{
    char text[1024] = "";
    size_t length = 0;
    struct keyring many;
    for (int i = 1; i <= KEYRING_MAX + 1; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%d:" KEY_A,
                                   i > 1 ? "," : "", i);
        cr_assert_eq(keyring_parse(text, &many), i <= KEYRING_MAX, "%d", i);
    }
}

Test(keyring, parse_refuses_the_malformed)
{
    static const char *const bad[] = {
        "",
        "1",
        "1:",
        ":" KEY_A,
        KEY_A,
        "0:" KEY_A,
        "256:" KEY_A,
        "-1:" KEY_A,
        " 1:" KEY_A,
        "1:" KEY_A ",",
        "1:" KEY_A ","
        "1:" KEY_B,
        "1:" KEY_A "0",
        "1:" KEY_A " ",
        "1:0011",
        "x:" KEY_A,
        "1:g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "1:" KEY_A ";2:" KEY_B,
        "1:" KEY_A ",2:00",
        "99999999999999999999:" KEY_A,
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct keyring untouched = {.n = 77};
        cr_assert_not(keyring_parse(bad[i], &untouched), "%s", bad[i]);
        cr_assert_eq(untouched.n, 77);
    }
    struct keyring any;
    cr_assert_not(keyring_parse(NULL, &any));
}

Test(keyring, open_undoes_seal)
{
    for (size_t length = 0; length < 100; length++) {
        uint8_t secret[100];
        crypto_random(secret, length);
        struct bytes plain = {secret, length}, back;
        struct bytes sealed = keyring_seal(&ring, arena, plain, "tenant_1/whsec");
        cr_assert_eq(sealed.length, length + 2 + 12 + 16);
        cr_assert_eq(sealed.at[0], 1);
        cr_assert_eq(sealed.at[1], 1);
        cr_assert_eq(keyring_open(&ring, arena, sealed, "tenant_1/whsec", &back), STATUS_OK);
        cr_assert(crypto_equal(plain, back));
    }
}

Test(keyring, seal_never_repeats_a_nonce)
{
    struct bytes one = keyring_seal(&ring, arena, bytes_of_string("s"), "c");
    struct bytes two = keyring_seal(&ring, arena, bytes_of_string("s"), "c");
    cr_assert_neq(memcmp(one.at + 2, two.at + 2, 12), 0);
}

Test(keyring, open_refuses_any_changed_byte)
{
    struct bytes sealed = keyring_seal(&ring, arena, bytes_of_string("whsec_test"), "context");
    for (size_t i = 0; i < sealed.length; i++) {
        struct bytes changed = arena_copy(arena, sealed), back = {0};
        ((uint8_t *)changed.at)[i] ^= 1;
        cr_assert_eq(keyring_open(&ring, arena, changed, "context", &back), STATUS_DATA_LOSS,
                     "byte %zu", i);
        cr_assert_null(back.at);
    }
}

Test(keyring, open_refuses_another_context_and_short_texts)
{
    struct bytes sealed = keyring_seal(&ring, arena, bytes_of_string("whsec_test"), "tenant_1");
    struct bytes back;
    cr_assert_eq(keyring_open(&ring, arena, sealed, "tenant_2", &back), STATUS_DATA_LOSS);
    cr_assert_eq(keyring_open(&ring, arena, sealed, "", &back), STATUS_DATA_LOSS);
    for (size_t length = 0; length < sealed.length; length++) {
        struct bytes part = {sealed.at, length};
        cr_assert_eq(keyring_open(&ring, arena, part, "tenant_1", &back), STATUS_DATA_LOSS);
    }
    struct bytes bare = keyring_seal(&ring, arena, bytes_of_string("x"), "");
    cr_assert_eq(keyring_open(&ring, arena, bare, "", &back), STATUS_OK);
}

Test(keyring, rotation_opens_old_secrets_and_seals_with_the_new)
{
    struct keyring rotated, only_new;
    cr_assert(keyring_parse("2:" KEY_B ",1:" KEY_A, &rotated));
    cr_assert(keyring_parse("2:" KEY_B, &only_new));
    struct bytes back, old = keyring_seal(&ring, arena, bytes_of_string("s"), "c");
    struct bytes new = keyring_seal(&rotated, arena, bytes_of_string("s"), "c");
    cr_assert_eq(new.at[1], 2);
    cr_assert_eq(keyring_open(&rotated, arena, old, "c", &back), STATUS_OK);
    cr_assert_eq(keyring_open(&only_new, arena, new, "c", &back), STATUS_OK);
    cr_assert_eq(keyring_open(&only_new, arena, old, "c", &back), STATUS_DATA_LOSS);
    cr_assert_eq(keyring_open(&ring, arena, new, "c", &back), STATUS_DATA_LOSS);
}

Test(keyring, full_arena_is_told_apart_from_lost_data)
{
    CLEANUP(arena_free) struct arena *small = arena_new(16);
    struct bytes back, secret = bytes_of_string("a secret of more than sixteen bytes");
    cr_assert_null(keyring_seal(&ring, small, secret, "c").at);
    struct bytes sealed = keyring_seal(&ring, arena, secret, "c");
    cr_assert_eq(keyring_open(&ring, small, sealed, "c", &back), STATUS_RESOURCE_EXHAUSTED);
}

Test(keyring, mac_depends_on_label_message_and_key)
{
    struct keyring other;
    cr_assert(keyring_parse("1:" KEY_B, &other));
    struct bytes message = bytes_of_string("4242");
    struct sha256 one = keyring_mac(&ring, "card", message);
    struct sha256 same = keyring_mac(&ring, "card", message);
    struct sha256 label = keyring_mac(&ring, "api_key", message);
    struct sha256 shifted = keyring_mac(&ring, "card4", bytes_of_string("242"));
    struct sha256 key = keyring_mac(&other, "card", message);
    cr_assert_eq(memcmp(&one, &same, sizeof(one)), 0);
    cr_assert_neq(memcmp(&one, &label, sizeof(one)), 0);
    cr_assert_neq(memcmp(&one, &shifted, sizeof(one)), 0);
    cr_assert_neq(memcmp(&one, &key, sizeof(one)), 0);
}

Test(keyring, reads_what_was_plain_and_what_is_sealed)
{
    struct bytes back, plain = bytes_of_string("{\"id\":\"evt_1\"}");
    cr_assert_eq(keyring_read(&ring, arena, plain, "c", &back), STATUS_OK);
    cr_assert_eq(back.at, plain.at);
    struct bytes sealed = keyring_seal(&ring, arena, plain, "c");
    cr_assert_eq(keyring_read(&ring, arena, sealed, "c", &back), STATUS_OK);
    cr_assert(crypto_equal(back, plain));
    cr_assert_eq(keyring_read(&ring, arena, sealed, "d", &back), STATUS_DATA_LOSS);
    cr_assert_eq(keyring_read(&ring, arena, (struct bytes){plain.at, 0}, "c", &back), STATUS_OK);
    cr_assert_eq(back.length, 0);
}

static void *seal_elsewhere(void *context)
{
    struct arena *own = arena_new(ARENA_CAP_REQUEST);
    struct bytes *secret = context, back;
    struct bytes sealed = keyring_seal(&ring, own, *secret, "c");
    bool same =
        keyring_open(&ring, own, sealed, "c", &back) == STATUS_OK && crypto_equal(back, *secret);
    arena_free(own);
    return same ? context : NULL;
}

// A thread keeps its context from one secret to the next, whatever became of the last.
Test(keyring, threads_seal_side_by_side_after_failures_too)
{
    pthread_t threads[4];
    struct bytes back, secret = bytes_of_string("secret");
    struct bytes sealed = keyring_seal(&ring, arena, secret, "c");
    cr_assert_eq(keyring_open(&ring, arena, sealed, "other", &back), STATUS_DATA_LOSS);
    cr_assert_eq(keyring_open(&ring, arena, sealed, "c", &back), STATUS_OK);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, seal_elsewhere, &secret), 0);
    for (size_t i = 0; i < 4; i++) {
        void *same;
        cr_assert_eq(pthread_join(threads[i], &same), 0);
        cr_assert_not_null(same);
    }
}
