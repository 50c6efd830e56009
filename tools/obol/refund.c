#include "cli.h"
#include "obol/payments/v1/payments.obol.h"

static int refund_resolve(struct cli *cli, int argc, char **argv)
{
    enum { COLUMNS = 4 };
    static const char *const headings[COLUMNS] = {"ID", "PAYMENT", "STATUS", "UPDATED"};
    const char *tenant = NULL, *as = NULL, *reason = NULL;
    struct words words;
    const struct option_row rows[] = {{"tenant", "whose refund it is", &tenant, NULL},
                                      {"as", "processed or failed", &as, NULL},
                                      {"reason", "for the audit log", &reason, NULL},
                                      {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !tenant || !as || !reason)
        return cli_usage(cli, "give the refund, --tenant, --as and --reason");
    Obol__Payments__V1__ResolveRefundRequest request =
        OBOL__PAYMENTS__V1__RESOLVE_REFUND_REQUEST__INIT;
    request.refund_id = words.at[0];
    request.as = (char *)as;
    request.reason = (char *)reason;
    const Obol__Payments__V1__RefundOperation *operation =
        (const Obol__Payments__V1__RefundOperation *)cli_call(
            cli, &(struct ask){PEER_PAYMENTS, METHOD_PaymentService_ResolveRefund, tenant,
                               &request.base});
    if (!operation)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, &operation->base);
    const char *cells[COLUMNS] = {operation->refund_id, operation->payment_id, operation->status,
                                  print_time(cli->arena, operation->at)};
    print_table(headings, COLUMNS, cells, 1);
    return EXIT_DONE;
}

const struct command refund_commands[] = {
    {"refund resolve", "<refund> --tenant ten_… --as <status> --reason <text>",
     "Decide a refund that needs review.",
     "  obol refund resolve rfnd_01… --tenant ten_demo --as processed \\\n"
     "      --reason \"seen in the provider's ledger\"\n",
     refund_resolve},
    {0},
};
