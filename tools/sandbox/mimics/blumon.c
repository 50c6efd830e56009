// Blumon Pay: access tokens, cards, charges, 3-D Secure, a hosted checkout. Its two hosts are one
// here. No idempotency and no status query, as there: a reference that comes again is charged
// again.
//
// Cards decide, on any currency; all others are approved.
//   4242424242424242  approved               4000000000000002  57 not allowed        (200)
//   4000000000009995  51 funds       (200)   4000000000000069  54 expired            (200)
//   4000000000000127  122 CVV        (400)   4000000000000119  912 no issuer         (200)
//   4000000000001018  101 expired    (400)   4000000000000622  62 restricted         (400)
//   4000000000050056  N5 not allowed (200)   4000000000000614  61 amount limit       (200)
//   4000000000000655  65 count limit (400)   4000000000040040  O4 card limit         (200)
//   4000000000000945  94 duplicate   (409)   4000000000001877  187 inactive          (200)
//   4000000000080012  TX_001 limit of a transaction (400; any card above 1,000,000.00 too)
//   4000000000080038  TX_003 monthly limit (409)
//   4000003800000446, 4000002760003184  want 3-D Secure: refused with 3DS_REQUIRED (400) without
//                     the threeDSTransactionId of a registration that the payer approved
// 914 (404) answers a cancel or refund whose original is not there, 94 (409) a second cancel.
//
// Guessed, as the provider's documents don't show them:
//   a charge's "reference" (echoed by the webhook) and "notificationUrl"; /ecommerce/refund/{id}
//   {amount, reference?}; /mpi/3ds-registry {amount, currency, noPresentCardData, returnUrl?} ->
//   dataResponse {threeDSTransactionId, status:"AUTHENTICATED"|"CHALLENGE", authenticationUrl}, and
//   GET /mpi/3ds-registry/{id} the same with "REJECTED" too; codeResponse "CANCELED" and "EXPIRED"
//   of a checkout; operationNumber is the id of the charge; /checkout/generate's notificationUrl,
//   returnUrl and dataResponse.url. Its reference, amount, currency, urlCallback (where the browser
//   goes), expiration ("YYYY-MM-DD") and dataResponse.payOrder (a path on the same host) are seen
//   in the code of its users.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/currency.h"
#include "base/id.h"
#include "crypto/crypto.h"
#include "mimics/blumon.h"

#define TOKEN_S 10799
#define REFRESH_S 86400

static void oauth_refuse(struct mimic_call *call, int status, const char *error,
                         const char *description)
{
    mimic_reply(
        call, status,
        json_object(call->arena, (struct json_member[]){JSON_S("error", error),
                                                        JSON_S("error_description", description),
                                                        {0}}));
}

static bool same(const char *a, const char *b)
{
    return a && crypto_equal(bytes_of_string(a), bytes_of_string(b));
}

// The password travels as the hex of its SHA-256.
static bool password_right(const struct mimic_call *call)
{
    struct sha256 digest = crypto_sha256(bytes_of_string(mimic_setting(call->mimic, "PASSWORD")));
    const char *expected = crypto_hex(call->arena, BYTES_OF_ARRAY(digest.at));
    return expected && same(mimic_form(call, "username"), mimic_setting(call->mimic, "USERNAME")) &&
           same(mimic_form(call, "password"), expected);
}

