#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "obs/metrics.h"
#include "processor/breaker.h"

#define NOW 1000000000LL
#define ID "cred_1"

static void note(struct breakers *breakers, size_t n, bool well, int64_t now_ms)
{
    for (size_t i = 0; i < n; i++)
        breakers_note(breakers, "mtn", ID, well, now_ms);
}

static size_t listed(struct breakers *breakers, int64_t now_ms, struct breaker_view *ret)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    size_t n;
    struct breaker_view *views = breakers_list(breakers, arena, now_ms, &n);
    if (n && ret) {
        cr_assert_str_eq(views[0].provider, "mtn");
        cr_assert_str_eq(views[0].credential_id, ID);
        *ret = views[0];
    }
    arena_free(arena);
    return n;
}

static bool shown(const char *line)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    metrics_print(&out);
    bool found = strstr(out.at, line);
    buffer_deinit(&out);
    return found;
}

// That one circuit is in this state, and none in another, is what the metrics say.
static void check_shown(const char *state)
{
    static const char *const states[] = {"closed", "open", "half_open"};
    char line[100];
    for (size_t i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "obol_provider_circuits{provider=\"mtn\",state=\"%s\"} %d\n",
                 states[i], strcmp(states[i], state) == 0);
        cr_assert(shown(line), "%s", line);
    }
    snprintf(line, sizeof line, "obol_provider_available{provider=\"mtn\"} %d\n",
             strcmp(state, "closed") == 0);
    cr_assert(shown(line), "%s", line);
}

// One request in half-open: there is room for one, and then for none.
static void probe(struct breakers *breakers, bool well, int64_t now_ms)
{
    cr_assert_eq(breakers_room(breakers, ID, now_ms), 1);
    breakers_leave(breakers, ID, now_ms);
    cr_assert_eq(breakers_room(breakers, ID, now_ms), 0);
    breakers_note(breakers, "mtn", ID, well, now_ms);
}

Test(breaker, stays_closed_where_fewer_than_half_go_wrong)
{
    struct breakers *breakers = breakers_new();
    cr_assert_eq(breakers_room(breakers, ID, NOW), SIZE_MAX);
    note(breakers, 11, true, NOW);
    note(breakers, 10, false, NOW);
    cr_assert_eq(breakers_room(breakers, ID, NOW), SIZE_MAX);
    cr_assert_eq(listed(breakers, NOW, NULL), 0);
    note(breakers, 1, false, NOW);
    cr_assert_eq(breakers_room(breakers, ID, NOW), 0);
    breakers_free(breakers);
}

Test(breaker, needs_some_requests_before_it_judges)
{
    struct breakers *breakers = breakers_new();
    note(breakers, BREAKER_REQUESTS_MIN - 1, false, NOW);
    cr_assert_eq(breakers_room(breakers, ID, NOW), SIZE_MAX);
    note(breakers, 1, true, NOW); // also a good one makes the number full
    cr_assert_eq(breakers_room(breakers, ID, NOW), 0);
    cr_assert_eq(breakers_room(breakers, "cred_2", NOW), SIZE_MAX);
    breakers_free(breakers);
}

Test(breaker, forgets_what_lies_before_the_window)
{
    struct breakers *breakers = breakers_new();
    int64_t later = NOW + BREAKER_WINDOW_MS + 1500;
    note(breakers, BREAKER_REQUESTS_MIN - 1, false, NOW);
    note(breakers, 1, false, later);
    cr_assert_eq(breakers_room(breakers, ID, later), SIZE_MAX);
    note(breakers, BREAKER_REQUESTS_MIN - 2, false, later + BREAKER_WINDOW_MS / 2);
    cr_assert_eq(breakers_room(breakers, ID, later + BREAKER_WINDOW_MS / 2), SIZE_MAX);
    note(breakers, 1, false, later + BREAKER_WINDOW_MS / 2); // with the one before, enough
    cr_assert_eq(breakers_room(breakers, ID, later + BREAKER_WINDOW_MS / 2), 0);
    breakers_free(breakers);
}

