// JSON to a request and back: the message of any method of any contract.
#include <jansson.h>
#include <string.h>

#include "support/fuzz.h"
#include "json/json.h"

#undef json_object // json.h's name for ours
#define CAP_MARGIN ((size_t)64)

// Whatever was taken was known: an independent look at the outermost members.
static void check_members(const ProtobufCMessageDescriptor *type, struct bytes text)
{
    const char *name;
    json_t *root = json_loadb((const char *)text.at, text.length, JSON_REJECT_DUPLICATES, NULL),
           *value;
    assert(json_is_object(root));
    json_object_foreach(root, name, value)
        assert(protobuf_c_message_descriptor_get_field_by_name(type, name));
    json_decref(root);
}

static void check_unknown(struct arena *arena, const ProtobufCMessageDescriptor *type,
                          const char *json)
{
    ProtobufCMessage *message = NULL;
    struct problem problem = {0};
    const char *more = strcmp(json, "{}") == 0 ? "{\"no_such\":1}"
                                               : arena_printf(arena, "{\"no_such\":1,%s", json + 1);
    if (!more)
        return;
    enum status status = json_read(arena, type, bytes_of_string(more), &message, &problem);
    assert(status == STATUS_INVALID_ARGUMENT || status == STATUS_RESOURCE_EXHAUSTED);
    assert(status != STATUS_INVALID_ARGUMENT || strcmp(problem.param, "no_such") == 0);
}

static void check_round(struct arena *arena, const ProtobufCMessageDescriptor *type,
                        const ProtobufCMessage *message)
{
    ProtobufCMessage *again = NULL;
    struct problem problem = {0};
    const char *json = json_write(arena, message);
    if (!json)
        return;
    enum status status = json_read(arena, type, bytes_of_string(json), &again, &problem);
    assert(status == STATUS_OK || status == STATUS_RESOURCE_EXHAUSTED);
    const char *twice = status == STATUS_OK ? json_write(arena, again) : NULL;
    assert(!twice || strcmp(json, twice) == 0);
    check_unknown(arena, type, json);
}

// With too little room it is refused, and takes no more than there is.
static void check_cap(const ProtobufCMessageDescriptor *type, struct bytes text, size_t used)
{
    size_t cap = used / 2 + CAP_MARGIN;
    CLEANUP(arena_free) struct arena *small = arena_new(cap);
    ProtobufCMessage *message = NULL;
    struct problem problem = {0};
    enum status status = json_read(small, type, text, &message, &problem);
    assert(arena_used(small) <= cap);
    if (used > cap)
        fuzz_check_refusal(status, &problem);
    assert(used <= cap || status == STATUS_RESOURCE_EXHAUSTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    const ProtobufCMessageDescriptor *type = fuzz_method(&input, arena)->input;
    struct bytes text = fuzz_rest(&input);
    ProtobufCMessage *message = NULL;
    struct problem problem = {0};
    size_t before = arena_used(arena);
    enum status status = json_read(arena, type, text, &message, &problem);
    if (status != STATUS_OK) {
        fuzz_check_refusal(status, &problem);
        assert(status == STATUS_INVALID_ARGUMENT || status == STATUS_RESOURCE_EXHAUSTED);
        return 0;
    }
    check_cap(type, text, arena_used(arena) - before);
    check_members(type, text);
    check_round(arena, type, message);
    return 0;
}
