#include "obol/journal/v1/journal.obol.h"
#include "rpc/server.h"
#include "store/webhooks/fixture.h"

static struct health *health;
static struct rpc_server *server;
static struct rpc_client *peer;

// One event, then nothing new.
static enum status list_events(void *worker, struct call *call)
{
    (void)worker;
    const Obol__Journal__V1__ListEventsRequest *request =
        CALL_REQUEST(call, Obol__Journal__V1__ListEventsRequest);
    Obol__Journal__V1__ListEventsResponse *response =
        MESSAGE_NEW(call->arena, obol__journal__v1__list_events_response,
                    Obol__Journal__V1__ListEventsResponse);
    Obol__Journal__V1__Event *event =
        MESSAGE_NEW(call->arena, obol__journal__v1__event, Obol__Journal__V1__Event);
    Google__Protobuf__Timestamp *time =
        MESSAGE_NEW(call->arena, google__protobuf__timestamp, Google__Protobuf__Timestamp);
    static uint8_t body[] = "{\"id\":\"evt_1\"}";
    time->seconds = 1800000000;
    time->nanos = 5000;
    event->id = (char *)"evt_1";
    event->tenant_id = (char *)"ten_a";
    event->type = (char *)"payment.succeeded";
    event->object_id = (char *)"pay_1";
    event->sequence = 3;
    event->created_at = time;
    event->body = (ProtobufCBinaryData){sizeof body - 1, body};
    response->events = ARENA_ARRAY(call->arena, 1, Obol__Journal__V1__Event *);
    response->events[0] = event;
    response->n_events = *request->cursor ? 0 : 1;
    response->cursor = (char *)"after-1";
    call_answer(call, &response->base);
    return STATUS_OK;
}

static enum status refuse(void *worker, struct call *call)
{
    (void)worker;
    return problem_not_found(&call->problem, "thing");
}

static void begin(void)
{
    static const struct proto_file *const files[] = {&obol_journal_v1_journal_file};
    static const struct rpc_handler handlers[] = {
        {.method = "/obol.journal.v1.JournalService/ListEvents", .one = list_events},
        {.method = "/obol.journal.v1.JournalService/GetIdempotencyKey", .one = refuse},
        {.method = "/obol.journal.v1.JournalService/ListAudit", .one = refuse},
        {.method = "/obol.journal.v1.JournalService/GetJobs", .one = refuse},
    };
    fixture_begin();
    health = health_new("payments", "0");
    const struct rpc_server_config config = {
        .address = "127.0.0.1:0",
        .files = files,
        .files_n = 1,
        .handlers = handlers,
        .handlers_n = sizeof handlers / sizeof *handlers,
        .fast_threads = 1,
        .slow_threads = 1,
        .slow_queue = 1,
        .slow_per_tenant = 1,
        .health = health,
    };
    cr_ok(rpc_server_start(&config, &server));
    peer = rpc_client_new(arena_printf(arena, "127.0.0.1:%d", rpc_server_port(server)));
}

static void end(void)
{
    rpc_client_free(peer);
    rpc_server_stop(server, 5000);
    health_free(health);
    fixture_end();
}

TestSuite(intake_list, .init = begin, .fini = end, .timeout = 60);

Test(intake_list, takes_what_a_peer_has)
{
    struct intake intake = {.peers = {peer, peer}};
    struct event *events = NULL;
    size_t n = 0;
    const char *cursor = NULL;
    cr_ok(intake_list(&intake, INTAKE_PAYMENTS, arena, "", &events, &n, &cursor));
    cr_assert_eq(n, 1);
    cr_assert_str_eq(cursor, "after-1");
    cr_assert_eq(events[0].created_us, 1800000000 * US_PER_S + 5);
    cr_assert_eq(events[0].sequence, 3);
    put_endpoint("ten_a", "we_1", "https://shop.example/", "*");
    cr_ok(take(events, n));
    cr_sql("SELECT event_id || ' ' || event_type || ' ' || (payment_id IS NULL) FROM deliveries",
           "evt_1 payment.succeeded true");
    cr_ok(intake_list(&intake, INTAKE_REFUNDS, arena, cursor, &events, &n, &cursor));
    cr_assert_eq(n, 0);
}

Test(intake_list, says_when_a_peer_is_away)
{
    struct rpc_client *nobody =
        rpc_client_new(arena_printf(arena, "127.0.0.1:%d", test_free_port()));
    struct intake intake = {.peers = {nobody, nobody}};
    struct event *events = NULL;
    size_t n = 0;
    const char *cursor = NULL;
    cr_assert_eq(intake_list(&intake, INTAKE_PAYMENTS, arena, "", &events, &n, &cursor),
                 STATUS_UNAVAILABLE);
    rpc_client_free(nobody);
}
