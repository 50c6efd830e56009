#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/api/http.pb-c.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "obol/webhooks/v1/webhooks.pb-c.h"
#include "json/json.h"

static struct arena *arena;
static struct problem problem;

static void set_up(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
    memset(&problem, 0, sizeof(problem));
}

static void tear_down(void)
{
    arena_free(arena);
}

TestSuite(read, .init = set_up, .fini = tear_down);

static const ProtobufCMessageDescriptor *const payment =
    &obol__payments__v1__create_payment_request__descriptor;

static void *read_as(const ProtobufCMessageDescriptor *type, const char *text)
{
    ProtobufCMessage *message = NULL;
    enum status status = json_read(arena, type, bytes_of_string(text), &message, &problem);
    cr_assert_eq(status, STATUS_OK, "%s: %s (%s)", text, problem.detail, problem.param);
    return message;
}

static void refused(struct bytes text, const char *param, const char *detail)
{
    ProtobufCMessage *message = NULL;
    enum status status = json_read(arena, payment, text, &message, &problem);
    cr_assert_eq(status, STATUS_INVALID_ARGUMENT, "taken: %.*s", (int)text.length, text.at);
    cr_assert_eq(problem.status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.code, "invalid_request");
    cr_assert_str_eq(problem.param, param, "%s: %s", problem.param, problem.detail);
    cr_assert_str_eq(problem.detail, detail);
    cr_assert_null(message);
}

static void refuses(const char *text, const char *param, const char *detail)
{
    refused(bytes_of_string(text), param, detail);
}

#define NO_FRACTION "Must be an integer, without fraction or exponent."
#define SAFE "Must be between -9007199254740991 and 9007199254740991."
#define UNKNOWN "No such field is known here."

Test(read, fills_message_when_all_is_well)
{
    Obol__Payments__V1__CreatePaymentRequest *request = read_as(
        payment, " {\"order_id\":\"order_1\",\"amount\":50000,\"currency\":\"INR\",\"method\":"
                 "\"card\",\"card\":{\"number\":\"4242\",\"expiry_month\":12,\"holder_name\":"
                 "\"\\u00c5sa \\ud83d\\ude00\"},\"metadata\":{\"b\":\"2\",\"a\":\"\"},"
                 "\"description\":null,\"vpa\":null,\"customer\":null}\n");
    cr_assert_str_eq(request->order_id, "order_1");
    cr_assert_eq(request->amount->value, 50000);
    cr_assert_str_eq(request->card->number, "4242");
    cr_assert_eq(request->card->expiry_month->value, 12);
    cr_assert_null(request->card->expiry_year);
    cr_assert_str_eq(request->card->holder_name->value, "\xc3\x85sa \xf0\x9f\x98\x80");
    cr_assert_eq(request->n_metadata, 2);
    cr_assert_str_eq(request->metadata[0]->key, "b");
    cr_assert_str_eq(request->metadata[0]->value, "2");
    cr_assert_str_eq(request->metadata[1]->key, "a");
    cr_assert_null(request->description);
    cr_assert_null(request->customer);
    cr_assert_str_eq(request->vpa, "");
}

Test(read, tells_absent_from_zero)
{
    Obol__Payments__V1__CapturePaymentRequest *request =
        read_as(&obol__payments__v1__capture_payment_request__descriptor, "{\"amount\":0}");
    cr_assert_not_null(request->amount);
    cr_assert_eq(request->amount->value, 0);
    request = read_as(&obol__payments__v1__capture_payment_request__descriptor, "{}");
    cr_assert_null(request->amount);
}

Test(read, takes_integers_when_at_the_edge_of_javascript)
{
    Obol__Payments__V1__CreatePaymentRequest *request =
        read_as(payment, "{\"amount\":9007199254740991}");
    cr_assert_eq(request->amount->value, JSON_INTEGER_MAX);
    request = read_as(payment, "{\"amount\":-9007199254740991}");
    cr_assert_eq(request->amount->value, -JSON_INTEGER_MAX);
}

Test(read, takes_times_lists_and_booleans)
{
    Obol__Webhooks__V1__ReplayRequest *request =
        read_as(&obol__webhooks__v1__replay_request__descriptor,
                "{\"since\":\"2026-11-21T12:00:00.25+01:00\",\"events\":[\"payment.*\",\"*\"],"
                "\"only_failed\":true}");
    cr_assert_eq(request->since->seconds, 1795258800);
    cr_assert_eq(request->since->nanos, 250000000);
    cr_assert_eq(request->n_events, 2);
    cr_assert_str_eq(request->events[1], "*");
    cr_assert(request->only_failed);
}

