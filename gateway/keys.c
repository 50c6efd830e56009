// API keys at the edge. A good answer of the auth service is remembered until a second after it was
// asked for, so a revoked key dies within it; with the auth service away it serves for a minute.
// Wrong answers are not remembered.
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "gateway.h"
#include "obol/auth/v1/auth.obol.h"
#include "obol/auth/v1/auth.pb-c.h"

#define SLOTS 4096 // one key a slot, by its digest; a newer key takes the slot of an older one
#define CREDENTIAL_MAX 256
#define VERIFY_TIMEOUT_MS 3000

struct verification {
    struct hop_call hop_call;
    struct arena *arena;
    struct key_cache *cache;
    struct sha256 digest;
    int64_t asked_ns, rate_per_min;
    const char *key_id;
    struct request **waiting;
    size_t waiting_n, waiting_capacity;
};

struct slot {
    struct sha256 digest;
    char tenant_id[65];
    int64_t verified_ns; // when that was asked; 0: empty
    int64_t heard_ns;    // when the newest question about the digest was asked, whatever the answer
    int64_t rate_per_min;
    struct verification *pending;
};

struct key_cache {
    struct edge *edge;
    struct slot slots[SLOTS];
};

struct key_cache *key_cache_new(struct edge *edge)
{
    struct key_cache *cache = calloc(1, sizeof *cache);
    if (cache)
        cache->edge = edge;
    return cache;
}

void key_cache_free(struct key_cache *cache)
{
    free(cache);
}

static bool basic_credentials(struct arena *arena, const char *header, struct credentials *ret)
{
    struct bytes decoded;
    if (strncasecmp(header, "Basic ", 6) != 0 || strlen(header) > 4 * CREDENTIAL_MAX ||
        !crypto_base64_decode(arena, header + 6, strlen(header + 6), &decoded) ||
        memchr(decoded.at, '\0', decoded.length))
        return false;
    char *text = arena_strndup(arena, (const char *)decoded.at, decoded.length);
    char *colon = text ? strchr(text, ':') : NULL;
    if (!colon)
        return false;
    *colon = '\0';
    *ret = (struct credentials){text, colon + 1};
    return true;
}

static bool credential_plain(const char *text)
{
    size_t length = 0;
    for (; text[length]; length++)
        if (length == CREDENTIAL_MAX || text[length] < '!' || text[length] > '~')
            return false;
    return length > 0;
}

bool keys_read(const struct http_exchange *exchange, struct arena *arena, struct credentials *ret)
{
    *ret = (struct credentials){http_header_in(exchange, "X-Api-Key"),
                                http_header_in(exchange, "X-Api-Secret")};
    const char *authorization = http_header_in(exchange, "Authorization");
    bool found =
        (ret->id && ret->secret) || (authorization && basic_credentials(arena, authorization, ret));
    return found && credential_plain(ret->id) && credential_plain(ret->secret);
}

bool keys_given(const struct http_exchange *exchange)
{
    return http_header_in(exchange, "X-Api-Key") || http_header_in(exchange, "X-Api-Secret") ||
           http_header_in(exchange, "Authorization");
}

static void refuse_key(struct request *request)
{
    problem_set(&request->problem, STATUS_UNAUTHENTICATED, "authentication_failed", NULL,
                "The API key and its secret are missing or wrong.");
    request_refuse(request);
}

static void accept_key(struct request *request, const char *key_id, const char *tenant_id,
                       int64_t rate_per_min)
{
    const char *claimed = http_header_in(request->exchange, "X-Tenant-Id");
    request->key_id = arena_strdup(request->arena, key_id);
    request->tenant_id = arena_strdup(request->arena, tenant_id);
    request->rate_per_min = rate_per_min;
    if (claimed && strcmp(claimed, tenant_id) != 0) {
        problem_set(&request->problem, STATUS_PERMISSION_DENIED, "tenant_mismatch", "X-Tenant-Id",
                    "This API key belongs to another tenant.");
        request_refuse(request);
        return;
    }
    limits_tenant(request);
}

