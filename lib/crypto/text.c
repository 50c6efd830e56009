#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "crypto/internal.h"

char *crypto_hex(struct arena *arena, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.length > SIZE_MAX / 2 - 1)
        return NULL;
    char *text = arena_alloc(arena, bytes.length * 2 + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < bytes.length; i++) {
        text[2 * i] = digits[bytes.at[i] >> 4];
        text[2 * i + 1] = digits[bytes.at[i] & 15];
    }
    return text;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool crypto_hex_read(const char *text, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++, text += 2) {
        int high = hex_value(text[0]);
        int low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

bool crypto_hex_decode(struct arena *arena, const char *text, struct bytes *ret)
{
    size_t length = strlen(text);
    if (length % 2)
        return false;
    uint8_t *at = arena_alloc(arena, length / 2);
    if (!at || !crypto_hex_read(text, at, length / 2))
        return false;
    *ret = (struct bytes){at, length / 2};
    return true;
}

char *crypto_base64(struct arena *arena, struct bytes bytes)
{
    if (bytes.length > INT_MAX / 2)
        return NULL;
    char *text = arena_alloc(arena, (bytes.length + 2) / 3 * 4 + 1);
    if (text && bytes.length)
        EVP_EncodeBlock((unsigned char *)text, bytes.at, (int)bytes.length);
    return text;
}

bool crypto_base64_decode(struct arena *arena, const char *text, size_t length, struct bytes *ret)
{
    if (length % 4 || length > INT_MAX / 2)
        return false;
    uint8_t *at = arena_alloc(arena, length / 4 * 3 + 1);
    if (!at)
        return false;
    struct bytes decoded = {at, 0};
    if (length) {
        int got = EVP_DecodeBlock(at, (const unsigned char *)text, (int)length);
        if (got < 0 || (size_t)got != length / 4 * 3)
            return false;
        decoded.length = (size_t)got;
        decoded.length -= (size_t)(text[length - 1] == '=');
        decoded.length -= (size_t)(text[length - 2] == '=');
    }
    // EVP_DecodeBlock forgives blanks, stray bits and misplaced padding; writing it again does not.
    const char *again = crypto_base64(arena, decoded);
    if (!again || strlen(again) != length || memcmp(again, text, length) != 0)
        return false;
    *ret = decoded;
    return true;
}
