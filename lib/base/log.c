#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"

#define LINE_MAX_BYTES 8192
#define LINE_TAIL 32 // kept free, so that a cut line still ends as it should

struct line {
    size_t length;
    bool cut; // from here on only the tail fits
    char at[LINE_MAX_BYTES];
};

static _Atomic(const char *) log_service = "";
static atomic_int log_least = LOG_INFO;
static atomic_bool log_text;
static atomic_uint_fast64_t log_written[LOG_ERROR + 1];
static void (*_Atomic log_listener)(const char *event, const struct log_field *fields);

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_init(const char *service)
{
    atomic_store(&log_service, service);
    const char *level = getenv("LOG_LEVEL"), *format = getenv("LOG_FORMAT");
    atomic_store(&log_least, LOG_INFO);
    for (int i = LOG_DEBUG; level && i <= LOG_ERROR; i++)
        if (strcmp(level, level_names[i]) == 0)
            atomic_store(&log_least, i);
    atomic_store(&log_text, format && strcmp(format, "text") == 0);
}

const char *log_fault(const char *level, const char *format)
{
    bool known = false;
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++)
        known |= strcmp(level, level_names[i]) == 0;
    if (!known)
        return "LOG_LEVEL: must be debug, info, warn or error";
    return strcmp(format, "json") == 0 || strcmp(format, "text") == 0
               ? NULL
               : "LOG_FORMAT: must be json or text";
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

uint64_t log_lines(enum log_level level)
{
    return atomic_load_explicit(&log_written[level], memory_order_relaxed);
}

static bool line_put(struct line *line, const char *text, size_t length)
{
    if (line->cut || line->length + length > sizeof(line->at) - LINE_TAIL) {
        line->cut = true;
        return false;
    }
    memcpy(line->at + line->length, text, length);
    line->length += length;
    return true;
}

static void line_puts(struct line *line, const char *text)
{
    line_put(line, text, strlen(text));
}

static void line_tail(struct line *line, const char *text)
{
    memcpy(line->at + line->length, text, strlen(text));
    line->length += strlen(text);
}

void log_listen(void (*listener)(const char *event, const struct log_field *fields))
{
    atomic_store(&log_listener, listener);
}

size_t log_field_length(const struct log_field *field)
{
    return field->number > 0 ? strnlen(field->string, (size_t)field->number)
                             : strlen(field->string);
}

static void line_escaped(struct line *line, const char *text, size_t length)
{
    char piece[ESCAPE_MAX];
    for (const char *end = text + length; text < end;)
        if (!line_put(line, piece, escape_next(&text, piece)))
            return;
}

static void line_number(struct line *line, int64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, number);
    line_puts(line, text);
}

// ,"name":"value". A value that is too long is cut and its quote still closed; a name that doesn't
// fit whole is left out with its value.
static void line_member(struct line *line, const char *name, const char *value, size_t length)
{
    size_t before = line->length;
    line_puts(line, line->length > 1 ? ",\"" : "\"");
    line_escaped(line, name, strlen(name));
    line_puts(line, "\":\"");
    if (line->cut) {
        line->length = before;
        return;
    }
    line_escaped(line, value, length);
    line_tail(line, "\"");
}

static void line_member_number(struct line *line, const char *name, int64_t number)
{
    size_t before = line->length;
    line_puts(line, ",\"");
    line_escaped(line, name, strlen(name));
    line_puts(line, "\":");
    line_number(line, number);
    if (line->cut)
        line->length = before;
}

static void line_json(struct line *line, enum log_level level, const char *event,
                      const struct log_field *fields)
{
    char time[RFC3339_SIZE];
    clock_rfc3339(clock_unix_us(), time);
    const char *service = atomic_load(&log_service);
    line_puts(line, "{");
    line_member(line, "time", time, strlen(time));
    line_member(line, "level", level_names[level], strlen(level_names[level]));
    line_member(line, "service", service, strlen(service));
    line_member(line, "event", event, strlen(event));
    for (; fields->name && !line->cut; fields++) {
        if (fields->string)
            line_member(line, fields->name, fields->string, log_field_length(fields));
        else
            line_member_number(line, fields->name, fields->number);
    }
    line_tail(line, line->cut ? ",\"cut\":true}\n" : "}\n");
}

static void line_text_field(struct line *line, const struct log_field *field)
{
    line_puts(line, " ");
    line_escaped(line, field->name, strlen(field->name));
    line_puts(line, "=");
    if (!field->string) {
        line_number(line, field->number);
        return;
    }
    bool quoted = !*field->string || strpbrk(field->string, " \"=");
    line_puts(line, quoted ? "\"" : "");
    line_escaped(line, field->string, log_field_length(field));
    line_puts(line, quoted ? "\"" : "");
}

static void line_people(struct line *line, enum log_level level, const char *event,
                        const struct log_field *fields)
{
    static const char *const marks[] = {"DEBUG ", "", "WARN ", "ERROR "};
    char time[RFC3339_SIZE];
    clock_rfc3339(clock_unix_us(), time);
    line_put(line, time + sizeof("2026-11-21T") - 1, sizeof("10:35:52.123") - 1);
    line_puts(line, " ");
    line_puts(line, atomic_load(&log_service));
    line_puts(line, "  ");
    line_puts(line, marks[level]);
    line_escaped(line, event, strlen(event));
    line_puts(line, fields->name ? " " : "");
    for (; fields->name && !line->cut; fields++)
        line_text_field(line, fields);
    line_tail(line, line->cut ? " (cut)\n" : "\n");
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    void (*listener)(const char *, const struct log_field *) = atomic_load(&log_listener);
    if (level == LOG_ERROR && listener)
        listener(event, fields);
    if ((int)level < atomic_load(&log_least))
        return;
    atomic_fetch_add_explicit(&log_written[level], 1, memory_order_relaxed);
    struct line line;
    line.length = 0;
    line.cut = false;
    if (atomic_load(&log_text))
        line_people(&line, level, event, fields);
    else
        line_json(&line, level, event, fields);
    // A log that can't be written must not stop what it tells about.
    while (write(STDERR_FILENO, line.at, line.length) < 0 && errno == EINTR) {
    }
}