static struct slot *slot_of(struct key_cache *cache, const struct sha256 *digest)
{
    uint16_t index;
    memcpy(&index, digest->at, sizeof index);
    return &cache->slots[index % SLOTS];
}

static bool slot_good(const struct slot *slot, const struct sha256 *digest, int64_t age_ms)
{
    return slot->verified_ns && memcmp(&slot->digest, digest, sizeof *digest) == 0 &&
           clock_now_ns() - slot->verified_ns < age_ms * NS_PER_MS;
}

static void settle(struct verification *verification, const char *tenant_id,
                   const struct problem *problem)
{
    for (size_t i = 0; i < verification->waiting_n; i++) {
        struct request *request = verification->waiting[i];
        if (i == 0 && (tenant_id || problem->status != STATUS_UNAUTHENTICATED))
            limits_no_failure(request);
        if (tenant_id) {
            accept_key(request, verification->key_id, tenant_id, verification->rate_per_min);
        } else if (problem->status == STATUS_UNAUTHENTICATED) {
            refuse_key(request);
        } else {
            (void)problem_unavailable(&request->problem);
            request_refuse(request);
        }
    }
}

// An answer that was long on its way must not cover what was asked, and heard, after it: it may be
// from before a revocation. An empty slot notes a bad answer too; one that serves another key
// doesn't, or who guesses would empty them all.
static bool is_news(const struct slot *slot, const struct verification *verification, bool good)
{
    if (memcmp(&slot->digest, &verification->digest, sizeof slot->digest) == 0)
        return slot->heard_ns <= verification->asked_ns;
    return good || slot->verified_ns == 0;
}

static void hear(struct slot *slot, const struct verification *verification, const char *tenant_id)
{
    if (!is_news(slot, verification, tenant_id != NULL))
        return;
    slot->digest = verification->digest;
    slot->heard_ns = verification->asked_ns;
    slot->verified_ns = tenant_id ? verification->asked_ns : 0;
    slot->rate_per_min = verification->rate_per_min;
    if (tenant_id)
        memcpy(slot->tenant_id, tenant_id, strlen(tenant_id) + 1);
}

// Whose key it is; NULL: nobody's, or nobody could say.
static const char *verified_tenant(struct verification *verification, struct slot *slot)
{
    const struct call *call = &verification->hop_call.call;
    if (call->problem.status == STATUS_OK) {
        const Obol__Auth__V1__VerifyKeyResponse *answer =
            (const void *)message_unpack(verification->arena, call->method->output, call->packed);
        if (!answer || strlen(answer->tenant_id) >= sizeof slot->tenant_id)
            return NULL;
        verification->rate_per_min = answer->rate_per_min;
        hear(slot, verification, answer->tenant_id);
        return answer->tenant_id;
    }
    if (call->problem.status == STATUS_UNAUTHENTICATED) {
        hear(slot, verification, NULL);
        return NULL;
    }
    verification->rate_per_min = slot->rate_per_min;
    return slot_good(slot, &verification->digest, KEY_STALE_MS) ? slot->tenant_id : NULL;
}

static void forget(struct verification *verification)
{
    struct slot *slot = slot_of(verification->cache, &verification->digest);
    if (slot->pending == verification)
        slot->pending = NULL;
    free(verification->waiting);
    arena_free(verification->arena);
}

static void verified(struct hop_call *hop_call)
{
    struct verification *verification = (struct verification *)hop_call;
    struct slot *slot = slot_of(verification->cache, &verification->digest);
    if (slot->pending == verification)
        slot->pending = NULL; // who comes now asks anew
    const char *tenant_id = arena_strdup(verification->arena, verified_tenant(verification, slot));
    settle(verification, tenant_id, &hop_call->call.problem);
    forget(verification);
}

