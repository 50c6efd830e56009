#include "processor/breaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/id.h"
#include "obs/metrics.h"

#define PARTS 10 // the window moves by a tenth of itself
#define PART_MS (BREAKER_WINDOW_MS / PARTS)
#define PROBE_MS 60000 // a probe whose end nobody noted is given up
#define IDLE_MS 600000 // half-open, and nothing was sent for so long: nobody's concern any more
#define CHAINS 8192
#define TEXT_SIZE (ID_TEXT_MAX + 1)

// Requests that ended in one part of the window.
struct part {
    int64_t number; // since the clock's zero
    int64_t ended, bad;
};

struct breaker {
    char provider[TEXT_SIZE], credential_id[TEXT_SIZE];
    enum breaker_state state;
    struct part parts[PARTS];
    int64_t open_ms;        // how long it was, or is, open
    int64_t half_open_ms;   // open: when it will be half-open. half-open: since when
    int64_t probe_until_ms; // half-open: the place is taken until then
    int64_t probes_well;
    struct breaker *next; // of the chain
};

struct breakers {
    pthread_mutex_t lock;
    atomic_size_t not_closed; // written under the lock, read without
    size_t n, hand;           // how many there are; where to look next for one to forget
    struct metric *circuits, *available;
    struct breaker *chains[CHAINS];
    struct breaker all[BREAKERS_MAX];
};

const char *breaker_state_name(enum breaker_state state)
{
    static const char *const names[] = {
        [BREAKER_CLOSED] = "closed",
        [BREAKER_OPEN] = "open",
        [BREAKER_HALF_OPEN] = "half_open",
    };
    return names[state];
}

struct breakers *breakers_new(void)
{
    struct breakers *breakers = calloc(1, sizeof *breakers);
    if (!breakers)
        return NULL;
    pthread_mutex_init(&breakers->lock, NULL);
    breakers->circuits = metric_gauge(
        "obol_provider_circuits",
        "Circuits of a provider by state, one a credential that this process has used.",
        "provider,state");
    breakers->available = metric_gauge(
        "obol_provider_available",
        "0 where this process has used a provider and none of its circuits is closed.", "provider");
    return breakers;
}

void breakers_free(struct breakers *breakers)
{
    if (!breakers)
        return;
    pthread_mutex_destroy(&breakers->lock);
    free(breakers);
}

// With the lock held, whenever one of its circuits has changed: which is rare.
static void show(struct breakers *breakers, const char *provider)
{
    int64_t n[BREAKER_HALF_OPEN + 1] = {0};
    for (size_t i = 0; i < breakers->n; i++)
        if (strcmp(breakers->all[i].provider, provider) == 0)
            n[breakers->all[i].state]++;
    for (enum breaker_state state = BREAKER_CLOSED; state <= BREAKER_HALF_OPEN; state++)
        metric_set(breakers->circuits, n[state],
                   METRIC_LABELS(provider, breaker_state_name(state)));
    bool none = n[BREAKER_CLOSED] + n[BREAKER_OPEN] + n[BREAKER_HALF_OPEN] == 0;
    metric_set(breakers->available, none || n[BREAKER_CLOSED] > 0, METRIC_LABELS(provider));
}

void breakers_show(struct breakers *breakers, const char *provider)
{
    pthread_mutex_lock(&breakers->lock);
    show(breakers, provider);
    pthread_mutex_unlock(&breakers->lock);
}

static struct breaker **chain_of(struct breakers *breakers, const char *credential_id)
{
    return &breakers->chains[hash_text(credential_id) % CHAINS];
}

static struct breaker *find(struct breakers *breakers, const char *credential_id)
{
    struct breaker *breaker = *chain_of(breakers, credential_id);
    while (breaker && strcmp(breaker->credential_id, credential_id) != 0)
        breaker = breaker->next;
    return breaker;
}

