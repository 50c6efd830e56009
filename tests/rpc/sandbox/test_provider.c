#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "ask.h"
#include "crypto/crypto.h"
#include "sandbox.h"
#include "support/support.h"

#define CALLBACK_SECRET "callback-secret"
#define LATE_CALLS 16 // that all of them come in the first quarter is one in 2^32

static struct sandbox sandbox;
static struct asker asker;
static pthread_t clock_thread;
static struct http_server *listener; // takes callbacks
static _Atomic int callbacks_taken, callbacks_forged, callbacks_refused;

static void *loop_begin(void *context, struct http_loop *loop)
{
    struct sandbox_loop *self = malloc(sizeof *self);
    *self = (struct sandbox_loop){context, loop};
    return self;
}

static void listen_to(void *state, struct http_exchange *exchange)
{
    (void)state;
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(CALLBACK_SECRET), http_body(exchange));
    const char *expected = arena_printf(http_arena(exchange), "sha256=%s",
                                        crypto_hex(http_arena(exchange), BYTES_OF_ARRAY(mac.at)));
    const char *given = http_header_in(exchange, "X-Signature-256");
    bool genuine = given && strcmp(given, expected) == 0;
    callbacks_taken += genuine;
    callbacks_forged += !genuine;
    bool refuse = strcmp(http_path(exchange), "/refuse") == 0 && ++callbacks_refused < 3;
    http_reply(exchange, refuse ? 500 : 204, (struct bytes){0});
}

static struct http_server *serve(void (*handle)(void *, struct http_exchange *), bool with_loop)
{
    struct http_server *server;
    const struct http_server_config config = {
        .address = "127.0.0.1",
        .loops = 1,
        .body_max = 65536,
        .connections_max = 100,
        .request_s = 10,
        .idle_s = 10,
        .loop_begin = with_loop ? loop_begin : NULL,
        .loop_end = with_loop ? free : NULL,
        .handle = handle,
        .context = &sandbox,
    };
    cr_assert_eq(http_server_start(&config, &server), STATUS_OK);
    return server;
}

static void setup(void)
{
    sandbox = (struct sandbox){
        .key = "key",
        .base = "http://sandbox",
        .callback_secret = CALLBACK_SECRET,
        .callbacks = callbacks_new(),
        .holder = holder_new(),
        .bell = bell_new(),
        .ledger = ledger_new(),
        .switches = {.test_mode = true,
                     .delay_ms = 20,
                     .success = true,
                     .refund_success = true,
                     .capture_success = true,
                     .cancel_success = true,
                     .idempotent = true},
        .slow_ms = 300,
    };
    pthread_mutex_init(&sandbox.lock, NULL);
    sandbox.mimics = mimics_new(&(struct mimics_config){.bell = sandbox.bell});
    listener = serve(listen_to, false);
    asker = (struct asker){
        .arena = arena_new(ARENA_CAP_BATCH),
        .client = http_client_new(4, "test"),
        .server = serve(sandbox_handle, true),
        .headers = {{"Authorization", "Bearer key"}, {"Content-Type", "application/json"}},
        .headers_n = 2,
    };
    cr_assert_eq(pthread_create(&clock_thread, NULL, sandbox_keep_time, &sandbox), 0);
}

static void teardown(void)
{
    sandbox.stopping = true;
    bell_ring(sandbox.bell);
    pthread_join(clock_thread, NULL);
    http_client_free(asker.client);
    holder_release(sandbox.holder);
    http_server_stop(asker.server, 2000);
    mimics_free(sandbox.mimics);
    callbacks_free(sandbox.callbacks);
    http_server_stop(listener, 2000);
    holder_free(sandbox.holder);
    ledger_free(sandbox.ledger);
    bell_free(sandbox.bell);
    arena_free(asker.arena);
}

TestSuite(provider, .init = setup, .fini = teardown, .timeout = 60);

static struct http_response charge(const char *reference, const char *means, const char *callback)
{
    int port = http_server_port(listener);
    return ask(&asker, "POST", "/v1/charges",
               arena_printf(asker.arena,
                            "{\"reference\":\"%s\",\"amount\":500,\"currency\":\"INR\",%s,"
                            "\"callback_url\":\"http://127.0.0.1:%d%s\"}",
                            reference, means, port, callback));
}

