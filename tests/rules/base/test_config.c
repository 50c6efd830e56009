#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"

struct settings {
    const char *listen, *secret;
    int64_t threads, any;
    bool migrate;
};

static const struct config_entry entries[] = {
    {"T_LISTEN", CONFIG_STRING, offsetof(struct settings, listen), "127.0.0.1:1", "Where.", 0, 0},
    {"T_SECRET", CONFIG_SECRET, offsetof(struct settings, secret), "hush-default", "Key.", 0, 0},
    {"T_THREADS", CONFIG_INT, offsetof(struct settings, threads), "4", "How many.", 1, 64},
    {"T_ANY", CONFIG_INT, offsetof(struct settings, any), "0", "Any number.", 0, 0},
    {"T_MIGRATE", CONFIG_BOOL, offsetof(struct settings, migrate), "true", "At start.", 0, 0},
};
#define ENTRIES_N (sizeof(entries) / sizeof(entries[0]))

static const struct config_entry required[] = {
    {"T_REQUIRED", CONFIG_STRING, 0, NULL, "Needed.", 0, 0},
};

static char captured[16384];

// What a load or a print says on that descriptor.
static enum status capture(int descriptor, enum status (*act)(void *), void *argument)
{
    char path[] = "/tmp/obol_config_XXXXXX";
    int file = mkstemp(path), kept = dup(descriptor);
    unlink(path);
    dup2(file, descriptor);
    enum status status = act(argument);
    dup2(kept, descriptor);
    close(kept);
    ssize_t length = pread(file, captured, sizeof(captured) - 1, 0);
    captured[length > 0 ? length : 0] = '\0';
    close(file);
    return status;
}

static enum status load(void *settings)
{
    return config_load(entries, ENTRIES_N, settings);
}

static enum status load_required(void *into)
{
    return config_load(required, 1, into);
}

static enum status print(void *unused)
{
    (void)unused;
    config_print(entries, ENTRIES_N);
    config_print(required, 1);
    return STATUS_OK;
}

Test(config, load_takes_defaults)
{
    struct settings s;
    cr_assert_eq(config_load(entries, ENTRIES_N, &s), STATUS_OK);
    cr_assert_str_eq(s.listen, "127.0.0.1:1");
    cr_assert_str_eq(s.secret, "hush-default");
    cr_assert_eq(s.threads, 4);
    cr_assert_eq(s.any, 0);
    cr_assert(s.migrate);
}

Test(config, load_takes_the_environment)
{
    setenv("T_LISTEN", "0.0.0.0:2", 1);
    setenv("T_SECRET", "s3", 1);
    setenv("T_THREADS", "64", 1);
    setenv("T_ANY", "-9223372036854775808", 1);
    setenv("T_MIGRATE", "no", 1);
    struct settings s;
    cr_assert_eq(config_load(entries, ENTRIES_N, &s), STATUS_OK);
    cr_assert_str_eq(s.listen, "0.0.0.0:2");
    cr_assert_str_eq(s.secret, "s3");
    cr_assert_eq(s.threads, 64);
    cr_assert_eq(s.any, INT64_MIN);
    cr_assert_not(s.migrate);
}

Test(config, load_counts_empty_as_not_set)
{
    setenv("T_LISTEN", "", 1);
    setenv("T_THREADS", "", 1);
    struct settings s;
    cr_assert_eq(config_load(entries, ENTRIES_N, &s), STATUS_OK);
    cr_assert_str_eq(s.listen, "127.0.0.1:1");
    cr_assert_eq(s.threads, 4);
}

Test(config, load_understands_the_words_for_booleans)
{
    static const char *const words[] = {"true", "1", "yes", "false", "0", "no"};
    for (int i = 0; i < 6; i++) {
        struct settings s;
        setenv("T_MIGRATE", words[i], 1);
        cr_assert_eq(config_load(entries, ENTRIES_N, &s), STATUS_OK);
        cr_assert_eq(s.migrate, i < 3, "%s", words[i]);
    }
}

