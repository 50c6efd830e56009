// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Bytes of the character that begins here, of the `left` that there are; 0 when it is malformed.
size_t json_utf8_length(const uint8_t *at, size_t left);
