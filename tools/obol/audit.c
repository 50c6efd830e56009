#include <stdio.h>

#include "cli.h"
#include "obol/journal/v1/journal.obol.h"
#include "json/json.h"

typedef Obol__Journal__V1__ListAuditResponse Audit;

static void print_entries(struct cli *cli, enum peer peer, const Audit *audit)
{
    enum { COLUMNS = 7 };
    static const char *const headings[COLUMNS] = {"AT",     "SERVICE", "TENANT", "ACTOR",
                                                  "ACTION", "OBJECT",  "REQUEST"};
    const char **cells = ARENA_ARRAY(cli->arena, audit->n_entries * COLUMNS, const char *);
    for (size_t i = 0; cells && i < audit->n_entries; i++) {
        const Obol__Journal__V1__AuditEntry *entry = audit->entries[i];
        const char **row = cells + i * COLUMNS;
        row[0] = print_time(cli->arena, entry->at);
        row[1] = peer_name(peer);
        row[2] = entry->tenant_id;
        row[3] = entry->actor;
        row[4] = entry->action;
        row[5] = entry->object_id;
        row[6] = entry->request_id;
    }
    if (cells && audit->n_entries)
        print_table(headings, COLUMNS, cells, audit->n_entries);
}

// from..to of the services; a service that doesn't answer is said, and the others are shown.
static int audit_of(struct cli *cli, int from, int to, const ProtobufCMessage *request)
{
    struct json_member members[PEERS + 1] = {{0}};
    size_t n = 0;
    int code = EXIT_DONE;
    for (int i = from; i <= to; i++) {
        enum peer peer = (enum peer)i;
        const Audit *audit = (const Audit *)cli_call(
            cli, &(struct ask){peer, METHOD_JournalService_ListAudit, NULL, request});
        if (!audit)
            code = EXIT_FAILED;
        else if (cli->json)
            members[n++] =
                (struct json_member)JSON_R(peer_name(peer), json_write(cli->arena, &audit->base));
        else
            print_entries(cli, peer, audit);
    }
    if (cli->json) {
        const char *json = json_object(cli->arena, members);
        puts(json ? json : "{}");
    }
    return code;
}

static int audit_run(struct cli *cli, int argc, char **argv)
{
    const char *service = NULL, *tenant = "", *object = "", *limit = "100";
    struct words words;
    const struct option_row rows[] = {
        {"service", "auth, payments, refunds or webhooks (default: all)", &service, NULL},
        {"tenant", "only this tenant's", &tenant, NULL},
        {"object", "only about this id", &object, NULL},
        {"limit", "1 to 1000 of each service (default 100)", &limit, NULL},
        {0}};
    int64_t number;
    if (!cli_options(cli, argc, argv, rows, &words))
        return EXIT_USAGE;
    if (words.n != 0 || !cli_number(limit, 1, 1000, &number))
        return cli_usage(cli, "no words, and a limit from 1 to 1000");
    int peer = service ? peer_find(service) : -1;
    if (service && peer < 0)
        return cli_usage(cli, "no such service: %s", service);
    Obol__Journal__V1__ListAuditRequest request = OBOL__JOURNAL__V1__LIST_AUDIT_REQUEST__INIT;
    request.tenant_id = (char *)tenant;
    request.object_id = (char *)object;
    request.limit = (int32_t)number;
    return audit_of(cli, service ? peer : 0, service ? peer : PEERS - 1, &request.base);
}

const struct command audit_commands[] = {
    {"audit", "[--service s] [--tenant ten_…] [--object id] [--limit n]",
     "Who did what, newest first.",
     "  obol audit --tenant ten_demo --limit 20\n  obol audit --object key_test_abc123\n",
     audit_run},
    {0},
};