Test(breaker, lets_one_at_a_time_through_and_closes_after_three_good_ones)
{
    struct breakers *breakers = breakers_new();
    struct breaker_view view;
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    cr_assert_eq(listed(breakers, NOW + 400, &view), 1);
    cr_assert_eq(view.state, BREAKER_OPEN);
    cr_assert_eq(view.retry_ms, BREAKER_OPEN_MS - 400);
    check_shown("open");
    int64_t now = NOW + BREAKER_OPEN_MS;
    cr_assert_eq(breakers_room(breakers, ID, now - 1), 0);
    for (int i = 0; i < BREAKER_PROBES; i++) {
        cr_assert_eq(listed(breakers, now, &view), 1);
        cr_assert_eq(view.state, BREAKER_HALF_OPEN);
        cr_assert_eq(view.retry_ms, 0);
        check_shown("half_open");
        probe(breakers, true, now);
    }
    cr_assert_eq(breakers_room(breakers, ID, now), SIZE_MAX);
    cr_assert_eq(listed(breakers, now, NULL), 0);
    check_shown("closed");
    note(breakers, BREAKER_REQUESTS_MIN - 4, false, now); // with the probe that closed it, too few
    cr_assert_eq(breakers_room(breakers, ID, now), SIZE_MAX);
    breakers_free(breakers);
}

Test(breaker, opens_for_twice_as_long_after_each_bad_probe)
{
    struct breakers *breakers = breakers_new();
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    int64_t now = NOW, open_ms = BREAKER_OPEN_MS;
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(breakers_room(breakers, ID, now + open_ms - 1), 0);
        now += open_ms;
        probe(breakers, true, now);
        probe(breakers, false, now); // the good one before does not count any more
        open_ms = open_ms * 2 < BREAKER_OPEN_MS_MAX ? open_ms * 2 : BREAKER_OPEN_MS_MAX;
    }
    cr_assert_eq(open_ms, BREAKER_OPEN_MS_MAX);
    now += open_ms;
    for (int i = 0; i < BREAKER_PROBES; i++)
        probe(breakers, true, now);
    note(breakers, BREAKER_REQUESTS_MIN, false, now);
    cr_assert_eq(breakers_room(breakers, ID, now + BREAKER_OPEN_MS - 1), 0);
    cr_assert_eq(breakers_room(breakers, ID, now + BREAKER_OPEN_MS), 1); // short again
    breakers_free(breakers);
}

Test(breaker, hears_nothing_in_answers_to_what_was_sent_before_it_opened)
{
    struct breakers *breakers = breakers_new();
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    note(breakers, 50, true, NOW + 10);
    cr_assert_eq(breakers_room(breakers, ID, NOW + 10), 0);
    note(breakers, 50, true, NOW + BREAKER_OPEN_MS);
    note(breakers, 50, false, NOW + BREAKER_OPEN_MS);
    cr_assert_eq(breakers_room(breakers, ID, NOW + BREAKER_OPEN_MS), 1);
    breakers_free(breakers);
}

Test(breaker, gives_a_probe_up_after_a_minute)
{
    struct breakers *breakers = breakers_new();
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    int64_t now = NOW + BREAKER_OPEN_MS;
    breakers_leave(breakers, ID, now);
    cr_assert_eq(breakers_room(breakers, ID, now + 59999), 0);
    cr_assert_eq(breakers_room(breakers, ID, now + 60000), 1);
    breakers_free(breakers);
}

Test(breaker, closes_when_nobody_asks_for_the_credential_any_more)
{
    struct breakers *breakers = breakers_new();
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    int64_t half_open = NOW + BREAKER_OPEN_MS;
    cr_assert_eq(listed(breakers, half_open + 599999, NULL), 1);
    cr_assert_eq(listed(breakers, half_open + 600000, NULL), 0);
    check_shown("closed");
    breakers_free(breakers);
}

