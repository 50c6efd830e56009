// One event a line on stderr: JSON, or text for people when LOG_FORMAT=text. Thread-safe; a line is
// written with one write(2). Levels by LOG_LEVEL (debug, info, warn, error). Libraries return; the
// edge of a thread logs once. Never a secret, a card number or a request body.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name;
    const char *string; // NULL: number is the value
    int64_t number;     // of a string: how many bytes of it count; 0: all
};
size_t log_field_length(const struct log_field *field); // of a string
// A NULL string is shown as "". A function, because the compiler objects to asking an array whether
// it is NULL.
static inline struct log_field log_string(const char *name, const char *string)
{
    return (struct log_field){name, string ? string : "", 0};
}
#define LOG_S(name_, string_) log_string((name_), (string_))
#define LOG_I(name_, number_) ((struct log_field){(name_), NULL, (int64_t)(number_)})

// service is shown in each line; static storage. Reads LOG_LEVEL and LOG_FORMAT.
void log_init(const char *service);
// What is wrong with these values of LOG_LEVEL and LOG_FORMAT; NULL: nothing.
const char *log_fault(const char *level, const char *format);
const char *log_level_name(enum log_level level); // "debug"…
uint64_t log_lines(enum log_level level);         // written so far
// fields end at the first whose name is NULL; lines are cut at 8 KiB.
void log_write(enum log_level level, const char *event, const struct log_field *fields);
// The first field is there for its comma, and left out.
#define log_at(level, event, ...)                                                                  \
    log_write((level), (event), (struct log_field[]){{0}, ##__VA_ARGS__, {0}} + 1)
#define log_debug(event, ...) log_at(LOG_DEBUG, event, ##__VA_ARGS__)
#define log_info(event, ...) log_at(LOG_INFO, event, ##__VA_ARGS__)
#define log_warn(event, ...) log_at(LOG_WARN, event, ##__VA_ARGS__)
#define log_error(event, ...) log_at(LOG_ERROR, event, ##__VA_ARGS__)
// Whoever wants to hear of each line of level error, in the thread that writes it, before it is
// written. One; NULL: nobody. It must not wait.
void log_listen(void (*listener)(const char *event, const struct log_field *fields));