Test(read, takes_enums_by_name_and_marks_presence)
{
    Google__Protobuf__FieldDescriptorProto *field =
        read_as(&google__protobuf__field_descriptor_proto__descriptor,
                "{\"type\":\"TYPE_BOOL\",\"number\":-2147483648}");
    cr_assert(field->has_type);
    cr_assert_eq(field->type, GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL);
    cr_assert(field->has_number);
    cr_assert_eq(field->number, INT32_MIN);
    cr_assert_not(field->has_label);
}

Test(read, marks_the_case_of_a_oneof)
{
    Google__Api__HttpRule *rule =
        read_as(&google__api__http_rule__descriptor, "{\"delete\":\"/x\",\"body\":\"*\"}");
    cr_assert_eq(rule->pattern_case, GOOGLE__API__HTTP_RULE__PATTERN_DELETE);
    cr_assert_str_eq(rule->delete_, "/x");
    cr_assert_str_eq(json_write(arena, &rule->base),
                     "{\"selector\":\"\",\"get\":null,\"put\":null,\"post\":null,"
                     "\"delete\":\"/x\",\"patch\":null,\"body\":\"*\",\"custom\":null,"
                     "\"additional_bindings\":[],\"response_body\":\"\"}");
}

Test(read, refuses_numbers_of_32_bits_when_beyond)
{
    ProtobufCMessage *message = NULL;
    enum status status = json_read(arena, &google__protobuf__field_descriptor_proto__descriptor,
                                   bytes_of_string("{\"number\":2147483648}"), &message, &problem);
    cr_assert_eq(status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "number");
    status = json_read(arena, &google__protobuf__field_descriptor_proto__descriptor,
                       bytes_of_string("{\"type\":\"TYPE_OF_NOTHING\"}"), &message, &problem);
    cr_assert_eq(status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "type");
}

Test(read, takes_bytes_as_base64)
{
    Obol__Payments__V1__ProviderCallbackRequest *request =
        read_as(&obol__payments__v1__provider_callback_request__descriptor,
                "{\"body\":\"AAH/\",\"headers\":[{\"name\":\"a\"}]}");
    cr_assert_eq(request->body.len, 3);
    cr_assert_arr_eq(request->body.data, "\x00\x01\xff", 3);
    cr_assert_str_eq(request->headers[0]->name, "a");
    ProtobufCMessage *message = NULL;
    enum status status =
        json_read(arena, &obol__payments__v1__provider_callback_request__descriptor,
                  bytes_of_string("{\"body\":\"A\"}"), &message, &problem);
    cr_assert_eq(status, STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "body");
}

Test(read, refuses_text_when_it_is_no_json)
{
    refuses("", "", "Malformed JSON: it ends early, at line 1, column 0.");
    refuses("{\"amount\":5", "", "Malformed JSON: it ends early, at line 1, column 11.");
    refuses("{\"order_id\":\"x", "", "Malformed JSON: it ends early, at line 1, column 14.");
    refuses("{\"amount\":5} x", "",
            "Malformed JSON: something follows its end, at line 1, column 14.");
    refuses("{\"amount\":5,}", "", "Malformed JSON, at line 1, column 13.");
    refuses("{'amount':5}", "", "Malformed JSON, at line 1, column 2.");
    refuses("{\"amount\":05}", "", "Malformed JSON, at line 1, column 11.");
    refuses("{\"order_id\":\"a\nb\"}", "", "Malformed JSON, at line 1, column 14.");
    refuses("{\"order_id\":\"\\ud800\"}", "", "Malformed JSON, at line 1, column 20.");
    refuses("{\"amount\":NaN}", "", "Malformed JSON, at line 1, column 13.");
}

Test(read, refuses_root_when_not_an_object)
{
    static const char *const roots[] = {"[]", "5", "null", "true", "\"x\""};
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
        refuses(roots[i], "", "The body must be a JSON object.");
}

Test(read, refuses_members_when_doubled)
{
    refuses("{\"amount\":1,\"amount\":1}", "",
            "A member stands twice in a JSON object, at line 1, column 20.");
    refuses("{\"metadata\":{\"a\":\"1\",\"\\u0061\":\"2\"}}", "",
            "A member stands twice in a JSON object, at line 1, column 29.");
}

static void nested(char *out, size_t size, size_t depth)
{
    size_t n = (size_t)snprintf(out, size, "{\"a\":");
    memset(out + n, '[', depth - 1);
    memset(out + n + depth - 1, ']', depth - 1);
    snprintf(out + n + 2 * (depth - 1), 2, "}");
}

