// A borrowed run of bytes. Copying the struct copies the view, never the bytes.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *at;
    size_t length;
};

#define BYTES_OF_ARRAY(array) ((struct bytes){(const uint8_t *)(array), sizeof(array)})
// A C string without its NUL; NULL gives the empty view.
struct bytes bytes_of_string(const char *string);
