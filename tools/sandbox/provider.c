// The provider's API: tokens, charges and what follows them, operations.
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "card.h"
#include "crypto/crypto.h"
#include "sandbox.h"
#include "view.h"
#include "json/json.h"

#define AMOUNT_MAX 99999999999
#define CALLBACK_URL_MAX 2048

static struct answer invalid(struct http_exchange *exchange, const char *code, const char *message)
{
    return answer_json(400, view_error(http_arena(exchange), code, message));
}

static const char *brand_of(const char *number)
{
    int two = (number[0] - '0') * 10 + number[1] - '0';
    if (number[0] == '4')
        return "visa";
    if ((two >= 51 && two <= 55) || (two >= 22 && two <= 27))
        return "mastercard";
    if (two == 34 || two == 37)
        return "amex";
    return two == 60 || two == 65 || two == 81 || two == 82 ? "rupay" : "unknown";
}

struct answer tokens_post(struct sandbox *sandbox, struct http_exchange *exchange, const char *name)
{
    (void)name;
    struct arena *arena = http_arena(exchange);
    const struct json_value *body;
    if (json_parse(arena, http_body(exchange), &body) != STATUS_OK)
        return invalid(exchange, "invalid_request", "The body is not JSON.");
    const char *number = json_get_string(body, "number");
    int64_t month, year;
    if (!card_digits(number, 12, 19) || !card_luhn(number))
        return invalid(exchange, "invalid_number", "The card number is not valid.");
    if (!json_get_integer(body, "expiry_month", &month) || month < 1 || month > 12 ||
        !json_get_integer(body, "expiry_year", &year) || year < 2000 || year > 2099)
        return invalid(exchange, "invalid_expiry", "The expiry date is not valid.");
    if (!card_digits(json_get_string(body, "cvv"), 3, 4))
        return invalid(exchange, "invalid_cvc", "The security code is not valid.");
    struct token token = {.outcome = decide_card(number)};
    struct id id = id_new("stok");
    (void)snprintf(token.id, sizeof token.id, "%s", id.text);
    (void)snprintf(token.brand, sizeof token.brand, "%s", brand_of(number));
    (void)snprintf(token.last4, sizeof token.last4, "%s", number + strlen(number) - 4);
    pthread_mutex_lock(&sandbox->lock);
    enum status status = ledger_token_add(sandbox->ledger, &token);
    if (status == STATUS_OK)
        status = store_token(sandbox->store, &token);
    pthread_mutex_unlock(&sandbox->lock);
    if (status != STATUS_OK)
        return answer_json(500, view_error(arena, "internal", "The token was not kept."));
    return answer_json(201, json_object(arena, (struct json_member[]){JSON_S("id", token.id),
                                                                      JSON_S("brand", token.brand),
                                                                      JSON_S("last4", token.last4),
                                                                      {0}}));
}

static bool hidden(const struct operation *operation)
{
    return operation->hidden_until_us > clock_unix_us();
}

static struct answer show(struct sandbox *sandbox, struct arena *arena, int status,
                          const struct operation *operation)
{
    struct answer answer = answer_json(status, view_operation(arena, operation, sandbox->base));
    answer.never = hidden(operation);
    return answer;
}

// True when the reference stands and its first operation is the answer.
static bool repeated(struct sandbox *sandbox, struct arena *arena, const char *reference,
                     enum operation_kind kind, struct answer *ret)
{
    const struct operation *known = ledger_find(sandbox->ledger, reference);
    if (!known || (!sandbox->switches.idempotent && known->kind == kind))
        return false;
    if (known->kind == kind)
        *ret = show(sandbox, arena, 200, known);
    else
        *ret = answer_json(
            409, view_error(arena, "reference_in_use", "Another operation has this reference."));
    return true;
}

static struct answer accepted(struct sandbox *sandbox, struct arena *arena,
                              const struct operation *operation)
{
    if (store_operation(sandbox->store, operation) != STATUS_OK)
        return answer_json(500, view_error(arena, "internal", "The operation was not kept."));
    bell_ring(sandbox->bell);
    return show(sandbox, arena, 202, operation);
}

static bool common_fields(const struct json_value *body, const char **ret_reference,
                          const char **ret_callback_url)
{
    *ret_reference = json_get_string(body, "reference");
    *ret_callback_url = json_get_string(body, "callback_url");
    if (*ret_callback_url && strlen(*ret_callback_url) > CALLBACK_URL_MAX)
        return false;
    return *ret_reference && reference_valid(*ret_reference);
}

static bool currency_valid(const char *currency)
{
    return currency && strlen(currency) == 3 && strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3;
}

// What the means of payment will lead to. False when there is none that we know.
static bool outcome_of(const struct sandbox *sandbox, const struct json_value *body,
                       enum outcome *ret, bool *ret_card)
{
    const char *method = json_get_string(body, "method");
    const char *vpa = json_get_string(body, "vpa"), *token_id = json_get_string(body, "token");
    *ret_card = method && strcmp(method, "card") == 0;
    if (*ret_card) {
        const struct token *token = token_id ? ledger_token(sandbox->ledger, token_id) : NULL;
        if (token)
            *ret = token->outcome;
        return token;
    }
    if (!method || strcmp(method, "upi") != 0 || !vpa || !strchr(vpa, '@'))
        return false;
    *ret = decide_vpa(vpa);
    return true;
}

