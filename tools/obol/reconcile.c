#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "cli.h"
#include "obol/payments/v1/providers.obol.h"

#define TIMEOUT_MS (10 * 60 * 1000) // a provider may have to be asked about each payment
#define FILE_BYTES_MAX ((size_t)1 << 20)

typedef Obol__Payments__V1__ReconcileRequest Request;
typedef Obol__Payments__V1__Reconciliation Reconciliation;

// Adds the file; false with the reason said.
static bool read_file(const char *name, struct buffer *text)
{
    char piece[4096];
    size_t n;
    FILE *file = fopen(name, "re");
    if (!file) {
        cli_fail("%s can't be read: %m", name);
        return false;
    }
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_add(text, piece, n);
    bool broken = ferror(file);
    (void)fclose(file);
    if (broken)
        cli_fail("%s can't be read", name);
    else if (text->full)
        cli_fail("%s is larger than 1 MiB", name);
    else if (!text->at || strlen(text->at) != text->length)
        cli_fail("%s is no text", name);
    return !broken && !text->full && text->at && strlen(text->at) == text->length;
}

static const Reconciliation *ask(struct cli *cli, const char *tenant, const Request *request)
{
    ProtobufCMessage *response = NULL;
    struct problem problem = {0};
    cli->timeout_ms = TIMEOUT_MS;
    enum status status = cli_ask(
        cli, &(struct ask){PEER_PAYMENTS, METHOD_ProviderService_Reconcile, tenant, &request->base},
        &response, &problem);
    if (status == STATUS_OK)
        return (const Reconciliation *)response;
    // An unavailable provider is told by payments, which is not away then.
    if (status == STATUS_UNAVAILABLE && problem.code && strcmp(problem.code, "unavailable") != 0)
        cli_fail("%s (%s)", problem.detail, problem.code);
    else
        cli_refused(PEER_PAYMENTS, status, &problem);
    return NULL;
}

static int64_t differences(const Reconciliation *run)
{
    return run->missing_here + run->missing_there + run->amounts_differ + run->statuses_differ;
}

static void print_counts(struct cli *cli, const Reconciliation *run)
{
    enum { COLUMNS = 9 };
    static const char *const headings[COLUMNS] = {"RUN",           "PROVIDER", "DATE",
                                                  "SOURCE",        "MATCHED",  "MISSING HERE",
                                                  "MISSING THERE", "AMOUNTS",  "STATUSES"};
    const int64_t counts[] = {run->matched, run->missing_here, run->missing_there,
                              run->amounts_differ, run->statuses_differ};
    const char *cells[COLUMNS] = {run->id, run->provider, run->date, run->source};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        cells[4 + i] = arena_printf(cli->arena, "%lld", (long long)counts[i]);
    print_table(headings, COLUMNS, cells, 1);
}

static void print_differences(struct cli *cli, const Reconciliation *run)
{
    enum { COLUMNS = 5 };
    static const char *const headings[COLUMNS] = {"DIFFERENCE", "REFERENCE", "PAYMENT", "OURS",
                                                  "THEIRS"};
    const char **cells = ARENA_ARRAY(cli->arena, run->n_differences * COLUMNS, const char *);
    for (size_t i = 0; cells && i < run->n_differences; i++) {
        const Obol__Payments__V1__Difference *difference = run->differences[i];
        const char **row = cells + i * COLUMNS;
        row[0] = difference->kind;
        row[1] = difference->reference;
        row[2] = difference->payment_id;
        row[3] = difference->ours;
        row[4] = difference->theirs;
    }
    if (!cells || run->n_differences == 0)
        return;
    putchar('\n');
    print_table(headings, COLUMNS, cells, run->n_differences);
    if (differences(run) > (int64_t)run->n_differences)
        printf("… and %lld more\n", (long long)(differences(run) - (int64_t)run->n_differences));
}

static int reconcile(struct cli *cli, const char *tenant, const Request *request)
{
    const Reconciliation *run = ask(cli, tenant, request);
    if (!run)
        return EXIT_FAILED;
    if (cli->json) {
        if (print_json(cli, &run->base) != EXIT_DONE)
            return EXIT_FAILED;
    } else {
        print_counts(cli, run);
        print_differences(cli, run);
    }
    return differences(run) > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int reconcile_run(struct cli *cli, int argc, char **argv)
{
    const char *tenant = NULL, *provider = NULL, *date = NULL, *credential = "", *file = NULL;
    struct words words;
    const struct option_row rows[] = {
        {"tenant", "whose payments", &tenant, NULL},
        {"provider", "mtn, airtel, zamtel, blumon or paydunya", &provider, NULL},
        {"date", "the day, UTC: 2026-11-21", &date, NULL},
        {"credential", "which, where the tenant has several of the provider", &credential, NULL},
        {"csv", "a settlement file of the provider's, for those that can't be asked", &file, NULL},
        {0}};
    CLEANUP(buffer_deinit) struct buffer text;
    buffer_init(&text, FILE_BYTES_MAX);
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !tenant || !provider || !date)
        return cli_usage(cli, "no words, and a tenant, a provider and a date");
    if (file && !read_file(file, &text))
        return EXIT_FAILED;
    Request request = OBOL__PAYMENTS__V1__RECONCILE_REQUEST__INIT;
    request.provider = (char *)provider;
    request.date = (char *)date;
    request.credential_id = (char *)credential;
    request.csv = file ? text.at : (char *)"";
    return reconcile(cli, tenant, &request);
}

const struct command reconcile_commands[] = {
    {"reconcile",
     "--tenant ten_… --provider p --date 2026-11-21 [--credential cred_…] [--csv file]",
     "Compares a day of the books with the provider's; exits with 1 when they differ.",
     "  obol reconcile --tenant ten_demo --provider mtn --date 2026-11-20\n"
     "  obol reconcile --tenant ten_demo --provider zamtel --date 2026-11-20 --csv zamtel.csv\n"
     "\nA settlement file has a header with the columns reference, amount, currency and status,\n"
     "and perhaps kind (charge or refund). Nothing is corrected.\n",
     reconcile_run},
    {0},
};
