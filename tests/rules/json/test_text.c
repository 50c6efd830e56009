#include <criterion/criterion.h>
#include <string.h>

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

TestSuite(text, .init = set_up, .fini = tear_down);

static void sets(ProtobufCMessage *message, const char *path, const char *text)
{
    enum status status = json_set_text(arena, message, path, text, &problem);
    cr_assert_eq(status, STATUS_OK, "%s=%s: %s", path, text, problem.detail);
}

static void refuses(ProtobufCMessage *message, const char *path, const char *text,
                    const char *detail)
{
    enum status status = json_set_text(arena, message, path, text, &problem);
    cr_assert_eq(status, STATUS_INVALID_ARGUMENT, "%s=%s taken", path, text);
    cr_assert_str_eq(problem.code, "invalid_request");
    cr_assert_str_eq(problem.param, path);
    cr_assert_str_eq(problem.detail, detail);
}

#define UNKNOWN "No such field is known here."

Test(text, sets_strings_wrappers_and_times)
{
    Obol__Payments__V1__ListPaymentsRequest list = OBOL__PAYMENTS__V1__LIST_PAYMENTS_REQUEST__INIT;
    sets(&list.base, "limit", "0");
    sets(&list.base, "status", "true");
    sets(&list.base, "created_gte", "2026-11-21T10:35:52Z");
    cr_assert_eq(list.limit->value, 0);
    cr_assert_str_eq(list.status, "true");
    cr_assert_eq(list.created_gte->seconds, 1795257352);
}

Test(text, makes_messages_on_the_way)
{
    Obol__Payments__V1__CreatePaymentRequest request =
        OBOL__PAYMENTS__V1__CREATE_PAYMENT_REQUEST__INIT;
    sets(&request.base, "card.number", "4242");
    sets(&request.base, "card.expiry_month", "12");
    cr_assert_str_eq(request.card->number, "4242");
    cr_assert_eq(request.card->expiry_month->value, 12);
}

Test(text, appends_when_repeated)
{
    Obol__Webhooks__V1__ReplayRequest request = OBOL__WEBHOOKS__V1__REPLAY_REQUEST__INIT;
    sets(&request.base, "events", "a");
    sets(&request.base, "events", "b");
    sets(&request.base, "only_failed", "false");
    cr_assert_eq(request.n_events, 2);
    cr_assert_str_eq(request.events[0], "a");
    cr_assert_str_eq(request.events[1], "b");
    cr_assert_not(request.only_failed);
    sets(&request.base, "only_failed", "true");
    cr_assert(request.only_failed);
}

Test(text, refuses_items_when_too_many)
{
    Obol__Webhooks__V1__ReplayRequest request = OBOL__WEBHOOKS__V1__REPLAY_REQUEST__INIT;
    struct arena *large = arena_new(ARENA_CAP_BATCH);
    for (size_t i = 0; i < JSON_ITEMS_MAX; i++)
        cr_assert_eq(json_set_text(large, &request.base, "events", "a", &problem), STATUS_OK);
    refuses(&request.base, "events", "a", "Has too many items.");
    arena_free(large);
}

Test(text, sets_enums_and_marks_presence)
{
    Google__Protobuf__FieldDescriptorProto field = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__INIT;
    sets(&field.base, "type", "TYPE_BOOL");
    sets(&field.base, "number", "-7");
    cr_assert(field.has_type);
    cr_assert_eq(field.type, GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL);
    cr_assert(field.has_number);
    cr_assert_eq(field.number, -7);
    refuses(&field.base, "label", "BLUE", "Is none of the values that this field knows.");
}

