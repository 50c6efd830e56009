// What a person or a test asks of the sandbox: the ledger, the switches, the payer's page.
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "view.h"
#include "json/json.h"

#define LEDGER_JSON_MAX ((size_t)256 << 20)

// "on" -> its place in the list, -1 when it is not there.
static int place_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

static bool set_modes(struct sandbox *sandbox, const struct json_value *body)
{
    static const char *const answers[] = {"normal", "error500",       "malformed", "hang",
                                          "slow",   "error500_after", NULL};
    static const char *const callbacks[] = {"on", "off", "double", "late", NULL};
    const char *answer = json_get_string(body, "answer");
    const char *calling_back = json_get_string(body, "callbacks");
    int answer_place = answer ? place_of(answer, answers) : (int)sandbox->answering;
    int callbacks_place =
        calling_back ? place_of(calling_back, callbacks) : (int)sandbox->calling_back;
    if (answer_place < 0 || callbacks_place < 0)
        return false;
    sandbox->answering = (enum answering)answer_place;
    sandbox->calling_back = (enum calling_back)callbacks_place;
    return true;
}

static void set_switches(struct sandbox *sandbox, const struct json_value *body)
{
    struct switches *switches = &sandbox->switches;
    bool delay = json_get_integer(body, "delay_ms", &switches->delay_ms);
    bool success = json_get_bool(body, "success", &switches->success);
    if (delay || success)
        switches->test_mode = true;
    (void)json_get_bool(body, "test_mode", &switches->test_mode);
    (void)json_get_bool(body, "idempotent", &switches->idempotent);
    (void)json_get_bool(body, "refund_success", &switches->refund_success);
    (void)json_get_bool(body, "capture_success", &switches->capture_success);
    (void)json_get_bool(body, "cancel_success", &switches->cancel_success);
    (void)json_get_integer(body, "timeout_resolves_ms", &switches->timeout_resolves_ms);
    (void)json_get_integer(body, "slow_ms", &sandbox->slow_ms);
}

static bool loopback(const char *peer)
{
    return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0 ||
           strncmp(peer, "::ffff:127.", 11) == 0;
}

static struct answer control_mimic(struct sandbox *sandbox, struct arena *arena,
                                   const char *provider, const struct json_value *body)
{
    struct mimic *mimic = mimics_find(sandbox->mimics, provider);
    if (!mimic)
        return answer_json(404, view_error(arena, "not_found", "No such provider."));
    if (!mimic_control(mimic, body))
        return answer_json(400, view_error(arena, "invalid_request", "No such order."));
    return answer_json(200, "{\"ok\":true}");
}

struct answer control_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name)
{
    (void)name;
    struct arena *arena = http_arena(exchange);
    if (!loopback(http_peer(exchange)))
        return answer_json(403, view_error(arena, "forbidden", "Only from this machine."));
    const struct json_value *body;
    if (json_parse(arena, http_body(exchange), &body) != STATUS_OK)
        return answer_json(400, view_error(arena, "invalid_request", "The body is not JSON."));
    const char *provider = json_get_string(body, "provider");
    if (provider)
        return control_mimic(sandbox, arena, provider, body);
    pthread_mutex_lock(&sandbox->lock);
    bool set = set_modes(sandbox, body);
    if (set)
        set_switches(sandbox, body);
    pthread_mutex_unlock(&sandbox->lock);
    if (!set)
        return answer_json(400,
                           view_error(arena, "invalid_request", "No such answer or callbacks."));
    return answer_json(200, "{\"ok\":true}");
}