#define UPI "\"method\":\"upi\",\"vpa\":\"a@upi\",\"capture\":true"
#define MANUAL "\"method\":\"upi\",\"vpa\":\"a@upi\",\"capture\":false"

static const char *status_of(const char *reference)
{
    struct http_response response =
        ask(&asker, "GET", arena_printf(asker.arena, "/v1/operations/%s", reference), NULL);
    return said(&asker, &response, "status");
}

struct expected {
    const char *reference, *status;
};

static bool stands(void *context)
{
    const struct expected *expected = context;
    return strcmp(status_of(expected->reference), expected->status) == 0;
}

static void expect(const char *reference, const char *status)
{
    test_wait(stands, &(struct expected){reference, status}, ASK_MS, status);
}

static bool callbacks_reached(void *context)
{
    return callbacks_taken >= *(int *)context;
}

static int control(const char *json)
{
    return ask(&asker, "POST", "/control", json).status;
}

Test(provider, charges_and_calls_back)
{
    struct http_response response = charge("c", UPI, "/");
    cr_assert_eq(response.status, 202);
    cr_assert_str_eq(said(&asker, &response, "status"), "pending");
    cr_assert_str_eq(said(&asker, &response, "kind"), "charge");
    expect("c", "succeeded");
    test_wait(callbacks_reached, &(int){1}, ASK_MS, "a callback");
    cr_assert_eq(callbacks_forged, 0);
}

Test(provider, calls_back_again_when_it_was_refused)
{
    charge("c", UPI, "/refuse");
    test_wait(callbacks_reached, &(int){3}, ASK_MS, "three tries");
    cr_assert_eq(callbacks_refused, 3);
}

Test(provider, calls_back_twice_or_never_when_told_to)
{
    cr_assert_eq(control("{\"callbacks\":\"off\"}"), 200);
    charge("c", UPI, "/");
    expect("c", "succeeded");
    cr_assert_eq(control("{\"callbacks\":\"double\"}"), 200);
    charge("d", UPI, "/");
    test_wait(callbacks_reached, &(int){2}, ASK_MS, "two callbacks");
    cr_assert_eq(control("{\"callbacks\":\"perhaps\"}"), 400);
    cr_assert_eq(control("nonsense"), 400);
}

Test(provider, answers_a_repeated_reference_with_the_first_charge)
{
    charge("c", UPI, "/");
    expect("c", "succeeded");
    struct http_response again = charge("c", UPI, "/");
    cr_assert_eq(again.status, 200);
    cr_assert_str_eq(said(&asker, &again, "status"), "succeeded");
    struct http_response refund =
        ask(&asker, "POST", "/v1/refunds", "{\"reference\":\"c\",\"charge\":\"c\",\"amount\":1}");
    cr_assert_eq(refund.status, 409);
    struct http_response ledger = ask(&asker, "GET", "/ledger?reference=c", NULL);
    cr_assert_eq(counted(&asker, &ledger, "totals.charged"), 500);
}

Test(provider, charges_twice_when_it_knows_no_references)
{
    cr_assert_eq(control("{\"idempotent\":false}"), 200);
    charge("c", UPI, "/");
    expect("c", "succeeded");
    cr_assert_eq(charge("c", UPI, "/").status, 202);
    expect("c", "succeeded");
    struct http_response ledger = ask(&asker, "GET", "/ledger", NULL);
    cr_assert_eq(counted(&asker, &ledger, "totals.charged"), 1000);
    cr_assert_not_null(strstr((const char *)ledger.body.at, "\"times_charged\":2"));
}

Test(provider, captures_cancels_and_refunds)
{
    charge("c", MANUAL, "/");
    expect("c", "authorized");
    cr_assert_eq(
        ask(&asker, "POST", "/v1/charges/c/capture", "{\"reference\":\"x\",\"amount\":501}").status,
        422);
    cr_assert_eq(
        ask(&asker, "POST", "/v1/charges/c/capture", "{\"reference\":\"x\",\"amount\":400}").status,
        202);
    expect("x", "succeeded");
    cr_assert_eq(ask(&asker, "POST", "/v1/charges/c/cancel", "{\"reference\":\"y\"}").status, 409);
    cr_assert_eq(
        ask(&asker, "POST", "/v1/refunds", "{\"reference\":\"r\",\"charge\":\"c\",\"amount\":400}")
            .status,
        202);
    expect("r", "succeeded");
    cr_assert_eq(
        ask(&asker, "POST", "/v1/refunds", "{\"reference\":\"r2\",\"charge\":\"c\",\"amount\":1}")
            .status,
        422);
    charge("d", MANUAL, "/");
    expect("d", "authorized");
    cr_assert_eq(ask(&asker, "POST", "/v1/charges/d/cancel", "{\"reference\":\"z\"}").status, 202);
    expect("d", "canceled");
    struct http_response ledger = ask(&asker, "GET", "/ledger", NULL);
    cr_assert_eq(counted(&asker, &ledger, "totals.captured"), 400);
    cr_assert_eq(counted(&asker, &ledger, "totals.refunded"), 400);
}

