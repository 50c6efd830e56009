// gRPC server reflection (grpc/doc/server-reflection.md), v1 and v1alpha: two names for the same
// bytes. Answers from the descriptors that the protoc plugin embeds; extensions are not looked up.
#include <string.h>

#include "grpc/health/v1/health.obol.h"
#include "grpc/reflection/v1/reflection.obol.h"
#include "grpc/reflection/v1alpha/reflection.obol.h"
#include "obol/rpc/v1/bundle.obol.h"
#include "rpc/internal.h"

#define FILES_MAX 256

struct files {
    const struct proto_file *at[FILES_MAX];
    size_t n;
};

// A file and all that it imports, each once; imports follow their file.
static void files_add(struct files *files, const struct proto_file *file)
{
    for (size_t i = 0; i < files->n; i++)
        if (files->at[i] == file)
            return;
    if (files->n == FILES_MAX)
        return;
    files->at[files->n++] = file;
    for (size_t i = 0; i < file->imports_n; i++)
        files_add(files, file->imports[i]);
}

static struct files *files_served(const struct rpc_server *server, struct arena *arena)
{
    struct files *files = ARENA_NEW(arena, struct files);
    if (!files)
        return NULL;
    for (size_t i = 0; i < server->config.files_n; i++)
        files_add(files, server->config.files[i]);
    files_add(files, &grpc_health_v1_health_file);
    files_add(files, &grpc_reflection_v1_reflection_file);
    files_add(files, &grpc_reflection_v1alpha_reflection_file);
    files_add(files, &obol_rpc_v1_bundle_file);
    return files;
}

static const struct proto_file *file_by_name(const struct files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++)
        if (strcmp(files->at[i]->name, name) == 0)
            return files->at[i];
    return NULL;
}

static const struct proto_file *file_by_symbol(const struct files *files, const char *symbol)
{
    for (size_t i = 0; i < files->n; i++)
        for (size_t j = 0; j < files->at[i]->symbols_n; j++)
            if (strcmp(files->at[i]->symbols[j], symbol) == 0)
                return files->at[i];
    return NULL;
}

static bool answer_error(Grpc__Reflection__V1__ServerReflectionResponse *response,
                         struct arena *arena, enum status status, const char *message)
{
    Grpc__Reflection__V1__ErrorResponse *error = MESSAGE_NEW(
        arena, grpc__reflection__v1__error_response, Grpc__Reflection__V1__ErrorResponse);
    if (!error)
        return false;
    error->error_code = (int32_t)status;
    error->error_message = (char *)(uintptr_t)message;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = error;
    return true;
}

static bool answer_file(Grpc__Reflection__V1__ServerReflectionResponse *response,
                        struct arena *arena, const struct proto_file *file)
{
    if (!file)
        return answer_error(response, arena, STATUS_NOT_FOUND, "No such file or symbol here.");
    struct files *needed = ARENA_NEW(arena, struct files);
    Grpc__Reflection__V1__FileDescriptorResponse *files =
        MESSAGE_NEW(arena, grpc__reflection__v1__file_descriptor_response,
                    Grpc__Reflection__V1__FileDescriptorResponse);
    if (!needed || !files)
        return false;
    files_add(needed, file);
    files->file_descriptor_proto = ARENA_ARRAY(arena, needed->n, ProtobufCBinaryData);
    if (!files->file_descriptor_proto)
        return false;
    files->n_file_descriptor_proto = needed->n;
    for (size_t i = 0; i < needed->n; i++) {
        struct bytes descriptor = needed->at[i]->descriptor;
        files->file_descriptor_proto[i] =
            (ProtobufCBinaryData){descriptor.length, (uint8_t *)(uintptr_t)descriptor.at};
    }
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response->file_descriptor_response = files;
    return true;
}

static bool service_listed(const Grpc__Reflection__V1__ListServiceResponse *list, const char *name)
{
    for (size_t i = 0; i < list->n_service; i++)
        if (strcmp(list->service[i]->name, name) == 0)
            return true;
    return false;
}

static bool list_add(Grpc__Reflection__V1__ListServiceResponse *list, struct arena *arena,
                     const struct proto_file *file)
{
    for (size_t i = 0; i < file->methods_n; i++) {
        if (service_listed(list, file->methods[i].service))
            continue;
        Grpc__Reflection__V1__ServiceResponse *service = MESSAGE_NEW(
            arena, grpc__reflection__v1__service_response, Grpc__Reflection__V1__ServiceResponse);
        if (!service)
            return false;
        service->name = (char *)(uintptr_t)file->methods[i].service;
        list->service[list->n_service++] = service;
    }
    return true;
}

static bool answer_list(Grpc__Reflection__V1__ServerReflectionResponse *response,
                        struct arena *arena, const struct files *files)
{
    size_t methods = 0;
    for (size_t i = 0; i < files->n; i++)
        methods += files->at[i]->methods_n;
    Grpc__Reflection__V1__ListServiceResponse *list =
        MESSAGE_NEW(arena, grpc__reflection__v1__list_service_response,
                    Grpc__Reflection__V1__ListServiceResponse);
    if (!list)
        return false;
    list->service = ARENA_ARRAY(arena, methods, Grpc__Reflection__V1__ServiceResponse *);
    if (!list->service)
        return false;
    for (size_t i = 0; i < files->n; i++)
        if (!list_add(list, arena, files->at[i]))
            return false;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = list;
    return true;
}

static bool answer_any(const struct files *files, struct arena *arena,
                       const Grpc__Reflection__V1__ServerReflectionRequest *request,
                       Grpc__Reflection__V1__ServerReflectionResponse *response)
{
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        return answer_list(response, arena, files);
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        return answer_file(response, arena, file_by_name(files, request->file_by_filename));
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        return answer_file(response, arena, file_by_symbol(files, request->file_containing_symbol));
    default:
        return answer_error(response, arena, STATUS_UNIMPLEMENTED, "Not looked up here.");
    }
}

ProtobufCMessage *reflection_answer(const struct rpc_server *server, struct arena *arena,
                                    struct bytes packed)
{
    Grpc__Reflection__V1__ServerReflectionRequest *request =
        (Grpc__Reflection__V1__ServerReflectionRequest *)message_unpack(
            arena, &grpc__reflection__v1__server_reflection_request__descriptor, packed);
    const struct files *files = request ? files_served(server, arena) : NULL;
    Grpc__Reflection__V1__ServerReflectionResponse *response =
        MESSAGE_NEW(arena, grpc__reflection__v1__server_reflection_response,
                    Grpc__Reflection__V1__ServerReflectionResponse);
    if (!files || !response)
        return NULL;
    response->valid_host = request->host;
    response->original_request = request;
    return answer_any(files, arena, request, response) ? &response->base : NULL;
}
