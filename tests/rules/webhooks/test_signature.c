#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "signature.h"

#define BODY "{\"test\": 2432232314}"
#define VECTOR "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static struct signature make(struct arena *arena, const char *secret, const char *older)
{
    struct signature signature = {0};
    cr_assert(signature_make(arena, secret, older, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                             bytes_of_string(BODY), &signature));
    return signature;
}

Test(signature, is_the_standards_own_example)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    cr_assert_str_eq(make(arena, SECRET, NULL).standard, VECTOR);
}

Test(signature, keys_the_hex_form_with_the_whole_secret)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    // openssl dgst -sha256 -hmac whsec_test_abc123
    cr_assert_str_eq(make(arena, "whsec_test_abc123", NULL).hex,
                     "eac1c57e9511f84159a5b1dff8a128504bffb1d56854fe122107056baf9732a2");
}

Test(signature, takes_raw_bytes_when_the_secret_is_no_base64)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    // HMAC-SHA256 keyed with "test_abc123"
    cr_assert_str_eq(make(arena, "whsec_test_abc123", NULL).standard,
                     "v1,MDyx+j2qaRTQEhcOJwgajjHhwbPMCKrlOzHaoLpBitg=");
}

Test(signature, adds_the_older_secrets_after_a_space)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct signature both = make(arena, "whsec_test_abc123", SECRET);
    struct signature alone = make(arena, "whsec_test_abc123", NULL);
    cr_assert_str_eq(both.standard, arena_printf(arena, "%s %s", alone.standard, VECTOR));
    cr_assert_str_eq(both.hex, alone.hex);
}

Test(signature, covers_an_empty_body)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct signature signature = {0};
    cr_assert(signature_make(arena, SECRET, NULL, "evt_1", "1", (struct bytes){0}, &signature));
    cr_assert_eq(strlen(signature.hex), 64);
}

Test(signature, says_so_when_the_arena_is_full)
{
    CLEANUP(arena_free) struct arena *arena = arena_new(64);
    struct signature signature = {0};
    cr_assert_not(
        signature_make(arena, SECRET, NULL, "evt_1", "1", bytes_of_string(BODY), &signature));
}
