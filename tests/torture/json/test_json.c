#include <string.h>

#include "obol/payments/v1/payments.pb-c.h"
#include "torture/support/torture.h"
#include "json/json.h"

static const char text[] =
    "{\"order_id\":\"order_1\",\"amount\":50000,\"currency\":\"INR\",\"method\":\"card\","
    "\"card\":{\"number\":\"4242424242424242\",\"expiry_month\":12,\"expiry_year\":2030,\"cvv\":"
    "\"123\"},"
    "\"customer\":{\"email\":\"a@b.example\",\"name\":\"\\u00e9\\n\"},\"metadata\":{\"a\":\"1\","
    "\"b\":\"2\"}}";

static bool message(void)
{
    ProtobufCMessage *first = NULL, *second = NULL;
    struct problem problem = {0};
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return false;
    const ProtobufCMessageDescriptor *type =
        &obol__payments__v1__create_payment_request__descriptor;
    enum status status = json_read(arena, type, bytes_of_string(text), &first, &problem);
    torture_check(status == STATUS_OK || (!first && problem.status == status));
    // A request that is well-formed is never called malformed because memory was short.
    torture_check(status == STATUS_OK || status != STATUS_INVALID_ARGUMENT);
    char *written = status == STATUS_OK ? json_write(arena, first) : NULL;
    if (written)
        status = json_read(arena, type, bytes_of_string(written), &second, &problem);
    bool well = written && status == STATUS_OK;
    torture_disarm();
    if (well) {
        if (strcmp(written, json_write(arena, second)) != 0)
            torture_wrong("%s is not %s", json_write(arena, second), written);
        torture_check(((Obol__Payments__V1__CreatePaymentRequest *)second)->amount->value == 50000);
    }
    arena_free(arena);
    return well;
}

static bool free_standing(void)
{
    const struct json_value *value = NULL;
    const struct json_member members[] = {
        JSON_S("code", "x\"y"), JSON_I("n", 5), JSON_B("on", true), {0}};
    int64_t n = 0;
    torture_arm();
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    if (!arena)
        return false;
    char *object = json_object_text(arena, members);
    torture_check(!object || strcmp(object, "{\"code\":\"x\\\"y\",\"n\":5,\"on\":true}") == 0);
    enum status status =
        object ? json_parse(arena, bytes_of_string(object), &value) : STATUS_RESOURCE_EXHAUSTED;
    torture_check(status == STATUS_OK || status == STATUS_RESOURCE_EXHAUSTED);
    if (status == STATUS_OK) {
        const char *code = json_get_string(value, "code");
        torture_check(json_get_integer(value, "n", &n) && n == 5);
        torture_check(!code || strcmp(code, "x\"y") == 0);
    }
    arena_free(arena);
    return status == STATUS_OK;
}

int main(void)
{
    const struct torture_scenario scenarios[] = {
        {.name = "message", .run = message},
        {.name = "free_standing", .run = free_standing},
    };
    return torture_main(scenarios, sizeof scenarios / sizeof *scenarios);
}
