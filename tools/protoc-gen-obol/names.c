#include "names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".proto"

static size_t stem_length(const char *proto)
{
    size_t length = strlen(proto), suffix = strlen(SUFFIX);

    if (length > suffix && memcmp(proto + length - suffix, SUFFIX, suffix) == 0)
        return length - suffix;
    return length;
}

void name_file(FILE *out, const char *proto)
{
    size_t length = stem_length(proto);

    for (size_t i = 0; i < length; i++)
        fputc(isalnum((unsigned char)proto[i]) ? proto[i] : '_', out);
}

void name_stem(FILE *out, const char *proto)
{
    fwrite(proto, 1, stem_length(proto), out);
}

// protoc-c's CamelToLower, piece by piece: an underscore before an upper-case letter, unless the
// letter before it is upper-case too or the piece begins with it.
void name_descriptor(FILE *out, const char *type)
{
    bool was_upper = true;

    for (const char *at = *type == '.' ? type + 1 : type; *at; at++) {
        bool upper = isupper((unsigned char)*at) != 0;
        if (*at == '.') {
            fputs("__", out);
            was_upper = true;
            continue;
        }
        if (upper && !was_upper)
            fputc('_', out);
        fputc(tolower((unsigned char)*at), out);
        was_upper = upper;
    }
    fputs("__descriptor", out);
}

void name_literal(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\%03o", (unsigned)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

char *name_join(const char *package, const char *name)
{
    char *joined = NULL;

    if (!package || !*package)
        return strdup(name);
    if (asprintf(&joined, "%s.%s", package, name) < 0)
        return NULL;
    return joined;
}
