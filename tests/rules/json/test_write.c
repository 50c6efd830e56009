#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "google/protobuf/empty.pb-c.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "obol/webhooks/v1/webhooks.pb-c.h"
#include "json/json.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(ARENA_CAP_REQUEST);
}

static void tear_down(void)
{
    arena_free(arena);
}

TestSuite(write, .init = set_up, .fini = tear_down);
TestSuite(object, .init = set_up, .fini = tear_down);

// What JavaScript makes of the text when it reads and writes it.
static char *through_node(const char *text)
{
    char command[512];
    static char answer[1 << 20];
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fflush(file), 0);
    snprintf(command, sizeof(command),
             "node -e 'process.stdout.write(JSON.stringify(JSON.parse("
             "require(\"fs\").readFileSync(\"/proc/%d/fd/%d\",\"utf8\"))))'",
             getpid(), fileno(file));
    FILE *node = popen(command, "r");
    cr_assert_not_null(node);
    size_t length = fread(answer, 1, sizeof(answer) - 1, node);
    answer[length] = '\0';
    int exit_status = pclose(node);
    fclose(file);
    cr_assert_eq(exit_status, 0, "node is needed for this test");
    return answer;
}

static Obol__Payments__V1__Payment *payment_make(void)
{
    static Obol__Payments__V1__Payment payment = OBOL__PAYMENTS__V1__PAYMENT__INIT;
    static Obol__Payments__V1__Card card = OBOL__PAYMENTS__V1__CARD__INIT;
    static Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    static Google__Protobuf__StringValue text = GOOGLE__PROTOBUF__STRING_VALUE__INIT;
    static Obol__Payments__V1__Payment__MetadataEntry entries[2] = {
        OBOL__PAYMENTS__V1__PAYMENT__METADATA_ENTRY__INIT,
        OBOL__PAYMENTS__V1__PAYMENT__METADATA_ENTRY__INIT};
    static Obol__Payments__V1__Payment__MetadataEntry *metadata[2] = {&entries[0], &entries[1]};
    static char everything[300];

    for (int c = 1; c < 128; c++)
        everything[c - 1] = (char)c;
    snprintf(everything + 127, sizeof(everything) - 127, "%s",
             "\xc3\xa9\xe2\x80\xa8\xe2\x80\xa9\xf0\x9f\x98\x80\xef\xbf\xbf/</script>");
    at.seconds = 1795257352;
    at.nanos = 123999999;
    text.value = everything;
    card.brand = "visa";
    card.last4 = "4242";
    card.expiry_month = 12;
    card.expiry_year = 2030;
    entries[0].key = "z\"key";
    entries[0].value = "\\";
    entries[1].key = "__proto__";
    entries[1].value = "";
    payment.id = "pay_1";
    payment.object = "payment";
    payment.amount = JSON_INTEGER_MAX;
    payment.amount_captured = -JSON_INTEGER_MAX;
    payment.captured = true;
    payment.card = &card;
    payment.description = &text;
    payment.n_metadata = 2;
    payment.metadata = metadata;
    payment.created_at = &at;
    return &payment;
}

Test(write, gives_every_field_in_order)
{
    Obol__Payments__V1__Payment payment = OBOL__PAYMENTS__V1__PAYMENT__INIT;
    Obol__Payments__V1__Error error = OBOL__PAYMENTS__V1__ERROR__INIT;
    Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    payment.id = "pay_1";
    payment.amount = 50000;
    payment.error = &error;
    error.code = "card_declined";
    payment.created_at = &at;
    at.seconds = 1;
    at.nanos = 5000000;
    cr_assert_str_eq(
        json_write(arena, &payment.base),
        "{\"id\":\"pay_1\",\"object\":\"\",\"order_id\":\"\",\"amount\":50000,\"currency\":\"\","
        "\"method\":\"\",\"vpa\":null,\"card\":null,\"capture\":\"\",\"status\":\"\","
        "\"unknown_operation\":null,\"captured\":false,\"amount_captured\":0,"
        "\"amount_refunded\":0,\"provider\":\"\",\"next_action\":null,\"sequence\":0,"
        "\"error\":{\"code\":\"card_declined\",\"message\":\"\"},\"description\":null,"
        "\"customer\":null,\"metadata\":{},\"created_at\":\"1970-01-01T00:00:01.005Z\","
        "\"updated_at\":null,\"mobile_money\":null,\"attempts\":[],\"test_mode\":null}");
}

Test(write, gives_bytes_that_javascript_gives_back)
{
    const char *text = json_write(arena, &payment_make()->base);
    cr_assert_str_eq(through_node(text), text);
    cr_assert_not_null(strstr(text, "\\u0001"));
    cr_assert_not_null(strstr(text, "\\b\\t\\n\\u000b\\f\\r\\u000e"));
    cr_assert_not_null(strstr(text, "\\u001f !\\\"#"));
    cr_assert_not_null(strstr(text, "/</script>"));
    cr_assert_not_null(strstr(text, "2026-11-21T10:35:52.123Z"));
}

