// MTN MoMo: who may call. Provisioning, tokens, and the checks before every call of a product.
#include "mtn.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/crypto.h"

#define TOKEN_US (3600 * US_PER_S)

static const struct mimic_route routes[] = {
    {"POST", "/v1_0/apiuser", MIMIC_OTHER, mtn_user_post},
    {"GET", "/v1_0/apiuser/{}", MIMIC_OTHER, mtn_user_get},
    {"POST", "/v1_0/apiuser/{}/apikey", MIMIC_OTHER, mtn_key_post},
    {"POST", "/collection/token/", MIMIC_GRANT, mtn_collection_token},
    {"POST", "/disbursement/token/", MIMIC_GRANT, mtn_disbursement_token},
    {"POST", "/collection/v1_0/requesttopay", MIMIC_MONEY, mtn_request_post},
    {"GET", "/collection/v1_0/requesttopay/{}", MIMIC_QUERY, mtn_request_get},
    {"GET", "/collection/v1_0/accountholder/{}/{}/active", MIMIC_QUERY, mtn_collection_active},
    {"GET", "/collection/v1_0/account/balance", MIMIC_QUERY, mtn_collection_balance},
    {"POST", "/disbursement/v1_0/transfer", MIMIC_MONEY, mtn_transfer_post},
    {"GET", "/disbursement/v1_0/transfer/{}", MIMIC_QUERY, mtn_transfer_get},
    {"POST", "/disbursement/v1_0/refund", MIMIC_MONEY, mtn_refund_post},
    {"GET", "/disbursement/v1_0/refund/{}", MIMIC_QUERY, mtn_refund_get},
    {"GET", "/disbursement/v1_0/accountholder/{}/{}/active", MIMIC_QUERY, mtn_disbursement_active},
    {"GET", "/disbursement/v1_0/account/balance", MIMIC_QUERY, mtn_disbursement_balance},
    {0},
};

const struct mimic_description mimic_mtn = {
    .name = "mtn",
    .routes = routes,
    .tell = mtn_tell,
    .tell_verb = "PUT",
    .tell_tries = 1,
};

void mtn_refuse(struct mimic_call *call, int status, const char *code, const char *message)
{
    mimic_reply(
        call, status,
        json_object(call->arena,
                    (struct json_member[]){JSON_S("code", code), JSON_S("message", message), {0}}));
}

// As the API gateway before MTN's own program puts it.
static void refuse_caller(struct mimic_call *call, const char *message)
{
    mimic_reply(call, 401,
                json_object(call->arena, (struct json_member[]){JSON_I("statusCode", 401),
                                                                JSON_S("message", message),
                                                                {0}}));
}

bool mtn_uuid4(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx"; // RFC 9562, section 5.4
    size_t i = 0;
    for (; shape[i] && text[i]; i++) {
        bool digit = isxdigit((unsigned char)text[i]);
        if (shape[i] == 'x' ? !digit
                            : (shape[i] == 'y' ? !strchr("89abAB", text[i]) : shape[i] != text[i]))
            return false;
    }
    return !shape[i] && !text[i];
}

static bool subscribed(struct mimic_call *call)
{
    const char *key = mimic_header(call, "Ocp-Apim-Subscription-Key");
    if (strcmp(key, mimic_setting(call->mimic, "SUBSCRIPTION_KEY")) == 0)
        return true;
    refuse_caller(call, *key
                            ? "Access denied due to invalid subscription key. Make sure to provide "
                              "a valid key for an active subscription."
                            : "Access denied due to missing subscription key. Make sure to include "
                              "subscription key when making requests to an API.");
    return false;
}

const char *mtn_currency(const struct mimic_call *call)
{
    static const char *const environments[][2] = {
        {"sandbox", "EUR"},    {"mtnzambia", "ZMW"},        {"mtnuganda", "UGX"},
        {"mtnghana", "GHS"},   {"mtncameroon", "XAF"},      {"mtnivorycoast", "XOF"},
        {"mtnbenin", "XOF"},   {"mtncongo", "XAF"},         {"mtnswaziland", "SZL"},
        {"mtnliberia", "LRD"}, {"mtnguineaconakry", "GNF"}, {"mtnsouthafrica", "ZAR"},
    };
    const char *given = mimic_header(call, "X-Target-Environment");
    for (size_t i = 0; i < sizeof environments / sizeof *environments; i++)
        if (strcmp(environments[i][0], given) == 0)
            return environments[i][1];
    return NULL;
}

// Tokens are granted as "collection/<user>", so that a call can be traced to who provisioned it.
const char *mtn_caller(const struct mimic_call *call, const char *product)
{
    const char *kind = mimic_grant_kind(call->mimic, mimic_bearer(call));
    size_t length = strlen(product);
    if (!kind || strncmp(kind, product, length) != 0 || kind[length] != '/')
        return "";
    return arena_strdup(call->arena, kind + length + 1);
}

