#include <criterion/criterion.h>

#include "crypto/crypto.h"
#include "gateway.h"
#include "http/client.h"
#include "http/listener.h"

static struct arena *arena;

static bool shown(struct bytes pair, struct credentials *ret)
{
    const char *text = crypto_base64(arena, pair);
    struct http_header header = {"Authorization", arena_printf(arena, "Basic %s", text)};
    struct http_exchange exchange = {.headers = &header, .headers_n = 1};
    return keys_read(&exchange, arena, ret);
}

static void begin(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void end(void)
{
    arena_free(arena);
}

TestSuite(credentials, .init = begin, .fini = end);

Test(credentials, reads_a_basic_pair)
{
    struct credentials given;
    cr_assert(shown(bytes_of_string("key_1:secret:1"), &given));
    cr_expect_str_eq(given.id, "key_1");
    cr_expect_str_eq(given.secret, "secret:1");
}

// What stands behind a NUL would be cut, and two headers would be one pair.
Test(credentials, refuses_a_nul_in_a_basic_pair)
{
    static const char behind[] = "key_1:secret\0x", within[] = "key_1\0x:secret";
    struct credentials given;
    cr_expect_not(shown((struct bytes){(const uint8_t *)behind, sizeof behind - 1}, &given));
    cr_expect_not(shown((struct bytes){(const uint8_t *)within, sizeof within - 1}, &given));
}
