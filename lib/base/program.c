#include "base/program.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/process.h"

#define CONFIGURATION_MAX ((size_t)256 << 10)
#define EXIT_OF_USAGE 2

// What the log and the guard of memory read for themselves, before anything else.
struct process_settings {
    const char *log_level, *log_format;
    bool core_dumps;
};

static const struct config_entry process_entries[] = {
    {"LOG_LEVEL", CONFIG_STRING, offsetof(struct process_settings, log_level), "info",
     "what is logged: debug, info, warn or error, and what is graver", 0, 0},
    {"LOG_FORMAT", CONFIG_STRING, offsetof(struct process_settings, log_format), "json",
     "json, or text for people", 0, 0},
    {"OBOL_CORE_DUMPS", CONFIG_BOOL, offsetof(struct process_settings, core_dumps), "false",
     "memory may be dumped and debugged; for development", 0, 0},
};
#define PROCESS_N (sizeof process_entries / sizeof *process_entries)

static void print_help(const struct program *program)
{
    printf("%s %s: configured by environment variables.\n%s%s\n", program->name, program->version,
           program->about ? program->about : "", program->about ? "\n" : "");
    for (size_t i = 0; i < program->tables_n; i++)
        config_print(program->tables[i].entries, program->tables[i].n);
    config_print(process_entries, PROCESS_N);
}

static void add_variable(struct buffer *out, const struct config_entry *entry)
{
    static const char *const kinds[] = {
        [CONFIG_STRING] = "string",
        [CONFIG_SECRET] = "secret",
        [CONFIG_INT] = "int",
        [CONFIG_BOOL] = "bool",
    };
    buffer_adds(out, "{\"name\":");
    escape_string(out, entry->name);
    buffer_addf(out, ",\"kind\":\"%s\",\"required\":%s,\"default\":", kinds[entry->kind],
                entry->fallback ? "false" : "true");
    escape_string(out, entry->kind == CONFIG_SECRET ? NULL : entry->fallback);
    buffer_adds(out, ",\"help\":");
    escape_string(out, entry->help);
    if (entry->kind == CONFIG_INT && (entry->minimum != 0 || entry->maximum != 0))
        buffer_addf(out, ",\"minimum\":%" PRId64 ",\"maximum\":%" PRId64, entry->minimum,
                    entry->maximum);
    buffer_adds(out, "}");
}

static void add_variables(struct buffer *out, const struct config_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_variable(out, &entries[i]);
        buffer_adds(out, ",\n");
    }
}

void program_print_configuration(const struct program *program)
{
    CLEANUP(buffer_deinit) struct buffer out;
    buffer_init(&out, CONFIGURATION_MAX);
    buffer_adds(&out, "{\"program\":");
    escape_string(&out, program->name);
    buffer_adds(&out, ",\"version\":");
    escape_string(&out, program->version);
    buffer_adds(&out, ",\"variables\":[\n");
    for (size_t i = 0; i < program->tables_n; i++)
        add_variables(&out, program->tables[i].entries, program->tables[i].n);
    for (size_t i = 0; i < PROCESS_N; i++) {
        add_variable(&out, &process_entries[i]);
        buffer_adds(&out, i + 1 < PROCESS_N ? ",\n" : "\n]}");
    }
    puts(out.full ? "" : out.at);
}

static int answer(const struct program *program, const char *argument)
{
    bool known = true;
    if (strcmp(argument, "--version") == 0)
        printf("%s %s\n", program->name, program->version);
    else if (strcmp(argument, "--configuration") == 0)
        program_print_configuration(program);
    else {
        known = strcmp(argument, "--help") == 0;
        print_help(program);
    }
    return known ? 0 : EXIT_OF_USAGE;
}

static enum status process_load(void)
{
    struct process_settings settings;
    enum status status = config_load(process_entries, PROCESS_N, &settings);
    const char *fault =
        status == STATUS_OK ? log_fault(settings.log_level, settings.log_format) : NULL;
    if (!fault)
        return status;
    (void)fprintf(stderr, "%s\n", fault);
    return STATUS_INVALID_ARGUMENT;
}

int program_begin(const struct program *program, int argc, char **argv)
{
    if (argc > 1)
        return answer(program, argv[1]);
    log_init(program->service);
    process_guard();
    enum status status = process_load();
    for (size_t i = 0; i < program->tables_n; i++) {
        const struct config_table *table = &program->tables[i];
        enum status loaded = config_load(table->entries, table->n, table->into);
        status = status == STATUS_OK ? loaded : status;
    }
    return status == STATUS_OK ? PROGRAM_SERVES : EXIT_OF_USAGE;
}
