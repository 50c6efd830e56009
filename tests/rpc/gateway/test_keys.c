#include "edge.h"

TestSuite(keys, .init = edge_start, .fini = edge_stop, .timeout = 60);

#define GET_PAYMENT(headers) say("GET", "/api/v1/payments/pay_1", headers, NULL)

Test(keys, are_taken_from_either_kind_of_header)
{
    REPLY own = GET_PAYMENT(KEY);
    expect(own, 200, "\"id\":\"pay_1\"");
    cr_assert(strncmp(scene.seen, "ten_a|key_a|", 12) == 0, "%s", scene.seen);
    REPLY basic = GET_PAYMENT("Authorization: Basic a2V5X2I6c2VjcmV0X2I=\r\n"); // key_b:secret_b
    expect(basic, 200, "");
    cr_assert(strncmp(scene.seen, "ten_b|key_b|", 12) == 0, "%s", scene.seen);
}

Test(keys, are_refused_alike_when_missing_wrong_or_no_text)
{
    static const char *const headers[] = {
        "",
        "X-Api-Key: key_a\r\n",
        "X-Api-Key: key_a\r\nX-Api-Secret: wrong\r\n",
        "X-Api-Key: nobody\r\nX-Api-Secret: secret_a\r\n",
        "X-Api-Key: key_as\r\nX-Api-Secret: ecret_a\r\n",
        "X-Api-Key: \xff\xfe\r\nX-Api-Secret: secret_a\r\n",
        "Authorization: Basic !!!\r\n",
        "Authorization: Basic a2V5X2E=\r\n", // no colon
        "Authorization: Bearer key_a\r\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        REPLY reply = GET_PAYMENT(headers[i]);
        expect(reply, 401, "\"code\":\"authentication_failed\"");
        expect(reply, 401, "WWW-Authenticate: Basic");
    }
    cr_assert_eq(scene.verified, 3, "only what may be a key is asked about: %d", scene.verified);
}

Test(keys, belong_to_the_tenant_that_is_named)
{
    REPLY own = GET_PAYMENT(KEY "X-Tenant-Id: ten_a\r\n");
    expect(own, 200, "");
    REPLY other = GET_PAYMENT(KEY "X-Tenant-Id: ten_b\r\n");
    expect(other, 403, "\"code\":\"tenant_mismatch\"");
}

static void *one_of_many(void *result)
{
    struct reply reply = GET_PAYMENT(KEY);
    *(int *)result = reply.status;
    reply_free(&reply);
    return NULL;
}

Test(keys, are_verified_once_for_many_requests)
{
    pthread_t threads[32];
    int statuses[32];
    scene.held = true;
    for (int i = 0; i < 32; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, one_of_many, &statuses[i]), 0);
    for (int i = 0; i < 8; i++) { // the loop turns meanwhile
        REPLY live = say("GET", "/health/live", "", NULL);
        expect(live, 200, "");
    }
    scene.held = false;
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(statuses[i], 200);
    }
    cr_assert_eq(scene.verified, 1);
}

// *asked_ns: when what was still answered was asked.
static bool is_refused(void *asked_ns)
{
    int64_t now_ns = clock_now_ns();
    REPLY reply = GET_PAYMENT(KEY);
    if (reply.status == 200)
        *(int64_t *)asked_ns = now_ns;
    return reply.status == 401;
}

Test(keys, die_within_a_second_of_their_revocation)
{
    REPLY good = GET_PAYMENT(KEY);
    expect(good, 200, "");
    scene.revoked = true;
    int64_t revoked_ns = clock_now_ns(), asked_ns = revoked_ns;
    test_wait(is_refused, &asked_ns, 10000, "the revoked key is refused");
    cr_assert_leq(asked_ns - revoked_ns, NS_PER_S);
}

static bool is_asked_again(void *context)
{
    REPLY reply = GET_PAYMENT(KEY);
    expect(reply, 200, "");
    return scene.verified > *(const int *)context;
}

Test(keys, go_on_for_a_while_with_auth_away)
{
    REPLY good = GET_PAYMENT(KEY);
    expect(good, 200, "");
    int verified = scene.verified;
    scene.peers[UPSTREAM_AUTH].fails = STATUS_UNAVAILABLE;
    test_wait(is_asked_again, &verified, 5000, "the second is over");
    REPLY unknown = GET_PAYMENT("X-Api-Key: key_b\r\nX-Api-Secret: secret_b\r\n");
    expect(unknown, 503, "\"code\":\"unavailable\"");
    expect(unknown, 503, "Retry-After: 1");
    peer_stop(&scene.peers[UPSTREAM_AUTH]);
    REPLY stale = GET_PAYMENT(KEY);
    expect(stale, 200, "");
}

static bool is_waiting(void *context)
{
    return atomic_load(&scene.waiting) >= *(const int *)context;
}

// A question that hangs is not waited for by those who come a second later: its answer may be from
// before a revocation.
Test(keys, are_asked_about_anew_when_an_answer_takes_long)
{
    pthread_t first, second;
    int statuses[2], one = 1, two = 2;
    scene.held = true;
    cr_assert_eq(pthread_create(&first, NULL, one_of_many, &statuses[0]), 0);
    test_wait(is_waiting, &one, 5000, "the first question hangs");
    int64_t until_ns = clock_deadline_ns(KEY_GOOD_MS + 50);
    while (clock_now_ns() < until_ns) {
        REPLY live = say("GET", "/health/live", "", NULL);
        expect(live, 200, "");
    }
    cr_assert_eq(pthread_create(&second, NULL, one_of_many, &statuses[1]), 0);
    test_wait(is_waiting, &two, 5000, "the second question is asked");
    scene.held = false;
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    cr_assert_eq(statuses[0], 200);
    cr_assert_eq(statuses[1], 200);
}

// A good answer that was long on its way, from before a revocation, must not outlive what was heard
// since: with the auth service away it would serve for a minute.
Test(keys, are_not_good_again_by_an_answer_that_comes_late)
{
    pthread_t first;
    int status, one = 1;
    scene.held = true;
    cr_assert_eq(pthread_create(&first, NULL, one_of_many, &status), 0);
    test_wait(is_waiting, &one, 5000, "the question hangs");
    int64_t until_ns = clock_deadline_ns(KEY_GOOD_MS + 50);
    while (clock_now_ns() < until_ns) {
        REPLY live = say("GET", "/health/live", "", NULL);
        expect(live, 200, "");
    }
    scene.revoked = scene.passing = true;
    REPLY revoked = GET_PAYMENT(KEY);
    expect(revoked, 401, "");
    scene.held = false;
    pthread_join(first, NULL);
    cr_assert_eq(status, 200); // it was asked while the key was good
    scene.peers[UPSTREAM_AUTH].fails = STATUS_UNAVAILABLE;
    REPLY away = GET_PAYMENT(KEY);
    expect(away, 503, "");
}