bool mtn_admit(struct mimic_call *call, const char *product)
{
    if (!subscribed(call))
        return false;
    if (!*mtn_caller(call, product)) {
        refuse_caller(call, "Unauthorized. Access token is missing or invalid.");
        return false;
    }
    if (!mtn_currency(call)) {
        mtn_refuse(call, 500, "NOT_ALLOWED_TARGET_ENVIRONMENT",
                   "Access to target environment is forbidden.");
        return false;
    }
    return true;
}

// Users stand in the book too, under names that no payment can have.
static struct entry *user_find(struct mimic_call *call, const char *user)
{
    const char *reference = arena_printf(call->arena, "apiuser/%s", user);
    return reference ? mimic_find(call->mimic, reference) : NULL;
}

static const char *user_text(struct mimic_call *call, const struct entry *user, const char *name)
{
    const struct json_value *extra;
    if (!user || !user->extra ||
        json_parse(call->arena, bytes_of_string(user->extra), &extra) != STATUS_OK)
        return NULL;
    return json_get_string(extra, name);
}

const char *mtn_callback_host(struct mimic_call *call, const char *user)
{
    return user_text(call, user_find(call, user), "providerCallbackHost");
}

static char *user_extra(struct mimic_call *call, const char *host, const char *key)
{
    const char *text = json_object(
        call->arena,
        (struct json_member[]){JSON_S("providerCallbackHost", host), JSON_S("apiKey", key), {0}});
    return text ? mimic_keep(call->mimic, text) : NULL;
}

void mtn_user_post(struct mimic_call *call)
{
    if (!subscribed(call))
        return;
    const char *user = mimic_header(call, "X-Reference-Id");
    const char *host = call->body ? json_get_string(call->body, "providerCallbackHost") : NULL;
    if (!mtn_uuid4(user) || !host) {
        mtn_refuse(call, 400, "BAD_REQUEST", "X-Reference-Id or providerCallbackHost is no good.");
        return;
    }
    if (user_find(call, user)) {
        mtn_refuse(call, 409, "RESOURCE_ALREADY_EXIST", "Duplicated reference id.");
        return;
    }
    struct entry entry = {.kind = ENTRY_INVOICE, .status = ENTRY_OPEN};
    (void)snprintf(entry.reference, sizeof entry.reference, "apiuser/%s", user);
    entry.extra = user_extra(call, host, NULL);
    if (entry.extra && mimic_add(call->mimic, &entry))
        mimic_reply(call, 201, "");
    else
        mtn_refuse(call, 503, "SERVICE_UNAVAILABLE", "No room for another user.");
}

// The user of the path; refused with 404 when nobody made it.
static struct entry *user_named(struct mimic_call *call)
{
    if (!subscribed(call))
        return NULL;
    struct entry *user = user_find(call, call->names[0]);
    if (!user)
        mtn_refuse(call, 404, "RESOURCE_NOT_FOUND", "Requested resource was not found.");
    return user;
}

void mtn_user_get(struct mimic_call *call)
{
    const struct entry *user = user_named(call);
    if (!user)
        return;
    const char *host = user_text(call, user, "providerCallbackHost");
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){JSON_S("providerCallbackHost", host),
                                                        JSON_S("targetEnvironment", "sandbox"),
                                                        {0}}));
}

void mtn_key_post(struct mimic_call *call)
{
    struct entry *user = user_named(call);
    if (!user)
        return;
    uint8_t random[16];
    crypto_random(random, sizeof random);
    const char *key = crypto_hex(call->arena, BYTES_OF_ARRAY(random));
    user->extra = user_extra(call, user_text(call, user, "providerCallbackHost"), key);
    mimic_reply(call, 201,
                json_object(call->arena, (struct json_member[]){JSON_S("apiKey", key), {0}}));
}

static bool key_fits(struct mimic_call *call, const char *user, const char *key)
{
    if (strcmp(user, mimic_setting(call->mimic, "API_USER")) == 0 &&
        strcmp(key, mimic_setting(call->mimic, "API_KEY")) == 0)
        return true;
    const char *expected = user_text(call, user_find(call, user), "apiKey");
    return expected && strcmp(key, expected) == 0;
}

static void token_post(struct mimic_call *call, const char *product)
{
    const char *user, *key;
    if (!subscribed(call))
        return;
    if (!mimic_basic(call, &user, &key) || !key_fits(call, user, key)) {
        mimic_reply(call, 401, "{\"error\":\"login_failed\"}");
        return;
    }
    int64_t ttl_us = mimic_scaled_us(call->mimic, TOKEN_US);
    const char *kind = arena_printf(call->arena, "%s/%s", product, user);
    const char *token = kind ? mimic_grant(call->mimic, call->arena, kind, ttl_us) : NULL;
    mimic_reply(
        call, 200,
        json_object(call->arena, (struct json_member[]){JSON_S("access_token", token),
                                                        JSON_S("token_type", "access_token"),
                                                        JSON_I("expires_in", ttl_us / US_PER_S),
                                                        {0}}));
}

void mtn_collection_token(struct mimic_call *call)
{
    token_post(call, "collection");
}

void mtn_disbursement_token(struct mimic_call *call)
{
    token_post(call, "disbursement");
}
