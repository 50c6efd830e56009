#include "edge.h"

TestSuite(edge, .init = edge_start, .fini = edge_stop, .timeout = 60);

static struct reply get(const char *path, const char *headers)
{
    return say("GET", path, headers, NULL);
}

static struct reply pay(const char *headers, const char *body)
{
    return say("POST", "/api/v1/payments", headers, body);
}

Test(edge, tells_unknown_paths_from_wrong_verbs)
{
    REPLY nowhere = get("/api/v1/nowhere", KEY);
    expect(nowhere, 404, "Content-Type: application/problem+json");
    REPLY verb = say("DELETE", "/api/v1/payments", KEY, NULL);
    expect(verb, 405, "Allow: POST, GET");
    REPLY odd = say("BREW", "/api/v1/payments", KEY, NULL);
    expect(odd, 405, "Allow: ");
    REPLY missing = get("/api/v1/payments/pay_2", KEY);
    expect(missing, 404, "No such payment.");
}

Test(edge, refuses_bodies_that_are_not_what_the_method_takes)
{
    REPLY type = pay(KEY "Content-Type: text/plain\r\n", "{}");
    expect(type, 415, "\"code\":\"unsupported_media_type\"");
    REPLY none = pay(KEY, "{}");
    expect(none, 415, "");
    REPLY prefix = pay(KEY "Content-Type: application/jsonp\r\n", "{}");
    expect(prefix, 415, "");
    REPLY charset = pay(KEY "Content-Type: application/json; charset=utf-8\r\n", "{}");
    expect(charset, 201, "");
    REPLY malformed = pay(JSON, "{\"amount\":");
    expect(malformed, 400, "\"code\":\"invalid_request\"");
    REPLY unknown = pay(JSON, "{\"customer\":{\"shoe\":1}}");
    expect(unknown, 400, "\"param\":\"customer.shoe\"");
    REPLY body = say("GET", "/api/v1/payments/pay_1", JSON, "{}");
    expect(body, 400, "takes no body");
    REPLY query = say("POST", "/api/v1/payments?currency=INR", JSON, "{}");
    expect(query, 400, "\"param\":\"currency\"");
    cr_assert_eq(scene.created, 1, "only the good one came through");
}

Test(edge, takes_path_variables_from_the_path_only)
{
    REPLY body = say("POST", "/api/v1/payments/pay_1/capture", JSON, "{\"id\":\"pay_2\"}");
    expect(body, 400, "\"param\":\"id\"");
    REPLY query = get("/api/v1/payments/pay_1?id=pay_2", KEY);
    expect(query, 400, "\"param\":\"id\"");
    REPLY unknown = get("/api/v1/payments/pay_1?shoe=1", KEY);
    expect(unknown, 400, "\"param\":\"shoe\"");
    REPLY escape = get("/api/v1/payments?status=%zz", KEY);
    expect(escape, 400, "percent-encoded");
    REPLY good = say("POST", "/api/v1/payments/pay_1/capture", KEY, NULL);
    expect(good, 200, "");
    REPLY list = get("/api/v1/payments?limit=3&status=pending&&", KEY);
    expect(list, 200, "");
}

static const char *key_seen(void)
{
    return strrchr(scene.seen, '|') + 1;
}

