#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/providers.obol.h"

typedef Obol__Payments__V1__Payment Payment;

static int payment_resolve(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL, *as = NULL, *reason = NULL, *reference = "";
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose payment it is", &tenant, NULL},
        {"as", "succeeded, failed, authorized, canceled or pending", &as, NULL},
        {"reason", "for the audit log", &reason, NULL},
        {"provider-reference", "the provider's own name for the charge, for refunds", &reference,
         NULL},
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
    request.provider_reference = (char *)reference;
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

static int print_reviews(struct cli *cli, const Obol__Payments__V1__ReviewList *list)
{
    enum { COLUMNS = 9 };
    static const char *const headings[COLUMNS] = {"TENANT",    "PAYMENT", "REFUND",
                                                  "REASON",    "AMOUNT",  "PROVIDER",
                                                  "REFERENCE", "UNKNOWN", "SINCE"};
    const char **cells = ARENA_ARRAY(cli->arena, list->n_data * COLUMNS, const char *);
    if (!cells)
        return cli_fail("out of memory");
    for (size_t i = 0; i < list->n_data; i++) {
        const Obol__Payments__V1__Review *review = list->data[i];
        const char **row = &cells[i * COLUMNS];
        row[0] = review->tenant_id;
        row[1] = review->payment_id;
        row[2] = review->refund_id;
        row[3] = review->reason;
        row[4] = arena_printf(cli->arena, "%" PRId64 " %s", review->amount, review->currency);
        row[5] = review->provider;
        row[6] = review->reference;
        row[7] = review->unknown_operation;
        row[8] = print_time(cli->arena, review->since);
    }
    print_table(headings, COLUMNS, cells, list->n_data);
    if (list->has_more) {
        const Obol__Payments__V1__Review *last = list->data[list->n_data - 1];
        printf("There are more: go on with --after %s%s%s.\n", last->payment_id,
               last->refund_id[0] ? "/" : "", last->refund_id);
    }
    return EXIT_DONE;
}

static int payment_review(struct cli *cli, int argc, char **argv)
{
    const char *tenant = "", *limit = "100", *after = "";
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "only this one's (default all)", &tenant, NULL},
        {"limit", "1 to 100 (default 100)", &limit, NULL},
        {"after", "go on after this payment, or pay_…/rfnd_… after a refund", &after, NULL},
        {0}};
    int64_t number;
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !cli_number(limit, 1, 100, &number))
        return cli_usage(cli, "give a limit from 1 to 100");
    Obol__Payments__V1__ListReviewsRequest request = OBOL__PAYMENTS__V1__LIST_REVIEWS_REQUEST__INIT;
    request.tenant_id = (char *)tenant;
    request.limit = (int32_t)number;
    request.after = (char *)after;
    const Obol__Payments__V1__ReviewList *list = (const Obol__Payments__V1__ReviewList *)cli_call(
        cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_ListReviews, NULL, &request.base});
    if (!list)
        return EXIT_FAILED;
    return cli->json ? print_json(cli, &list->base) : print_reviews(cli, list);
}

static int payment_unblock(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL;
    struct words words;
    const struct option_row rows[] = {{"tenant", "whose payment it is", &tenant, NULL}, {0}};
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 1 || !tenant)
        return cli_usage(cli, "give the payment and --tenant");
    Obol__Payments__V1__UnblockPayerRequest request =
        OBOL__PAYMENTS__V1__UNBLOCK_PAYER_REQUEST__INIT;
    request.payment_id = words.at[0];
    const Obol__Payments__V1__UnblockPayerResponse *answer =
        (const void *)cli_call(cli, &(struct ask){PEER_PAYMENTS, METHOD_PaymentService_UnblockPayer,
                                                  tenant, &request.base});
    if (!answer)
        return EXIT_FAILED;
    if (cli->json)
        return print_json(cli, &answer->base);
    if (!answer->known)
        puts("The payment does not tell who its payer is.");
    else
        puts(answer->was_blocked ? "The payer was blocked, and is no longer."
                                 : "The payer was not blocked.");
    return EXIT_DONE;
}

const struct command payment_commands[] = {
    {"payment review", "[--tenant ten_…] [--limit n] [--after pay_…[/rfnd_…]]",
     "Payments and refunds that wait for a person, oldest payment first.",
     "  obol payment review\n  obol payment review --tenant ten_demo\n", payment_review},
    {"payment resolve", "<payment> --tenant ten_… --as <status> --reason <text>",
     "Decide a payment that needs review.",
     "  obol payment resolve pay_01… --tenant ten_demo --as succeeded \\\n"
     "      --reason \"seen in the provider's ledger\"\n",
     payment_resolve},
    {"payment unblock", "<payment> --tenant ten_…",
     "Let the payer of a payment in again, whom declined payments blocked.",
     "  obol payment unblock pay_01… --tenant ten_demo\n", payment_unblock},
    {0},
};