Test(read, refuses_text_when_nested_too_deep)
{
    static char text[400000];
    nested(text, sizeof(text), JSON_DEPTH_MAX);
    refuses(text, "a", UNKNOWN);
    nested(text, sizeof(text), JSON_DEPTH_MAX + 1);
    refuses(text, "", "The JSON is nested deeper than 16 levels.");
    nested(text, sizeof(text), 150000);
    refuses(text, "", "The JSON is nested deeper than 16 levels.");
    // Brackets in strings are no nesting.
    read_as(payment, "{\"order_id\":\"[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[\"}");
}

Test(read, refuses_types_when_wrong_by_path)
{
    refuses("{\"order_id\":5}", "order_id", "Must be a string.");
    refuses("{\"amount\":\"5\"}", "amount", NO_FRACTION);
    refuses("{\"amount\":true}", "amount", NO_FRACTION);
    refuses("{\"amount\":{\"value\":5}}", "amount", NO_FRACTION);
    refuses("{\"card\":\"4242\"}", "card", "Must be an object.");
    refuses("{\"card\":[]}", "card", "Must be an object.");
    refuses("{\"card\":{\"number\":4242}}", "card.number", "Must be a string.");
    refuses("{\"metadata\":[]}", "metadata", "Must be an object.");
    refuses("{\"metadata\":{\"a\":1}}", "metadata.a", "Must be a string.");
    refuses("{\"metadata\":{\"a\":null}}", "metadata.a", "Must be a string.");
    refuses("{\"description\":[\"x\"]}", "description", "Must be a string.");
}

