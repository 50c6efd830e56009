// Secrets at rest: nothing opens but what was sealed, whole, under its own context.
#include <string.h>

#include "crypto/crypto.h"
#include "support/fuzz.h"

static struct keyring ring_of(const char *text)
{
    struct keyring ring;
    assert(keyring_parse(text, &ring));
    return ring;
}

#define NEW "2:202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
#define OLD "1:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    struct keyring both = ring_of(NEW "," OLD), old = ring_of(OLD);
    struct bytes opened;
    // As it is: what nobody sealed.
    assert(keyring_open(&both, arena, (struct bytes){data, size}, "", &opened) == STATUS_DATA_LOSS);
    const char *context = fuzz_line(&input, arena);
    struct bytes secret = fuzz_rest(&input);
    struct bytes sealed = keyring_seal(&old, arena, secret, context);
    assert(sealed.at && sealed.length == secret.length + 30);
    assert(keyring_open(&both, arena, sealed, context, &opened) == STATUS_OK);
    assert(opened.length == secret.length && memcmp(opened.at, secret.at, secret.length) == 0);
    const char *other = arena_printf(arena, "%s.", context);
    assert(other && keyring_open(&both, arena, sealed, other, &opened) == STATUS_DATA_LOSS);
    // With any byte another, or one too few, it is not what was sealed.
    size_t place = secret.length ? secret.at[0] % sealed.length : 0;
    ((uint8_t *)(uintptr_t)sealed.at)[place] ^= 1;
    assert(keyring_open(&both, arena, sealed, context, &opened) == STATUS_DATA_LOSS);
    ((uint8_t *)(uintptr_t)sealed.at)[place] ^= 1;
    sealed.length--;
    assert(keyring_open(&both, arena, sealed, context, &opened) == STATUS_DATA_LOSS);
    sealed = keyring_seal(&both, arena, secret, context);
    assert(keyring_open(&old, arena, sealed, context, &opened) == STATUS_DATA_LOSS);
    return 0;
}
