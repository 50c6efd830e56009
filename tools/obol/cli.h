// obol: what operators ask of an installation. A command is a row of a table; a file per noun.
// Tables for people, JSON (--json) for scripts, reasons on stderr. One thread.
#pragma once
#include "base/arena.h"
#include "base/cleanup.h"
#include "rpc/client.h"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct cli {
    struct rpc_tls *tls; // NULL: plaintext
    struct arena *arena;
    const struct command *command;
    const char *actor; // "operator:<name>"
    bool json;
    int64_t timeout_ms; // of a call to a service; 0: the usual
};

struct command {
    const char *words;    // "tenant create"
    const char *usage;    // what comes after the words
    const char *help;     // one line
    const char *examples; // whole lines, may be NULL
    int (*run)(struct cli *cli, int argc, char **argv);
};

// Each noun's commands; the last has words NULL.
extern const struct command tenant_commands[], key_commands[], migrate_commands[],
    webhook_commands[], payment_commands[], refund_commands[], provider_commands[],
    route_commands[], limit_commands[], audit_commands[], demo_commands[], health_commands[],
    reconcile_commands[], keys_commands[], payments_commands[], backup_commands[],
    restore_commands[], doctor_commands[];

// --- Options. `value` for those that take one, `on` for those that don't. The list ends with {0}.
struct option_row {
    const char *name, *help;
    const char **value;
    bool *on;
};
#define OPTIONS_MAX 12
// What is left over after the options.
struct words {
    char **at;
    int n;
};
// Reads options (and --json, --help) and between least and most words. Otherwise *ret_code says
// what to exit with.
bool cli_options(struct cli *cli, int argc, char **argv, const struct option_row *rows,
                 struct words *ret);
// Says what is wrong with the arguments; gives EXIT_USAGE.
__attribute__((format(printf, 2, 3))) int cli_usage(const struct cli *cli, const char *format, ...);
__attribute__((format(printf, 1, 2))) int cli_fail(const char *format, ...); // EXIT_FAILED
// "" and NULL are missing. True when it is there.
bool cli_number(const char *text, int64_t minimum, int64_t maximum, int64_t *ret);

// --- Services
enum peer { PEER_AUTH, PEER_PAYMENTS, PEER_REFUNDS, PEER_WEBHOOKS, PEERS };
const char *peer_name(enum peer peer);
const char *peer_target(enum peer peer);       // from the environment, or the development stack's
const char *peer_database_url(enum peer peer); // from the environment; "": not said
struct rpc_client *peer_client(const struct cli *cli, enum peer peer); // the caller's to free
// -1 when there is none of that name.
int peer_find(const char *name);

struct ask {
    enum peer peer;
    const struct method *method;
    const char *tenant_id; // NULL: none
    const ProtobufCMessage *request;
};
// *ret lives in cli->arena. On failure *ret_problem says why; nothing is printed.
MUST_USE enum status cli_ask(struct cli *cli, const struct ask *ask, ProtobufCMessage **ret,
                             struct problem *ret_problem);
// The same, with the reason printed: NULL on failure.
ProtobufCMessage *cli_call(struct cli *cli, const struct ask *ask);
int cli_refused(enum peer peer, enum status status, const struct problem *problem);

// --- Output
int print_json(struct cli *cli, const ProtobufCMessage *message);
// rows of `columns` cells each, one after the other; NULL cells are shown as "-".
void print_table(const char *const *headings, size_t columns, const char *const *cells,
                 size_t rows);
// A google.protobuf.Timestamp in RFC 3339, UTC; "-" for NULL.
const char *print_time(struct arena *arena, const void *timestamp);
