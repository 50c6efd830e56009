#include "rpc/wellknown.h"

#include "base/clock.h"
#include "rpc/call.h"

Google__Protobuf__Timestamp *wellknown_time(struct arena *arena, int64_t unix_us)
{
    Google__Protobuf__Timestamp *time =
        MESSAGE_NEW(arena, google__protobuf__timestamp, Google__Protobuf__Timestamp);
    if (time) {
        time->seconds = unix_us / US_PER_S;
        time->nanos = (int32_t)(unix_us % US_PER_S * 1000);
    }
    return time;
}

int64_t wellknown_time_us(const Google__Protobuf__Timestamp *time)
{
    return time ? time->seconds * US_PER_S + time->nanos / 1000 : WELLKNOWN_TIME_NULL;
}

Google__Protobuf__StringValue *wellknown_string(struct arena *arena, const char *value)
{
    Google__Protobuf__StringValue *wrapped =
        MESSAGE_NEW(arena, google__protobuf__string_value, Google__Protobuf__StringValue);
    if (wrapped)
        wrapped->value = arena_strdup(arena, value);
    return wrapped && wrapped->value ? wrapped : NULL;
}

Google__Protobuf__Int64Value *wellknown_int(struct arena *arena, int64_t value)
{
    Google__Protobuf__Int64Value *wrapped =
        MESSAGE_NEW(arena, google__protobuf__int64_value, Google__Protobuf__Int64Value);
    if (wrapped)
        wrapped->value = value;
    return wrapped;
}

Google__Protobuf__BoolValue *wellknown_bool(struct arena *arena, bool value)
{
    Google__Protobuf__BoolValue *wrapped =
        MESSAGE_NEW(arena, google__protobuf__bool_value, Google__Protobuf__BoolValue);
    if (wrapped)
        wrapped->value = value;
    return wrapped;
}