static bool wait_for(struct verification *verification, struct request *request)
{
    if (verification->waiting_n == verification->waiting_capacity) {
        size_t capacity = verification->waiting_capacity ? 2 * verification->waiting_capacity : 8;
        struct request **waiting = realloc(verification->waiting, capacity * sizeof *waiting);
        if (!waiting)
            return false;
        verification->waiting = waiting;
        verification->waiting_capacity = capacity;
    }
    verification->waiting[verification->waiting_n++] = request;
    return true;
}

static struct verification *verification_new(struct request *request,
                                             const struct credentials *given)
{
    struct arena *arena = arena_new(ARENA_CAP_REQUEST);
    struct verification *verification = arena ? ARENA_NEW(arena, struct verification) : NULL;
    Obol__Auth__V1__VerifyKeyRequest message = OBOL__AUTH__V1__VERIFY_KEY_REQUEST__INIT;
    if (!verification || !wait_for(verification, request)) {
        arena_free(arena);
        return NULL;
    }
    message.id = arena_strdup(arena, given->id);
    message.secret = arena_strdup(arena, given->secret);
    verification->arena = arena;
    verification->asked_ns = clock_now_ns();
    verification->key_id = message.id;
    verification->hop_call.edge = request->edge;
    verification->hop_call.finish = verified;
    verification->hop_call.call = (struct call){
        .arena = arena,
        .method = METHOD_AuthService_VerifyKey,
        .request_bytes = message_pack(arena, &message.base),
        .context = {.tenant_id = "",
                    .actor = "gateway",
                    .request_id = arena_strdup(arena, request->request_id),
                    .traceparent = arena_strdup(arena, request->traceparent),
                    .deadline_ns = clock_deadline_ns(VERIFY_TIMEOUT_MS)},
    };
    return verification;
}

// The answer to a question asked long before this request may be from before a revocation.
static bool pending_serves(const struct verification *pending, const struct sha256 *digest)
{
    return pending && memcmp(&pending->digest, digest, sizeof *digest) == 0 &&
           clock_now_ns() - pending->asked_ns < KEY_GOOD_MS * NS_PER_MS;
}

static void send(struct request *request)
{
    struct verification *verification = request->verification;
    hop_send(request->edge->hops[UPSTREAM_AUTH], &verification->hop_call);
}

// It may not be asked about: all who wait for it are told what the first was.
static void give_up(struct request *first)
{
    struct verification *verification = first->verification;
    const struct problem problem = first->problem;
    for (size_t i = 0; i < verification->waiting_n; i++) {
        struct request *request = verification->waiting[i];
        request->problem = problem;
        request_refuse(request);
    }
    forget(verification);
}

void keys_check(struct request *request)
{
    struct key_cache *cache = request->edge->keys;
    struct credentials given;
    if (!keys_read(request->exchange, request->arena, &given)) {
        limits_failure(request, refuse_key, request_refuse);
        return;
    }
    const struct bytes parts[] = {bytes_of_string(given.id), bytes_of_string(given.secret)};
    struct sha256 digest = crypto_sha256_parts(parts, 2);
    struct slot *slot = slot_of(cache, &digest);
    if (slot_good(slot, &digest, KEY_GOOD_MS)) {
        accept_key(request, given.id, slot->tenant_id, slot->rate_per_min);
        return;
    }
    if (pending_serves(slot->pending, &digest) && wait_for(slot->pending, request))
        return;
    struct verification *verification = verification_new(request, &given);
    if (!verification) {
        (void)problem_unavailable(&request->problem);
        request_refuse(request);
        return;
    }
    verification->cache = cache;
    verification->digest = digest;
    slot->pending = request->verification = verification;
    // Who was known a moment ago is no guesser, whatever else comes from there.
    if (slot_good(slot, &digest, KEY_STALE_MS))
        send(request);
    else
        limits_failure(request, send, give_up);
}
