// What protoc-gen-obol makes of the contracts: the tables, and the OpenAPI document.
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/webhooks/v1/webhooks.obol.h"
#include "openapi.h"
#include "json/json.h"

Test(contract, describes_a_method_with_its_options)
{
    const struct method *method = METHOD_PaymentService_CreatePayment;
    cr_assert_str_eq(method->path, "/obol.payments.v1.PaymentService/CreatePayment");
    cr_assert_str_eq(method->service, "obol.payments.v1.PaymentService");
    cr_assert_str_eq(method->name, "CreatePayment");
    cr_assert_eq(method->input, &obol__payments__v1__create_payment_request__descriptor);
    cr_assert_eq(method->output, &obol__payments__v1__payment__descriptor);
    cr_assert_eq(method->lane, LANE_FAST);
    cr_assert_eq(method->success, 201);
    cr_assert(method->writes);
    cr_assert_not(method->open || method->raw || method->client_streams || method->server_streams);
    cr_assert_eq(method->rules_n, 1);
    cr_assert_str_eq(method->rules[0].verb, "POST");
    cr_assert_str_eq(method->rules[0].path, "/api/v1/payments");
    cr_assert_str_eq(method->rules[0].body, "*");
}

Test(contract, keeps_defaults_when_there_are_no_options)
{
    const struct method *method = METHOD_PaymentService_ReserveRefund;
    cr_assert_eq(method->rules_n, 0);
    cr_assert_eq(method->success, 200);
    cr_assert_not(method->writes);
    cr_assert_eq(METHOD_PaymentService_TokenizeCard->lane, LANE_SLOW);
    cr_assert_str_eq(METHOD_OrderService_GetOrder->rules[0].body, "");
    cr_assert_str_eq(METHOD_EndpointService_UpdateEndpoint->rules[0].verb, "PATCH");
    cr_assert_str_eq(METHOD_EndpointService_DeleteEndpoint->rules[0].verb, "DELETE");
    cr_assert_eq(METHOD_EndpointService_DeleteEndpoint->success, 204);
}

Test(contract, keeps_additional_bindings)
{
    const struct method *method = METHOD_PaymentService_ProviderCallback;
    cr_assert(method->open && method->raw);
    cr_assert_eq(method->rules_n, 8);
    cr_assert_str_eq(method->rules[1].verb, "PUT");
    cr_assert_str_eq(method->rules[3].path, "/api/v1/webhooks/{provider}");
}

static bool has_symbol(const struct proto_file *file, const char *symbol)
{
    for (size_t i = 0; i < file->symbols_n; i++) {
        if (strcmp(file->symbols[i], symbol) == 0)
            return true;
    }
    return false;
}

Test(contract, carries_the_file_for_reflection)
{
    const struct proto_file *file = &obol_payments_v1_payments_file;
    Google__Protobuf__FileDescriptorProto *descriptor =
        google__protobuf__file_descriptor_proto__unpack(NULL, file->descriptor.length,
                                                        file->descriptor.at);
    cr_assert_not_null(descriptor);
    cr_assert_str_eq(descriptor->name, file->name);
    cr_assert_null(descriptor->source_code_info);
    cr_assert_eq(descriptor->n_dependency, file->imports_n);
    for (size_t i = 0; i < file->imports_n; i++)
        cr_assert_str_eq(file->imports[i]->name, descriptor->dependency[i]);
    // The options survive: CreateOrder has two.
    cr_assert_eq(descriptor->service[0]->method[0]->options->base.n_unknown_fields, 2);
    google__protobuf__file_descriptor_proto__free_unpacked(descriptor, NULL);
    cr_assert(has_symbol(file, "obol.payments.v1.Payment"));
    cr_assert(has_symbol(file, "obol.payments.v1.Payment.MetadataEntry"));
    cr_assert(has_symbol(file, "obol.payments.v1.PaymentService"));
    cr_assert(has_symbol(file, "obol.payments.v1.PaymentService.GetPayment"));
    cr_assert_not(has_symbol(file, "google.protobuf.Timestamp"));
    cr_assert_null(file->symbols[file->symbols_n]);
    cr_assert(has_symbol(file->imports[3], "obol.options.v1.method"));
    cr_assert(has_symbol(file->imports[3], "obol.options.v1.Lane"));
}

// Every reference, by its text: "$ref": "#/components/<kind>/<name>" must have a member of that
// name.
Test(contract, has_no_dangling_reference_in_openapi)
{
    static const char mark[] = "\"$ref\": \"#/components/";
    size_t found = 0;
    cr_assert_eq(strlen(obol_openapi_json), obol_openapi_json_length);
    const char *components = strstr(obol_openapi_json, "\"components\": {");
    cr_assert_not_null(components);
    for (const char *at = strstr(obol_openapi_json, mark); at; at = strstr(at, mark)) {
        char member[300];
        at += sizeof(mark) - 1;
        at += strcspn(at, "/") + 1;
        snprintf(member, sizeof(member), "\"%.*s\": {", (int)strcspn(at, "\""), at);
        cr_assert_not_null(strstr(components, member), "%s", member);
        found++;
    }
    cr_assert_gt(found, 50);
}

static const char *const openapi_parts[] = {
    "\"openapi\": \"3.1.0\"",
    "\"/api/v1/payments/{id}/capture\": {",
    "\"operationId\": \"PaymentService_CreatePayment\"",
    "\"operationId\": \"PaymentService_ProviderCallback_2\"",
    "\"summary\": \"Make a payment\"",
    "\"description\": \"1 to 100, default 10\"",
    "\"application/problem+json\"",
    "\"$ref\": \"#/components/parameters/IdempotencyKey\"",
    "\"security\": []",
    "\"name\": \"X-Api-Secret\"",
    "\"format\": \"date-time\"",
    "\"payments.Error\": {",
    "\"refunds.Error\": {",
};

Test(contract, has_its_parts_in_openapi)
{
    for (size_t i = 0; i < sizeof(openapi_parts) / sizeof(*openapi_parts); i++)
        cr_assert_not_null(strstr(obol_openapi_json, openapi_parts[i]), "%s", openapi_parts[i]);
    // Internal methods are not shown.
    cr_assert_null(strstr(obol_openapi_json, "ReserveRefund"));
}
