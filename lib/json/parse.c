#include "json/parse.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Short of memory, jansson calls a well-formed text malformed, or drops a character of a string and
// goes on (strbuffer_append_byte in its lexer): its word doesn't count then.
static _Thread_local bool starved;

static void *get(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        starved = true;
    return memory;
}

// Card numbers pass through here: jansson's memory is wiped as it is given back.
static void wipe_free(void *memory)
{
    if (memory)
        explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

static void jansson_prepare(void)
{
    json_set_alloc_funcs(get, wipe_free);
}

// Before parsing, so that a deep text costs no stack. Malformed text is jansson's to refuse.
static bool depth_fits(struct bytes text)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.at[i];
        if (quoted) {
            if (byte == '\\')
                i++;
            else if (byte == '"')
                quoted = false;
        } else if (byte == '"') {
            quoted = true;
        } else if (byte == '{' || byte == '[') {
            if (++depth > JSON_DEPTH_MAX)
                return false;
        } else if ((byte == '}' || byte == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

// jansson's own words quote the input, so only its position is passed on.
static enum status error_explain(const json_error_t *error, struct problem *problem)
{
    const char *what = "Malformed JSON";

    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        what = "A member stands twice in a JSON object";
        break;
    case json_error_null_character:
    case json_error_null_byte_in_key:
        what = "U+0000 in JSON";
        break;
    case json_error_numeric_overflow:
        what = "A number out of range in JSON";
        break;
    case json_error_premature_end_of_input:
        what = "Malformed JSON: it ends early";
        break;
    case json_error_end_of_input_expected:
        what = "Malformed JSON: something follows its end";
        break;
    default:
        break;
    }
    return problem_set(problem, STATUS_INVALID_ARGUMENT, "invalid_request", NULL,
                       "%s, at line %d, column %d.", what, error->line, error->column);
}

enum status json_load_strict(struct bytes text, json_t **ret, struct problem *problem)
{
    static pthread_once_t prepared = PTHREAD_ONCE_INIT;
    json_error_t error;
    json_t *root = NULL;

    pthread_once(&prepared, jansson_prepare);
    if (!json_utf8_valid(text))
        return problem_invalid(problem, NULL, "The JSON is not UTF-8, or has a NUL byte in it.");
    if (!depth_fits(text))
        return problem_set(problem, STATUS_INVALID_ARGUMENT, "invalid_request", NULL,
                           "The JSON is nested deeper than %d levels.", JSON_DEPTH_MAX);
    starved = false;
    root = json_loadb(text.at ? (const char *)text.at : "", text.length,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (starved) {
        json_decref(root);
        return problem_unavailable(problem);
    }
    if (!root)
        return error_explain(&error, problem);
    *ret = root;
    return STATUS_OK;
}
