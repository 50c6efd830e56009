// One thing that a provider granted to a credential for a while: what is known of it, and when it
// is to be fetched. Rules only, with the clock passed in (clock_now_ns); sessions.c guards it.
#pragma once
#include "crypto/crypto.h"
#include "providers/provider.h"
#include "setup/recent.h"

#define SESSION_IDLE_MS 3600000 // nobody asked for so long: it is not renewed any more
#define SESSION_AGAIN_MS 1000   // at least between what was granted and asking anew
#define SESSION_REFUSED_MS 1000 // a wrong credential: asked again after this, doubling
#define SESSION_REFUSED_MS_MAX 60000
#define SESSION_FAILED_MS 500 // the provider is not there: likewise
#define SESSION_FAILED_MS_MAX 15000

struct session {
    struct recent_item item; // first: items of the table are sessions
    const struct provider *provider;
    size_t which;
    int64_t updated_us; // of the credential that it belongs to
    char *text;         // NULL: none
    int64_t granted_ns, renew_ns, expires_ns;
    struct sha256 spoiled;    // of a text that the provider would not take; zeros: none
    bool wanted, busy;        // somebody waits for it; the thread is at it
    int64_t used_ns, next_ns; // last asked for; not to be fetched before
    int64_t failures;         // in a row
    int64_t refused_until_ns; // 0: it was not refused
    char error_code[64], error_message[256];
    char *tenant_id, *credential_id; // in the same piece of memory
    char key[];
};

// "cred_… 0". False when it does not fit.
#define SESSION_KEY_SIZE 256
bool session_key(const char *credential_id, size_t which, char ret[SESSION_KEY_SIZE]);
// NULL when out of memory.
struct session *session_new(const struct provider_use *use, const char *tenant_id, size_t which);
void session_free(struct session *session); // its text is wiped; NULL is fine

// The credential was changed at that time: nothing that was granted or refused before counts.
void session_follow(struct session *session, int64_t updated_us);
bool session_good(const struct session *session, int64_t now_ns);
bool session_is_refused(const struct session *session, int64_t now_ns);
// When it is to be fetched; INT64_MAX: not as things are.
int64_t session_due_ns(const struct session *session);
// How long before its end a grant is renewed.
int64_t session_margin_us(int64_t lives_us);

struct session_life {
    int64_t granted_us, expires_us; // wall clock
};
// False when out of memory.
bool session_grant(struct session *session, const char *text, struct session_life life,
                   int64_t now_us, int64_t now_ns);
void session_refuse(struct session *session, const struct outcome *outcome, int64_t now_ns);
void session_fail(struct session *session, int64_t now_ns);
void session_later(struct session *session, int64_t ms, int64_t now_ns);
// The provider would not take this text: it goes, unless another has come already. True: it went.
bool session_spoil(struct session *session, const char *text, int64_t now_ns);
bool session_is_spoiled(const struct session *session, const char *text);