// Takes one that is closed out of its chain; NULL when none is.
static struct breaker *forget_one(struct breakers *breakers)
{
    for (size_t i = 0; i < BREAKERS_MAX; i++) {
        struct breaker *breaker = &breakers->all[breakers->hand++ % BREAKERS_MAX];
        if (breaker->state != BREAKER_CLOSED)
            continue;
        struct breaker **at = chain_of(breakers, breaker->credential_id);
        while (*at != breaker)
            at = &(*at)->next;
        *at = breaker->next;
        char provider[TEXT_SIZE];
        memcpy(provider, breaker->provider, sizeof provider);
        breaker->provider[0] = '\0';
        show(breakers, provider);
        return breaker;
    }
    return NULL;
}

static struct breaker *add(struct breakers *breakers, const char *provider,
                           const char *credential_id)
{
    if (strlen(provider) >= TEXT_SIZE || strlen(credential_id) >= TEXT_SIZE)
        return NULL;
    struct breaker *breaker =
        breakers->n < BREAKERS_MAX ? &breakers->all[breakers->n++] : forget_one(breakers);
    if (!breaker)
        return NULL;
    struct breaker **chain = chain_of(breakers, credential_id);
    *breaker = (struct breaker){.next = *chain};
    memcpy(breaker->provider, provider, strlen(provider) + 1);
    memcpy(breaker->credential_id, credential_id, strlen(credential_id) + 1);
    show(breakers, provider);
    return *chain = breaker;
}

static void become(struct breakers *breakers, struct breaker *breaker, enum breaker_state state)
{
    if (breaker->state == BREAKER_CLOSED)
        atomic_fetch_add(&breakers->not_closed, 1);
    if (state == BREAKER_CLOSED)
        atomic_fetch_sub(&breakers->not_closed, 1);
    breaker->state = state;
    breaker->probe_until_ms = breaker->probes_well = 0;
    show(breakers, breaker->provider);
}

static void open_it(struct breakers *breakers, struct breaker *breaker, int64_t now_ms)
{
    int64_t doubled = 2 * breaker->open_ms;
    breaker->open_ms = breaker->state == BREAKER_CLOSED ? BREAKER_OPEN_MS
                       : doubled < BREAKER_OPEN_MS_MAX  ? doubled
                                                        : BREAKER_OPEN_MS_MAX;
    breaker->half_open_ms = now_ms + breaker->open_ms;
    become(breakers, breaker, BREAKER_OPEN);
}

static void close_it(struct breakers *breakers, struct breaker *breaker)
{
    memset(breaker->parts, 0, sizeof breaker->parts);
    become(breakers, breaker, BREAKER_CLOSED);
}

// What the time alone has changed.
static void settle(struct breakers *breakers, struct breaker *breaker, int64_t now_ms)
{
    if (breaker->state == BREAKER_OPEN && now_ms >= breaker->half_open_ms)
        become(breakers, breaker, BREAKER_HALF_OPEN);
    if (breaker->state == BREAKER_HALF_OPEN && now_ms - breaker->half_open_ms >= IDLE_MS)
        close_it(breakers, breaker);
}

static void count(struct breaker *breaker, bool well, int64_t now_ms)
{
    int64_t number = now_ms / PART_MS;
    struct part *part = &breaker->parts[number % PARTS];
    if (part->number != number)
        *part = (struct part){.number = number};
    part->ended++;
    part->bad += !well;
}

static bool too_bad(const struct breaker *breaker, int64_t now_ms)
{
    int64_t number = now_ms / PART_MS, ended = 0, bad = 0;
    for (size_t i = 0; i < PARTS; i++) {
        const struct part *part = &breaker->parts[i];
        if (part->number <= number - PARTS)
            continue;
        ended += part->ended;
        bad += part->bad;
    }
    return ended >= BREAKER_REQUESTS_MIN && 2 * bad >= ended;
}

// While no probe is out, what ends was sent before the breaker opened, and says nothing new.
static void note_probe(struct breakers *breakers, struct breaker *breaker, bool well,
                       int64_t now_ms)
{
    if (breaker->probe_until_ms <= now_ms)
        return;
    breaker->probe_until_ms = 0;
    breaker->half_open_ms = now_ms;
    if (!well)
        open_it(breakers, breaker, now_ms);
    else if (++breaker->probes_well == BREAKER_PROBES)
        close_it(breakers, breaker);
}

