// The switch of the whole installation: whether new payments are taken.
#include "cli.h"
#include "obol/payments/v1/providers.obol.h"

typedef Obol__Payments__V1__PaymentCreation Creation;

static int print_creation(struct cli *cli, const ProtobufCMessage *answer)
{
    enum { COLUMNS = 4 };
    static const char *const headings[COLUMNS] = {"NEW PAYMENTS", "SINCE", "BY", "REASON"};
    const Creation *creation = (const Creation *)answer;
    if (!creation)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, &creation->base);
    const char *cells[COLUMNS] = {creation->stopped ? "stopped" : "taken",
                                  print_time(cli->arena, creation->changed_at),
                                  creation->changed_by, creation->reason};
    print_table(headings, COLUMNS, cells, 1);
    return EXIT_DONE;
}

static int turn(struct cli *cli, bool stopped, const char *reason)
{
    Obol__Payments__V1__SetPaymentCreationRequest request =
        OBOL__PAYMENTS__V1__SET_PAYMENT_CREATION_REQUEST__INIT;
    request.stopped = stopped;
    request.reason = (char *)(uintptr_t)reason;
    return print_creation(
        cli, cli_call(cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_SetPaymentCreation,
                                         NULL, &request.base}));
}

static int payments_stop(struct cli *cli, int argc, char **argv)
{
    const char *reason = "";
    struct words words;
    const struct option_row rows[] = {{"reason", "for whoever is on duty", &reason, NULL}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !*reason)
        return cli_usage(cli, "give --reason");
    return turn(cli, true, reason);
}

static int payments_start(struct cli *cli, int argc, char **argv)
{
    const char *reason = "";
    struct words words;
    const struct option_row rows[] = {{"reason", "for the audit log", &reason, NULL}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    return turn(cli, false, reason);
}

static int payments_status(struct cli *cli, int argc, char **argv)
{
    struct words words;
    if (!cli_options(cli, argc, argv, (const struct option_row[]){{0}}, &words))
        return EXIT_USAGE;
    if (words.n != 0)
        return cli_usage(cli, "no words");
    Obol__Payments__V1__GetPaymentCreationRequest request =
        OBOL__PAYMENTS__V1__GET_PAYMENT_CREATION_REQUEST__INIT;
    return print_creation(
        cli, cli_call(cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_GetPaymentCreation,
                                         NULL, &request.base}));
}

const struct command payments_commands[] = {
    {"payments stop", "--reason text", "Refuse new payments of all tenants; all else goes on.",
     "In force at every replica within a second: 503 payments_stopped.\n\n"
     "  obol payments stop --reason \"INC-42: double bookings at the bank\"\n",
     payments_stop},
    {"payments start", "[--reason text]", "Take new payments again.",
     "  obol payments start --reason \"INC-42 is over\"\n", payments_start},
    {"payments status", "", "Whether new payments are taken, and who said so.",
     "  obol payments status\n", payments_status},
    {0},
};