Test(read, refuses_list_items_by_their_index)
{
    ProtobufCMessage *message = NULL;
    const ProtobufCMessageDescriptor *type = &obol__webhooks__v1__replay_request__descriptor;
    cr_assert_eq(
        json_read(arena, type, bytes_of_string("{\"events\":[\"a\",\"b\",3]}"), &message, &problem),
        STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "events[2]");
    cr_assert_eq(json_read(arena, type, bytes_of_string("{\"events\":\"a\"}"), &message, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.detail, "Must be an array.");
    cr_assert_eq(json_read(arena, type, bytes_of_string("{\"only_failed\":1}"), &message, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.detail, "Must be true or false.");
    cr_assert_eq(
        json_read(arena, type, bytes_of_string("{\"since\":\"yesterday\"}"), &message, &problem),
        STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "since");
    cr_assert_eq(json_read(arena, type, bytes_of_string("{\"until\":17}"), &message, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "until");
}

Test(read, refuses_numbers_when_not_plain_integers)
{
    refuses("{\"amount\":1.0}", "amount", NO_FRACTION);
    refuses("{\"amount\":1.5}", "amount", NO_FRACTION);
    refuses("{\"amount\":1e3}", "amount", NO_FRACTION);
    refuses("{\"amount\":9007199254740992}", "amount", SAFE);
    refuses("{\"amount\":9007199254740993}", "amount", SAFE);
    refuses("{\"amount\":-9007199254740992}", "amount", SAFE);
    refuses("{\"amount\":1e400}", "", "A number out of range in JSON, at line 1, column 15.");
    refuses("{\"amount\":9223372036854775808}", "",
            "A number out of range in JSON, at line 1, column 29.");
}

Test(read, refuses_fields_when_unknown_by_path)
{
    refuses("{\"amont\":1}", "amont", UNKNOWN);
    refuses("{\"amont\":null}", "amont", UNKNOWN);
    refuses("{\"card\":{\"pin\":\"1\"}}", "card.pin", UNKNOWN);
    refuses("{\"\":1}", "", UNKNOWN);
}

Test(read, cuts_path_when_name_is_long)
{
    char text[1000];
    snprintf(text, sizeof(text), "{\"card\":{\"%0300d\":1}}", 0);
    ProtobufCMessage *message = NULL;
    cr_assert_eq(json_read(arena, payment, bytes_of_string(text), &message, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_eq(strlen(problem.param), PROBLEM_PARAM_MAX - 1);
    cr_assert_eq(strncmp(problem.param, "card.000", 8), 0);
}

Test(read, refuses_bytes_when_not_utf8)
{
    static const char *const bad[] = {"{\"order_id\":\"\xff\"}",
                                      "{\"order_id\":\"\xc3\"}",
                                      "{\"order_id\":\"\xc0\xaf\"}",
                                      "{\"order_id\":\"\xed\xa0\x80\"}",
                                      "{\"order_id\":\"\xe0\x80\xaf\"}",
                                      "{\"order_id\":\"\xf4\x90\x80\x80\"}",
                                      "{\"order_id\":\"\xf0\x80\x80\x80\"}",
                                      "{\"order_id\":\"\xe2\x82\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        refuses(bad[i], "", "The JSON is not UTF-8, or has a NUL byte in it.");
    static const char nul[] = "{\"order_id\":\"a\0b\"}";
    refused((struct bytes){(const uint8_t *)nul, sizeof(nul) - 1}, "",
            "The JSON is not UTF-8, or has a NUL byte in it.");
    refuses("{\"order_id\":\"a\\u0000b\"}", "", "U+0000 in JSON, at line 1, column 22.");
    refuses("{\"metadata\":{\"a\\u0000b\":\"\"}}", "", "U+0000 in JSON, at line 1, column 23.");
}

static char *quoted(const char *before, size_t length, const char *after)
{
    char *text = NULL, *middle = calloc(1, length + 1);
    memset(middle, 'x', length);
    cr_assert_gt(asprintf(&text, "%s%s%s", before, middle, after), 0);
    free(middle);
    return text;
}

Test(read, refuses_strings_when_too_long)
{
    char *text = quoted("{\"order_id\":\"", JSON_STRING_MAX, "\"}");
    read_as(payment, text);
    free(text);
    text = quoted("{\"order_id\":\"", JSON_STRING_MAX + 1, "\"}");
    refuses(text, "order_id", "Is too long.");
    free(text);
}

static char *list(const char *before, bool map, size_t n, const char *after)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fputs(before, out);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", out);
        if (map)
            fprintf(out, "\"k%zu\":", i);
        fputs("\"\"", out);
    }
    fputs(after, out);
    fclose(out);
    return text;
}

Test(read, refuses_lists_and_maps_when_too_long)
{
    char *text = list("{\"metadata\":{", true, JSON_ITEMS_MAX, "}}");
    Obol__Payments__V1__CreatePaymentRequest *request = read_as(payment, text);
    cr_assert_eq(request->n_metadata, JSON_ITEMS_MAX);
    free(text);
    text = list("{\"metadata\":{", true, JSON_ITEMS_MAX + 1, "}}");
    refuses(text, "metadata", "Has too many members.");
    free(text);
    ProtobufCMessage *message = NULL;
    text = list("{\"events\":[", false, JSON_ITEMS_MAX + 1, "]}");
    cr_assert_eq(json_read(arena, &obol__webhooks__v1__replay_request__descriptor,
                           bytes_of_string(text), &message, &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "events");
    free(text);
}

// Whatever the piece that no longer fits, the answer is the same.
// A field that would be right is not called wrong for want of memory.
Test(read, reports_exhaustion_when_base64_finds_no_room)
{
    static const char text[] = "{\"provider\":\"mtn\",\"body\":\"eyJhIjoxfQ==\"}";
    enum status status = STATUS_RESOURCE_EXHAUSTED;
    for (size_t cap = 16; status != STATUS_OK; cap += 16) {
        struct arena *small = arena_new(cap);
        ProtobufCMessage *message = NULL;
        status = json_read(small, &obol__payments__v1__provider_callback_request__descriptor,
                           bytes_of_string(text), &message, &problem);
        cr_assert(status == STATUS_OK || status == STATUS_RESOURCE_EXHAUSTED, "%zu bytes", cap);
        arena_free(small);
    }
}

Test(read, reports_exhaustion_when_arena_is_full)
{
    static const char text[] = "{\"order_id\":\"order\",\"amount\":5,\"card\":{\"number\":\"1\"},"
                               "\"metadata\":{\"a\":\"b\"},\"customer\":{\"email\":\"c\"}}";
    size_t fitted = 0;
    for (size_t cap = 16; cap < 2048 && !fitted; cap += 16) {
        struct arena *small = arena_new(cap);
        ProtobufCMessage *message = NULL;
        enum status status = json_read(small, payment, bytes_of_string(text), &message, &problem);
        if (status == STATUS_OK)
            fitted = cap;
        else
            cr_assert_eq(status, STATUS_RESOURCE_EXHAUSTED);
        arena_free(small);
    }
    cr_assert_gt(fitted, 256);
}

Test(utf8, accepts_what_rfc_3629_has)
{
    cr_assert(
        json_utf8_valid(bytes_of_string("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf")));
    cr_assert(json_utf8_valid(bytes_of_string("")));
    cr_assert(json_utf8_valid(bytes_of_string("\xf4\x8f\xbf\xbf\xef\xbf\xbf\x7f")));
    cr_assert_not(json_utf8_valid(bytes_of_string("\x80")));
    cr_assert_not(json_utf8_valid(bytes_of_string("\xf5\x80\x80\x80")));
    cr_assert_not(json_utf8_valid(bytes_of_string("\xe2\x82\x41")));
}
