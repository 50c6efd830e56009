#include "json/json.h"
#include "json/write.h"

static void member_write(struct buffer *out, const struct json_member *member)
{
    switch (member->kind) {
    case JSON_MEMBER_STRING:
        if (member->string)
            json_write_string(out, member->string);
        else
            buffer_adds(out, "null");
        break;
    case JSON_MEMBER_INTEGER:
        json_write_integer(out, member->integer);
        break;
    case JSON_MEMBER_BOOL:
        buffer_adds(out, member->integer ? "true" : "false");
        break;
    case JSON_MEMBER_RAW:
        buffer_adds(out, member->string ? member->string : "null");
        break;
    }
}

char *json_object_text(struct arena *arena, const struct json_member *members)
{
    struct buffer out;
    char *text = NULL;

    buffer_init(&out, JSON_WRITE_MAX);
    buffer_add(&out, "{", 1);
    for (const struct json_member *member = members; member->name; member++) {
        if (member != members)
            buffer_add(&out, ",", 1);
        json_write_string(&out, member->name);
        buffer_add(&out, ":", 1);
        member_write(&out, member);
    }
    buffer_add(&out, "}", 1);
    if (!out.full)
        text = (char *)arena_copy(arena, buffer_bytes(&out)).at;
    buffer_deinit(&out);
    return text;
}