void blumon_token_post(struct mimic_call *call)
{
    const char *user, *secret;
    if (!mimic_basic(call, &user, &secret) ||
        !same(user, mimic_setting(call->mimic, "CLIENT_ID")) ||
        !same(secret, mimic_setting(call->mimic, "CLIENT_SECRET"))) {
        oauth_refuse(call, 401, "invalid_client", "Bad client credentials");
        return;
    }
    const char *grant = mimic_form(call, "grant_type");
    bool refresh = grant && strcmp(grant, "refresh_token") == 0;
    if (!refresh && (!grant || strcmp(grant, "password") != 0)) {
        oauth_refuse(call, 400, "unsupported_grant_type", "Unsupported grant type");
        return;
    }
    const char *refresh_token = mimic_form(call, "refresh_token");
    if (refresh ? !refresh_token || !mimic_granted(call->mimic, "refresh", refresh_token)
                : !password_right(call)) {
        oauth_refuse(call, 400, "invalid_grant",
                     refresh ? "Invalid refresh token" : "Bad credentials");
        return;
    }
    int64_t ttl_us = mimic_scaled_us(call->mimic, TOKEN_S * US_PER_S);
    const char *access = mimic_grant(call->mimic, call->arena, "access", ttl_us);
    const char *renewal = mimic_grant(call->mimic, call->arena, "refresh",
                                      mimic_scaled_us(call->mimic, REFRESH_S * US_PER_S));
    if (!access || !renewal) {
        oauth_refuse(call, 503, "temporarily_unavailable", "Too many tokens");
        return;
    }
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){JSON_S("access_token", access),
                                                        JSON_S("token_type", "bearer"),
                                                        JSON_S("refresh_token", renewal),
                                                        JSON_I("expires_in", ttl_us / US_PER_S),
                                                        JSON_S("scope", "read write"),
                                                        {0}}));
}

bool blumon_authorized(struct mimic_call *call)
{
    const char *token = mimic_bearer(call);
    if (*token && mimic_granted(call->mimic, "access", token))
        return true;
    if (*token)
        oauth_refuse(call, 401, "invalid_token", "Access token expired or unknown");
    else
        oauth_refuse(call, 401, "unauthorized", "Full authentication is required");
    return false;
}

const char *blumon_time(struct arena *arena, int64_t unix_us)
{
    time_t seconds = unix_us / US_PER_S;
    struct tm at;
    char text[32];
    if (!gmtime_r(&seconds, &at) || strftime(text, sizeof text, "%d/%m/%Y %H:%M:%S", &at) == 0)
        return "";
    const char *copy = arena_strdup(arena, text);
    return copy ? copy : "";
}

// Every answer has the same beginning.
static void reply(struct mimic_call *call, int status, const char *id, struct json_member rest)
{
    const char *now = blumon_time(call->arena, call->now_us);
    const char *date = arena_strndup(call->arena, now, strcspn(now, " "));
    const char *hour = strchr(now, ' ');
    struct id request = id_new("req");
    bool good = strcmp(rest.name, "dataResponse") == 0;
    mimic_reply(call, status,
                json_object(call->arena, (struct json_member[]){
                                             JSON_B("status", good),
                                             JSON_S("requestId", request.text),
                                             JSON_S("id", id),
                                             JSON_S("date", date),
                                             JSON_S("time", hour ? hour + 1 : ""),
                                             rest,
                                             {0},
                                         }));
}

void blumon_approve(struct mimic_call *call, const char *id, const char *data)
{
    reply(call, 200, id, (struct json_member)JSON_R("dataResponse", data ? data : "{}"));
}

static void refuse(struct mimic_call *call, int status, const char *id,
                   const struct json_member error[])
{
    const char *text = json_object(call->arena, error);
    reply(call, status, id, (struct json_member)JSON_R("error", text ? text : "{}"));
}

void blumon_refuse(struct mimic_call *call, int status, const char *code, const char *description)
{
    refuse(call, status, NULL,
           (struct json_member[]){JSON_I("httpStatusCode", status),
                                  JSON_S("code", code),
                                  JSON_S("description", description),
                                  {0}});
}

void blumon_decline(struct mimic_call *call, const char *id, const char *code)
{
    int status = blumon_http_status(code);
    refuse(call, status, id,
           (struct json_member[]){JSON_I("httpStatusCode", status == 200 ? 402 : status),
                                  JSON_S("code", code),
                                  JSON_S("description", blumon_description(code)),
                                  {0}});
}

void blumon_full(struct mimic_call *call)
{
    blumon_refuse(call, 503, "UNAVAILABLE", "The book is full");
}

