// A provider says that something changed. Whoever says so, the state comes from a query that we
// make: a callback only brings it forward. Where a provider can't be asked, what it proved to have
// said is kept with the operation, and judged in the place of an answer.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "batch.h"
#include "callbacks/callback_counts.h"
#include "callbacks/store_callbacks.h"
#include "processor/processor.h"
#include "rpc.h"

#define TESTIMONY_MAX ((size_t)16 << 10)
#define UNKNOWN_BODY_MAX ((size_t)4 << 10)

struct heard {
    struct call *call; // its problem, where it is refused
    const Obol__Payments__V1__ProviderCallbackRequest *request;
    const struct provider *provider;
    const struct credential *credential; // NULL: none in the path
    const char *tenant_id;               // "": not known
    struct bytes body;
    struct sha256 digest;
    enum callback_proof proof;
    const char *reference;         // of an operation that may be ours; NULL: none
    enum callback_outcome outcome; // 0: none yet
};

static bool refused(const struct heard *heard)
{
    return heard->call->problem.status != STATUS_OK;
}

static void refuse(struct heard *heard)
{
    heard->outcome = CALLBACK_REFUSED;
    (void)call_refuse(heard->call, STATUS_UNAUTHENTICATED, "signature_invalid", NULL,
                      "The signature does not fit.");
}

static void release(void *setup)
{
    setup_release(setup);
}

// Borrowed until the worker's arena is emptied.
static enum status find_credential(struct worker *worker, struct heard *heard)
{
    const struct payments_state *state = worker->state;
    const struct credential *own = providers_simulator(state->providers);
    const char *id = heard->request->credential_id;
    const struct setup *setup = NULL;
    if (own && strcmp(own->provider, heard->provider->name) == 0 && strcmp(own->id, id) == 0) {
        heard->credential = own; // everybody's, so it tells nothing of the tenant
        return STATUS_OK;
    }
    if (!state->setups)
        return STATUS_NOT_FOUND;
    enum status status = setups_find(state->setups, worker->db, heard->provider->name, id, &setup,
                                     &heard->credential);
    if (status != STATUS_OK)
        return batch_read(status);
    heard->tenant_id = setup->tenant_id;
    return arena_defer(worker->arena, release, (void *)(uintptr_t)setup)
               ? STATUS_OK
               : STATUS_RESOURCE_EXHAUSTED;
}

static bool read_headers(struct heard *heard, struct provider_callback *ret)
{
    const Obol__Payments__V1__ProviderCallbackRequest *request = heard->request;
    struct provider_header *headers =
        ARENA_ARRAY(heard->call->arena, request->n_headers, struct provider_header);
    for (size_t i = 0; headers && i < request->n_headers; i++)
        headers[i] =
            (struct provider_header){request->headers[i]->name, request->headers[i]->value};
    *ret = (struct provider_callback){request->address, headers, request->n_headers, heard->body};
    return headers;
}

static bool prove(struct heard *heard, const struct provider_callback *callback)
{
    const struct provider_use use = {
        .provider = heard->provider,
        .credential = heard->credential,
        .arena = heard->call->arena,
        .callback_url = heard->credential->callback_url,
    };
    heard->proof = heard->provider->callback_proof(&use, callback);
    return heard->proof != CALLBACK_FORGED;
}

static struct sha256 digest_of(const struct heard *heard)
{
    const struct bytes parts[] = {
        bytes_of_string(heard->provider->name),
        bytes_of_string(heard->request->credential_id),
        heard->body,
    };
    return crypto_sha256_parts(parts, 3);
}

static int64_t now_ms(void)
{
    return clock_now_ns() / NS_PER_MS;
}

static bool seen_before(const struct payments_state *state, const struct heard *heard)
{
    struct callback_counts *counts = state->callback_counts;
    return counts && replays_seen(callback_counts_replays(counts), &heard->digest, now_ms());
}

static void read_reference(struct heard *heard, const struct provider_callback *callback)
{
    const char *reference = heard->provider->callback_reference(heard->call->arena, callback);
    if (!reference)
        heard->outcome = CALLBACK_MALFORMED;
    else if (id_looks_like("op", reference) && strlen(reference) <= ID_TEXT_MAX)
        heard->reference = reference;
    else
        heard->outcome = heard->tenant_id[0] ? CALLBACK_UNKNOWN : CALLBACK_UNMATCHED;
}

