// What the plugin makes: files for protoc to write, or one error.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "google/protobuf/compiler/plugin.pb-c.h"

struct emit {
    const Google__Protobuf__Compiler__CodeGeneratorRequest *request;
    Google__Protobuf__Compiler__CodeGeneratorResponse__File **files;
    size_t files_n;
    char *error; // the first one; NULL when all went well
};

void emit_init(struct emit *emit, const Google__Protobuf__Compiler__CodeGeneratorRequest *request);
void emit_deinit(struct emit *emit);

// Both strings are the emit's from here on, and freed on failure too.
bool emit_file(struct emit *emit, char *name, char *content);
// Always false, so that a caller can return it.
__attribute__((format(printf, 2, 3))) bool emit_fail(struct emit *emit, const char *format, ...);

// NULL when the request does not hold it (protoc always sends the imports).
Google__Protobuf__FileDescriptorProto *emit_find(const struct emit *emit, const char *name);

// tables.c: <stem>.obol.h and <stem>.obol.c.
bool emit_tables(struct emit *emit, Google__Protobuf__FileDescriptorProto *file);
// openapi.c: openapi.json of all the files to generate.
bool emit_openapi(struct emit *emit, const char *title);
