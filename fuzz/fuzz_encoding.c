// Hex and base64, both ways: one text a value, and nothing else is taken.
#include <string.h>
#include <strings.h>

#include "crypto/crypto.h"
#include "support/fuzz.h"

static bool same(struct bytes a, struct bytes b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

static void check_writing(struct arena *arena, struct bytes value)
{
    struct bytes back;
    const char *hex = crypto_hex(arena, value), *base64 = crypto_base64(arena, value);
    assert(hex && strlen(hex) == 2 * value.length && base64);
    assert(strlen(base64) == (value.length + 2) / 3 * 4);
    assert(crypto_hex_decode(arena, hex, &back) && same(back, value));
    assert(crypto_base64_decode(arena, base64, strlen(base64), &back) && same(back, value));
}

static void check_reading(struct arena *arena, const char *text)
{
    struct bytes value;
    size_t length = strlen(text);
    if (crypto_hex_decode(arena, text, &value)) {
        assert(value.length * 2 == length);
        assert(strcasecmp(crypto_hex(arena, value), text) == 0);
    } else {
        assert(length % 2 || text[strspn(text, "0123456789abcdefABCDEF")]);
    }
    if (crypto_base64_decode(arena, text, length, &value))
        assert(strcmp(crypto_base64(arena, value), text) == 0);
    // Cut short, or with a blank, a text is another.
    assert(length < 2 || !crypto_base64_decode(arena, text, length - length % 4 - 1, &value) ||
           (length - length % 4 - 1) % 4 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    check_writing(arena, fuzz_rest(&input));
    input = (struct fuzz_input){data, size};
    check_reading(arena, fuzz_text(&input, arena));
    return 0;
}
