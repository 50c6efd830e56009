// JournalService over the wire.
#include "fixture.h"
#include "rpc/client.h"
#include "rpc/server.h"

static struct rpc_server *server;
static struct rpc_client *client;
static struct health *health;
static struct problem problem;
static const char *jobs_of;
static enum status jobs_fail;

static enum status jobs(void *state, struct db *own, struct arena *its, const char *tenant_id,
                        int64_t counts[4])
{
    (void)state, (void)own;
    jobs_of = arena_strdup(arena, tenant_id);
    cr_assert_not_null(its);
    for (int i = 0; i < 4; i++)
        counts[i] = i + 1;
    return jobs_fail;
}

static const struct service_definition definition = {.name = "house", .jobs = jobs};

static void *worker_begin(void *context)
{
    (void)context;
    worker.service->definition = &definition;
    return &worker;
}

static void begin(void)
{
    static const struct proto_file *const files[] = {&obol_journal_v1_journal_file};
    fixture_begin();
    health = health_new("house", "0");
    const struct rpc_server_config config = {.address = "127.0.0.1:0",
                                             .files = files,
                                             .files_n = 1,
                                             .handlers = journal_handlers,
                                             .handlers_n = journal_handlers_n,
                                             .fast_threads = 1,
                                             .worker_begin = worker_begin,
                                             .health = health};
    cr_ok(rpc_server_start(&config, &server));
    client = rpc_client_new(arena_printf(arena, "127.0.0.1:%d", rpc_server_port(server)));
}

static void end(void)
{
    rpc_client_free(client);
    rpc_server_stop(server, 1000);
    health_free(health);
    fixture_end();
}

TestSuite(journal, .init = begin, .fini = end, .timeout = 60);

static enum status ask(const struct method *method, const ProtobufCMessage *request, void *ret)
{
    struct call_context context = call_context_new(arena, "test", 20000);
    ProtobufCMessage *answer = NULL;
    context.tenant_id = "ten_a";
    problem = (struct problem){0};
    enum status status = rpc_call(client, arena, method, &context, request, &answer, &problem);
    memcpy(ret, &answer, sizeof answer);
    return status;
}

static Obol__Journal__V1__ListEventsResponse *list(const char *cursor, int32_t limit)
{
    Obol__Journal__V1__ListEventsRequest request = OBOL__JOURNAL__V1__LIST_EVENTS_REQUEST__INIT;
    Obol__Journal__V1__ListEventsResponse *response = NULL;
    request.cursor = (char *)cursor;
    request.limit = limit;
    return ask(METHOD_JournalService_ListEvents, &request.base, &response) == STATUS_OK ? response
                                                                                        : NULL;
}

static void append(int n)
{
    for (int i = 0; i < n; i++) {
        struct event event = {.id = arena_printf(arena, "evt_0%d", i),
                              .tenant_id = "ten_a",
                              .type = "payment.created",
                              .object_id = "pay_1",
                              .payment_id = "pay_1",
                              .request_id = "req_1",
                              .traceparent = "t",
                              .sequence = i + 1,
                              .created_us = clock_unix_us(),
                              .body = bytes_of_string("{\"a\":1}"),
                              .payload = bytes_of_string("")};
        cr_ok(journal_append(db, arena, &event, 1));
    }
}

// The list goes up to the oldest transaction of the whole server, other tests' included.
static bool all_listed(void *context)
{
    Obol__Journal__V1__ListEventsResponse *response = list("", 0);
    return response && response->n_events == *(size_t *)context;
}

Test(journal, lists_events_to_the_end)
{
    size_t three = 3;
    append(3);
    test_wait(all_listed, &three, 20000, "three events");
    Obol__Journal__V1__ListEventsResponse *page = list("", 2);
    cr_assert_eq(page->n_events, 2);
    cr_assert_str_eq(page->events[0]->id, "evt_00");
    cr_assert_eq(page->events[0]->body.len, 7);
    cr_assert_eq(page->events[1]->sequence, 2);
    cr_assert_not_null(page->events[1]->created_at);
    page = list(page->cursor, 2);
    cr_assert_eq(page->n_events, 1);
    const char *last = page->cursor;
    page = list(last, 2);
    cr_assert_eq(page->n_events, 0);
    cr_assert_str_eq(page->cursor, last);
}

