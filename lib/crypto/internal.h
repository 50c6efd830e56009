// What the files of this room share; nobody else's business.
#pragma once
#include "crypto/crypto.h"

// Ends the process: a primitive failed, and going on without it would be worse.
_Noreturn void crypto_die(const char *primitive);
// Reads 2 * n hex digits into out. False at the first character that is none.
bool crypto_hex_read(const char *text, uint8_t *out, size_t n);
