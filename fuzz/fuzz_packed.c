// Packed protobuf to a request: what a foreign gRPC client may send, to any method.
#include <string.h>

#include "rpc/call.h"
#include "rpc/internal.h"
#include "support/fuzz.h"
#include "json/json.h"

#define SMALL_BYTES 512

static bool same(struct bytes a, struct bytes b)
{
    return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

// Packed again it is one text, whatever the order and repetition that it came in.
static void check_packing(struct arena *arena, const ProtobufCMessage *message)
{
    struct bytes once = message_pack(arena, message);
    ProtobufCMessage *again = once.at ? message_unpack(arena, message->descriptor, once) : NULL;
    struct bytes twice = again ? message_pack(arena, again) : (struct bytes){0};
    assert(!twice.at || same(once, twice));
}

// As JSON it can be read, or is refused for what JSON can't hold; read, it writes the same.
static void check_json(struct arena *arena, const ProtobufCMessage *message)
{
    ProtobufCMessage *again = NULL;
    struct problem problem = {0};
    const char *json = json_write(arena, message);
    if (!json)
        return;
    assert(json_utf8_valid(bytes_of_string(json)));
    enum status status =
        json_read(arena, message->descriptor, bytes_of_string(json), &again, &problem);
    if (status != STATUS_OK) {
        fuzz_check_refusal(status, &problem);
        return;
    }
    const char *twice = json_write(arena, again);
    assert(!twice || strcmp(json, twice) == 0);
}

static void check_cap(const ProtobufCMessageDescriptor *type, struct bytes packed)
{
    CLEANUP(arena_free) struct arena *small = arena_new(SMALL_BYTES);
    const ProtobufCMessage *message = message_unpack(small, type, packed);
    assert(arena_used(small) <= SMALL_BYTES);
    if (message)
        (void)message_bad_text(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input;
    struct arena *arena = fuzz_begin(data, size, &input);
    const ProtobufCMessageDescriptor *type = fuzz_method(&input, arena)->input;
    struct bytes packed = fuzz_rest(&input);
    const ProtobufCMessage *message = message_unpack(arena, type, packed);
    check_cap(type, packed);
    if (!message)
        return 0;
    check_packing(arena, message);
    const char *bad = message_bad_text(message);
    if (bad)
        assert(*bad);
    else
        check_json(arena, message);
    return 0;
}
