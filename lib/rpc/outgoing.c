// One message to a server and what comes back: a call on its own, or a bundle of them.
#include "rpc/outgoing.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "grpc/health/v1/health.obol.h"
#include "obol/rpc/v1/bundle.obol.h"

static void outgoing_link(struct outgoing *out)
{
    struct rpc_client *client = out->client;
    pthread_mutex_lock(&client->mutex);
    out->next = client->first;
    if (out->next)
        out->next->before = out;
    client->first = out;
    if (client->closing)
        grpc_call_cancel(out->core, NULL);
    pthread_mutex_unlock(&client->mutex);
}

static void outgoing_free(struct outgoing *out)
{
    struct rpc_client *client = out->client;
    pthread_mutex_lock(&client->mutex);
    if (out->next)
        out->next->before = out->before;
    if (out->before)
        out->before->next = out->next;
    else
        client->first = out->next;
    grpc_call_unref(out->core); // with the mutex: rpc_client_free may be about to cancel it
    link_leave(out->link);
    if (!client->first)
        pthread_cond_broadcast(&client->emptied);
    pthread_mutex_unlock(&client->mutex);
    if (out->sent)
        grpc_byte_buffer_destroy(out->sent);
    if (out->received)
        grpc_byte_buffer_destroy(out->received);
    grpc_metadata_array_destroy(&out->initial);
    grpc_metadata_array_destroy(&out->trailing);
    grpc_slice_unref(out->text);
    free(out);
}

static void hop_leave(struct hop *hop)
{
    if (atomic_fetch_sub(&hop->left, 1) != 1)
        return;
    void (*done)(void *) = hop->done;
    void *context = hop->context;
    free(hop);
    done(context);
}

static void fill_bundle(const struct outgoing *out, Obol__Rpc__V1__BundledCall *calls,
                        Obol__Rpc__V1__Context *contexts, int64_t now_ns)
{
    for (size_t i = 0; i < out->n; i++) {
        const struct call *call = out->calls[i];
        const struct call_context *from = &call->context;
        Obol__Rpc__V1__Context *context = &contexts[i];
        obol__rpc__v1__context__init(context);
        context->tenant_id = (char *)(uintptr_t)(from->tenant_id ? from->tenant_id : "");
        context->actor = (char *)(uintptr_t)(from->actor ? from->actor : "");
        context->request_id = (char *)(uintptr_t)(from->request_id ? from->request_id : "");
        const char *traceparent = call_traceparent(call);
        context->traceparent = (char *)(uintptr_t)(traceparent ? traceparent : "");
        context->idempotency_key =
            (char *)(uintptr_t)(from->idempotency_key ? from->idempotency_key : "");
        context->fingerprint = (ProtobufCBinaryData){from->fingerprint.length,
                                                     (uint8_t *)(uintptr_t)from->fingerprint.at};
        context->timeout_ms = (from->deadline_ns - now_ns) / NS_PER_MS;
        obol__rpc__v1__bundled_call__init(&calls[i]);
        calls[i].method = (char *)(uintptr_t)call->method->path;
        calls[i].context = context;
        calls[i].request = (ProtobufCBinaryData){call->request_bytes.length,
                                                 (uint8_t *)(uintptr_t)call->request_bytes.at};
    }
}

static grpc_byte_buffer *pack_bundle(const struct outgoing *out)
{
    Obol__Rpc__V1__BundledCall calls[BUNDLE_CALLS_MAX];
    Obol__Rpc__V1__Context contexts[BUNDLE_CALLS_MAX];
    Obol__Rpc__V1__BundledCall *pointers[BUNDLE_CALLS_MAX];
    fill_bundle(out, calls, contexts, clock_now_ns());
    for (size_t i = 0; i < out->n; i++)
        pointers[i] = &calls[i];
    Obol__Rpc__V1__BundleRequest request = OBOL__RPC__V1__BUNDLE_REQUEST__INIT;
    request.n_calls = out->n;
    request.calls = pointers;
    return buffer_of_message(&request.base);
}

static int64_t outgoing_deadline_ns(const struct outgoing *out)
{
    int64_t latest_ns = 0;
    for (size_t i = 0; i < out->n; i++)
        if (out->calls[i]->context.deadline_ns > latest_ns)
            latest_ns = out->calls[i]->context.deadline_ns;
    return latest_ns;
}