Test(write, comes_back_the_same_when_read)
{
    const char *text = json_write(arena, &payment_make()->base);
    ProtobufCMessage *back = NULL;
    struct problem problem;
    enum status status = json_read(arena, &obol__payments__v1__payment__descriptor,
                                   bytes_of_string(text), &back, &problem);
    cr_assert_eq(status, STATUS_OK, "%s: %s", problem.param, problem.detail);
    cr_assert_str_eq(json_write(arena, back), text);
}

Test(write, gives_lists_bare_wrappers_and_base64)
{
    Obol__Webhooks__V1__UpdateEndpointRequest endpoint =
        OBOL__WEBHOOKS__V1__UPDATE_ENDPOINT_REQUEST__INIT;
    Google__Protobuf__BoolValue enabled = GOOGLE__PROTOBUF__BOOL_VALUE__INIT;
    char *events[] = {"a", NULL};
    endpoint.enabled = &enabled;
    endpoint.events = events;
    endpoint.n_events = 2;
    cr_assert_str_eq(json_write(arena, &endpoint.base),
                     "{\"id\":\"\",\"url\":null,\"events\":[\"a\",\"\"],\"enabled\":false,"
                     "\"description\":null}");
    Obol__Payments__V1__ProviderCallbackRequest callback =
        OBOL__PAYMENTS__V1__PROVIDER_CALLBACK_REQUEST__INIT;
    callback.body = (ProtobufCBinaryData){3, (uint8_t *)"\0\1\xff"};
    cr_assert_str_eq(json_write(arena, &callback.base),
                     "{\"provider\":\"\",\"credential_id\":\"\",\"headers\":[],\"body\":\"AAH/"
                     "\",\"address\":\"\"}");
    Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;
    cr_assert_str_eq(json_write(arena, &empty.base), "{}");
}

Test(write, gives_enums_by_name)
{
    Google__Protobuf__FieldDescriptorProto field = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__INIT;
    field.has_type = true;
    field.type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL;
    field.has_label = true;
    field.label = 99;
    const char *text = json_write(arena, &field.base);
    cr_assert_not_null(strstr(text, "\"type\":\"TYPE_BOOL\""));
    cr_assert_not_null(strstr(text, "\"label\":99"));
    cr_assert_not_null(strstr(text, "\"number\":null"));
}

Test(write, repairs_text_when_not_utf8)
{
    Obol__Payments__V1__Error error = OBOL__PAYMENTS__V1__ERROR__INIT;
    error.code = "a\xff\xc3";
    error.message = "\xe2\x82\"";
    cr_assert_str_eq(json_write(arena, &error.base),
                     "{\"code\":\"a\xef\xbf\xbd\xef\xbf\xbd\","
                     "\"message\":\"\xef\xbf\xbd\xef\xbf\xbd\\\"\"}");
}

Test(write, shows_nearest_time_when_outside_the_calendar)
{
    Obol__Payments__V1__ListOrdersRequest list = OBOL__PAYMENTS__V1__LIST_ORDERS_REQUEST__INIT;
    Google__Protobuf__Timestamp early = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Timestamp late = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    early.seconds = INT64_MIN;
    late.seconds = INT64_MAX;
    list.created_gte = &early;
    list.created_lt = &late;
    const char *text = json_write(arena, &list.base);
    cr_assert_not_null(strstr(text, "\"created_gte\":\"1970-01-01T00:00:00.000Z\""));
    cr_assert_not_null(strstr(text, "\"created_lt\":\"9999-12-31T23:59:59.999Z\""));
}

Test(write, gives_nothing_when_arena_is_full)
{
    struct arena *small = arena_new(64);
    cr_assert_null(json_write(small, &payment_make()->base));
    cr_assert_null(
        json_object(small, (struct json_member[]){JSON_S("a", "12345678901234567890123456789012"
                                                              "12345678901234567890123456789012"),
                                                  {0}}));
    arena_free(small);
}

Test(object, writes_members_in_order)
{
    const char *text = json_object(arena, (struct json_member[]){JSON_S("s", "a\"b\x01"),
                                                                 JSON_S("none", NULL),
                                                                 JSON_I("i", -42),
                                                                 JSON_I("zero", 0),
                                                                 JSON_B("t", true),
                                                                 JSON_B("f", false),
                                                                 JSON_R("r", "{\"x\":[1]}"),
                                                                 JSON_R("rn", NULL),
                                                                 {0}});
    cr_assert_str_eq(text, "{\"s\":\"a\\\"b\\u0001\",\"none\":null,\"i\":-42,\"zero\":0,"
                           "\"t\":true,\"f\":false,\"r\":{\"x\":[1]},\"rn\":null}");
    cr_assert_str_eq(json_object(arena, (struct json_member[]){{0}}), "{}");
}
