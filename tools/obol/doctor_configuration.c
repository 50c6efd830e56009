// What each program reads from the environment, as its own --configuration tells, against the
// environment that doctor runs in.
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "crypto/crypto.h"
#include "doctor.h"
#include "settings.h"
#include "json/json.h"

#define TABLE_MAX ((size_t)256 << 10)
#define PATH_MAX_ 4096

const char *const doctor_programs[PROGRAMS] = {"auth", "payments", "refunds", "webhooks",
                                               "gateway"};

static enum config_kind kind_of(const char *name)
{
    if (strcmp(name, "secret") == 0)
        return CONFIG_SECRET;
    if (strcmp(name, "int") == 0)
        return CONFIG_INT;
    return strcmp(name, "bool") == 0 ? CONFIG_BOOL : CONFIG_STRING;
}

static bool read_variable(struct doctor *doctor, const char *program,
                          const struct json_value *table, int at)
{
    struct arena *arena = doctor->cli->arena;
#define AT(name) arena_printf(arena, "variables.%d." name, at)
    const char *name = json_get_string(table, AT("name")),
               *kind = json_get_string(table, AT("kind"));
    bool required = false;
    if (!name || !kind || doctor->variables_n == VARIABLES_MAX)
        return false;
    struct config_entry entry = {.name = name, .kind = kind_of(kind), .help = ""};
    (void)json_get_bool(table, AT("required"), &required);
    (void)json_get_integer(table, AT("minimum"), &entry.minimum);
    (void)json_get_integer(table, AT("maximum"), &entry.maximum);
    const char *fallback = json_get_string(table, AT("default"));
    entry.fallback = required ? NULL : fallback ? fallback : "";
    doctor->variables[doctor->variables_n++] = (struct variable){program, entry};
    return true;
#undef AT
}

static bool read_table(struct doctor *doctor, const char *program, const char *directory)
{
    struct arena *arena = doctor->cli->arena;
    const char *path = arena_printf(arena, "%s/obol-%s", directory, program);
    const char *words[] = {path, "--configuration", NULL};
    const struct json_value *table = NULL;
    char *text =
        path ? child_read(arena, &(struct child){.words = words, .out_fd = -1, .quiet = true},
                          TABLE_MAX)
             : NULL;
    if (!text || json_parse(arena, bytes_of_string(text), &table) != STATUS_OK)
        return false;
    int n = 0;
    while (read_variable(doctor, program, table, n))
        n++;
    return n > 0;
}

static const char *own_directory(struct arena *arena)
{
    char path[PATH_MAX_];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    *strrchr(path, '/') = '\0';
    return arena_strdup(arena, path);
}

static const struct config_entry *find(const struct doctor *doctor, const char *program,
                                       const char *name)
{
    for (size_t i = 0; i < doctor->variables_n; i++)
        if ((!program || strcmp(doctor->variables[i].program, program) == 0) &&
            strcmp(doctor->variables[i].entry.name, name) == 0)
            return &doctor->variables[i].entry;
    return NULL;
}

const char *doctor_value(const struct doctor *doctor, const char *program, const char *name)
{
    const char *text = "", *fault;
    const struct config_entry *entry = find(doctor, program, name);
    return entry && config_check(entry, &text, &fault) ? text : "";
}

bool doctor_true(const struct doctor *doctor, const char *name)
{
    const char *text = doctor_value(doctor, NULL, name);
    return strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || strcmp(text, "yes") == 0;
}

int64_t doctor_number(const struct doctor *doctor, const char *program, const char *name)
{
    int64_t number = 0;
    (void)cli_number(doctor_value(doctor, program, name), INT64_MIN, INT64_MAX, &number);
    return number;
}

static void check_program(struct doctor *doctor, const char *program)
{
    int faults = 0, n = 0;
    const char *what = arena_printf(doctor->cli->arena, "configuration of %s", program);
    for (size_t i = 0; i < doctor->variables_n; i++) {
        const struct variable *variable = &doctor->variables[i];
        const char *text, *fault;
        if (strcmp(variable->program, program) != 0)
            continue;
        n++;
        if (config_check(&variable->entry, &text, &fault))
            continue;
        faults++;
        doctor_fail(doctor, what, "set it in the program's environment; --help says what it means",
                    "%s: %s", variable->entry.name, fault);
    }
    if (faults == 0)
        doctor_ok(doctor, what, "%d variables are well", n);
}

static void check_keys(struct doctor *doctor)
{
    struct keyring ring;
    const char *keys = obol_settings.keys;
    if (!*keys)
        doctor_warn(doctor, "keys", "let doctor have the services' OBOL_KEYS, by OBOL_KEYS_FILE",
                    "OBOL_KEYS is not set: what is sealed is not tried");
    else if (!keyring_parse(keys, &ring))
        doctor_fail(doctor, "keys", "\"1:<64 hex digits>\", newest first, separated by commas",
                    "OBOL_KEYS is no list of keys: no service starts");
    else
        doctor_ok(doctor, "keys", "%zu, the newest is %d", ring.n, ring.keys[0].id);
    crypto_wipe(&ring, sizeof ring);
}

// What obol itself reads: what is at fault counts as not set.
static void check_own(struct doctor *doctor)
{
    for (size_t i = 0; i < obol_config_n; i++) {
        const char *text, *fault;
        const char **field =
            (const char **)(void *)((char *)&obol_settings + obol_config[i].offset);
        if (config_check(&obol_config[i], &text, &fault))
            continue;
        *field = "";
        doctor_fail(doctor, "configuration of obol", "set it where doctor runs", "%s: %s",
                    obol_config[i].name, fault);
    }
}

void doctor_configuration(struct doctor *doctor)
{
    check_own(doctor);
    const char *directory = own_directory(doctor->cli->arena);
    for (size_t i = 0; i < PROGRAMS; i++) {
        doctor->known[i] = directory && read_table(doctor, doctor_programs[i], directory);
        if (doctor->known[i])
            check_program(doctor, doctor_programs[i]);
        else
            doctor_ok(doctor,
                      arena_printf(doctor->cli->arena, "configuration of %s", doctor_programs[i]),
                      "not looked at: the program is not beside obol");
    }
    check_keys(doctor);
}