Test(config, load_reports_every_fault_and_no_secret)
{
    setenv("T_THREADS", "65", 1);
    setenv("T_ANY", "12x", 1);
    setenv("T_MIGRATE", "maybe", 1);
    setenv("T_SECRET", "topsecret", 1);
    setenv("T_SECRET_FILE", "/nowhere", 1);
    struct settings s;
    cr_assert_eq(capture(STDERR_FILENO, load, &s), STATUS_INVALID_ARGUMENT);
    cr_assert_not_null(strstr(captured, "T_THREADS: must be from 1 to 64"));
    cr_assert_not_null(strstr(captured, "T_ANY: not a whole number"));
    cr_assert_not_null(strstr(captured, "T_MIGRATE: "));
    cr_assert_not_null(strstr(captured, "T_SECRET: "));
    cr_assert_null(strstr(captured, "topsecret"));
}

Test(config, load_refuses_bad_numbers)
{
    static const char *const bad[] = {" 4",  "4 ", "+4",  "0x4",
                                      "4.0", "-",  "1e1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct settings s;
        setenv("T_ANY", bad[i], 1);
        cr_assert_eq(capture(STDERR_FILENO, load, &s), STATUS_INVALID_ARGUMENT, "%s", bad[i]);
    }
}

Test(config, load_refuses_a_missing_requirement)
{
    const char *value = NULL;
    cr_assert_eq(capture(STDERR_FILENO, load_required, &value), STATUS_INVALID_ARGUMENT);
    cr_assert_str_eq(captured, "T_REQUIRED: required, but not set\n");
    setenv("T_REQUIRED", "here", 1);
    cr_assert_eq(config_load(required, 1, &value), STATUS_OK);
    cr_assert_str_eq(value, "here");
}

static enum status load_secret_file(const void *content, size_t length, struct settings *settings)
{
    char path[] = "/tmp/obol_secret_XXXXXX";
    int file = mkstemp(path);
    cr_assert_eq(write(file, content, length), (ssize_t)length);
    close(file);
    setenv("T_SECRET_FILE", path, 1);
    enum status status = capture(STDERR_FILENO, load, settings);
    unlink(path);
    return status;
}

Test(config, load_reads_a_secret_from_its_file)
{
    struct settings s;
    cr_assert_eq(load_secret_file("from file\r\n\n", 12, &s), STATUS_OK);
    cr_assert_str_eq(s.secret, "from file");
    static char large[65537];
    memset(large, 'k', sizeof(large));
    cr_assert_eq(load_secret_file(large, 65536, &s), STATUS_OK);
    cr_assert_eq(strlen(s.secret), 65536);
}

Test(config, load_refuses_a_bad_secret_file)
{
    struct settings s;
    static char large[65537];
    memset(large, 'k', sizeof(large));
    cr_assert_eq(load_secret_file(large, 65537, &s), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(load_secret_file("\n", 1, &s), STATUS_INVALID_ARGUMENT);
    cr_assert_eq(load_secret_file("a\0b", 3, &s), STATUS_INVALID_ARGUMENT);
    setenv("T_SECRET_FILE", "/tmp", 1);
    cr_assert_eq(capture(STDERR_FILENO, load, &s), STATUS_INVALID_ARGUMENT);
    setenv("T_SECRET_FILE", "/nowhere/at/all", 1);
    cr_assert_eq(capture(STDERR_FILENO, load, &s), STATUS_INVALID_ARGUMENT);
}

Test(config, print_shows_the_table_without_secrets)
{
    cr_assert_eq(capture(STDOUT_FILENO, print, NULL), STATUS_OK);
    cr_assert_not_null(strstr(captured, "T_LISTEN   127.0.0.1:1  Where.\n"));
    cr_assert_not_null(strstr(captured, "T_SECRET   (secret)     Key.; or its file, by _FILE\n"));
    cr_assert_not_null(strstr(captured, "T_REQUIRED  (required)  Needed.\n"));
    cr_assert_null(strstr(captured, "hush-default"));
}

Test(config, one_entry_is_checked_without_a_word)
{
    const char *text = NULL, *fault = NULL;
    setenv("T_THREADS", "65", 1);
    cr_assert_not(config_check(&entries[2], &text, &fault));
    cr_assert_str_eq(fault, "must be from 1 to 64");
    setenv("T_THREADS", "64", 1);
    cr_assert(config_check(&entries[2], &text, &fault));
    cr_assert_str_eq(text, "64");
    cr_assert_not(config_check(&required[0], &text, &fault));
    cr_assert_str_eq(fault, "required, but not set");
    setenv("T_MIGRATE", "perhaps", 1);
    cr_assert_not(config_check(&entries[4], &text, &fault));
    cr_assert_str_eq(fault, "must be true or false");
}