static grpc_call_error outgoing_send(struct outgoing *out)
{
    grpc_metadata entries[CONTEXT_METADATA_MAX];
    // A bundle's items have contexts of their own.
    struct call_context context = out->calls[0]->context;
    context.traceparent = call_traceparent(out->calls[0]);
    size_t entries_n = out->bundled ? 0 : context_to_metadata(&context, entries);
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},  {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}, {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},           {.op = GRPC_OP_RECV_STATUS_ON_CLIENT}};
    ops[0].data.send_initial_metadata.count = entries_n;
    ops[0].data.send_initial_metadata.metadata = entries;
    ops[1].data.send_message.send_message = out->sent;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &out->initial;
    ops[4].data.recv_message.recv_message = &out->received;
    ops[5].data.recv_status_on_client.trailing_metadata = &out->trailing;
    ops[5].data.recv_status_on_client.status = &out->status;
    ops[5].data.recv_status_on_client.status_details = &out->text;
    grpc_call *core = out->core;
    atomic_store_explicit(&out->started, 1, memory_order_release);
    grpc_call_error error = grpc_call_start_batch(core, ops, 6, out, NULL);
    metadata_release(entries, entries_n);
    return error;
}

// A call that the core won't take (a context that metadata can't carry) is over at once, but its
// callback must still come in the client's thread: an empty batch brings it there.
static void outgoing_reject(struct outgoing *out, grpc_call_error error)
{
    log_error("rpc.call_not_sent", LOG_S("reason", grpc_call_error_to_string(error)));
    for (size_t i = 0; i < out->n; i++)
        problem_invalid(&out->calls[i]->problem, NULL, "The request's headers can't be carried.");
    grpc_call *core = out->core;
    atomic_store_explicit(&out->started, 0, memory_order_release);
    grpc_call_start_batch(core, NULL, 0, out, NULL);
}

static bool outgoing_start(struct rpc_client *client, struct hop *hop, struct call **calls,
                           size_t n, bool bundled)
{
    struct outgoing *out = calloc(1, sizeof *out);
    if (!out)
        return false;
    *out = (struct outgoing){.client = client, .hop = hop, .calls = calls, .n = n};
    out->bundled = bundled;
    out->text = grpc_empty_slice();
    grpc_metadata_array_init(&out->initial);
    grpc_metadata_array_init(&out->trailing);
    const struct method *method = bundled ? METHOD_Bundle_Call : calls[0]->method;
    out->sent = bundled ? pack_bundle(out) : buffer_of_bytes(calls[0]->request_bytes);
    pthread_mutex_lock(&client->mutex);
    out->link = link_take(client);
    pthread_mutex_unlock(&client->mutex);
    out->core = grpc_channel_create_call(out->link->channel, NULL, 0, client->queue,
                                         grpc_slice_from_static_string(method->path), NULL,
                                         deadline_to_core(outgoing_deadline_ns(out)), NULL);
    outgoing_link(out);
    grpc_call_error error = outgoing_send(out);
    if (error != GRPC_CALL_OK)
        outgoing_reject(out, error);
    return true;
}

// A peer that is away loses every call: one line a second is enough to say so.
static void lost_log(const struct outgoing *out, const struct lost *lost)
{
    struct rpc_client *client = out->client;
    if (out->calls[0]->method == METHOD_Health_Check)
        return; // a probe: its caller says what it means
    client->lost_n += out->n;
    int64_t now_ns = clock_now_ns();
    if (now_ns < client->lost_next_ns)
        return;
    char reason[256];
    snprintf(reason, sizeof reason, "%.*s", (int)lost->text.length, (const char *)lost->text.at);
    log_warn("rpc.lost", LOG_S("method", out->calls[0]->method->path),
             LOG_I("calls", client->lost_n), LOG_CALL(&out->calls[0]->context),
             LOG_S("status", status_name((enum status)lost->status)), LOG_S("reason", &reason[0]));
    client->lost_n = 0;
    client->lost_next_ns = now_ns + NS_PER_S;
}

static void calls_lost(struct outgoing *out, const struct lost *lost)
{
    bool explained = true;
    for (size_t i = 0; i < out->n; i++)
        explained = lost_explain(lost, out->calls[i]) && explained;
    if (!explained)
        lost_log(out, lost);
}

// An answer that came but can't be read: the work was done, or may have been.
static void calls_unreadable(struct outgoing *out)
{
    for (size_t i = 0; i < out->n; i++)
        call_answer_lost(out->calls[i]);
}

static void take_answer(struct call *call, struct bytes packed, bool replayed)
{
    struct bytes copy = arena_copy(call->arena, packed);
    if (copy.at)
        call_answer_packed(call, copy, replayed);
    else
        call_answer_lost(call);
}

static void take_bundled(struct call *call, const Obol__Rpc__V1__BundledAnswer *answer)
{
    if (answer->status == STATUS_OK) {
        static const uint8_t nothing[1];
        struct bytes packed = {answer->response.len ? answer->response.data : nothing,
                               answer->response.len};
        take_answer(call, packed, answer->replayed);
        return;
    }
    struct lost lost = {(grpc_status_code)answer->status,
                        bytes_of_string(answer->message),
                        {answer->details.data, answer->details.len}};
    lost_explain(&lost, call);
}

