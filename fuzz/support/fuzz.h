// What the targets share. An input is text where it can be: a first line that chooses, further
// lines, the rest; so seeds can be read, and written by hand. Whatever a target claims is an
// assert, which stays on in this build. One thread.
#pragma once
#undef NDEBUG
#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "rpc/method.h"
#include "rpc/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

// Emptied by fuzz_begin; never freed.
struct arena *fuzz_begin(const uint8_t *data, size_t size, struct fuzz_input *ret);
// Up to the next newline, which is taken too; cut at a NUL. "" at the end.
char *fuzz_line(struct fuzz_input *input, struct arena *arena);
// All that is left, as text (cut at a NUL) or as it is.
char *fuzz_text(struct fuzz_input *input, struct arena *arena);
struct bytes fuzz_rest(struct fuzz_input *input);
// The digit that a line begins with, or another number below n made of it.
unsigned fuzz_choice(struct fuzz_input *input, struct arena *arena, unsigned n);

// The method that the first line names; any other line stands for one all the same.
const struct method *fuzz_method(struct fuzz_input *input, struct arena *arena);
// Likewise, of the methods that these handlers serve.
const struct method *fuzz_method_of(const struct rpc_handler *handlers, size_t n,
                                    const struct rpc_handler **ret, const char *name);
// By descriptor: JSON when it begins with '{', else packed. NULL: it is none.
ProtobufCMessage *fuzz_message(struct arena *arena, const ProtobufCMessageDescriptor *type,
                               struct bytes text);

// A refusal that a caller can be shown: a status, a code, text that is UTF-8 and bounded.
void fuzz_check_refusal(enum status status, const struct problem *problem);
void fuzz_check_text(const char *text, size_t bytes_max); // UTF-8; NULL is fine
// An answer: packs, and writes as JSON that can be read.
void fuzz_check_message(struct arena *arena, const ProtobufCMessage *message);
