#include "base/bytes.h"

#include <string.h>

struct bytes bytes_of_string(const char *string)
{
    if (!string)
        return (struct bytes){NULL, 0};
    return (struct bytes){(const uint8_t *)string, strlen(string)};
}
