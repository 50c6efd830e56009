#include "sessions/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define MARGIN_US (10 * US_PER_S)
#define LAST_MOMENT_MS 1000 // what ends so soon is not given out any more, if it lived longer

bool session_key(const char *credential_id, size_t which, char ret[SESSION_KEY_SIZE])
{
    int n = snprintf(ret, SESSION_KEY_SIZE, "%s %zu", credential_id, which);
    return n > 0 && n < SESSION_KEY_SIZE;
}

struct session *session_new(const struct provider_use *use, const char *tenant_id, size_t which)
{
    const char *credential_id = use->credential->id;
    char key[SESSION_KEY_SIZE];
    if (!session_key(credential_id, which, key))
        return NULL;
    size_t key_size = strlen(key) + 1, tenant_size = strlen(tenant_id) + 1;
    size_t credential_size = strlen(credential_id) + 1;
    struct session *session = calloc(1, sizeof *session + key_size + tenant_size + credential_size);
    if (!session)
        return NULL;
    session->tenant_id = session->key + key_size;
    session->credential_id = session->tenant_id + tenant_size;
    memcpy(session->key, key, key_size);
    memcpy(session->tenant_id, tenant_id, tenant_size);
    memcpy(session->credential_id, credential_id, credential_size);
    session->item.key = session->key;
    session->provider = use->provider;
    session->which = which;
    session->updated_us = use->credential->updated_us;
    return session;
}

static void drop_text(struct session *session)
{
    if (session->text)
        crypto_wipe(session->text, strlen(session->text));
    free(session->text);
    session->text = NULL;
}

void session_free(struct session *session)
{
    if (session)
        drop_text(session);
    free(session);
}

void session_follow(struct session *session, int64_t updated_us)
{
    if (updated_us <= session->updated_us)
        return;
    drop_text(session);
    session->updated_us = updated_us;
    session->spoiled = (struct sha256){0};
    session->next_ns = session->failures = session->refused_until_ns = 0;
}

bool session_good(const struct session *session, int64_t now_ns)
{
    int64_t life_ns = session->expires_ns - session->granted_ns;
    int64_t last_ns =
        life_ns / 10 < LAST_MOMENT_MS * NS_PER_MS ? life_ns / 10 : LAST_MOMENT_MS * NS_PER_MS;
    return session->text && now_ns < session->expires_ns - last_ns;
}

bool session_is_refused(const struct session *session, int64_t now_ns)
{
    return now_ns < session->refused_until_ns;
}

int64_t session_due_ns(const struct session *session)
{
    if (session->busy)
        return INT64_MAX;
    if (session->wanted)
        return session->next_ns;
    int64_t due_ns = session->renew_ns > session->next_ns ? session->renew_ns : session->next_ns;
    bool used = due_ns - session->used_ns < SESSION_IDLE_MS * NS_PER_MS;
    return session->text && used ? due_ns : INT64_MAX;
}

int64_t session_margin_us(int64_t lives_us)
{
    int64_t fifth_us = lives_us / 5;
    return fifth_us < MARGIN_US && lives_us >= 2 * MARGIN_US ? MARGIN_US : fifth_us;
}

bool session_grant(struct session *session, const char *text, struct session_life life,
                   int64_t now_us, int64_t now_ns)
{
    char *copy = strdup(text);
    if (!copy)
        return false;
    drop_text(session);
    session->text = copy;
    int64_t margin_us = session_margin_us(life.expires_us - life.granted_us);
    session->granted_ns = now_ns - (now_us - life.granted_us) * 1000;
    session->expires_ns = now_ns + (life.expires_us - now_us) * 1000;
    session->renew_ns = session->expires_ns - margin_us * 1000;
    session->wanted = session->busy = false;
    session->next_ns = session->failures = session->refused_until_ns = 0;
    return true;
}

static int64_t growing_ns(int64_t failures, int64_t first_ms, int64_t max_ms)
{
    int64_t ms = first_ms;
    for (int64_t i = 1; i < failures && ms < max_ms; i++)
        ms *= 2;
    return (ms < max_ms ? ms : max_ms) * NS_PER_MS;
}

void session_fail(struct session *session, int64_t now_ns)
{
    session->failures++;
    session->wanted = session->busy = false;
    session->next_ns =
        now_ns + growing_ns(session->failures, SESSION_FAILED_MS, SESSION_FAILED_MS_MAX);
}

void session_refuse(struct session *session, const struct outcome *outcome, int64_t now_ns)
{
    session_fail(session, now_ns);
    session->next_ns =
        now_ns + growing_ns(session->failures, SESSION_REFUSED_MS, SESSION_REFUSED_MS_MAX);
    session->refused_until_ns = session->next_ns;
    snprintf(session->error_code, sizeof session->error_code, "%s",
             outcome->error_code ? outcome->error_code : "provider_setup");
    snprintf(session->error_message, sizeof session->error_message, "%s",
             outcome->error_message ? outcome->error_message
                                    : "The provider does not know the credential.");
}

void session_later(struct session *session, int64_t ms, int64_t now_ns)
{
    session->busy = false;
    session->next_ns = now_ns + ms * NS_PER_MS;
}

bool session_spoil(struct session *session, const char *text, int64_t now_ns)
{
    if (!session->text || strcmp(session->text, text) != 0)
        return false;
    int64_t soonest_ns = session->granted_ns + SESSION_AGAIN_MS * NS_PER_MS;
    session->spoiled = crypto_sha256(bytes_of_string(text));
    session->next_ns = soonest_ns > now_ns ? soonest_ns : now_ns;
    session->wanted = true;
    drop_text(session);
    return true;
}

bool session_is_spoiled(const struct session *session, const char *text)
{
    struct sha256 digest = crypto_sha256(bytes_of_string(text));
    return crypto_equal(BYTES_OF_ARRAY(digest.at), BYTES_OF_ARRAY(session->spoiled.at));
}
