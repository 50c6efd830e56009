#include "reconcile/reconcile_ask.h"

#include <stdlib.h>

#include "base/clock.h"
#include "sessions/sessions.h"

#define TRIES_MAX 3
#define COLLECT_MS 200 // a stop is noticed so late
#define SESSIONS_MS 30000
#define SLOT_ARENA_CAP ((size_t)2 << 20)

struct place { // a request that is out
    struct arena *arena;
    struct provider_use use;
    struct asked *asked; // NULL: free
    int tries;
    struct http_request request;
};

struct interview {
    const struct reconcile_asking *asking;
    struct http_client *client;
    struct arena *scratch; // of answers
    struct place places[RECONCILE_ASKS_AT_ONCE];
    struct problem *problem;
};

static enum status refuse(struct interview *interview, const char *code, const char *why)
{
    return problem_set(interview->problem, STATUS_UNAVAILABLE, code, NULL, "%s %s",
                       interview->asking->provider->title, why);
}

static bool is_stopped(const struct reconcile_asking *asking)
{
    return asking->stopping && atomic_load(asking->stopping);
}

// In small steps, so that a stop is noticed.
static enum session_state wait_for_sessions(const struct reconcile_asking *asking,
                                            struct place *place, unsigned needs)
{
    int64_t until_ns = clock_deadline_ns(SESSIONS_MS);
    struct outcome why = {0};
    if (until_ns > asking->deadline_ns)
        until_ns = asking->deadline_ns;
    for (;;) {
        int64_t step_ns = clock_deadline_ns(COLLECT_MS);
        enum session_state state =
            sessions_wait(asking->state->sessions, asking->setup, needs,
                          step_ns < until_ns ? step_ns : until_ns, &place->use, &why);
        bool waits = state == SESSION_WAITS || state == SESSION_AWAY;
        if (!waits || clock_left_ms(until_ns) == 0 || is_stopped(asking))
            return state;
    }
}

static enum status fill_sessions(struct interview *interview, struct place *place)
{
    unsigned needs = provider_needs(&place->use, place->asked->act);
    if (needs == 0)
        return STATUS_OK;
    switch (wait_for_sessions(interview->asking, place, needs)) {
    case SESSION_READY:
        return STATUS_OK;
    case SESSION_REFUSED:
        return refuse(interview, "credential_refused", "does not accept the credential.");
    case SESSION_WAITS:
    case SESSION_AWAY:
        break;
    }
    if (is_stopped(interview->asking))
        return STATUS_CANCELLED;
    return refuse(interview, "provider_unavailable", "did not let us in.");
}

// *ret_out false: it can't be asked about.
static enum status send(struct interview *interview, struct place *place, bool *ret_out)
{
    const struct reconcile_asking *asking = interview->asking;
    arena_reset(place->arena);
    place->use = (struct provider_use){
        .provider = asking->provider,
        .credential = asking->credential,
        .arena = place->arena,
        .callback_url = asking->credential->callback_url,
    };
    place->request = (struct http_request){0};
    enum status status = fill_sessions(interview, place);
    if (status != STATUS_OK)
        return status;
    enum provider_ask built =
        asking->provider->query(&place->use, place->asked->act, &place->request);
    *ret_out = built == ASK_BUILT;
    if (built != ASK_BUILT)
        return built == ASK_NEVER ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    place->request.context = place;
    return http_client_start(interview->client, &place->request);
}

static bool read_booked(const struct outcome *outcome, struct asked *asked)
{
    asked->answer = ANSWER_KNOWN;
    switch (outcome->kind) {
    case OUTCOME_SUCCEEDED:
    case OUTCOME_AUTHORIZED:
        asked->booked = BOOKED_SUCCEEDED;
        return true;
    case OUTCOME_FAILED:
    case OUTCOME_CANCELED:
    case OUTCOME_EXPIRED:
        asked->booked = BOOKED_FAILED;
        return true;
    case OUTCOME_ACCEPTED:
    case OUTCOME_REQUIRES_ACTION:
        asked->booked = BOOKED_OPEN;
        return true;
    case OUTCOME_NOT_FOUND:
        asked->answer = ANSWER_ABSENT;
        return true;
    case OUTCOME_MUTE:
    case OUTCOME_PREPARED: // of a charge whose money isn't spoken of
        asked->answer = ANSWER_NEVER;
        return true;
    case OUTCOME_NOT_SENT:
    case OUTCOME_LOST:
        break;
    }
    asked->answer = ANSWER_NONE;
    return false;
}

