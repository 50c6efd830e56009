#include "cli.h"
#include "obol/payments/v1/payments.obol.h"

typedef Obol__Payments__V1__Payment Payment;

static int payment_resolve(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL, *as = NULL, *reason = NULL;
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose payment it is", &tenant, NULL},
        {"as", "succeeded, failed, authorized, canceled or pending", &as, NULL},
        {"reason", "for the audit log", &reason, NULL},
        {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !tenant || !as || !reason)
        return cli_usage(cli, "give the payment, --tenant, --as and --reason");
    Obol__Payments__V1__ResolvePaymentRequest request =
        OBOL__PAYMENTS__V1__RESOLVE_PAYMENT_REQUEST__INIT;
    request.id = words.at[0];
    request.as = (char *)as;
    request.reason = (char *)reason;
    const Payment *payment = (const Payment *)cli_call(
        cli,
        &(struct ask){PEER_PAYMENTS, METHOD_PaymentService_ResolvePayment, tenant, &request.base});
    if (!payment)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, &payment->base);
    static const char *const headings[] = {"ID", "STATUS", "UPDATED"};
    const char *cells[] = {payment->id, payment->status,
                           print_time(cli->arena, payment->updated_at)};
    print_table(headings, 3, cells, 1);
    return EXIT_DONE;
}

const struct command payment_commands[] = {
    {"payment resolve", "<payment> --tenant ten_… --as <status> --reason <text>",
     "Decide a payment that needs review.",
     "  obol payment resolve pay_01… --tenant ten_demo --as succeeded \\\n"
     "      --reason \"seen in the provider's ledger\"\n",
     payment_resolve},
    {0},
};