static uint64_t chance(void)
{
    uint64_t bits;
    crypto_random(&bits, sizeof bits);
    return bits;
}

static struct answer charge(struct sandbox *sandbox, struct http_exchange *exchange,
                            const struct json_value *body, const struct charge_order *order)
{
    struct arena *arena = http_arena(exchange);
    struct answer answer;
    if (repeated(sandbox, arena, order->reference, OPERATION_CHARGE, &answer))
        return answer;
    enum outcome outcome;
    bool card;
    if (!outcome_of(sandbox, body, &outcome, &card))
        return invalid(exchange, "invalid_method", "There is no such token or address.");
    struct decision decision = decide_charge(&sandbox->switches, outcome, card, chance());
    struct operation *operation;
    struct problem problem = {0};
    enum status status =
        ledger_charge(sandbox->ledger, order, &decision, clock_unix_us(), &operation, &problem);
    return status == STATUS_OK ? accepted(sandbox, arena, operation)
                               : answer_refused(arena, &problem);
}

struct answer charges_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name)
{
    (void)name;
    const struct json_value *body;
    struct charge_order order = {.automatic = true};
    if (json_parse(http_arena(exchange), http_body(exchange), &body) != STATUS_OK ||
        !common_fields(body, &order.reference, &order.callback_url))
        return invalid(exchange, "invalid_request", "The reference or the body is not valid.");
    order.currency = json_get_string(body, "currency");
    (void)json_get_bool(body, "capture", &order.automatic);
    if (!json_get_integer(body, "amount", &order.amount) || order.amount < 1 ||
        order.amount > AMOUNT_MAX || !currency_valid(order.currency))
        return invalid(exchange, "invalid_request", "The amount or the currency is not valid.");
    pthread_mutex_lock(&sandbox->lock);
    struct answer answer = charge(sandbox, exchange, body, &order);
    pthread_mutex_unlock(&sandbox->lock);
    return answer;
}

static struct decision decide_follow(const struct sandbox *sandbox, enum operation_kind kind)
{
    if (kind == OPERATION_CAPTURE)
        return decide_capture(&sandbox->switches);
    if (kind == OPERATION_CANCEL)
        return decide_cancel(&sandbox->switches);
    return decide_refund(&sandbox->switches, chance());
}

// charge: from the path, or NULL where the body names it.
static struct answer follow(struct sandbox *sandbox, struct http_exchange *exchange,
                            enum operation_kind kind, const char *charge_reference)
{
    struct arena *arena = http_arena(exchange);
    const struct json_value *body;
    struct follow_order order = {.kind = kind};
    if (json_parse(arena, http_body(exchange), &body) != STATUS_OK ||
        !common_fields(body, &order.reference, &order.callback_url))
        return invalid(exchange, "invalid_request", "The reference or the body is not valid.");
    order.charge = charge_reference ? charge_reference : json_get_string(body, "charge");
    if (!order.charge)
        return invalid(exchange, "invalid_request", "charge is missing.");
    if (kind != OPERATION_CANCEL && !json_get_integer(body, "amount", &order.amount))
        return invalid(exchange, "invalid_request", "The amount is not valid.");
    struct operation *operation;
    struct problem problem = {0};
    struct answer answer;
    pthread_mutex_lock(&sandbox->lock);
    if (!repeated(sandbox, arena, order.reference, kind, &answer)) {
        struct decision decision = decide_follow(sandbox, kind);
        enum status status = ledger_follow(sandbox->ledger, &order, &decision, clock_unix_us(),
                                           &operation, &problem);
        answer = status == STATUS_OK ? accepted(sandbox, arena, operation)
                                     : answer_refused(arena, &problem);
    }
    pthread_mutex_unlock(&sandbox->lock);
    return answer;
}

struct answer captures_post(struct sandbox *sandbox, struct http_exchange *exchange,
                            const char *name)
{
    return follow(sandbox, exchange, OPERATION_CAPTURE, name);
}

struct answer cancels_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name)
{
    return follow(sandbox, exchange, OPERATION_CANCEL, name);
}

struct answer refunds_post(struct sandbox *sandbox, struct http_exchange *exchange,
                           const char *name)
{
    (void)name;
    return follow(sandbox, exchange, OPERATION_REFUND, NULL);
}

struct answer operations_get(struct sandbox *sandbox, struct http_exchange *exchange,
                             const char *name)
{
    struct arena *arena = http_arena(exchange);
    struct answer answer;
    pthread_mutex_lock(&sandbox->lock);
    const struct operation *operation = ledger_find(sandbox->ledger, name);
    if (!operation)
        answer = answer_json(404, view_error(arena, "not_found", "No such operation."));
    else if (hidden(operation))
        answer = answer_json(503, view_error(arena, "unavailable", "Try again later."));
    else
        answer = show(sandbox, arena, 200, operation);
    pthread_mutex_unlock(&sandbox->lock);
    return answer;
}
