#include "emit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File ResponseFile;

void emit_init(struct emit *emit, const Google__Protobuf__Compiler__CodeGeneratorRequest *request)
{
    *emit = (struct emit){.request = request};
}

void emit_deinit(struct emit *emit)
{
    for (size_t i = 0; i < emit->files_n; i++) {
        free(emit->files[i]->name);
        free(emit->files[i]->content);
        free(emit->files[i]);
    }
    free(emit->files);
    free(emit->error);
    *emit = (struct emit){0};
}

bool emit_file(struct emit *emit, char *name, char *content)
{
    ResponseFile *file = calloc(1, sizeof(*file));
    ResponseFile **files = realloc(emit->files, (emit->files_n + 1) * sizeof(*files));

    if (files)
        emit->files = files;
    if (!file || !files || !name || !content) {
        free(file);
        free(name);
        free(content);
        return emit_fail(emit, "out of memory");
    }
    google__protobuf__compiler__code_generator_response__file__init(file);
    file->name = name;
    file->content = content;
    emit->files[emit->files_n++] = file;
    return true;
}

bool emit_fail(struct emit *emit, const char *format, ...)
{
    va_list arguments;

    if (emit->error)
        return false;
    va_start(arguments, format);
    if (vasprintf(&emit->error, format, arguments) < 0)
        emit->error = strdup("out of memory");
    va_end(arguments);
    return false;
}

Google__Protobuf__FileDescriptorProto *emit_find(const struct emit *emit, const char *name)
{
    for (size_t i = 0; i < emit->request->n_proto_file; i++) {
        if (strcmp(emit->request->proto_file[i]->name, name) == 0)
            return emit->request->proto_file[i];
    }
    return NULL;
}
