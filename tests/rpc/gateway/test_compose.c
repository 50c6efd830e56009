#include "edge.h"

TestSuite(compose, .init = edge_start, .fini = edge_stop, .timeout = 60);

#define JOBS "/api/v1/test/jobs/status"

static struct reply get(const char *path, const char *headers)
{
    return say("GET", path, headers, NULL);
}

Test(compose, adds_the_jobs_of_all_services_up)
{
    REPLY reply = get(JOBS, KEY);
    expect(reply, 200,
           "{\"pending\":6,\"processing\":0,\"completed\":0,\"failed\":0,"
           "\"worker_status\":\"running\"");
    expect(reply, 200, "\"queues\":{\"payments\":{\"pending\":1,");
    expect(reply, 200, "\"refunds\":{\"pending\":2,");
    expect(reply, 200, "\"webhooks\":{\"pending\":3,");
}

Test(compose, says_stopped_when_a_service_is_missing_or_stopping)
{
    scene.peers[UPSTREAM_REFUNDS].stopped = true;
    REPLY stopping = get(JOBS, KEY);
    expect(stopping, 200, "\"worker_status\":\"stopped\"");
    peer_stop(&scene.peers[UPSTREAM_REFUNDS]);
    REPLY missing = get(JOBS, KEY);
    expect(missing, 200, "{\"pending\":4,");
    expect(missing, 200, "\"worker_status\":\"stopped\"");
}

Test(compose, shows_all_jobs_without_a_key_in_test_mode_only)
{
    REPLY refused = get(JOBS, "");
    expect(refused, 401, "");
    scene.gateway.settings.test_mode = true;
    REPLY all = get(JOBS, "");
    expect(all, 200, "{\"pending\":300,");
    REPLY own = get(JOBS, KEY);
    expect(own, 200, "{\"pending\":6,");
    REPLY wrong = get(JOBS, "X-Api-Key: key_a\r\nX-Api-Secret: no\r\n");
    expect(wrong, 401, "");
}

Test(compose, finds_what_a_key_did_wherever_it_was_used)
{
    REPLY none = get("/api/v1/idempotency_keys/k1", KEY);
    expect(none, 404, "\"code\":\"not_found\"");
    scene.peers[UPSTREAM_PAYMENTS].knows_key = true;
    REPLY one = get("/api/v1/idempotency_keys/k%201", KEY);
    expect(one, 200, "\"key\":\"k 1\",\"uses\":[{");
    expect(one, 200, "\"service\":\"payments\"");
    scene.peers[UPSTREAM_WEBHOOKS].knows_key = true;
    REPLY both = get("/api/v1/idempotency_keys/k1", KEY);
    expect(both, 200, "\"service\":\"payments\"");
    expect(both, 200, "\"service\":\"other\"");
}

Test(compose, gives_no_half_answer_about_a_key)
{
    scene.peers[UPSTREAM_PAYMENTS].knows_key = true;
    scene.peers[UPSTREAM_WEBHOOKS].fails = STATUS_UNAVAILABLE;
    REPLY reply = get("/api/v1/idempotency_keys/k1", KEY);
    expect(reply, 503, "Retry-After");
}
