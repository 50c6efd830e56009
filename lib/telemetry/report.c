#include "telemetry/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/guard.h"
#include "json/json.h"

#define MINUTE_NS (60 * NS_PER_S)
#define QUIET_MAX_S 3600

static bool is_over(const struct limiter *limiter, size_t place, int64_t now_ns)
{
    return limiter->places[place].since_ns == 0 ||
           now_ns - limiter->places[place].since_ns >= MINUTE_NS;
}

static bool is_of(const struct limiter *limiter, size_t place, const char *event)
{
    return strncmp(limiter->places[place].event, event, REPORT_EVENT_SIZE - 1) == 0;
}

// Its own, else one that is free, else the last, which those share that find none.
static size_t place_of(const struct limiter *limiter, const char *event, int64_t now_ns)
{
    size_t place = LIMITER_EVENTS - 1;
    for (size_t i = LIMITER_EVENTS - 1; i-- > 0;) {
        if (is_over(limiter, i, now_ns))
            place = i;
        else if (is_of(limiter, i, event))
            return i;
    }
    return place;
}

bool limiter_allows(struct limiter *limiter, const char *event, int64_t now_ns)
{
    size_t place = place_of(limiter, event, now_ns);
    if (is_over(limiter, place, now_ns)) {
        limiter->places[place].since_ns = now_ns;
        limiter->places[place].n = 0;
        snprintf(limiter->places[place].event, REPORT_EVENT_SIZE, "%s", event);
    }
    if (limiter->places[place].n >= REPORTS_PER_MINUTE)
        return false;
    limiter->places[place].n++;
    return true;
}

