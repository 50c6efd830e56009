#include <criterion/criterion.h>
#include <string.h>

#include "base/clock.h"
#include "sessions/session.h"

#define NOW_NS (1000 * NS_PER_S)
#define NOW_US (5000 * US_PER_S)

static const struct provider provider = {.name = "mtn"};
static const struct credential credential = {.id = "cred_1", .updated_us = 7};
static const struct provider_use use = {.provider = &provider, .credential = &credential};

static struct session *granted(int64_t lives_s)
{
    struct session *session = session_new(&use, "tnt_a", 1);
    session->used_ns = NOW_NS;
    struct session_life life = {NOW_US, NOW_US + lives_s * US_PER_S};
    cr_assert(session_grant(session, "text", life, NOW_US, NOW_NS));
    return session;
}

static int64_t seconds_from_now(int64_t at_ns)
{
    return (at_ns - NOW_NS) / NS_PER_S;
}

Test(session, knows_whose_it_is)
{
    struct session *session = session_new(&use, "tnt_a", 1);
    cr_assert_str_eq(session->key, "cred_1 1");
    cr_assert_str_eq(session->tenant_id, "tnt_a");
    cr_assert_str_eq(session->credential_id, "cred_1");
    cr_assert_eq(session_due_ns(session), INT64_MAX);
    cr_assert_not(session_good(session, NOW_NS));
    session_free(session);
    session_free(NULL);
}

Test(session, is_renewed_at_four_fifths_of_its_life_or_ten_seconds_before_its_end)
{
    static const int64_t lives[][2] = {{3600, 2880}, {180, 144}, {50, 40},
                                       {30, 20},     {20, 10},   {10, 8}};
    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        struct session *session = granted(lives[i][0]);
        session->used_ns = NOW_NS + lives[i][1] * NS_PER_S;
        cr_assert_eq(seconds_from_now(session_due_ns(session)), lives[i][1]);
        session_free(session);
    }
}

Test(session, of_another_replica_has_only_the_rest_of_its_life)
{
    struct session *session = session_new(&use, "tnt_a", 0);
    struct session_life life = {NOW_US - 80 * US_PER_S, NOW_US + 20 * US_PER_S};
    cr_assert(session_grant(session, "text", life, NOW_US, NOW_NS));
    cr_assert_eq(seconds_from_now(session->renew_ns), 0);
    cr_assert(session_good(session, NOW_NS + 18 * NS_PER_S));
    cr_assert_not(
        session_good(session, NOW_NS + 19 * NS_PER_S)); // the last second is not given out
    session_free(session);
}

Test(session, is_not_renewed_when_nobody_has_asked_for_an_hour)
{
    struct session *session = granted(3 * 3600);
    cr_assert_eq(session_due_ns(session), INT64_MAX); // due in 2.4 hours, last asked for now
    session->used_ns = NOW_NS + 2 * 3600 * NS_PER_S;
    cr_assert_eq(seconds_from_now(session_due_ns(session)), 8640);
    session->busy = true;
    cr_assert_eq(session_due_ns(session), INT64_MAX);
    session_free(session);
}

Test(session, is_refused_for_a_growing_while)
{
    static const int64_t whiles[] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct session *session = session_new(&use, "tnt_a", 0);
    const struct outcome outcome = {.error_code = "provider_setup", .error_message = "Wrong key."};
    for (size_t i = 0; i < sizeof whiles / sizeof whiles[0]; i++) {
        session->wanted = session->busy = true;
        session_refuse(session, &outcome, NOW_NS);
        cr_assert_not(session->busy || session->wanted);
        cr_assert(session_is_refused(session, NOW_NS + whiles[i] * NS_PER_S - 1));
        cr_assert_not(session_is_refused(session, NOW_NS + whiles[i] * NS_PER_S));
        session->wanted = true;
        cr_assert_eq(seconds_from_now(session_due_ns(session)), whiles[i]);
    }
    cr_assert_str_eq(session->error_code, "provider_setup");
    cr_assert_str_eq(session->error_message, "Wrong key.");
    cr_assert(
        session_grant(session, "t", (struct session_life){NOW_US, NOW_US + 9}, NOW_US, NOW_NS));
    session_refuse(session, &outcome, NOW_NS);
    cr_assert_not(session_is_refused(session, NOW_NS + NS_PER_S)); // from the beginning again
    session_free(session);
}

Test(session, waits_before_an_absent_provider_is_asked_again)
{
    struct session *session = session_new(&use, "tnt_a", 0);
    for (int i = 0; i < 10; i++)
        session_fail(session, NOW_NS);
    session->wanted = true;
    cr_assert_eq(session_due_ns(session), NOW_NS + SESSION_FAILED_MS_MAX * NS_PER_MS);
    cr_assert_not(session_is_refused(session, NOW_NS));
    session_free(session);
}

Test(session, forgets_all_when_its_credential_is_changed)
{
    struct session *session = granted(3600);
    session_follow(session, 7);
    cr_assert(session_good(session, NOW_NS));
    session_refuse(session, &(struct outcome){0}, NOW_NS);
    session_follow(session, 6); // an older one is no news
    cr_assert(session_is_refused(session, NOW_NS));
    session_follow(session, 8);
    cr_assert_not(session_is_refused(session, NOW_NS));
    cr_assert_not(session_good(session, NOW_NS));
    session_free(session);
}

Test(session, is_spoiled_by_the_text_that_was_refused_only)
{
    struct session *session = granted(3600);
    cr_assert_not(session_spoil(session, "older", NOW_NS));
    cr_assert(session_good(session, NOW_NS));
    cr_assert(session_spoil(session, "text", NOW_NS + NS_PER_MS));
    cr_assert_not(session_good(session, NOW_NS + NS_PER_MS));
    cr_assert_eq(session_due_ns(session), NOW_NS + NS_PER_S); // not faster than once a second
    cr_assert(session_is_spoiled(session, "text"));
    cr_assert_not(session_is_spoiled(session, "newer"));
    cr_assert_not(session_spoil(session, "text", NOW_NS)); // it is gone
    session_free(session);
}
