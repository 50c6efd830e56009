// A method's options: google.api.http and obol.options.v1.method. protobuf-c knows no extensions,
// so they are found among the unknown fields of MethodOptions.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "google/api/http.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "obol/options/v1/options.pb-c.h"

struct method_options {
    Google__Api__HttpRule *http;         // NULL: no REST binding
    Obol__Options__V1__MethodRule *rule; // never NULL once read
};

struct binding {
    const char *verb; // "POST"
    const char *path;
    const char *body; // "" for none
};

// False, with a reason in static storage, when the options can't be used.
bool method_options_read(const Google__Protobuf__MethodDescriptorProto *method,
                         struct method_options *ret, const char **ret_reason);
void method_options_deinit(struct method_options *options);

// The binding itself, then its additional ones.
size_t method_options_bindings_n(const struct method_options *options);
struct binding method_options_binding(const struct method_options *options, size_t i);

// Who may call the method, as C: an expression of ROLE_BITs. The contracts of others (health,
// reflection) know nothing of roles: any. False when a method of ours doesn't say.
bool method_callers_write(FILE *out, const Google__Protobuf__FileDescriptorProto *file,
                          const Google__Protobuf__ServiceDescriptorProto *service,
                          const struct method_options *options);

int method_options_success(const struct method_options *options); // HTTP status
