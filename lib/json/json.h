// protobuf-c messages to JSON and back, driven by their descriptors. jansson parses and prints;
// this room decides what is accepted. Thread-safe; results live in the arena.
//
// The mapping: fields by their proto names (snake_case); int64 and int32 as JSON integers within
// +-(2^53-1); bool, string; bytes as base64; google.protobuf.Timestamp as RFC 3339 UTC with
// milliseconds; the wrapper types bare; map<string,string> as an object; enums by value name;
// repeated as arrays; messages as objects.
//
// Writing: every field in declaration order, an absent message or wrapper as null, empty lists as
// []; compact, UTF-8 unescaped beyond what JSON demands, no control characters but \b\t\n\f\r
// escaped, so JavaScript's JSON.stringify(JSON.parse(x)) gives the same bytes back. '/' is not
// escaped.
//
// Reading is strict: one object, UTF-8, no duplicate members, no U+0000, depth at most
// JSON_DEPTH_MAX, unknown members refused by name, integers only where an integer is asked (no 1.0,
// no 1e3), null is absent, strings at most JSON_STRING_MAX bytes, arrays at most JSON_ITEMS_MAX.
// Refusals name the member by its path ("card.number", "events[2]") in problem->param, code
// "invalid_request".
#pragma once
#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/problem.h"

#define JSON_DEPTH_MAX 16
#define JSON_STRING_MAX 65536
#define JSON_ITEMS_MAX 1000
#define JSON_INTEGER_MAX 9007199254740991LL

// Reads `text` into a new message of this type. Members that are already set by the path are
// refused like unknown ones by the caller, not here.
MUST_USE enum status json_read(struct arena *arena, const ProtobufCMessageDescriptor *type,
                               struct bytes text, ProtobufCMessage **ret, struct problem *problem);

// Sets one field, named by a dotted path, from text (a path segment or a query parameter): strings
// as they are, integers in decimal, true|false, RFC 3339 for Timestamp, wrappers by their inner
// type. The text must be UTF-8 without control characters. Repeated fields append; anything else
// that is already set to more than its default is refused, so a path segment and a query parameter
// can't disagree.
MUST_USE enum status json_set_text(struct arena *arena, ProtobufCMessage *message, const char *path,
                                   const char *text, struct problem *problem);

// NULL when the arena is full. Malformed UTF-8 becomes U+FFFD.
char *json_write(struct arena *arena, const ProtobufCMessage *message);

// True when well-formed UTF-8 (RFC 3629) without U+0000.
bool json_utf8_valid(struct bytes text);

// --- Small free-standing JSON, for programs that speak it with others (providers, the log of the
// receiver). `path` is dotted: "error.code". Borrowed strings live in the arena.
struct json_value;
// An object or array, as strict as json_read about syntax; INVALID_ARGUMENT or RESOURCE_EXHAUSTED.
// A path's segment is a member name or, in an array, an index.
MUST_USE enum status json_parse(struct arena *arena, struct bytes text,
                                const struct json_value **ret);
const char *json_get_string(const struct json_value *value, const char *path); // NULL when absent
bool json_get_integer(const struct json_value *value, const char *path, int64_t *ret);
bool json_get_number(const struct json_value *value, const char *path, double *ret); // any number
bool json_get_bool(const struct json_value *value, const char *path, bool *ret);

// An object of strings, integers and booleans, in order. End with {0}.
struct json_member {
    const char *name;
    enum { JSON_MEMBER_STRING = 1, JSON_MEMBER_INTEGER, JSON_MEMBER_BOOL, JSON_MEMBER_RAW } kind;
    const char *string; // NULL: null. For RAW: JSON text that is put in as it stands
    int64_t integer;
};
#define JSON_S(name_, value_)                                                                      \
    {                                                                                              \
        (name_), JSON_MEMBER_STRING, (value_), 0                                                   \
    }
#define JSON_I(name_, value_)                                                                      \
    {                                                                                              \
        (name_), JSON_MEMBER_INTEGER, NULL, (value_)                                               \
    }
#define JSON_B(name_, value_)                                                                      \
    {                                                                                              \
        (name_), JSON_MEMBER_BOOL, NULL, (value_)                                                  \
    }
#define JSON_R(name_, value_)                                                                      \
    {                                                                                              \
        (name_), JSON_MEMBER_RAW, (value_), 0                                                      \
    }
// NULL when the arena is full.
char *json_object_text(struct arena *arena, const struct json_member *members);
// jansson exports a json_object() of its own: under that name ours would be called from inside it.
#define json_object json_object_text