static const char *token_for(const char *number)
{
    struct http_response response =
        ask(&asker, "POST", "/v1/tokens",
            arena_printf(asker.arena,
                         "{\"number\":\"%s\",\"expiry_month\":12,\"expiry_year\":2030,"
                         "\"cvv\":\"123\",\"holder_name\":\"A\"}",
                         number));
    cr_assert_eq(response.status, 201);
    return arena_printf(asker.arena, "\"method\":\"card\",\"token\":\"%s\",\"capture\":true",
                        said(&asker, &response, "id"));
}

Test(provider, exchanges_cards_and_remembers_what_becomes_of_them)
{
    charge("c", token_for("4000000000009995"), "/");
    expect("c", "failed");
    struct http_response response = ask(&asker, "GET", "/v1/operations/c", NULL);
    cr_assert_str_eq(said(&asker, &response, "error.code"), "insufficient_funds");
    charge("d", token_for("5555555555554444"), "/");
    expect("d", "succeeded");
    cr_assert_eq(charge("e", "\"method\":\"card\",\"token\":\"stok_none\"", "/").status, 400);
}

Test(provider, refuses_cards_that_are_none)
{
    static const char *const bodies[] = {
        "{\"number\":\"4242424242424241\",\"expiry_month\":1,\"expiry_year\":2030,\"cvv\":\"123\"}",
        ("{\"number\":\"4242424242424242\",\"expiry_month\":13,\"expiry_year\":2030,\"cvv\":"
         "\"123\"}"),
        "{\"number\":\"4242424242424242\",\"expiry_month\":1,\"expiry_year\":2030,\"cvv\":\"12\"}",
        "{\"expiry_month\":1}",
        "[",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        cr_assert_eq(ask(&asker, "POST", "/v1/tokens", bodies[i]).status, 400, "%zu", i);
}

Test(provider, waits_for_the_payer)
{
    const char *means = token_for("4000003800000446");
    charge("a", means, "/");
    charge("b", means, "/");
    expect("a", "requires_action");
    expect("b", "requires_action");
    struct http_response response = ask(&asker, "GET", "/v1/operations/a", NULL);
    cr_assert_str_eq(said(&asker, &response, "action_url"), "http://sandbox/3ds/a");
    cr_assert_eq(ask(&asker, "GET", "/3ds/a", NULL).status, 200);
    cr_assert_eq(ask(&asker, "GET", "/3ds/none", NULL).status, 404);
    cr_assert_eq(ask(&asker, "POST", "/3ds/none", "outcome=approve").status, 404);
    cr_assert_eq(ask(&asker, "POST", "/3ds/a", "outcome=perhaps").status, 400);
    cr_assert_eq(ask(&asker, "POST", "/3ds/a", "outcome=approve").status, 200);
    cr_assert_eq(ask(&asker, "POST", "/3ds/a", "outcome=approve").status, 409);
    cr_assert_eq(ask(&asker, "POST", "/3ds/b", "{\"outcome\":\"decline\"}").status, 200);
    expect("a", "succeeded");
    response = ask(&asker, "GET", "/v1/operations/b", NULL);
    cr_assert_str_eq(said(&asker, &response, "error.code"), "authentication_failed");
    test_wait(callbacks_reached, &(int){4}, ASK_MS, "two callbacks each");
}

Test(provider, takes_the_money_and_does_not_answer)
{
    cr_assert_eq(control("{\"timeout_resolves_ms\":1500}"), 200);
    struct http_response response =
        ask_for(&asker, 300, "POST", "/v1/charges",
                "{\"reference\":\"c\",\"amount\":500,\"currency\":\"INR\",\"method\":\"upi\","
                "\"vpa\":\"timeout@upi\"}");
    cr_assert_eq(response.failure, HTTP_TIMEOUT);
    response = ask(&asker, "GET", "/v1/operations/c", NULL);
    cr_assert_eq(response.status, 503);
    response = ask(&asker, "GET", "/ledger", NULL);
    cr_assert_eq(counted(&asker, &response, "totals.charged"), 500);
    expect("c", "succeeded");
}

Test(provider, misbehaves_as_told)
{
    charge("c", UPI, "/");
    expect("c", "succeeded");
    cr_assert_eq(control("{\"answer\":\"error500\"}"), 200);
    cr_assert_eq(ask(&asker, "GET", "/v1/operations/c", NULL).status, 500);
    cr_assert_eq(control("{\"answer\":\"malformed\"}"), 200);
    cr_assert_str_eq(status_of("c"), "");
    cr_assert_eq(control("{\"answer\":\"slow\"}"), 200);
    int64_t before_ns = clock_now_ns();
    cr_assert_eq(ask(&asker, "GET", "/v1/operations/c", NULL).status, 200);
    cr_assert(clock_now_ns() - before_ns >= 300 * NS_PER_MS);
    cr_assert_eq(control("{\"answer\":\"hang\"}"), 200);
    cr_assert_eq(ask_for(&asker, 300, "GET", "/v1/operations/c", NULL).failure, HTTP_TIMEOUT);
    cr_assert_eq(control("{\"answer\":\"normal\",\"success\":false}"), 200);
    charge("d", UPI, "/");
    expect("d", "failed");
}

Test(provider, does_what_it_says_has_failed_when_told_to)
{
    cr_assert_eq(control("{\"answer\":\"error500_after\"}"), 200);
    cr_assert_eq(charge("c", UPI, "/").status, 500);
    cr_assert_eq(control("{\"answer\":\"normal\"}"), 200);
    expect("c", "succeeded");
    struct http_response response = ask(&asker, "GET", "/ledger", NULL);
    cr_assert_eq(counted(&asker, &response, "totals.charged"), 500);
}

Test(provider, calls_back_late_when_told_to)
{
    cr_assert_eq(control("{\"callbacks\":\"late\"}"), 200);
    int64_t before_ns = clock_now_ns();
    for (int i = 0; i < LATE_CALLS; i++)
        charge(arena_printf(asker.arena, "c%d", i), UPI, "/");
    test_wait(callbacks_reached, &(int){LATE_CALLS}, ASK_MS, "all of them");
    cr_assert(clock_now_ns() - before_ns > CALLBACK_LATE_MS_MAX / 4 * NS_PER_MS);
}

Test(provider, refuses_what_it_cannot_read)
{
    static const char *const bodies[] = {
        "[",
        "{}",
        "{\"reference\":\"a b\",\"amount\":1,\"currency\":\"INR\"}",
        "{\"reference\":\"a\",\"amount\":0,\"currency\":\"INR\"}",
        "{\"reference\":\"a\",\"amount\":1,\"currency\":\"inr\"}",
        "{\"reference\":\"a\",\"amount\":1,\"currency\":\"INR\",\"method\":\"upi\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        cr_assert_eq(ask(&asker, "POST", "/v1/charges", bodies[i]).status, 400, "%zu", i);
    cr_assert_eq(ask(&asker, "POST", "/v1/refunds", "{\"reference\":\"r\"}").status, 400);
    cr_assert_eq(ask(&asker, "POST", "/v1/charges/c/capture", "{\"reference\":\"r\"}").status, 400);
    cr_assert_eq(ask(&asker, "POST", "/v1/charges/c/cancel", "{\"reference\":\"r\"}").status, 404);
    cr_assert_eq(ask(&asker, "GET", "/v1/operations/none", NULL).status, 404);
    cr_assert_eq(ask(&asker, "GET", "/nowhere", NULL).status, 404);
    cr_assert_eq(ask(&asker, "GET", "/health", NULL).status, 200);
}

Test(provider, wants_the_key)
{
    asker.headers[0].value = "Bearer kex";
    cr_assert_eq(ask(&asker, "GET", "/v1/operations/c", NULL).status, 401);
    asker.headers[0].value = "Basic key";
    cr_assert_eq(ask(&asker, "GET", "/v1/operations/c", NULL).status, 401);
}
