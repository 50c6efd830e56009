// Percent-encoding and forms: what providers post, what we send.
#include <ctype.h>
#include <string.h>

#include "http/form.h"
#include "http/server.h"
#include "support/fuzz.h"

#define FIELDS_MAX 8

static void check_encoding(struct arena *arena, const char *text)
{
    const char *encoded = http_encode(arena, text);
    if (!encoded)
        return;
    for (const char *at = encoded; *at; at++)
        assert(isalnum((unsigned char)*at) || strchr("-._~%", *at));
    const char *decoded = http_decode(arena, encoded, strlen(encoded), false);
    assert(!decoded || strcmp(decoded, text) == 0);
    decoded = http_decode(arena, encoded, strlen(encoded), true);
    assert(!decoded || strcmp(decoded, text) == 0);
}

static void check_decoding(struct arena *arena, const char *text)
{
    size_t length = strlen(text), escapes = 0;
    for (const char *at = text; *at; at++)
        escapes += *at == '%';
    const char *decoded = http_decode(arena, text, length, false);
    if (decoded)
        assert(strlen(decoded) + 2 * escapes == length);
    else
        assert(escapes > 0);
}

// The first field of a name is what is found under it, among all that were written.
static void check_written(struct arena *arena, struct http_field *fields, size_t n)
{
    const char *form = http_form_write(arena, fields, n);
    if (!form)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t first = 0;
        while (strcmp(fields[first].name, fields[i].name) != 0)
            first++;
        const char *found = http_form_get(arena, bytes_of_string(form), fields[i].name);
        assert(!fields[i].name[0] || !found || strcmp(found, fields[first].value) == 0);
        assert(!fields[i].name[0] || found || arena_used(arena) > (size_t)4 << 20);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"data[hash]", "hash", "disburse_id",
                                        "data[custom_data][reference]"};
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    struct http_field fields[FIELDS_MAX];
    struct bytes body = fuzz_rest(&input);
    size_t n = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *found = http_form_get(arena, body, names[i]);
        assert(!found || strlen(found) <= size);
    }
    input = (struct fuzz_input){data, size};
    while (input.left > 0 && n < FIELDS_MAX) {
        fields[n].name = fuzz_line(&input, arena);
        fields[n++].value = fuzz_line(&input, arena);
        check_encoding(arena, fields[n - 1].name);
        check_decoding(arena, fields[n - 1].value);
    }
    check_written(arena, fields, n);
    return 0;
}