// Whether it comes by a way that there is. A credential that there is not, and an address that is
// not the provider's, get the answer of a wrong signature: it tells nobody what is right.
static bool admit(struct worker *worker, struct heard *heard)
{
    const Obol__Payments__V1__ProviderCallbackRequest *request = heard->request;
    enum status status = STATUS_OK;
    if (request->credential_id[0])
        status = find_credential(worker, heard);
    if (status == STATUS_OK && heard->credential &&
        !credential_allows(heard->credential, request->address))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_NOT_FOUND)
        refuse(heard);
    else if (status != STATUS_OK)
        (void)call_refuse_status(heard->call, status);
    return !refused(heard);
}

// Nothing is parsed before it is proved, and nothing is proved of what says nothing.
static void read_content(const struct payments_state *state, struct heard *heard)
{
    struct provider_callback callback;
    if (heard->body.length == 0) {
        heard->outcome = CALLBACK_PROBE;
        return;
    }
    if (!read_headers(heard, &callback)) {
        (void)call_refuse_status(heard->call, STATUS_RESOURCE_EXHAUSTED);
        return;
    }
    if (heard->credential && !prove(heard, &callback)) {
        refuse(heard);
        return;
    }
    heard->digest = digest_of(heard);
    if (seen_before(state, heard))
        heard->outcome = CALLBACK_DUPLICATE;
    else
        read_reference(heard, &callback);
}

// Up to where it is known whom it is from, and what it is about.
static void hear(struct worker *worker, struct heard *heard)
{
    const struct payments_state *state = worker->state;
    heard->request = CALL_REQUEST(heard->call, Obol__Payments__V1__ProviderCallbackRequest);
    heard->provider = providers_find(state->providers, heard->request->provider);
    heard->body = (struct bytes){heard->request->body.data, heard->request->body.len};
    heard->tenant_id = "";
    heard->proof = CALLBACK_UNPROVEN;
    if (!heard->provider)
        (void)problem_not_found(&heard->call->problem, "provider");
    else if (admit(worker, heard))
        read_content(state, heard);
}

static bool is_testimony(const struct heard *heard)
{
    return heard->provider->speaks_by_callback && heard->proof == CALLBACK_PROVEN &&
           heard->tenant_id[0] && heard->body.length <= TESTIMONY_MAX;
}

// Those whose operation the processor of this process has in hand cost the database nothing. Where
// nobody can be asked, the processor has to read what was kept.
static bool in_hand(const struct payments_state *state, const struct heard *heard)
{
    return state->processor && !is_testimony(heard) &&
           processor_news(state->processor, heard->provider->name, heard->reference);
}

static int by_reference(const void *a, const void *b)
{
    const struct heard *const *x = a, *const *y = b;
    int order = strcmp((*x)->reference, (*y)->reference);
    return order ? order : (*x > *y) - (*x < *y); // as they came
}

static void conclude(struct heard *heard, enum callback_found found)
{
    if (found == FOUND_OPEN)
        heard->outcome = CALLBACK_ACCEPTED;
    else
        heard->outcome = found == FOUND_FINISHED ? CALLBACK_UNMATCHED : CALLBACK_UNKNOWN;
}

static enum status ask(struct worker *worker, struct heard *const *list,
                       struct callback_named *named, size_t n)
{
    bool testify = is_testimony(list[0]);
    for (size_t i = 0; i < n; i++)
        named[i] = (struct callback_named){
            .reference = list[i]->reference,
            .provider = list[i]->provider->name,
            .tenant_id = list[i]->tenant_id,
            .credential_id = list[i]->request->credential_id,
            .testimony = testify ? list[i]->body : (struct bytes){0},
            .found = FOUND_OPEN,
        };
    int64_t now_us = clock_unix_us();
    if (testify)
        return store_callbacks_testify(worker->db, worker->arena, named, n, now_us);
    enum status status = store_callbacks_take(worker->db, worker->arena, named, n, now_us);
    // Perhaps brought forward is good enough: it is asked about sooner or later.
    return status == STATUS_UNKNOWN ? STATUS_OK : status;
}

// All of the list are testimonies, or none.
static void bring_forward(struct worker *worker, struct heard **list, size_t n)
{
    if (n == 0)
        return;
    struct callback_named *named = ARENA_ARRAY(worker->arena, n, struct callback_named);
    qsort(list, n, sizeof(struct heard *), by_reference);
    enum status status = named ? ask(worker, list, named, n) : STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        if (status == STATUS_OK)
            conclude(list[i], named[i].found);
        else
            (void)call_refuse_status(list[i]->call, status);
    }
    if (status == STATUS_OK)
        state_ring(worker->state, true);
}