// *ret_out false: the place is free again.
static enum status settle(struct interview *interview, const struct http_response *response,
                          bool *ret_out)
{
    const struct reconcile_asking *asking = interview->asking;
    struct place *place = response->context;
    struct outcome outcome = {.kind = OUTCOME_LOST};
    *ret_out = false;
    asking->provider->read_query(&place->use, place->asked->act, response, &outcome);
    if (read_booked(&outcome, place->asked))
        return STATUS_OK;
    if (++place->tries >= TRIES_MAX)
        return refuse(interview, "provider_unavailable", "does not answer about all of them.");
    if (outcome.session_refused)
        sessions_refused(asking->state->sessions, asking->setup,
                         provider_needs(&place->use, place->asked->act), &place->use);
    return send(interview, place, ret_out);
}

static enum status take(struct interview *interview, struct place *place, struct asked *asked)
{
    bool is_out = false;
    place->asked = asked;
    place->tries = 0;
    enum status status = send(interview, place, &is_out);
    if (status == STATUS_OK && !is_out)
        asked->answer = ANSWER_NEVER;
    if (!is_out)
        place->asked = NULL;
    return status;
}

static enum status take_more(struct interview *interview, struct asked *asked, size_t n,
                             size_t *next)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < RECONCILE_ASKS_AT_ONCE && status == STATUS_OK; i++)
        while (*next < n && !interview->places[i].asked && status == STATUS_OK)
            status = take(interview, &interview->places[i], &asked[(*next)++]);
    return status;
}

static enum status hear(struct interview *interview)
{
    struct http_response response;
    bool is_out = false;
    arena_reset(interview->scratch);
    if (http_client_collect(interview->client, interview->scratch, COLLECT_MS, &response, 1) == 0)
        return STATUS_OK;
    struct place *place = response.context;
    enum status status = settle(interview, &response, &is_out);
    if (status != STATUS_OK || !is_out)
        place->asked = NULL;
    return status;
}

static enum status run(struct interview *interview, struct asked *asked, size_t n)
{
    const struct reconcile_asking *asking = interview->asking;
    size_t next = 0;
    enum status status = take_more(interview, asked, n, &next);
    while (status == STATUS_OK && http_client_busy(interview->client) > 0) {
        if (is_stopped(asking))
            return STATUS_CANCELLED;
        if (clock_left_ms(asking->deadline_ns) == 0)
            return problem_set(interview->problem, STATUS_UNAVAILABLE, "too_slow", NULL,
                               "There was not time enough to ask about all of them.");
        status = hear(interview);
        if (status == STATUS_OK)
            status = take_more(interview, asked, n, &next);
    }
    return status;
}

static bool prepare(struct interview *interview)
{
    interview->client = http_client_new(RECONCILE_ASKS_AT_ONCE, "Obol/" OBOL_VERSION);
    interview->scratch = arena_new(SLOT_ARENA_CAP);
    bool whole = interview->client && interview->scratch;
    for (size_t i = 0; i < RECONCILE_ASKS_AT_ONCE; i++) {
        interview->places[i].arena = arena_new(SLOT_ARENA_CAP);
        whole = whole && interview->places[i].arena;
    }
    return whole;
}

enum status reconcile_ask(const struct reconcile_asking *asking, struct asked *asked, size_t n,
                          struct problem *problem)
{
    struct interview *interview = calloc(1, sizeof *interview);
    if (!interview)
        return STATUS_RESOURCE_EXHAUSTED;
    interview->asking = asking;
    interview->problem = problem;
    enum status status = prepare(interview) ? run(interview, asked, n) : STATUS_RESOURCE_EXHAUSTED;
    if (interview->client)
        http_client_free(interview->client); // before what its requests borrow
    for (size_t i = 0; i < RECONCILE_ASKS_AT_ONCE; i++)
        arena_free(interview->places[i].arena);
    arena_free(interview->scratch);
    free(interview);
    return status;
}
