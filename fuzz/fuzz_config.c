// What an operator writes: variables, keys, listening addresses, address ranges, failpoints. The
// first line says which.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address_range.h"
#include "base/config.h"
#include "base/failpoint.h"
#include "crypto/crypto.h"
#include "http/ops.h"
#include "support/fuzz.h"

struct settings {
    const char *text, *secret, *required;
    int64_t bounded, any;
    bool flag;
};

#define ENTRY(name, kind, field, fallback, min, max)                                               \
    {                                                                                              \
        name, kind, offsetof(struct settings, field), fallback, "", min, max                       \
    }
static const struct config_entry entries[] = {
    ENTRY("FUZZ_TEXT", CONFIG_STRING, text, "fallback", 0, 0),
    ENTRY("FUZZ_SECRET", CONFIG_SECRET, secret, "", 0, 0),
    ENTRY("FUZZ_REQUIRED", CONFIG_STRING, required, NULL, 0, 0),
    ENTRY("FUZZ_BOUNDED", CONFIG_INT, bounded, "5", -3, 70000),
    ENTRY("FUZZ_ANY", CONFIG_INT, any, "-1", 0, 0),
    ENTRY("FUZZ_FLAG", CONFIG_BOOL, flag, "false", 0, 0),
};
#define ENTRIES (sizeof entries / sizeof *entries)

// Faults are told to people on stderr; here nobody reads them.
static enum status load_quietly(struct settings *settings)
{
    static FILE *nowhere;
    FILE *kept = stderr;
    if (!nowhere)
        nowhere = fopen("/dev/null", "we");
    stderr = nowhere;
    enum status status = config_load(entries, ENTRIES, settings);
    stderr = kept;
    return status;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

// A line a variable, in the table's order.
static void check_environment(struct fuzz_input *input, struct arena *arena)
{
    const char *values[ENTRIES];
    struct settings settings = {0};
    for (size_t i = 0; i < ENTRIES; i++) {
        values[i] = fuzz_line(input, arena);
        setenv(entries[i].name, values[i], 1);
    }
    if (load_quietly(&settings) != STATUS_OK)
        return;
    assert(values[2][0] && strcmp(settings.required, values[2]) == 0);
    assert(strcmp(settings.text, values[0][0] ? values[0] : "fallback") == 0);
    assert(strcmp(settings.secret, values[1]) == 0);
    assert(settings.bounded >= -3 && settings.bounded <= 70000);
    assert(!values[4][0] || settings.any == strtoll(values[4], NULL, 10));
    assert(values[4][strspn(values[4], "-0123456789")] == '\0');
    assert(!values[5][0] || is_one_of(values[5], "true", "1", "yes") == settings.flag);
    assert(!values[5][0] || settings.flag || is_one_of(values[5], "false", "0", "no"));
}

// What it took, written out, is what was given, but for leading zeros and the letters' case.
static void check_keyring(const char *text, struct arena *arena)
{
    struct keyring ring;
    if (!keyring_parse(text, &ring))
        return;
    assert(ring.n >= 1 && ring.n <= KEYRING_MAX);
    const char *at = text;
    for (size_t i = 0; i < ring.n; i++) {
        for (size_t j = 0; j < i; j++)
            assert(ring.keys[i].id != ring.keys[j].id);
        const char *hex = crypto_hex(arena, BYTES_OF_ARRAY(ring.keys[i].key));
        assert(strtoul(at, NULL, 10) == ring.keys[i].id && ring.keys[i].id > 0);
        at = strchr(at, ':') + 1;
        assert(!hex || strncasecmp(at, hex, 64) == 0);
        assert(at[64] == (i + 1 < ring.n ? ',' : '\0'));
        at += 65;
    }
}

static void check_address(const char *text)
{
    char host[32];
    uint16_t port = 0;
    if (!ops_split_address(text, host, sizeof host, &port))
        return;
    size_t length = strlen(host);
    assert(length < sizeof host && strncmp(text, host, length) == 0 && text[length] == ':');
    const char *digits = text + length + 1;
    assert(*digits && digits[strspn(digits, "0123456789")] == '\0');
    assert(strtoul(digits, NULL, 10) == port);
}

static void check_range(const char *text)
{
    struct address_range range, whole;
    char shown[INET6_ADDRSTRLEN + 8];
    if (!address_range_parse(text, strlen(text), &range))
        return;
    int most = range.family == AF_INET ? 32 : 128;
    assert((range.family == AF_INET || range.family == AF_INET6) && range.bits >= 0 &&
           range.bits <= most);
    assert(inet_ntop(range.family, range.prefix, shown, sizeof shown));
    assert(address_range_parse(shown, strlen(shown), &whole) && whole.bits == most);
    // It holds its own first address, and itself, and no other family's.
    assert(address_range_holds(&range, &whole) && address_range_holds(&range, &range));
    if (range.bits < most)
        assert(!address_range_holds(&whole, &range));
    for (int i = range.bits; i < most; i++)
        assert(!(range.prefix[i / 8] & 0x80 >> i % 8));
}

static void check_failpoints(const char *text)
{
    if (!failpoint_spec_valid(text))
        return;
    for (const char *at = text; *at; at += *at == ',') {
        size_t length = strcspn(at, ",");
        const char *equals = memchr(at, '=', length);
        assert(equals && equals > at && equals - at <= 63);
        assert(strncmp(equals + 1, "crash", 5) == 0 || strncmp(equals + 1, "fail", 4) == 0);
        at += length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    switch (fuzz_line(&input, arena)[0]) {
    case 'k':
        check_keyring(fuzz_text(&input, arena), arena);
        break;
    case 'a':
        check_address(fuzz_text(&input, arena));
        break;
    case 'r':
        check_range(fuzz_text(&input, arena));
        break;
    case 'f':
        check_failpoints(fuzz_text(&input, arena));
        break;
    default:
        check_environment(&input, arena);
    }
    return 0;
}