Test(text, refuses_integers_when_malformed_or_beyond)
{
    static const char *const bad[] = {"",    "-",   "+1", "01", "-0", "1.0",
                                      "1e3", "0x1", " 1", "1 ", "a",  "9007199254740991000"};
    Obol__Payments__V1__ListPaymentsRequest list = OBOL__PAYMENTS__V1__LIST_PAYMENTS_REQUEST__INIT;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        refuses(&list.base, "limit", bad[i], "Must be an integer.");
    refuses(&list.base, "limit", "9007199254740992",
            "Must be between -9007199254740991 and 9007199254740991.");
    cr_assert_null(list.limit);
    sets(&list.base, "limit", "-9007199254740991");
    cr_assert_eq(list.limit->value, -JSON_INTEGER_MAX);
}

Test(text, refuses_values_when_of_another_type)
{
    Obol__Webhooks__V1__ReplayRequest request = OBOL__WEBHOOKS__V1__REPLAY_REQUEST__INIT;
    refuses(&request.base, "only_failed", "1", "Must be true or false.");
    refuses(&request.base, "since", "1795257352",
            "Must be a time as RFC 3339 has it, as 2026-01-31T23:59:59Z.");
    Obol__Payments__V1__ProviderCallbackRequest callback =
        OBOL__PAYMENTS__V1__PROVIDER_CALLBACK_REQUEST__INIT;
    refuses(&callback.base, "body", "AAH/", "Can't be given as text.");
}

Test(text, refuses_paths_when_unknown)
{
    Obol__Payments__V1__CreatePaymentRequest request =
        OBOL__PAYMENTS__V1__CREATE_PAYMENT_REQUEST__INIT;
    refuses(&request.base, "", "1", UNKNOWN);
    refuses(&request.base, "nothing", "1", UNKNOWN);
    refuses(&request.base, "card.", "1", UNKNOWN);
    refuses(&request.base, "card.pin", "1", UNKNOWN);
    refuses(&request.base, "amount.value", "1", UNKNOWN);
    refuses(&request.base, "method.x", "1", UNKNOWN);
    refuses(&request.base, "metadata", "1", UNKNOWN);
    refuses(&request.base, "metadata.a", "1", UNKNOWN);
    refuses(&request.base, "card", "1", "Can't be given as text.");
    char long_path[400];
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    cr_assert_eq(json_set_text(arena, &request.base, long_path, "", &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_eq(json_set_text(arena, &request.base, "a\xff", "", &problem),
                 STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(problem.param, "");
}

Test(text, refuses_text_when_not_clean)
{
    Obol__Payments__V1__GetPaymentRequest get = OBOL__PAYMENTS__V1__GET_PAYMENT_REQUEST__INIT;
    static const char *const bad[] = {"a\nb", "\x7f", "\xff", "\x01"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        refuses(&get.base, "id", bad[i], "Must be UTF-8 without control characters.");
    static char large[JSON_STRING_MAX + 2];
    memset(large, 'a', sizeof(large) - 1);
    refuses(&get.base, "id", large, "Is too long.");
    sets(&get.base, "id", "p\xc3\xa9");
    cr_assert_str_eq(get.id, "p\xc3\xa9");
}

Test(text, refuses_field_when_given_twice)
{
    Obol__Payments__V1__ListPaymentsRequest list = OBOL__PAYMENTS__V1__LIST_PAYMENTS_REQUEST__INIT;
    sets(&list.base, "limit", "1");
    refuses(&list.base, "limit", "1", "Is given twice.");
    sets(&list.base, "status", "pending");
    refuses(&list.base, "status", "failed", "Is given twice.");
    cr_assert_str_eq(list.status, "pending");
}

Test(text, reports_exhaustion_when_arena_is_full)
{
    static const char *const paths[][2] = {
        {"card.number", "1"}, {"amount", "1"}, {"order_id", "0123456789012345678901234567890123"}};
    for (size_t i = 0; i < 3; i++) {
        Obol__Payments__V1__CreatePaymentRequest request =
            OBOL__PAYMENTS__V1__CREATE_PAYMENT_REQUEST__INIT;
        struct arena *small = arena_new(16);
        cr_assert_eq(json_set_text(small, &request.base, paths[i][0], paths[i][1], &problem),
                     STATUS_RESOURCE_EXHAUSTED);
        arena_free(small);
    }
}