// Cut, never in the middle of a character; what isn't UTF-8 becomes '?'.
static void copy(char *to, size_t size, const char *from, size_t length)
{
    if (length > size - 1) {
        length = size - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    if (json_utf8_valid((struct bytes){(const uint8_t *)to, length}))
        return;
    for (char *c = to; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

void report_take(struct report *ret, const char *event, const struct log_field *fields,
                 int64_t unix_us)
{
    ret->unix_us = unix_us;
    ret->fields_n = 0;
    copy(ret->event, sizeof ret->event, event, strlen(event));
    for (; fields->name && ret->fields_n < REPORT_FIELDS_MAX; fields++) {
        struct report_field *field = &ret->fields[ret->fields_n++];
        copy(field->name, sizeof field->name, fields->name, strlen(fields->name));
        field->is_number = !fields->string;
        field->number = fields->number;
        field->value[0] = '\0';
        if (fields->string)
            copy(field->value, sizeof field->value, fields->string, log_field_length(fields));
    }
}

bool dsn_parse(const char *text, struct dsn *ret)
{
    const char *rest = strstr(text, "://");
    const char *at = rest ? strchr(rest + 3, '@') : NULL;
    const char *project = at ? strrchr(at, '/') : NULL;
    if (!project || strlen(text) >= DSN_URL_SIZE / 2)
        return false;
    size_t key = strcspn(rest + 3, ":@"); // older ones have a secret behind a colon
    bool well =
        key > 0 && key < DSN_KEY_SIZE && project[1] != '\0' &&
        strspn(project + 1, "0123456789") == strlen(project + 1) &&
        strspn(rest + 3, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") >= key;
    if (!well)
        return false;
    snprintf(ret->key, sizeof ret->key, "%.*s", (int)key, rest + 3);
    snprintf(ret->url, sizeof ret->url, "%.*s%.*s/api/%s/envelope/", (int)(rest + 3 - text), text,
             (int)(project - at - 1), at + 1, project + 1);
    struct problem problem = {0};
    return guard_url(ret->url, true, &problem) == STATUS_OK;
}

static const char *value_of(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->fields_n; i++)
        if (strcmp(report->fields[i].name, name) == 0 && report->fields[i].value[0])
            return report->fields[i].value;
    return NULL;
}

static char *extra_of(struct arena *arena, const struct report *report)
{
    struct json_member members[REPORT_FIELDS_MAX + 1] = {0};
    for (size_t i = 0; i < report->fields_n; i++) {
        const struct report_field *field = &report->fields[i];
        if (field->is_number)
            members[i] = (struct json_member)JSON_I(field->name, field->number);
        else
            members[i] = (struct json_member)JSON_S(field->name, field->value);
    }
    return json_object(arena, members);
}

// What events are looked for by.
static char *tags_of(struct arena *arena, const struct report *report, const char *program)
{
    static const char *const names[] = {"request_id", "tenant", "provider"};
    struct json_member members[5] = {JSON_S("service", program)};
    size_t n = 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = value_of(report, names[i]);
        if (value)
            members[n++] = (struct json_member)JSON_S(names[i], value);
    }
    return json_object(arena, members);
}

static char *contexts_of(struct arena *arena, const struct report *report)
{
    const char *trace_id = value_of(report, "trace_id"), *span_id = value_of(report, "span_id");
    if (!trace_id || !span_id)
        return arena_strdup(arena, "{}");
    const char *trace = json_object(
        arena,
        (struct json_member[]){JSON_S("trace_id", trace_id), JSON_S("span_id", span_id), {0}});
    return trace ? json_object(arena, (struct json_member[]){JSON_R("trace", trace), {0}}) : NULL;
}

static char *event_json(struct arena *arena, const struct report *report,
                        const struct report_origin *origin, const char *event_id)
{
    char time[RFC3339_SIZE];
    clock_rfc3339(report->unix_us, time);
    const char *release = arena_printf(arena, "obol@%s", origin->version);
    const char *extra = extra_of(arena, report), *contexts = contexts_of(arena, report);
    const char *tags = tags_of(arena, report, origin->program);
    if (!release || !extra || !tags || !contexts)
        return NULL;
    return json_object(arena, (struct json_member[]){JSON_S("event_id", event_id),
                                                     JSON_S("timestamp", time),
                                                     JSON_S("platform", "c"),
                                                     JSON_S("level", "error"),
                                                     JSON_S("logger", origin->program),
                                                     JSON_S("release", release),
                                                     JSON_S("environment", origin->environment),
                                                     JSON_S("server_name", origin->host),
                                                     JSON_S("message", report->event),
                                                     JSON_R("tags", tags),
                                                     JSON_R("extra", extra),
                                                     JSON_R("contexts", contexts),
                                                     {0}});
}

const char *report_envelope(struct arena *arena, const struct report *report,
                            const struct report_origin *origin, const char *event_id)
{
    char now[RFC3339_SIZE];
    clock_rfc3339(clock_unix_us(), now);
    const char *event = event_json(arena, report, origin, event_id);
    const char *head = json_object(
        arena, (struct json_member[]){JSON_S("event_id", event_id), JSON_S("sent_at", now), {0}});
    const char *item =
        event ? json_object(arena, (struct json_member[]){JSON_S("type", "event"),
                                                          JSON_I("length", (int64_t)strlen(event)),
                                                          {0}})
              : NULL;
    return head && item ? arena_printf(arena, "%s\n%s\n%s\n", head, item, event) : NULL;
}

// One "seconds:categories:…" of the list; categories are separated by ';', none means all.
static int64_t limit_s(const char *entry, size_t length)
{
    char *end;
    long seconds = strtol(entry, &end, 10);
    if (end == entry || *end != ':' || seconds <= 0)
        return 0;
    const char *categories = end + 1, *stop = entry + length;
    bool ours = categories >= stop || *categories == ':';
    while (!ours && categories < stop && *categories != ':') {
        size_t word = strcspn(categories, ";:,");
        ours = word == 5 && strncmp(categories, "error", 5) == 0;
        categories += word + (categories[word] == ';');
    }
    if (!ours)
        return 0;
    return seconds < QUIET_MAX_S ? seconds : QUIET_MAX_S;
}

int64_t report_quiet_s(const char *limits)
{
    int64_t longest_s = 0;
    while (limits && *limits) {
        size_t length = strcspn(limits, ",");
        int64_t seconds = limit_s(limits, length);
        longest_s = seconds > longest_s ? seconds : longest_s;
        limits += length;
        limits += strspn(limits, ", ");
    }
    return longest_s;
}