static bool seal_unknown(struct worker *worker, const struct heard *heard,
                         struct unknown_callback *ret)
{
    const struct payments_state *state = worker->state;
    struct bytes body = heard->body;
    if (body.length > UNKNOWN_BODY_MAX)
        body.length = UNKNOWN_BODY_MAX;
    const char *id = arena_strdup(worker->arena, id_new("ucb").text);
    const char *context = id ? unknown_callback_context(worker->arena, id) : NULL;
    if (!context)
        return false;
    *ret = (struct unknown_callback){
        .id = id,
        .tenant_id = heard->tenant_id,
        .provider = heard->provider->name,
        .credential_id = heard->request->credential_id,
        .digest = BYTES_OF_ARRAY(heard->digest.at),
        .body = keyring_seal(state->ring, worker->arena, body, context),
    };
    return ret->body.at;
}

// What names nothing of the tenant's may be a sign of trouble: somebody wants to look at it.
static void keep_unknown(struct worker *worker, struct heard *all, size_t n)
{
    struct unknown_callback *kept = NULL;
    size_t kept_n = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n && status == STATUS_OK; i++) {
        if (refused(&all[i]) || all[i].outcome != CALLBACK_UNKNOWN)
            continue;
        if (!kept)
            kept = ARENA_ARRAY(worker->arena, n, struct unknown_callback);
        if (!kept || !seal_unknown(worker, &all[i], &kept[kept_n++]))
            status = STATUS_RESOURCE_EXHAUSTED;
    }
    if (status == STATUS_OK && kept_n > 0)
        status =
            store_unknown_callbacks_keep(worker->db, worker->arena, kept, kept_n, clock_unix_us());
    for (size_t i = 0; i < n && status != STATUS_OK; i++)
        if (!refused(&all[i]) && all[i].outcome == CALLBACK_UNKNOWN)
            (void)call_refuse_status(all[i].call, status);
}

static void answer(struct heard *heard)
{
    Obol__Payments__V1__ProviderCallbackResponse *response =
        MESSAGE_NEW(heard->call->arena, obol__payments__v1__provider_callback_response,
                    Obol__Payments__V1__ProviderCallbackResponse);
    if (!response) {
        (void)call_refuse_status(heard->call, STATUS_RESOURCE_EXHAUSTED);
        return;
    }
    response->received = true;
    call_answer(heard->call, &response->base);
}

// Only what was done is remembered: what failed comes again.
static void settle(const struct payments_state *state, struct heard *heard)
{
    struct callback_counts *counts = state->callback_counts;
    if (!refused(heard))
        answer(heard);
    bool done = !refused(heard);
    bool news = done && heard->outcome != CALLBACK_PROBE && heard->outcome != CALLBACK_DUPLICATE;
    if (!counts || (!done && heard->outcome != CALLBACK_REFUSED))
        return;
    if (news && !replays_note(callback_counts_replays(counts), &heard->digest, now_ms()))
        heard->outcome = CALLBACK_DUPLICATE; // it came twice at once
    callback_counts_add(counts, heard->tenant_id, heard->provider->name, heard->outcome);
}

void rpc_provider_callback(void *context, struct call *const *calls, size_t n)
{
    struct worker *worker = context;
    struct heard *all = ARENA_ARRAY(worker->arena, n, struct heard);
    struct heard **plain = ARENA_ARRAY(worker->arena, n, struct heard *);
    struct heard **testimonies = ARENA_ARRAY(worker->arena, n, struct heard *);
    size_t plain_n = 0, testimonies_n = 0;
    bool room = all && plain && testimonies;
    for (size_t i = 0; i < n && !room; i++)
        (void)call_refuse_status(calls[i], STATUS_RESOURCE_EXHAUSTED);
    for (size_t i = 0; i < n && room; i++) {
        struct heard *heard = &all[i];
        heard->call = calls[i];
        hear(worker, heard);
        if (refused(heard) || heard->outcome)
            continue;
        if (in_hand(worker->state, heard))
            heard->outcome = CALLBACK_ACCEPTED;
        else if (is_testimony(heard))
            testimonies[testimonies_n++] = heard;
        else
            plain[plain_n++] = heard;
    }
    bring_forward(worker, plain, plain_n);
    bring_forward(worker, testimonies, testimonies_n);
    if (room) {
        keep_unknown(worker, all, n);
        for (size_t i = 0; i < n; i++)
            settle(worker->state, &all[i]);
    }
    arena_reset(worker->arena);
}