static const char *query_value(struct http_exchange *exchange, const char *name)
{
    const char *at = http_query(exchange);
    size_t length = strlen(name);
    while (at && (strncmp(at, name, length) != 0 || at[length] != '=')) {
        at = strchr(at, '&');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return NULL;
    at += length + 1;
    return http_decode(http_arena(exchange), at, strcspn(at, "&"), true);
}

static void free_buffer(void *buffer)
{
    buffer_deinit(buffer);
}

struct answer ledger_get(struct sandbox *sandbox, struct http_exchange *exchange, const char *name)
{
    (void)name;
    struct arena *arena = http_arena(exchange);
    struct buffer *out = ARENA_NEW(arena, struct buffer);
    if (!out)
        return answer_json(500, NULL);
    buffer_init(out, LEDGER_JSON_MAX);
    if (!arena_defer(arena, free_buffer, out))
        return answer_json(500, NULL);
    const char *provider = query_value(exchange, "provider");
    const char *reference = query_value(exchange, "reference");
    struct mimic *mimic = provider ? mimics_find(sandbox->mimics, provider) : NULL;
    if (provider && !mimic)
        return answer_json(404, view_error(arena, "not_found", "No such provider."));
    if (mimic) {
        mimic_ledger(mimic, reference, out);
    } else {
        pthread_mutex_lock(&sandbox->lock);
        view_ledger(out, sandbox->ledger, reference);
        pthread_mutex_unlock(&sandbox->lock);
    }
    return answer_json(200, out->full ? NULL : out->at);
}

static struct answer no_charge(struct arena *arena)
{
    return answer_json(404, view_error(arena, "not_found", "No such charge."));
}

static struct operation *charge_find(struct sandbox *sandbox, const char *reference)
{
    struct operation *charge = ledger_find(sandbox->ledger, reference);
    return charge && charge->kind == OPERATION_CHARGE ? charge : NULL;
}

struct answer action_get(struct sandbox *sandbox, struct http_exchange *exchange, const char *name)
{
    struct arena *arena = http_arena(exchange);
    pthread_mutex_lock(&sandbox->lock);
    const struct operation *charge = charge_find(sandbox, name);
    const char *page = NULL;
    if (charge)
        page = arena_printf(arena,
                            "<!doctype html><html lang=\"en\"><title>Approve the payment</title>"
                            "<h1>Approve the payment</h1><p>%s, %lld %s (minor units): %s.</p>"
                            "<form method=\"post\">"
                            "<button name=\"outcome\" value=\"approve\">Approve</button> "
                            "<button name=\"outcome\" value=\"decline\">Decline</button>"
                            "</form></html>\n",
                            charge->reference, (long long)charge->amount, charge->currency,
                            operation_state_name(charge->state));
    pthread_mutex_unlock(&sandbox->lock);
    return page ? (struct answer){200, page, "text/html; charset=utf-8", false} : no_charge(arena);
}

static const char *outcome_asked(struct http_exchange *exchange)
{
    struct bytes body = http_body(exchange);
    struct arena *arena = http_arena(exchange);
    const struct json_value *value;
    if (body.length && body.at[0] == '{')
        return json_parse(arena, body, &value) == STATUS_OK ? json_get_string(value, "outcome")
                                                            : NULL;
    const char *text = arena_strndup(arena, (const char *)body.at, body.length);
    return text && strncmp(text, "outcome=", 8) == 0 ? text + 8 : NULL;
}

struct answer action_post(struct sandbox *sandbox, struct http_exchange *exchange, const char *name)
{
    struct arena *arena = http_arena(exchange);
    const char *outcome = outcome_asked(exchange);
    bool approve = outcome && strcmp(outcome, "approve") == 0;
    if (!approve && (!outcome || strcmp(outcome, "decline") != 0))
        return answer_json(400,
                           view_error(arena, "invalid_request", "outcome: approve or decline."));
    struct problem problem = {0};
    struct answer answer = no_charge(arena);
    pthread_mutex_lock(&sandbox->lock);
    struct operation *charge = charge_find(sandbox, name);
    if (charge) {
        enum status status = ledger_act(charge, approve, &problem);
        if (status == STATUS_OK)
            status = sandbox_changed(sandbox, charge);
        answer = status == STATUS_OK
                     ? answer_json(200, view_operation(arena, charge, sandbox->base))
                     : answer_refused(arena, &problem);
    }
    pthread_mutex_unlock(&sandbox->lock);
    return answer;
}
