// protoc-gen-obol: protoc hands a CodeGeneratorRequest to its standard input and takes a
// CodeGeneratorResponse from its output (google/protobuf/compiler/plugin.proto). Without a
// parameter it makes the method tables of lib/rpc/method.h; with `openapi` or `openapi=<title>`,
// the OpenAPI document.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emit.h"

typedef Google__Protobuf__Compiler__CodeGeneratorRequest Request;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse Response;

#define OPENAPI "openapi"

static uint8_t *input_read(size_t *ret_length)
{
    uint8_t *bytes = NULL;
    size_t length = 0, capacity = 0, got = 0;

    do {
        length += got;
        if (length == capacity) {
            uint8_t *larger = realloc(bytes, capacity ? capacity * 2 : 65536);
            if (!larger) {
                free(bytes);
                return NULL;
            }
            bytes = larger;
            capacity = capacity ? capacity * 2 : 65536;
        }
        got = fread(bytes + length, 1, capacity - length, stdin);
    } while (got > 0);
    *ret_length = length;
    return bytes;
}

static void request_answer(struct emit *emit)
{
    const char *parameter = emit->request->parameter ? emit->request->parameter : "";
    size_t length = strlen(OPENAPI);

    if (strncmp(parameter, OPENAPI, length) == 0 &&
        (parameter[length] == '=' || !parameter[length])) {
        emit_openapi(emit, parameter[length] ? parameter + length + 1 : "API");
        return;
    }
    if (*parameter) {
        emit_fail(emit, "unknown parameter: %s", parameter);
        return;
    }
    for (size_t i = 0; i < emit->request->n_file_to_generate; i++) {
        Google__Protobuf__FileDescriptorProto *file =
            emit_find(emit, emit->request->file_to_generate[i]);
        if (!file)
            emit_fail(emit, "%s: not in the request", emit->request->file_to_generate[i]);
        else if (!emit_tables(emit, file))
            return;
    }
}

static bool answer_write(const struct emit *emit)
{
    Response response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
    uint8_t *bytes = NULL;
    size_t length = 0;
    bool written = false;

    response.error = emit->error;
    response.has_supported_features = true;
    response.supported_features =
        GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
    if (!emit->error) {
        response.file = emit->files;
        response.n_file = emit->files_n;
    }
    bytes = malloc(google__protobuf__compiler__code_generator_response__get_packed_size(&response));
    if (!bytes)
        return false;
    length = google__protobuf__compiler__code_generator_response__pack(&response, bytes);
    written = fwrite(bytes, 1, length, stdout) == length && fflush(stdout) == 0;
    free(bytes);
    return written;
}

int main(void)
{
    size_t length = 0;
    uint8_t *bytes = input_read(&length);
    Request *request = NULL;
    struct emit emit;
    bool answered = false;

    if (bytes)
        request = google__protobuf__compiler__code_generator_request__unpack(NULL, length, bytes);
    free(bytes);
    if (!request) {
        fputs("protoc-gen-obol: the input is no CodeGeneratorRequest\n", stderr);
        return 1;
    }
    emit_init(&emit, request);
    request_answer(&emit);
    answered = answer_write(&emit);
    emit_deinit(&emit);
    google__protobuf__compiler__code_generator_request__free_unpacked(request, NULL);
    return answered ? 0 : 1;
}
