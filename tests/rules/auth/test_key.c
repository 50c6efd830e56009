#include <criterion/criterion.h>
#include <string.h>

#include "db/db.h"
#include "key.h"

#define RING "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct arena *arena;
static struct problem problem;
static struct keyring ring;

static void setup(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
    problem = (struct problem){0};
    cr_assert(keyring_parse(RING, &ring));
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(key, .init = setup, .fini = teardown);

static enum status take(const char *id, const char *secret, struct api_key *ret)
{
    Obol__Auth__V1__ImportKeyRequest request = OBOL__AUTH__V1__IMPORT_KEY_REQUEST__INIT;
    request.tenant_id = (char *)"ten_a";
    request.name = (char *)"key";
    request.id = (char *)id;
    request.secret = (char *)secret;
    return key_take(&ring, &request, ret, &problem);
}

static enum status make(const char *tenant_id, struct api_key *ret, const char **secret)
{
    Obol__Auth__V1__CreateKeyRequest request = OBOL__AUTH__V1__CREATE_KEY_REQUEST__INIT;
    request.tenant_id = (char *)tenant_id;
    request.name = (char *)"key";
    return key_make(arena, &ring, &request, ret, secret, &problem);
}

Test(key, made_verifies_with_its_secret_only)
{
    struct api_key key;
    const char *secret;
    cr_assert_eq(make("ten_a", &key, &secret), STATUS_OK);
    cr_assert_eq(strncmp(secret, "secret_", 7), 0);
    cr_assert(strlen(secret) >= 7 + 32);
    struct bytes stored = BYTES_OF_ARRAY(key.digest.at);
    cr_assert(key_matches(&ring, key.id, secret, stored));
    cr_assert_not(key_matches(&ring, key.id, "secret_000000000000", stored));
    cr_assert_not(key_matches(&ring, "key_other", secret, stored));
}

Test(key, secrets_are_never_the_same)
{
    struct api_key key;
    const char *first, *second;
    cr_assert_eq(make("ten_a", &key, &first), STATUS_OK);
    cr_assert_eq(make("ten_a", &key, &second), STATUS_OK);
    cr_assert_str_neq(first, second);
}

Test(key, is_refused_without_a_tenant_or_a_name)
{
    struct api_key key;
    const char *secret;
    cr_assert_eq(make("nobody", &key, &secret), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "tenant_id");
    Obol__Auth__V1__CreateKeyRequest request = OBOL__AUTH__V1__CREATE_KEY_REQUEST__INIT;
    request.tenant_id = (char *)"ten_a";
    cr_assert_eq(key_make(arena, &ring, &request, &key, &secret, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "name");
}

Test(key, unknown_never_matches)
{
    struct bytes nothing = {0};
    const struct sha256 zeros = {{0}};
    cr_assert_not(key_matches(&ring, "key_a", "secret_000000000000", nothing));
    struct bytes cut = {zeros.at, 31};
    cr_assert_not(key_matches(&ring, "key_a", "secret_000000000000", cut));
}

Test(key, digest_depends_on_where_the_id_ends)
{
    struct sha256 one = key_digest(&ring, "key_a", "bc"), other = key_digest(&ring, "key_ab", "c");
    cr_assert_neq(memcmp(one.at, other.at, SHA256_BYTES), 0);
}

Test(key, digest_depends_on_the_ring)
{
    struct keyring another;
    cr_assert(keyring_parse("1:ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                            &another));
    struct sha256 one = key_digest(&ring, "key_a", "s"), other = key_digest(&another, "key_a", "s");
    cr_assert_neq(memcmp(one.at, other.at, SHA256_BYTES), 0);
}

Test(key, too_long_secrets_match_nothing_that_was_taken)
{
    char longest[KEY_SECRET_MAX + 1], longer[2 * KEY_SECRET_MAX + 1];
    memset(longest, 'a', sizeof longest - 1);
    memset(longer, 'a', sizeof longer - 1);
    longest[sizeof longest - 1] = longer[sizeof longer - 1] = '\0';
    struct api_key key;
    cr_assert_eq(take("key_a", longest, &key), STATUS_OK);
    struct bytes stored = BYTES_OF_ARRAY(key.digest.at);
    cr_assert(key_matches(&ring, "key_a", longest, stored));
    cr_assert_not(key_matches(&ring, "key_a", longer, stored));
    cr_assert_eq(take("key_a", longer, &key), STATUS_INVALID_ARGUMENT);
}

Test(key, taken_verifies)
{
    struct api_key key;
    cr_assert_eq(take("key_test_abc123", "secret_test_xyz789", &key), STATUS_OK);
    cr_assert(
        key_matches(&ring, "key_test_abc123", "secret_test_xyz789", BYTES_OF_ARRAY(key.digest.at)));
}

Test(key, is_not_taken_with_a_weak_secret_or_a_strange_id)
{
    struct api_key key;
    cr_assert_eq(take("key_a", "fifteen_charact", &key), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "secret");
    cr_assert_eq(take("key_a", "with blanks in the middle", &key), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(take("ten_a", "secret_test_xyz789", &key), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "id");
}

Test(key, id_is_judged_by_shape)
{
    char long_id[66];
    memset(long_id, 'a', 65);
    long_id[65] = '\0';
    cr_assert(key_id_valid("key_test-ABC_123"));
    cr_assert_not(key_id_valid(""));
    cr_assert_not(key_id_valid("key a"));
    cr_assert_not(key_id_valid("key_\xff"));
    cr_assert_not(key_id_valid(long_id));
}

Test(key, message_shows_no_secret_and_a_revocation_only_when_there_is_one)
{
    struct api_key key = {.id = "key_a",
                          .tenant_id = "ten_a",
                          .name = "k",
                          .created_us = 5000000,
                          .revoked_us = DB_TIME_NULL};
    const Obol__Auth__V1__ApiKey *message = key_message(arena, &key);
    cr_assert_str_eq(message->secret, "");
    cr_assert_str_eq(message->object, "api_key");
    cr_assert_eq(message->created_at->seconds, 5);
    cr_assert_null(message->revoked_at);
    key.revoked_us = 6000000;
    cr_assert_eq(key_message(arena, &key)->revoked_at->seconds, 6);
}