Test(breaker, forgets_a_closed_one_where_there_are_too_many)
{
    struct breakers *breakers = breakers_new();
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    char id[32];
    for (int i = 0; i < 3 * BREAKERS_MAX; i++) {
        snprintf(id, sizeof id, "cred_x%d", i);
        for (int k = 0; k < BREAKER_REQUESTS_MIN - 1; k++)
            breakers_note(breakers, "mtn", id, false, NOW);
    }
    cr_assert_eq(breakers_room(breakers, ID, NOW), 0); // this one is kept
    breakers_note(breakers, "mtn", id, false, NOW);    // and the newest
    cr_assert_eq(breakers_room(breakers, id, NOW), 0);
    breakers_note(breakers, "mtn", "cred_x0", false, NOW); // starts anew
    cr_assert_eq(breakers_room(breakers, "cred_x0", NOW), SIZE_MAX);
    cr_assert_eq(listed(breakers, NOW, NULL), 2);
    breakers_free(breakers);
}

Test(breaker, does_not_watch_ids_that_are_too_long)
{
    struct breakers *breakers = breakers_new();
    char id[200];
    memset(id, 'a', sizeof id - 1);
    id[sizeof id - 1] = '\0';
    for (int i = 0; i < BREAKER_REQUESTS_MIN; i++)
        breakers_note(breakers, "mtn", id, false, NOW);
    cr_assert_eq(breakers_room(breakers, id, NOW), SIZE_MAX);
    breakers_free(breakers);
}

static void *hammer(void *context)
{
    struct breakers *breakers = context;
    char id[32];
    for (int64_t i = 0; i < 20000; i++) {
        int64_t now_ms = NOW + i * 10;
        snprintf(id, sizeof id, "cred_%d", (int)(i % 8));
        if (breakers_room(breakers, id, now_ms) == 0)
            continue;
        breakers_leave(breakers, id, now_ms);
        breakers_note(breakers, "mtn", id, i / 2000 % 2 == 0, now_ms);
    }
    return NULL;
}

Test(breaker, serves_threads_and_keeps_its_count)
{
    struct breakers *breakers = breakers_new();
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, hammer, breakers), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    size_t open = 0;
    char id[32];
    int64_t now_ms = NOW + 200000;
    for (int i = 0; i < 8; i++) {
        snprintf(id, sizeof id, "cred_%d", i);
        open += breakers_room(breakers, id, now_ms) != SIZE_MAX;
    }
    cr_assert_eq(open, 8); // the last two thousand went wrong
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    size_t n;
    cr_assert_not_null(breakers_list(breakers, arena, now_ms, &n));
    cr_assert_eq(n, open);
    for (int i = 0; i < 8; i++) {
        snprintf(id, sizeof id, "cred_%d", i);
        for (int64_t at = now_ms + 60000, k = 0; k < BREAKER_PROBES; k++) {
            breakers_leave(breakers, id, at);
            breakers_note(breakers, "mtn", id, true, at);
        }
    }
    cr_assert_null(breakers_list(breakers, arena, now_ms + 60000, &n));
    cr_assert_eq(n, 0);
    arena_free(arena);
    breakers_free(breakers);
}

Test(breaker, provider_is_available_while_one_of_its_circuits_is_closed)
{
    struct breakers *breakers = breakers_new();
    breakers_show(breakers, "mtn");
    cr_assert(shown("obol_provider_available{provider=\"mtn\"} 1\n"));
    cr_assert(shown("obol_provider_circuits{provider=\"mtn\",state=\"closed\"} 0\n"));
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    cr_assert(shown("obol_provider_available{provider=\"mtn\"} 0\n"));
    breakers_note(breakers, "mtn", "cred_2", true, NOW);
    cr_assert(shown("obol_provider_available{provider=\"mtn\"} 1\n"));
    cr_assert(shown("obol_provider_circuits{provider=\"mtn\",state=\"open\"} 1\n"));
    cr_assert(shown("obol_provider_circuits{provider=\"mtn\",state=\"closed\"} 1\n"));
    breakers_free(breakers);
}

Test(breaker, closes_by_the_clock_though_nobody_asks)
{
    struct breakers *breakers = breakers_new();
    note(breakers, BREAKER_REQUESTS_MIN, false, NOW);
    breakers_settle(breakers, NOW + BREAKER_OPEN_MS);
    check_shown("half_open");
    breakers_settle(breakers, NOW + BREAKER_OPEN_MS + 600000);
    check_shown("closed");
    breakers_free(breakers);
}
