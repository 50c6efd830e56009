// How names of the .proto language look in C.
#pragma once
#include <stdbool.h>
#include <stdio.h>

// "obol/payments/v1/payments.proto" as "obol_payments_v1_payments".
void name_file(FILE *out, const char *proto);
// The file's name without ".proto".
void name_stem(FILE *out, const char *proto);
// ".obol.payments.v1.CreatePaymentRequest" as protoc-c names its descriptor:
// "obol__payments__v1__create_payment_request__descriptor".
void name_descriptor(FILE *out, const char *type);
// A C string literal, quotes and all.
void name_literal(FILE *out, const char *text);
// "package.name", or just the name outside a package; free() it. NULL: out of memory.
char *name_join(const char *package, const char *name);
