// A problem on the wire: google.rpc.Status with ErrorInfo, BadRequest and RetryInfo
// (google.aip.dev/193), in the trailing metadata grpc-status-details-bin or in a bundle's answer.
//
// Packed without an arena: a full arena is one of the things to be reported.
#include <stdio.h>
#include <string.h>

#include "google/protobuf/duration.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/error_info.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "rpc/internal.h"

#define DOMAIN "obol"
#define TYPE_URL "type.googleapis.com/"
#define CODE_MAX 64

struct packing {
    uint8_t bytes[768];
    Google__Protobuf__Any any;
};

static void any_pack(struct packing *into, const char *type_url, const ProtobufCMessage *message)
{
    google__protobuf__any__init(&into->any);
    into->any.type_url = (char *)(uintptr_t)type_url;
    if (protobuf_c_message_get_packed_size(message) > sizeof into->bytes)
        return;
    into->any.value.data = into->bytes;
    into->any.value.len = protobuf_c_message_pack(message, into->bytes);
}

static void pack_info(struct packing *into, const struct problem *problem)
{
    char code[CODE_MAX + 1];
    snprintf(code, sizeof code, "%s", problem->code ? problem->code : "internal_error");
    char domain[] = DOMAIN;
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    info.reason = code;
    info.domain = domain;
    any_pack(into, TYPE_URL "google.rpc.ErrorInfo", &info.base);
}

static void pack_field(struct packing *into, struct problem *problem)
{
    Google__Rpc__BadRequest__FieldViolation field = GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT;
    field.field = problem->param;
    field.description = problem->detail;
    Google__Rpc__BadRequest__FieldViolation *fields[] = {&field};
    Google__Rpc__BadRequest request = GOOGLE__RPC__BAD_REQUEST__INIT;
    request.n_field_violations = 1;
    request.field_violations = fields;
    any_pack(into, TYPE_URL "google.rpc.BadRequest", &request.base);
}

static void pack_retry(struct packing *into, const struct problem *problem)
{
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    delay.seconds = problem->retry_after_s;
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    retry.retry_delay = &delay;
    any_pack(into, TYPE_URL "google.rpc.RetryInfo", &retry.base);
}

size_t details_pack(const struct problem *problem, uint8_t out[DETAILS_BYTES_MAX])
{
    struct problem copy = *problem; // protobuf-c's fields aren't const
    struct packing packings[3];
    Google__Protobuf__Any *details[3];
    size_t n = 0;
    pack_info(&packings[n++], problem);
    if (copy.param[0])
        pack_field(&packings[n++], &copy);
    if (copy.retry_after_s > 0)
        pack_retry(&packings[n++], problem);
    for (size_t i = 0; i < n; i++)
        details[i] = &packings[i].any;
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = (int32_t)copy.status;
    status.message = copy.detail;
    status.details = details;
    status.n_details = n;
    if (google__rpc__status__get_packed_size(&status) > DETAILS_BYTES_MAX)
        return 0;
    return google__rpc__status__pack(&status, out);
}

static const void *any_unpack(struct arena *arena, const Google__Protobuf__Any *any,
                              const ProtobufCMessageDescriptor *type)
{
    const char *slash = strrchr(any->type_url, '/');
    if (!slash || strcmp(slash + 1, type->name) != 0)
        return NULL;
    return message_unpack(arena, type, (struct bytes){any->value.data, any->value.len});
}

static void take_detail(struct arena *arena, const Google__Protobuf__Any *any,
                        struct problem *problem)
{
    const Google__Rpc__ErrorInfo *info =
        any_unpack(arena, any, &google__rpc__error_info__descriptor);
    if (info && strcmp(info->domain, DOMAIN) == 0)
        problem->code = info->reason;
    const Google__Rpc__BadRequest *request =
        any_unpack(arena, any, &google__rpc__bad_request__descriptor);
    if (request && request->n_field_violations > 0)
        snprintf(problem->param, sizeof problem->param, "%s", request->field_violations[0]->field);
    const Google__Rpc__RetryInfo *retry =
        any_unpack(arena, any, &google__rpc__retry_info__descriptor);
    if (retry && retry->retry_delay && retry->retry_delay->seconds > 0 &&
        retry->retry_delay->seconds < INT32_MAX)
        problem->retry_after_s = (int)retry->retry_delay->seconds;
}

bool details_unpack(struct arena *arena, struct bytes packed, struct problem *ret)
{
    const Google__Rpc__Status *status =
        (const void *)message_unpack(arena, &google__rpc__status__descriptor, packed);
    if (!status || status->code <= STATUS_OK || status->code > STATUS_UNAUTHENTICATED)
        return false;
    struct problem problem = {.status = (enum status)status->code};
    snprintf(problem.detail, sizeof problem.detail, "%s", status->message);
    for (size_t i = 0; i < status->n_details; i++)
        take_detail(arena, status->details[i], &problem);
    if (!problem.code)
        return false;
    *ret = problem;
    return true;
}