Test(journal, refuses_limits_and_cursors_that_are_none)
{
    cr_assert_null(list("nonsense", 1));
    cr_assert_str_eq(problem.param, "cursor");
    cr_assert_null(list("", 1001));
    cr_assert_str_eq(problem.param, "limit");
    cr_assert_null(list("", -1));
    cr_assert_eq(problem.status, STATUS_INVALID_ARGUMENT);
}

static enum status get_key(const char *key, Obol__Journal__V1__IdempotencyKey **ret)
{
    Obol__Journal__V1__GetIdempotencyKeyRequest request =
        OBOL__JOURNAL__V1__GET_IDEMPOTENCY_KEY_REQUEST__INIT;
    request.key = (char *)key;
    return ask(METHOD_JournalService_GetIdempotencyKey, &request.base, ret);
}

static void put_key(const char *tenant_id, const char *key, const char *answer)
{
    struct claim claim = {.tenant_id = tenant_id,
                          .key = key,
                          .object_id = "pay_1",
                          .method = "m",
                          .http_status = 201,
                          .answer = bytes_of_string(answer),
                          .now_us = clock_unix_us()};
    cr_ok(journal_claim(&service.journal, db, arena, &claim, 1));
}

Test(journal, tells_what_a_key_of_the_tenant_did)
{
    Obol__Journal__V1__IdempotencyKey *key = NULL;
    put_key("ten_a", "k1", "x");
    put_key("ten_a", "k2", NULL);
    put_key("ten_b", "k3", "x");
    cr_ok(get_key("k1", &key));
    cr_assert_str_eq(key->state, "completed");
    cr_assert_str_eq(key->service, "house");
    cr_assert_str_eq(key->object_id, "pay_1");
    cr_assert_eq(key->status, 201);
    cr_assert_eq(key->expires_at->seconds - key->created_at->seconds, IDEMPOTENCY_TTL_S);
    cr_ok(get_key("k2", &key));
    cr_assert_str_eq(key->state, "running");
    cr_assert_eq(get_key("k3", &key), STATUS_NOT_FOUND, "another tenant's");
    cr_assert_eq(get_key("k4", &key), STATUS_NOT_FOUND);
}

Test(journal, lists_the_audit_newest_first)
{
    Obol__Journal__V1__ListAuditRequest request = OBOL__JOURNAL__V1__LIST_AUDIT_REQUEST__INIT;
    Obol__Journal__V1__ListAuditResponse *response = NULL;
    for (int i = 0; i < 3; i++) {
        struct audit entry = {.tenant_id = i ? "ten_a" : "ten_b",
                              .actor = "key_1",
                              .action = "payment.cancel",
                              .object_id = arena_printf(arena, "pay_%d", i),
                              .request_id = "req_1",
                              .after = "{\"a\":1}"};
        cr_ok(journal_audit(db, arena, &entry, 1));
    }
    cr_ok(ask(METHOD_JournalService_ListAudit, &request.base, &response));
    cr_assert_eq(response->n_entries, 3);
    request.tenant_id = (char *)"ten_b";
    cr_ok(ask(METHOD_JournalService_ListAudit, &request.base, &response));
    cr_assert_eq(response->n_entries, 1);
    cr_assert_str_eq(response->entries[0]->object_id, "pay_0");
    cr_assert_str_eq(response->entries[0]->before, "");
    request.limit = 2000;
    cr_assert_eq(ask(METHOD_JournalService_ListAudit, &request.base, &response),
                 STATUS_INVALID_ARGUMENT);
}

Test(journal, counts_the_jobs_of_the_service)
{
    Obol__Journal__V1__GetJobsRequest request = OBOL__JOURNAL__V1__GET_JOBS_REQUEST__INIT;
    Obol__Journal__V1__Jobs *answer = NULL;
    request.tenant_id = (char *)"ten_a";
    cr_ok(ask(METHOD_JournalService_GetJobs, &request.base, &answer));
    cr_assert_str_eq(jobs_of, "ten_a");
    cr_assert_eq(answer->pending, 1);
    cr_assert_eq(answer->failed, 4);
    cr_assert(answer->worker_running);
    service.stopping = true;
    cr_ok(ask(METHOD_JournalService_GetJobs, &request.base, &answer));
    cr_assert(!answer->worker_running);
    jobs_fail = STATUS_UNAVAILABLE;
    cr_assert_eq(ask(METHOD_JournalService_GetJobs, &request.base, &answer), STATUS_UNAVAILABLE);
}
