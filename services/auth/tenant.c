#include "tenant.h"

#include "base/clock.h"
#include "base/id.h"
#include "rpc/call.h"
#include "json/json.h"

static size_t characters_of(const char *text)
{
    size_t n = 0;
    for (const char *at = text; *at; at++)
        n += ((unsigned char)*at & 0xC0) != 0x80;
    return n;
}

static bool holds_control(const char *text)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return true;
    return false;
}

enum status name_check(const char *name, struct problem *problem)
{
    if (!json_utf8_valid(bytes_of_string(name)) || holds_control(name))
        return problem_invalid(problem, "name", "name holds characters that are not allowed.");
    size_t n = characters_of(name);
    if (n == 0 || n > NAME_CHARACTERS_MAX)
        return problem_invalid(problem, "name", "name has 1 to 100 characters.");
    return STATUS_OK;
}

enum status tenant_read_rate(const Google__Protobuf__Int64Value *given, int64_t *ret,
                             struct problem *problem)
{
    int64_t rate = given ? given->value : RATE_DEFAULT;
    if (given && (rate < 0 || rate > RATE_PER_MIN_MAX))
        return problem_invalid(problem, "rate_per_min",
                               "rate_per_min is 0 to 10000000 requests a minute.");
    *ret = rate;
    return STATUS_OK;
}

enum status tenant_make(struct arena *arena, const Obol__Auth__V1__CreateTenantRequest *request,
                        struct tenant *ret, struct problem *problem)
{
    if (*request->id && !id_looks_like(TENANT_PREFIX, request->id))
        return problem_invalid(problem, "id", "id is not a tenant's id (ten_…).");
    int64_t rate = RATE_DEFAULT;
    enum status status = name_check(request->name, problem);
    if (status == STATUS_OK)
        status = tenant_read_rate(request->rate_per_min, &rate, problem);
    if (status != STATUS_OK)
        return status;
    struct id fresh = id_new(TENANT_PREFIX);
    *ret = (struct tenant){
        .id = *request->id ? request->id : arena_strdup(arena, fresh.text),
        .name = request->name,
        .created_us = clock_unix_us(),
        .rate_per_min = rate,
    };
    return ret->id ? STATUS_OK : problem_internal(problem);
}

Google__Protobuf__Timestamp *timestamp_message(struct arena *arena, int64_t unix_us)
{
    Google__Protobuf__Timestamp *message =
        MESSAGE_NEW(arena, google__protobuf__timestamp, Google__Protobuf__Timestamp);
    if (!message)
        return NULL;
    message->seconds = unix_us / US_PER_S;
    message->nanos = (int32_t)(unix_us % US_PER_S) * 1000;
    return message;
}

Obol__Auth__V1__Tenant *tenant_message(struct arena *arena, const struct tenant *tenant)
{
    Obol__Auth__V1__Tenant *message =
        MESSAGE_NEW(arena, obol__auth__v1__tenant, Obol__Auth__V1__Tenant);
    if (!message)
        return NULL;
    message->id = (char *)tenant->id;
    message->object = (char *)"tenant";
    message->name = (char *)tenant->name;
    message->created_at = timestamp_message(arena, tenant->created_us);
    if (tenant->rate_per_min != RATE_DEFAULT) {
        message->rate_per_min =
            MESSAGE_NEW(arena, google__protobuf__int64_value, Google__Protobuf__Int64Value);
        if (!message->rate_per_min)
            return NULL;
        message->rate_per_min->value = tenant->rate_per_min;
    }
    return message->created_at ? message : NULL;
}
