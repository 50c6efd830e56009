// What the protoc plugin emits for each .proto file (see tools/protoc-gen-obol): the methods with
// their REST bindings, and the file's descriptor for reflection. Constant data.
#pragma once
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum lane {
    LANE_FAST, // waits for nothing but PostgreSQL; called with arrays; may ride in a Bundle
    LANE_SLOW, // may wait for the outside world: a bounded pool, one call a thread
};

// Whose certificate a call comes with: its one DNS name, "<role>.obol". The same as
// obol.options.v1.Role.
enum role {
    ROLE_NONE,
    ROLE_GATEWAY,
    ROLE_AUTH,
    ROLE_PAYMENTS,
    ROLE_REFUNDS,
    ROLE_WEBHOOKS,
    ROLE_OPERATOR,
    ROLES_N
};
#define ROLE_BIT(role) (1U << (role))
#define CALLERS_ANY (ROLE_BIT(ROLES_N) - 1) // any certificate of our authority will do

struct http_rule {
    const char *verb; // "POST"
    const char *path; // "/api/v1/payments/{id}/capture"; variables are field names
    const char *body; // "*", or "" for none (then query parameters fill the fields)
};

struct method {
    const char *path;    // "/obol.payments.v1.PaymentService/CreatePayment"
    const char *service; // "obol.payments.v1.PaymentService"
    const char *name;    // "CreatePayment"
    const ProtobufCMessageDescriptor *input, *output;
    enum lane lane;
    bool writes; // takes an Idempotency-Key
    bool open;   // needs no API key at the edge
    bool raw; // the edge passes header lines and body bytes as they came (fields "headers", "body")
    int success;      // HTTP status of success: 200, 201, 204
    unsigned callers; // ROLE_BITs of who may call it where gRPC is under TLS
    bool client_streams, server_streams;
    const struct http_rule *rules;
    size_t rules_n;
};

struct proto_file {
    const char *name;        // "obol/payments/v1/payments.proto"
    struct bytes descriptor; // FileDescriptorProto
    const struct proto_file *const *imports;
    size_t imports_n;
    const struct method *methods;
    size_t methods_n;
    const char *const
        *symbols; // every fully-qualified message, enum, service, method and extension in the file
    size_t symbols_n;
};