Test(edge, strips_quotes_from_idempotency_keys_and_refuses_odd_ones)
{
    char longest[600], too_long[600];
    snprintf(longest, sizeof longest, "Idempotency-Key: %0255d\r\n" JSON, 1);
    snprintf(too_long, sizeof too_long, "Idempotency-Key: %0256d\r\n", 1);
    REPLY quoted = pay(JSON "Idempotency-Key: \"k 1\"\r\n", "{}");
    expect(quoted, 201, "");
    cr_assert_str_eq(key_seen(), "k 1");
    REPLY plain = pay(longest, "{}");
    expect(plain, 201, "");
    cr_assert_eq(strlen(key_seen()), 255);
    static const char *const odd[] = {"Idempotency-Key: \"\"\r\n", "Idempotency-Key:\r\n",
                                      "Idempotency-Key: k\xc3\xa9\r\n",
                                      "Idempotency-Key: a\tb\r\n"};
    for (int i = 0; i < 5; i++) {
        char headers[1000];
        snprintf(headers, sizeof headers, JSON "%s", i < 4 ? odd[i] : too_long);
        REPLY reply = pay(headers, "{}");
        expect(reply, 400, "\"param\":\"Idempotency-Key\"");
    }
    REPLY read = get("/api/v1/payments/pay_1", KEY "Idempotency-Key: k1\r\n");
    expect(read, 200, "");
    cr_assert_str_eq(key_seen(), "none", "a read has no use for one");
}

Test(edge, marks_a_replay)
{
    REPLY first = pay(JSON "Idempotency-Key: k1\r\n", "{}");
    expect(first, 201, "");
    cr_assert_null(strstr(first.text, "Idempotency-Replayed"));
    REPLY again = pay(JSON "Idempotency-Key: k1\r\n", "{}");
    expect(again, 201, "Idempotency-Replayed: true");
}

Test(edge, takes_over_a_sane_request_id_and_makes_one_otherwise)
{
    REPLY given = get("/api/v1/payments/pay_1", KEY "X-Request-Id: Abc-1.2_3\r\n");
    expect(given, 200, "X-Request-Id: Abc-1.2_3");
    cr_assert(strstr(scene.seen, "|Abc-1.2_3|"), "%s", scene.seen);
    REPLY odd = get("/api/v1/payments/pay_1", KEY "X-Request-Id: a b\r\n");
    expect(odd, 200, "X-Request-Id: req_");
    REPLY none = get("/api/v1/nowhere", "");
    expect(none, 404, "X-Request-Id: req_");
    expect(none, 404, "\"request_id\":\"req_");
}

Test(edge, continues_a_trace_with_a_span_of_its_own)
{
    REPLY reply = get("/api/v1/payments/pay_1", KEY
                      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n");
    expect(reply, 200, "");
    cr_assert(strstr(scene.seen, "|00-0af7651916cd43dd8448eb211c80319c-"), "%s", scene.seen);
    cr_assert_null(strstr(scene.seen, "b7ad6b7169203331"), "%s", scene.seen);
}

Test(edge, sends_the_headers_that_every_answer_has)
{
    REPLY good = get("/api/v1/payments/pay_1", KEY);
    expect(good, 200, "Cache-Control: no-store");
    expect(good, 200, "X-Content-Type-Options: nosniff");
    REPLY bad = get("/api/v1/payments/pay_1", "");
    expect(bad, 401, "Cache-Control: no-store");
}

Test(edge, shows_its_own_pages_without_a_key)
{
    REPLY api = get("/openapi.json", "");
    expect(api, 200, "\"openapi\":");
    REPLY live = get("/health/live", "");
    expect(live, 200, "{\"status\":\"up\"}");
    REPLY down = get("/health", "");
    expect(down, 503, "{\"status\":\"down\"}");
    for (int i = 0; i < UPSTREAM_N; i++)
        health_report(scene.gateway.health, scene.gateway.dependencies[i], true, 1);
    REPLY ready = get("/health/ready", "");
    expect(ready, 200, "{\"status\":\"up\"}");
}

Test(edge, gives_a_provider_its_callback_without_a_key)
{
    REPLY reply = say("POST", "/api/v1/webhooks/simulator/default", "X-Sig: 1\r\n", "not json");
    expect(reply, 200, "");
    cr_assert_str_eq(scene.called_back, "simulator|default|127.0.0.1|not json");
}

Test(edge, takes_a_callback_whatever_its_body_is)
{
    static const char *const types[] = {"", "Content-Type: application/x-www-form-urlencoded\r\n",
                                        "Content-Type: application/json\r\n",
                                        "Content-Type: text/plain; charset=latin1\r\n"};
    static const char *const bodies[] = {NULL, "", "data[hash]=a&data%5Bstatus%5D=b",
                                         "{\"a\":", "\xff\xfe"};
    for (size_t i = 0; i < 4 * 5; i++) {
        const char *body = bodies[i / 4];
        char wanted[128];
        REPLY reply = say(i % 2 ? "PUT" : "POST", "/api/v1/sdk/webhooks/blumon?a=b&address=1.2.3.4",
                          types[i % 4], body);
        expect(reply, 200, "\"received\":");
        snprintf(wanted, sizeof wanted, "blumon||127.0.0.1|%s", body ? body : "");
        cr_assert_str_eq(scene.called_back, wanted);
    }
    REPLY own = say("PUT", "/api/v1/sdk/webhooks/blumon/cred_1", "", "x=1");
    expect(own, 200, "");
    cr_assert_str_eq(scene.called_back, "blumon|cred_1|127.0.0.1|x=1");
}

Test(edge, says_unknown_when_a_write_is_not_answered_in_time)
{
    scene.gateway.settings.timeout_ms = 300;
    REPLY warm = get("/api/v1/payments/pay_1", KEY); // so that the key is known
    expect(warm, 200, "");
    scene.held = true;
    REPLY write = say("POST", "/api/v1/payments/pay_1/capture", KEY, NULL);
    expect(write, 504, "\"code\":\"outcome_unknown\"");
    scene.held = false;
}

static int ask(const char *path)
{
    char text[512];
    int fd = wire_connect(scene.port);
    snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" KEY "\r\n",
             path);
    wire_send(fd, text);
    REPLY live = get("/health/live", ""); // a turn of the loop: it was read and sent, or waits
    expect(live, 200, "");
    return fd;
}