void breakers_note(struct breakers *breakers, const char *provider, const char *credential_id,
                   bool well, int64_t now_ms)
{
    pthread_mutex_lock(&breakers->lock);
    struct breaker *breaker = find(breakers, credential_id);
    if (!breaker)
        breaker = add(breakers, provider, credential_id);
    if (breaker) {
        settle(breakers, breaker, now_ms);
        if (breaker->state == BREAKER_HALF_OPEN)
            note_probe(breakers, breaker, well, now_ms);
        if (breaker->state == BREAKER_CLOSED) {
            count(breaker, well, now_ms);
            if (too_bad(breaker, now_ms))
                open_it(breakers, breaker, now_ms);
        }
    }
    pthread_mutex_unlock(&breakers->lock);
}

static bool all_closed(struct breakers *breakers)
{
    return atomic_load_explicit(&breakers->not_closed, memory_order_relaxed) == 0;
}

void breakers_settle(struct breakers *breakers, int64_t now_ms)
{
    if (all_closed(breakers))
        return;
    pthread_mutex_lock(&breakers->lock);
    for (size_t i = 0; i < breakers->n; i++)
        settle(breakers, &breakers->all[i], now_ms);
    pthread_mutex_unlock(&breakers->lock);
}

size_t breakers_room(struct breakers *breakers, const char *credential_id, int64_t now_ms)
{
    if (all_closed(breakers))
        return SIZE_MAX;
    size_t room = SIZE_MAX;
    pthread_mutex_lock(&breakers->lock);
    struct breaker *breaker = find(breakers, credential_id);
    if (breaker)
        settle(breakers, breaker, now_ms);
    if (breaker && breaker->state != BREAKER_CLOSED)
        room = breaker->state == BREAKER_HALF_OPEN && breaker->probe_until_ms <= now_ms;
    pthread_mutex_unlock(&breakers->lock);
    return room;
}

void breakers_leave(struct breakers *breakers, const char *credential_id, int64_t now_ms)
{
    if (all_closed(breakers))
        return;
    pthread_mutex_lock(&breakers->lock);
    struct breaker *breaker = find(breakers, credential_id);
    if (breaker)
        settle(breakers, breaker, now_ms);
    if (breaker && breaker->state == BREAKER_HALF_OPEN) {
        breaker->probe_until_ms = now_ms + PROBE_MS;
        breaker->half_open_ms = now_ms; // it is somebody's concern
    }
    pthread_mutex_unlock(&breakers->lock);
}

static bool view(const struct breaker *breaker, struct arena *arena, int64_t now_ms,
                 struct breaker_view *ret)
{
    bool open = breaker->state == BREAKER_OPEN;
    *ret = (struct breaker_view){
        .provider = arena_strdup(arena, breaker->provider),
        .credential_id = arena_strdup(arena, breaker->credential_id),
        .state = breaker->state,
        .retry_ms = open ? breaker->half_open_ms - now_ms : 0,
    };
    return ret->provider && ret->credential_id;
}

struct breaker_view *breakers_list(struct breakers *breakers, struct arena *arena, int64_t now_ms,
                                   size_t *ret_n)
{
    *ret_n = 0;
    if (all_closed(breakers))
        return NULL;
    pthread_mutex_lock(&breakers->lock);
    for (size_t i = 0; i < breakers->n; i++)
        settle(breakers, &breakers->all[i], now_ms);
    size_t n = 0;
    struct breaker_view *views = ARENA_ARRAY(arena, breakers->not_closed, struct breaker_view);
    for (size_t i = 0; i < breakers->n && views; i++)
        if (breakers->all[i].state != BREAKER_CLOSED &&
            view(&breakers->all[i], arena, now_ms, &views[n]))
            n++;
    pthread_mutex_unlock(&breakers->lock);
    *ret_n = n;
    return views;
}