const char *blumon_base(const struct mimic_call *call)
{
    const char *base = arena_printf(call->arena, "http://%s/blumon", mimic_header(call, "Host"));
    return base ? base : "";
}

// What a webhook says of the entry. NULL when memory is short.
static const char *webhook(struct arena *arena, const struct entry *entry, bool forged)
{
    const struct json_value *kept = NULL;
    if (entry->extra && json_parse(arena, bytes_of_string(entry->extra), &kept) != STATUS_OK)
        kept = NULL;
    bool good = forged || entry->status == ENTRY_SUCCEEDED;
    const char *code = good ? "00" : entry->status == ENTRY_EXPIRED ? "EXPIRED" : entry->code;
    const char *last_four = kept ? json_get_string(kept, "lastFour") : "";
    const char *brand = kept ? json_get_string(kept, "brand") : "";
    const char *authorization = kept ? json_get_string(kept, "authorization") : "";
    return json_object(
        arena, (struct json_member[]){
                   JSON_S("reference", entry->reference),
                   JSON_S("amount", currency_decimal(arena, entry->amount, entry->currency, false)),
                   JSON_S("authorizationCode", good ? authorization : ""),
                   JSON_S("operationType", entry->kind == ENTRY_REFUND ? "DEVOLUCION" : "VENTA"),
                   JSON_I("operationNumber", strtoll(entry->id, NULL, 10)),
                   JSON_S("codeResponse", code),
                   JSON_S("descriptionResponse", blumon_description(code)),
                   JSON_S("lastFour", last_four),
                   JSON_S("brand", brand),
                   JSON_S("bin", brand && strcmp(brand, "VISA") == 0 ? "400000" : ""),
                   JSON_S("dateTransaction", blumon_time(arena, entry->finished_us)),
                   {0},
               });
}

static bool tell(struct mimic *mimic, struct arena *arena, const struct entry *entry, bool forged,
                 struct mimic_answer *ret)
{
    if (entry->kind != ENTRY_CHARGE && entry->kind != ENTRY_REFUND)
        return false;
    const char *body = webhook(arena, entry, forged);
    const char *secret = forged ? "forged" : mimic_setting(mimic, "WEBHOOK_SECRET");
    if (!body)
        return false;
    ret->body = body;
    ret->type = "application/json";
    if (!*secret)
        return true;
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(secret), bytes_of_string(body));
    const char *hex = crypto_hex(arena, BYTES_OF_ARRAY(mac.at));
    ret->headers[0][0] = "X-Signature-256";
    ret->headers[0][1] = hex ? arena_printf(arena, "sha256=%s", hex) : NULL;
    return ret->headers[0][1] != NULL;
}

static const struct mimic_route routes[] = {
    {"POST", "/oauth/token", MIMIC_GRANT, blumon_token_post},
    {"POST", "/cardToken/add", MIMIC_OTHER, blumon_card_post},
    {"POST", "/ecommerce/charge", MIMIC_MONEY, blumon_charge_post},
    {"POST", "/ecommerce/cancel/{}", MIMIC_MONEY, blumon_cancel_post},
    {"POST", "/ecommerce/refund/{}", MIMIC_MONEY, blumon_refund_post},
    {"POST", "/mpi/3ds-registry", MIMIC_OTHER, blumon_challenge_post},
    {"GET", "/mpi/3ds-registry/{}", MIMIC_QUERY, blumon_challenge_get},
    {"GET", "/mpi/3ds/{}", MIMIC_OTHER, blumon_challenge_page_get},
    {"POST", "/mpi/3ds/{}", MIMIC_OTHER, blumon_challenge_page_post},
    {"POST", "/checkout/generate", MIMIC_OTHER, blumon_checkout_post},
    {"GET", "/checkout/{}", MIMIC_OTHER, blumon_checkout_page_get},
    {"POST", "/checkout/{}", MIMIC_OTHER, blumon_checkout_page_post},
    {0},
};

const struct mimic_description mimic_blumon = {
    .name = "blumon",
    .routes = routes,
    .tell = tell,
    .tell_verb = "POST",
    .tell_tries = 3,
};