// A service that hangs takes a few Bundles; what waits behind them is answered in its own time,
// and was certainly not accepted.
Test(edge, answers_in_time_what_could_not_be_sent)
{
    int fds[12], unknown = 0, unavailable = 0;
    scene.gateway.settings.timeout_ms = 1000;
    REPLY warm = get("/api/v1/payments/pay_1", KEY);
    expect(warm, 200, "");
    scene.held = true;
    int64_t began_ns = clock_now_ns();
    for (int i = 0; i < 12; i++)
        fds[i] = ask("/api/v1/payments/pay_1/capture");
    for (int i = 0; i < 12; i++) {
        REPLY reply = reply_read(fds[i]);
        unknown += reply.status == 504;
        unavailable += reply.status == 503;
    }
    cr_assert_lt(clock_now_ns() - began_ns, 4 * NS_PER_S);
    scene.held = false;
    cr_assert_eq(unknown + unavailable, 12);
    cr_assert_geq(unknown, 1);
}

Test(edge, says_unavailable_when_a_service_is_away)
{
    peer_stop(&scene.peers[UPSTREAM_PAYMENTS]);
    REPLY write = say("POST", "/api/v1/payments/pay_1/capture", KEY, NULL);
    cr_assert(write.status == 503 || write.status == 504, "%s", write.text);
    // Once the channel knows, it is certain that nothing was accepted.
    REPLY again = say("POST", "/api/v1/payments/pay_1/capture", KEY, NULL);
    expect(again, 503, "Retry-After: 1");
}

Test(edge, says_unavailable_when_a_service_is_older)
{
    scene.peers[UPSTREAM_PAYMENTS].fails = STATUS_UNIMPLEMENTED;
    REPLY reply = get("/api/v1/payments/pay_1", KEY);
    expect(reply, 503, "");
}

Test(edge, shows_nothing_of_a_failure_inside)
{
    scene.peers[UPSTREAM_PAYMENTS].fails = STATUS_INTERNAL;
    REPLY reply = get("/api/v1/payments/pay_1", KEY);
    expect(reply, 500, "\"code\":\"by_test\"");
    cr_assert_null(strstr(reply.text, "By the test."));
}
