// What may be posted to us as a provider's callback: whether it is proved, and what it is about.
#include <string.h>

#include "base/id.h"
#include "crypto/crypto.h"
#include "providers/common.h"
#include "support/providers.h"
#include "json/members.h"

#define HEADERS_MAX 8

static void read_headers(struct fuzz_input *input, struct arena *arena,
                         struct provider_header *headers, struct provider_callback *ret)
{
    const char *line;
    *ret = (struct provider_callback){.address = "192.0.2.1", .headers = headers};
    while (ret->headers_n < HEADERS_MAX && *(line = fuzz_line(input, arena))) {
        char *value = strchrnul(line, ':');
        if (*value)
            *value++ = '\0';
        headers[ret->headers_n++] = (struct provider_header){line, value};
    }
    ret->body = fuzz_rest(input);
}

static struct sha256 mac_of(struct bytes message)
{
    return crypto_hmac_sha256(bytes_of_string(FUZZ_SECRET), message);
}

static void check_reference(struct arena *arena, const struct provider *provider,
                            const struct provider_callback *callback)
{
    const char *reference = provider->callback_reference(arena, callback);
    if (reference)
        assert(strlen(reference) <= callback->body.length + strlen("op_"));
    if (reference && strcmp(provider->name, "airtel") == 0)
        assert(id_looks_like("op", reference));
}

// PROVEN only by who knows the secret: the header is the body's own HMAC, whatever its case.
static void check_hmac(const struct provider_use *use, struct provider_callback callback)
{
    enum callback_proof proof = callback_prove_hmac(use, &callback);
    const char *given = callback_header(&callback, "x-signature-256");
    struct sha256 mac = mac_of(callback.body);
    const char *hex = crypto_hex(use->arena, BYTES_OF_ARRAY(mac.at));
    assert(proof == CALLBACK_FORGED || proof == CALLBACK_PROVEN);
    assert(proof == CALLBACK_FORGED || (hex && given && strcasestr(given, hex)));
    struct provider_header right = {"X-Signature-256", hex};
    callback.headers = &right;
    callback.headers_n = 1;
    assert(!hex || callback_prove_hmac(use, &callback) == CALLBACK_PROVEN);
    // The beginning of the right one is a wrong one.
    size_t some = callback.body.length % sizeof mac.at;
    right.value = crypto_hex(use->arena, (struct bytes){mac.at, some});
    assert(!right.value || callback_prove_hmac(use, &callback) == CALLBACK_FORGED);
    mac.at[callback.body.length % sizeof mac.at] ^= 1;
    right.value = crypto_hex(use->arena, BYTES_OF_ARRAY(mac.at));
    assert(!right.value || callback_prove_hmac(use, &callback) == CALLBACK_FORGED);
}

// Airtel's is over a part of the body: whatever object stands there, signed it is proved, and
// signed by another key it is not.
static void check_airtel(const struct provider_use *use, struct provider_callback callback)
{
    struct bytes part = callback.body;
    const struct json_value *parsed;
    if (part.length == 0 || part.at[0] != '{' || part.at[part.length - 1] != '}' ||
        json_parse(use->arena, part, &parsed) != STATUS_OK || !json_is_an_object(parsed))
        return;
    struct sha256 mac = mac_of(part);
    for (int i = 0; i < 2; i++) {
        const char *hash = crypto_base64(use->arena, BYTES_OF_ARRAY(mac.at));
        const char *body =
            hash ? arena_printf(use->arena,
                                "{\"a\":\"\\\"{\",\"transaction\": %.*s,\"hash\":\"%s\"}",
                                (int)part.length, (const char *)part.at, hash)
                 : NULL;
        callback.body = bytes_of_string(body);
        bool taken = body && json_parse(use->arena, callback.body, &parsed) == STATUS_OK;
        enum callback_proof proof = use->provider->callback_proof(use, &callback);
        assert(!taken || proof == (i == 0 ? CALLBACK_PROVEN : CALLBACK_FORGED));
        mac.at[part.length % sizeof mac.at] ^= 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    const struct provider *provider = fuzz_provider(&input, arena);
    struct provider_header headers[HEADERS_MAX];
    struct provider_callback callback;
    read_headers(&input, arena, headers, &callback);
    struct provider_use open = fuzz_use(arena, provider, false);
    struct provider_use secret = fuzz_use(arena, provider, true);
    enum callback_proof proof = provider->callback_proof(&open, &callback);
    assert(proof == CALLBACK_UNPROVEN || proof == CALLBACK_FORGED);
    proof = provider->callback_proof(&secret, &callback);
    assert(proof == CALLBACK_FORGED || proof == CALLBACK_PROVEN ||
           strcmp(provider->name, "paydunya") == 0);
    check_reference(arena, provider, &callback);
    if (provider->callback_proof == callback_prove_hmac)
        check_hmac(&secret, callback);
    if (strcmp(provider->name, "airtel") == 0)
        check_airtel(&secret, callback);
    return 0;
}
