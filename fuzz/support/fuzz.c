#include "support/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "obol/auth/v1/auth.obol.h"
#include "obol/gateway/v1/gateway.obol.h"
#include "obol/journal/v1/journal.obol.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/providers.obol.h"
#include "obol/refunds/v1/refunds.obol.h"
#include "obol/webhooks/v1/webhooks.obol.h"
#include "rpc/internal.h"
#include "json/json.h"

#define ARENA_BYTES ((size_t)8 << 20)

struct arena *fuzz_begin(const uint8_t *data, size_t size, struct fuzz_input *ret)
{
    static struct arena *arena;
    if (!arena)
        arena = arena_new(ARENA_BYTES);
    assert(arena);
    arena_reset(arena);
    *ret = (struct fuzz_input){data, size};
    return arena;
}

char *fuzz_line(struct fuzz_input *input, struct arena *arena)
{
    const uint8_t *end = input->left ? memchr(input->at, '\n', input->left) : NULL;
    size_t length = end ? (size_t)(end - input->at) : input->left;
    char *line = arena_strndup(arena, length ? (const char *)input->at : "", length);
    assert(line);
    size_t taken = length + (end != NULL);
    input->at += taken;
    input->left -= taken;
    return line;
}

char *fuzz_text(struct fuzz_input *input, struct arena *arena)
{
    char *text = arena_strndup(arena, input->left ? (const char *)input->at : "", input->left);
    assert(text);
    input->left = 0;
    return text;
}

struct bytes fuzz_rest(struct fuzz_input *input)
{
    static const uint8_t nothing[1];
    struct bytes rest = {input->left ? input->at : nothing, input->left};
    input->left = 0;
    return rest;
}

unsigned fuzz_choice(struct fuzz_input *input, struct arena *arena, unsigned n)
{
    const char *line = fuzz_line(input, arena);
    return ((unsigned)(unsigned char)line[0] - '0') % 256 % n;
}

static const struct proto_file *const files[] = {
    &obol_auth_v1_auth_file,          &obol_payments_v1_payments_file,
    &obol_payments_v1_providers_file, &obol_refunds_v1_refunds_file,
    &obol_webhooks_v1_webhooks_file,  &obol_journal_v1_journal_file,
    &obol_gateway_v1_gateway_file,
};
#define FILES (sizeof files / sizeof *files)

static const struct method *method_at(size_t place)
{
    for (size_t i = 0; i < FILES; i++) {
        if (place < files[i]->methods_n)
            return &files[i]->methods[place];
        place -= files[i]->methods_n;
    }
    return NULL;
}

// "GetKey", or longer where that is two methods' name: "JournalService/ListEvents".
static bool is_named(const char *path, const char *name)
{
    size_t length = strlen(path), wanted = strlen(name);
    return wanted > 0 && wanted < length && strcmp(path + length - wanted, name) == 0 &&
           strchr("/.", path[length - wanted - 1]);
}

const struct method *fuzz_method(struct fuzz_input *input, struct arena *arena)
{
    const char *line = fuzz_line(input, arena);
    size_t n = 0;
    for (const struct method *method; (method = method_at(n)); n++)
        if (is_named(method->path, line))
            return method;
    return method_at((unsigned char)line[0] % n);
}

const struct method *fuzz_method_of(const struct rpc_handler *handlers, size_t n,
                                    const struct rpc_handler **ret, const char *name)
{
    *ret = &handlers[(unsigned char)name[0] % n];
    for (size_t i = 0; i < n; i++)
        if (is_named(handlers[i].method, name))
            *ret = &handlers[i];
    size_t at = 0;
    for (const struct method *method; (method = method_at(at)); at++)
        if (strcmp(method->path, (*ret)->method) == 0)
            return method;
    return NULL;
}

ProtobufCMessage *fuzz_message(struct arena *arena, const ProtobufCMessageDescriptor *type,
                               struct bytes text)
{
    ProtobufCMessage *message = NULL;
    struct problem problem = {0};
    if (text.length > 0 && text.at[0] == '{')
        return json_read(arena, type, text, &message, &problem) == STATUS_OK ? message : NULL;
    message = message_unpack(arena, type, text);
    return message && !message_bad_text(message) ? message : NULL;
}

void fuzz_check_text(const char *text, size_t bytes_max)
{
    if (!text)
        return;
    size_t length = strnlen(text, bytes_max + 1);
    assert(length <= bytes_max);
    assert(json_utf8_valid((struct bytes){(const uint8_t *)text, length}));
}

void fuzz_check_refusal(enum status status, const struct problem *problem)
{
    assert(status != STATUS_OK);
    assert(problem->status == status);
    assert(problem->code && *problem->code);
    assert(problem->code[strspn(problem->code, "abcdefghijklmnopqrstuvwxyz_3")] == '\0');
    fuzz_check_text(problem->param, PROBLEM_PARAM_MAX - 1);
    fuzz_check_text(problem->detail, PROBLEM_DETAIL_MAX - 1);
}

void fuzz_check_message(struct arena *arena, const ProtobufCMessage *message)
{
    assert(!message_bad_text(message));
    struct bytes packed = message_pack(arena, message);
    char *json = json_write(arena, message);
    if (!packed.at || !json)
        return; // the arena is full
    ProtobufCMessage *again = message_unpack(arena, message->descriptor, packed);
    char *same = again ? json_write(arena, again) : NULL;
    assert(!same || strcmp(json, same) == 0);
    assert(json_utf8_valid(bytes_of_string(json)));
}
