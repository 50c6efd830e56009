#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "base/program.h"
#include "settings.h"

static const struct command *const nouns[] = {
    tenant_commands, key_commands,     payment_commands,   refund_commands, provider_commands,
    route_commands,  limit_commands,   webhook_commands,   audit_commands,  migrate_commands,
    demo_commands,   health_commands,  reconcile_commands, keys_commands,   payments_commands,
    backup_commands, restore_commands, doctor_commands,
};
#define NOUNS_N (sizeof nouns / sizeof *nouns)

static bool starts_with(const char *words, const char *noun)
{
    size_t length = strlen(noun);
    return strncmp(words, noun, length) == 0 && (words[length] == ' ' || words[length] == '\0');
}

// noun NULL: everything.
static void print_commands(FILE *out, const char *noun)
{
    (void)fputs("usage: obol <command> [options]\n\n", out);
    for (size_t i = 0; i < NOUNS_N; i++)
        for (const struct command *command = nouns[i]; command->words; command++)
            if (!noun || starts_with(command->words, noun))
                (void)fprintf(out, "  %-18s %s\n", command->words, command->help);
    (void)fputs("\n`obol <command> --help` has its options and examples.\n"
                "Services are found by AUTH_TARGET, PAYMENTS_TARGET, REFUNDS_TARGET and\n"
                "WEBHOOKS_TARGET (default: the development stack's ports on 127.0.0.1); under\n"
                "TLS with RPC_TLS_CERTIFICATE_FILE, RPC_TLS_KEY_FILE and RPC_TLS_CA_FILE.\n"
                "`obol --configuration` has all that it reads from the environment, as JSON.\n",
                out);
}

// How many of argv's words name this command; 0 when they don't.
static int words_matched(const struct command *command, int argc, char **argv)
{
    int n = 0;
    for (const char *at = command->words; *at; n++) {
        size_t length = strcspn(at, " ");
        if (n + 1 >= argc || strlen(argv[n + 1]) != length || strncmp(argv[n + 1], at, length) != 0)
            return 0;
        at += length;
        at += strspn(at, " ");
    }
    return n;
}

static const struct command *command_find(int argc, char **argv, int *ret_words)
{
    for (size_t i = 0; i < NOUNS_N; i++) {
        for (const struct command *command = nouns[i]; command->words; command++) {
            *ret_words = words_matched(command, argc, argv);
            if (*ret_words)
                return command;
        }
    }
    return NULL;
}

static bool noun_known(const char *noun)
{
    for (size_t i = 0; i < NOUNS_N; i++)
        if (starts_with(nouns[i][0].words, noun))
            return true;
    return false;
}

static bool asks_for_help(int argc, char **argv)
{
    const char *last = argc > 1 ? argv[argc - 1] : "";
    return strcmp(last, "--help") == 0 || strcmp(last, "-h") == 0 || strcmp(last, "help") == 0;
}

// All is read, whatever is at fault: doctor goes on with the rest.
static bool configured(struct cli *cli)
{
    struct rpc_tls_settings tls;
    bool own = config_load(obol_config, obol_config_n, &obol_settings) == STATUS_OK;
    bool bus = config_load(bus_entries, bus_entries_n, &obol_bus) == STATUS_OK;
    return own && bus && config_load(rpc_tls_entries, rpc_tls_entries_n, &tls) == STATUS_OK &&
           rpc_tls_open(&tls, &cli->tls) == STATUS_OK;
}

static int command_run(const struct command *command, int argc, char **argv)
{
    const char *user = getenv("USER");
    CLEANUP(arena_free) struct arena *arena = arena_new(ARENA_CAP_BATCH);
    if (!arena)
        return cli_fail("out of memory");
    struct cli cli = {.arena = arena, .command = command};
    cli.actor = arena_printf(arena, "operator:%s", user && *user ? user : "unknown");
    bool tells_itself = command == doctor_commands; // what is at fault with the configuration
    if (!configured(&cli) && !tells_itself)
        return EXIT_USAGE;
    int code = command->run(&cli, argc, argv);
    rpc_tls_close(cli.tls);
    return code;
}

// What is asked of every program, in the same form.
static int describe(int argc, char **argv)
{
    const struct config_table tables[] = {
        {obol_config, obol_config_n, &obol_settings},
        {bus_entries, bus_entries_n, &obol_bus},
        {rpc_tls_entries, rpc_tls_entries_n, NULL},
    };
    const struct program program = {"obol", OBOL_VERSION, "obol",
                                    NULL,   tables,       sizeof tables / sizeof *tables};
    return program_begin(&program, argc, argv);
}

int main(int argc, char **argv)
{
    (void)setenv("LOG_FORMAT", "text", 0);
    (void)setenv("LOG_LEVEL", "error", 0);
    log_init("obol");
    process_guard();
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "--configuration") == 0))
        return describe(argc, argv);
    int words = 0;
    const struct command *command = command_find(argc, argv, &words);
    if (command)
        return command_run(command, argc - words, argv + words);
    const char *noun = argc > 1 && noun_known(argv[1]) ? argv[1] : NULL;
    bool help = asks_for_help(argc, argv);
    if (!help && argc > 1)
        (void)fprintf(stderr, "obol: no such command: %s%s%s\n", argv[1], argc > 2 ? " " : "",
                      argc > 2 ? argv[2] : "");
    print_commands(help ? stdout : stderr, noun);
    return help ? EXIT_DONE : EXIT_USAGE;
}
