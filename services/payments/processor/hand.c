#include "processor/hand.h"

#include "base/clock.h"
#include "base/failpoint.h"
#include "measure.h"

// An act that was accepted waits this long for its callback before that alone is recorded: most
// are told at once, and then one record tells all.
#define HOLD_MS 50

static size_t place_of(const struct processor *processor, const struct slot *slot)
{
    return (size_t)(slot - processor->slots);
}

size_t hand_room(const struct processor *processor)
{
    return processor->config.slots - processor->waiting - processor->out - processor->held -
           processor->answered;
}

size_t hand_long_room(const struct processor *processor)
{
    size_t most = (processor->config.slots + 1) / 2, in_hand = 0;
    for (size_t i = 0; i < processor->config.slots; i++)
        in_hand += processor->slots[i].state != SLOT_FREE && processor->slots[i].is_long;
    return in_hand < most ? most - in_hand : 0;
}

static void hold(struct processor *processor, struct slot *slot)
{
    bool worth_it =
        slot->step == STEP_ACT && slot->provider->calls_back && !atomic_load(&processor->stopping);
    slot->held_until_ns = worth_it ? clock_deadline_ns(HOLD_MS) : clock_now_ns();
    slot->state = SLOT_HELD;
    processor->held++;
}

static void answered(struct processor *processor, struct slot *slot)
{
    slot->state = SLOT_ANSWERED;
    processor->answered++;
}

// A decline is an answer, and so is "who are you"; silence and being turned away are not.
static bool is_well(const struct outcome *outcome)
{
    bool silent = outcome->kind == OUTCOME_LOST || outcome->kind == OUTCOME_NOT_SENT;
    return !outcome->unwell && (!silent || outcome->session_refused);
}

static void hear(struct processor *processor, struct slot *slot, const struct outcome *outcome,
                 int64_t duration_us)
{
    if (outcome->kind != OUTCOME_MUTE)
        breakers_note(processor->config.state->breakers, slot->provider->name,
                      slot->use.credential->id, is_well(outcome), clock_now_ns() / NS_PER_MS);
    const char *act = slot->step == STEP_ACT ? operation_kind_name(slot->act.kind) : "query";
    measure_request(slot->provider->name, act, outcome->kind, duration_us);
    slot_note(slot, outcome, duration_us);
    if (outcome->kind == OUTCOME_ACCEPTED)
        hold(processor, slot);
    else
        answered(processor, slot);
}

static struct slot *slot_free(struct processor *processor)
{
    for (size_t i = 0; i < processor->config.slots; i++)
        if (processor->slots[i].state == SLOT_FREE)
            return &processor->slots[i];
    return NULL;
}

static void set_out(struct processor *processor, struct slot *slot)
{
    struct outcome outcome = {0};
    const struct payments_state *state = processor->config.state;
    enum slot_sent sent = slot_send(slot, state, processor->client, &outcome);
    if (sent == SENT_NOT) {
        hear(processor, slot, &outcome, 0);
        return;
    }
    if (sent == SENT_WAITS) {
        slot->state = SLOT_WAITING;
        processor->waiting++;
        return;
    }
    slot->state = SLOT_OUT;
    processor->out++;
    breakers_leave(state->breakers, slot->use.credential->id, clock_now_ns() / NS_PER_MS);
    (void)failpoint_hit("charge.sent");
}

// Those whose access token has come, or won't.
void hand_look_for_sessions(struct processor *processor)
{
    for (size_t i = 0; processor->waiting > 0 && i < processor->config.slots; i++) {
        struct slot *slot = &processor->slots[i];
        if (slot->state != SLOT_WAITING)
            continue;
        processor->waiting--;
        set_out(processor, slot);
    }
}

// What was to be sent certainly was not; what was to be asked is asked when its lease has run out.
static void give_up(struct processor *processor, struct slot *slot, const struct claimed *claimed)
{
    if (!claimed->send || !slot_is_named(slot)) {
        slot_empty(slot);
        return;
    }
    slot_note(slot, &(struct outcome){.kind = OUTCOME_NOT_SENT}, 0);
    answered(processor, slot);
}

void hand_begin(struct processor *processor, const struct claimed *claimed)
{
    struct slot *slot = slot_free(processor);
    const struct payments_state *state = processor->config.state;
    if (!slot || claimed->held_back)
        return; // its lease runs out, then it is asked about
    if (!slot_take(slot, state, processor->db, claimed)) {
        give_up(processor, slot, claimed);
        return;
    }
    news_open(processor->news, place_of(processor, slot), slot->provider->name,
              slot->finished.operation.id);
    set_out(processor, slot);
}

void hand_read_responses(struct processor *processor, int64_t max_ms)
{
    size_t n = http_client_collect(processor->client, processor->arena, max_ms,
                                   processor->responses, processor->config.slots);
    for (size_t i = 0; i < n; i++) {
        const struct http_response *response = &processor->responses[i];
        struct slot *slot = response->context;
        bool again = false;
        struct outcome outcome = slot_read(slot, processor->config.state, response, &again);
        slot_trace(slot, response, &outcome);
        processor->out--;
        if (again)
            set_out(processor, slot);
        else
            hear(processor, slot, &outcome, response->duration_us);
    }
}

// What a callback says is asked at once, and what has waited long enough for one goes on.
void hand_listen(struct processor *processor)
{
    int64_t now_ns = clock_now_ns();
    for (size_t i = 0; processor->held > 0 && i < processor->config.slots; i++) {
        struct slot *slot = &processor->slots[i];
        if (slot->state != SLOT_HELD)
            continue;
        bool rung = news_take(processor->news, i);
        if (!rung && slot->held_until_ns > now_ns)
            continue;
        processor->held--;
        if (rung && slot_ask(slot, processor->config.state, processor->client)) {
            slot->state = SLOT_OUT;
            processor->out++;
            continue;
        }
        slot->finished.rung = rung;
        answered(processor, slot);
    }
}

size_t hand_gather(struct processor *processor)
{
    size_t n = 0;
    if (processor->answered == 0 || clock_now_ns() < processor->record_ns)
        return 0;
    for (size_t i = 0; i < processor->config.slots; i++) {
        struct slot *slot = &processor->slots[i];
        if (slot->state != SLOT_ANSWERED)
            continue;
        if (news_close(processor->news, i))
            slot->finished.rung = true;
        processor->finished[n] = slot->finished;
        processor->settled[n] = false;
        processor->recorded[n++] = slot;
    }
    return n;
}

void hand_release(struct processor *processor, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!processor->settled[i])
            continue;
        slot_empty(processor->recorded[i]);
        processor->answered--;
    }
}