static void take_received(struct outgoing *out, grpc_slice slice)
{
    struct bytes packed = {GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice)};
    if (!out->bundled) {
        struct bytes mark;
        take_answer(out->calls[0], packed, metadata_find(&out->initial, KEY_REPLAYED, &mark));
        return;
    }
    struct arena *arena = out->client->arena;
    const Obol__Rpc__V1__BundleResponse *response =
        (const void *)message_unpack(arena, &obol__rpc__v1__bundle_response__descriptor, packed);
    if (!response || response->n_answers != out->n)
        calls_unreadable(out);
    else
        for (size_t i = 0; i < out->n; i++)
            take_bundled(out->calls[i], response->answers[i]);
    arena_reset(arena);
}

static void outgoing_take(struct outgoing *out)
{
    if (out->status != GRPC_STATUS_OK) {
        struct lost lost = {.status = out->status};
        lost.text = (struct bytes){GRPC_SLICE_START_PTR(out->text), GRPC_SLICE_LENGTH(out->text)};
        metadata_find(&out->trailing, KEY_DETAILS, &lost.details);
        calls_lost(out, &lost);
        return;
    }
    grpc_slice slice;
    if (!out->received || !buffer_to_slice(out->received, &slice)) {
        calls_unreadable(out);
        return;
    }
    take_received(out, slice);
    grpc_slice_unref(slice);
}

void outgoing_finish(struct outgoing *out)
{
    if (atomic_load_explicit(&out->started, memory_order_acquire))
        outgoing_take(out);
    for (size_t i = 0; i < out->n; i++)
        call_came_back(out->calls[i]);
    hop_leave(out->hop); // before it leaves the client: what done starts must find it alive
    outgoing_free(out);
}

static size_t call_bytes(const struct call *call)
{
    return call->request_bytes.length + 1024; // and its context
}

// How many of the calls from `first` on fit into one message.
static size_t hop_fit(const struct hop *hop, size_t first, size_t end)
{
    size_t n = 0, bytes = 0;
    while (first + n < end && n < BUNDLE_CALLS_MAX) {
        bytes += call_bytes(hop->calls[first + n]);
        if (n > 0 && bytes > BUNDLE_BYTES_MAX)
            break;
        n++;
    }
    return n;
}

static void hop_send(struct rpc_client *client, struct hop *hop, size_t first, size_t n,
                     bool bundled)
{
    if (outgoing_start(client, hop, &hop->calls[first], n, bundled))
        return;
    for (size_t i = first; i < first + n; i++) {
        problem_unavailable(&hop->calls[i]->problem);
        call_came_back(hop->calls[i]);
    }
    hop_leave(hop);
}

// Without memory even for this, the calls are refused and done runs at once: NULL.
static struct hop *hop_new(struct call *const *calls, size_t n, void (*done)(void *), void *context)
{
    struct hop *hop = calloc(1, sizeof *hop + n * sizeof(struct call *));
    for (size_t i = 0; i < n; i++) {
        calls[i]->problem = (struct problem){0};
        calls[i]->packed = (struct bytes){NULL, 0};
        calls[i]->replayed = false;
        if (hop)
            call_sent(calls[i]);
        else
            problem_unavailable(&calls[i]->problem);
    }
    if (!hop) {
        done(context);
        return NULL;
    }
    hop->done = done;
    hop->context = context;
    return hop;
}

void rpc_bundle(struct rpc_client *client, struct call *const *calls, size_t n,
                void (*done)(void *context), void *context)
{
    if (n == 0) {
        done(context);
        return;
    }
    struct hop *hop = hop_new(calls, n, done, context);
    if (!hop)
        return;
    size_t fast = 0, slow = n;
    for (size_t i = 0; i < n; i++)
        if (calls[i]->method->lane == LANE_FAST)
            hop->calls[fast++] = calls[i];
    for (size_t i = n; i-- > 0;)
        if (calls[i]->method->lane == LANE_SLOW)
            hop->calls[--slow] = calls[i];
    // Counted first: the hop goes with its last message, and the first may be back before that is
    // sent.
    size_t messages = n - slow;
    for (size_t i = 0; i < fast; i += hop_fit(hop, i, fast))
        messages++;
    atomic_store(&hop->left, messages);
    for (size_t i = 0, sent; messages > n - slow; messages--, i += sent) {
        sent = hop_fit(hop, i, fast); // NOLINT: it lives for as long as messages are left
        hop_send(client, hop, i, sent, true);
    }
    for (size_t i = slow; messages > 0; messages--)
        hop_send(client, hop, i++, 1, false); // NOLINT: likewise
}

void rpc_start(struct rpc_client *client, struct call *call, void (*done)(void *context),
               void *context)
{
    struct hop *hop = hop_new(&call, 1, done, context);
    if (!hop)
        return;
    hop->calls[0] = call;
    atomic_store(&hop->left, 1);
    hop_send(client, hop, 0, 1, false);
}
