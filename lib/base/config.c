#include "base/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define CONFIG_FILE_MAX ((size_t)64 << 10)
#define CONFIG_NAME_MAX 128

DEFINE_CLEANUP(fclose, FILE *)

// What was read from files lives until exit, and stays reachable for the leak checker.
struct kept {
    struct kept *next;
    char text[CONFIG_FILE_MAX + 1];
};
static struct kept *kept_files;

// Where faults are told instead of on stderr, while one entry is checked.
#define FAULT_MAX 128
static char config_told[FAULT_MAX];
static bool config_quiet;

static bool config_fault(const struct config_entry *entry, const char *reason)
{
    if (config_quiet)
        snprintf(config_told, sizeof config_told, "%s", reason);
    else
        fprintf(stderr, "%s: %s\n", entry->name, reason);
    return false;
}

static const char *config_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static bool config_read_file(const struct config_entry *entry, const char *path, const char **ret)
{
    CLEANUP(fclose) FILE *file = fopen(path, "re");
    if (!file)
        return config_fault(entry, "the file that _FILE names can't be opened");
    struct kept *kept = calloc(1, sizeof(*kept));
    if (!kept)
        return config_fault(entry, "out of memory");
    kept->next = kept_files;
    kept_files = kept;
    size_t length = fread(kept->text, 1, CONFIG_FILE_MAX, file);
    if (ferror(file))
        return config_fault(entry, "the file that _FILE names can't be read");
    if (fgetc(file) != EOF)
        return config_fault(entry, "the file that _FILE names is longer than 64 KiB");
    if (memchr(kept->text, '\0', length))
        return config_fault(entry, "the file that _FILE names holds a NUL");
    while (length && (kept->text[length - 1] == '\n' || kept->text[length - 1] == '\r'))
        kept->text[--length] = '\0';
    *ret = kept->text;
    return true;
}

// The text of an entry: its variable, its file, or its default; a fault when there is none.
static bool config_text(const struct config_entry *entry, const char **ret)
{
    const char *value = config_environment(entry->name), *path = NULL;
    if (entry->kind == CONFIG_SECRET) {
        char name[CONFIG_NAME_MAX];
        snprintf(name, sizeof(name), "%s_FILE", entry->name);
        path = config_environment(name);
    }
    if (value && path)
        return config_fault(entry, "given both by itself and as _FILE");
    if (path && !config_read_file(entry, path, &value))
        return false;
    if (path && !*value)
        return config_fault(entry, "the file that _FILE names is empty");
    *ret = value ? value : entry->fallback;
    return *ret ? true : config_fault(entry, "required, but not set");
}

static bool config_int(const struct config_entry *entry, const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool digits_only = text[strspn(text, "-0123456789")] == '\0';
    if (end == text || *end || errno || !digits_only)
        return config_fault(entry, "not a whole number");
    bool bounded = entry->minimum != 0 || entry->maximum != 0;
    if (bounded && (number < entry->minimum || number > entry->maximum)) {
        char reason[FAULT_MAX];
        snprintf(reason, sizeof reason, "must be from %lld to %lld", (long long)entry->minimum,
                 (long long)entry->maximum);
        return config_fault(entry, reason);
    }
    *ret = number;
    return true;
}

static bool config_bool(const struct config_entry *entry, const char *text, bool *ret)
{
    static const char *const yes[] = {"true", "1", "yes"}, *const no[] = {"false", "0", "no"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *ret = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return config_fault(entry, "must be true or false");
}

static bool config_load_entry(const struct config_entry *entry, void *into)
{
    const char *text;
    if (!config_text(entry, &text))
        return false;
    void *field = (char *)into + entry->offset;
    switch (entry->kind) {
    case CONFIG_STRING:
    case CONFIG_SECRET:
        *(const char **)field = text;
        return true;
    case CONFIG_INT:
        return config_int(entry, text, field);
    case CONFIG_BOOL:
        return config_bool(entry, text, field);
    }
    return config_fault(entry, "has no kind");
}

enum status config_load(const struct config_entry *entries, size_t n, void *into)
{
    bool good = true;
    for (size_t i = 0; i < n; i++)
        good &= config_load_entry(&entries[i], into);
    return good ? STATUS_OK : STATUS_INVALID_ARGUMENT;
}

bool config_check(const struct config_entry *entry, const char **ret_text, const char **ret_fault)
{
    union {
        const char *text;
        int64_t number;
        bool truth;
    } value;
    struct config_entry alone = *entry;
    alone.offset = 0;
    config_quiet = true;
    bool good = config_load_entry(&alone, &value) && config_text(&alone, ret_text);
    config_quiet = false;
    *ret_fault = config_told;
    return good;
}

static const char *config_shown_default(const struct config_entry *entry)
{
    if (!entry->fallback)
        return "(required)";
    if (!*entry->fallback)
        return "(none)";
    return entry->kind == CONFIG_SECRET ? "(secret)" : entry->fallback;
}

void config_print(const struct config_entry *entries, size_t n)
{
    int name_width = 0, default_width = 0;
    for (size_t i = 0; i < n; i++) {
        int name = (int)strlen(entries[i].name);
        int shown = (int)strlen(config_shown_default(&entries[i]));
        name_width = name > name_width ? name : name_width;
        default_width = shown > default_width ? shown : default_width;
    }
    for (size_t i = 0; i < n; i++)
        printf("%-*s  %-*s  %s%s\n", name_width, entries[i].name, default_width,
               config_shown_default(&entries[i]), entries[i].help,
               entries[i].kind == CONFIG_SECRET ? "; or its file, by _FILE" : "");
    fflush(stdout);
}
