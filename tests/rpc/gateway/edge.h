// The edge on a free port, and four services behind it, in the test's own process. The services
// know two keys and one payment, remember what they were asked, and fail on demand.
#pragma once
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "gateway.h"
#include "obol/auth/v1/auth.obol.h"
#include "obol/auth/v1/auth.pb-c.h"
#include "obol/gateway/v1/gateway.obol.h"
#include "obol/journal/v1/journal.obol.h"
#include "obol/journal/v1/journal.pb-c.h"
#include "obol/payments/v1/payments.obol.h"
#include "obol/payments/v1/payments.pb-c.h"
#include "obol/refunds/v1/refunds.obol.h"
#include "obol/webhooks/v1/webhooks.obol.h"
#include "rpc/http/wire.h"
#include "rpc/server.h"
#include "support/support.h"

#define REPLY_MAX ((size_t)1 << 20)
#define KEY "X-Api-Key: key_a\r\nX-Api-Secret: secret_a\r\n"
#define JSON KEY "Content-Type: application/json\r\n"
#define CARD_NUMBER "4242424242424242"

struct peer {
    enum upstream upstream;
    struct rpc_server *server;
    struct health *health;
    char target[64];
    _Atomic enum status fails;      // every call
    atomic_bool knows_key, stopped; // of its journal
};

static struct {
    struct peer peers[UPSTREAM_N];
    struct gateway gateway;
    struct http_server *server;
    uint16_t port;
    atomic_int verified, tokenized, created;
    atomic_bool revoked, held, passing, wiped, wiped_at_end; // passing: who comes now isn't held
    atomic_int waiting;
    _Atomic enum status tokenize_fails;
    struct bytes body; // of the newest request, in its arena
    char number[64], token[64], seen[512], fingerprint[64], first_key[256];
    char called_back[512]; // "provider|credential|address|body"
} scene;

static inline void wait_while_held(void)
{
    atomic_fetch_add(&scene.waiting, 1);
    while (atomic_load(&scene.held))
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    atomic_fetch_sub(&scene.waiting, 1);
}

static inline enum status fail(struct call *call, enum status status)
{
    return call_refuse(call, status, status == STATUS_UNAVAILABLE ? "unavailable" : "by_test", NULL,
                       "By the test.");
}

static inline void verify_one(struct call *call, bool revoked)
{
    const Obol__Auth__V1__VerifyKeyRequest *request =
        CALL_REQUEST(call, Obol__Auth__V1__VerifyKeyRequest);
    bool a = strcmp(request->id, "key_a") == 0 && strcmp(request->secret, "secret_a") == 0;
    bool b = strcmp(request->id, "key_b") == 0 && strcmp(request->secret, "secret_b") == 0;
    atomic_fetch_add(&scene.verified, 1);
    if (scene.peers[UPSTREAM_AUTH].fails != STATUS_OK) {
        (void)fail(call, scene.peers[UPSTREAM_AUTH].fails);
        return;
    }
    if ((!a && !b) || revoked) {
        (void)call_refuse(call, STATUS_UNAUTHENTICATED, "authentication_failed", NULL, "No.");
        return;
    }
    Obol__Auth__V1__VerifyKeyResponse *response = MESSAGE_NEW(
        call->arena, obol__auth__v1__verify_key_response, Obol__Auth__V1__VerifyKeyResponse);
    response->tenant_id = (char *)(a ? "ten_a" : "ten_b");
    call_answer(call, &response->base);
}

static inline void verify(void *worker, struct call *const *calls, size_t n)
{
    bool revoked = scene.revoked; // as it was when it was asked
    (void)worker;
    if (scene.held && !scene.passing)
        wait_while_held();
    for (size_t i = 0; i < n; i++)
        verify_one(calls[i], revoked);
}

static inline Obol__Payments__V1__Payment *a_payment(struct call *call, const char *id)
{
    const struct call_context *context = &call->context;
    Obol__Payments__V1__Payment *payment =
        MESSAGE_NEW(call->arena, obol__payments__v1__payment, Obol__Payments__V1__Payment);
    snprintf(scene.seen, sizeof scene.seen, "%s|%s|%s|%s|%s", context->tenant_id, context->actor,
             context->request_id, context->traceparent,
             context->idempotency_key ? context->idempotency_key : "none");
    payment->id = arena_strdup(call->arena, id);
    payment->status = (char *)"pending";
    call_answer(call, &payment->base);
    return payment;
}

static inline bool body_is_wiped(void)
{
    for (size_t i = 0; i < scene.body.length; i++)
        if (scene.body.at[i] != 0)
            return false;
    return scene.body.length > 0;
}

static inline enum status create_payment(struct call *call)
{
    const Obol__Payments__V1__CreatePaymentRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__CreatePaymentRequest);
    const char *key = call->context.idempotency_key;
    atomic_fetch_add(&scene.created, 1);
    snprintf(scene.token, sizeof scene.token, "%s", request->card_token);
    snprintf(scene.number, sizeof scene.number, "%s", request->card ? request->card->number : "");
    scene.wiped = body_is_wiped();
    struct bytes packed = message_pack(call->arena, &a_payment(call, "pay_1")->base);
    if (!key)
        return STATUS_OK;
    if (scene.first_key[0] && strcmp(scene.first_key, key) == 0) {
        call->response = NULL;
        call_answer_packed(call, packed, true);
    }
    snprintf(scene.first_key, sizeof scene.first_key, "%s", key);
    return STATUS_OK;
}

static inline enum status tokenize(struct call *call)
{
    const Obol__Payments__V1__TokenizeCardRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__TokenizeCardRequest);
    atomic_fetch_add(&scene.tokenized, 1);
    if (scene.tokenize_fails != STATUS_OK)
        return fail(call, scene.tokenize_fails);
    Obol__Payments__V1__TokenizeCardResponse *response =
        MESSAGE_NEW(call->arena, obol__payments__v1__tokenize_card_response,
                    Obol__Payments__V1__TokenizeCardResponse);
    cr_assert_str_eq(request->card->number, CARD_NUMBER);
    response->card_token = (char *)"tok_1";
    call_answer(call, &response->base);
    return STATUS_OK;
}

static inline enum status payment_by_id(struct call *call, const char *id)
{
    if (scene.held)
        wait_while_held();
    if (strcmp(id, "pay_1") != 0)
        return problem_not_found(&call->problem, "payment");
    (void)a_payment(call, id);
    return STATUS_OK;
}

static inline enum status journal_key(const struct peer *peer, struct call *call)
{
    Obol__Journal__V1__IdempotencyKey *message = MESSAGE_NEW(
        call->arena, obol__journal__v1__idempotency_key, Obol__Journal__V1__IdempotencyKey);
    if (!peer->knows_key)
        return problem_not_found(&call->problem, "idempotency key");
    message->key = CALL_REQUEST(call, Obol__Journal__V1__GetIdempotencyKeyRequest)->key;
    message->service = (char *)(peer->upstream == UPSTREAM_PAYMENTS ? "payments" : "other");
    call_answer(call, &message->base);
    return STATUS_OK;
}

static inline enum status jobs(const struct peer *peer, struct call *call)
{
    Obol__Journal__V1__Jobs *message =
        MESSAGE_NEW(call->arena, obol__journal__v1__jobs, Obol__Journal__V1__Jobs);
    const char *whose = CALL_REQUEST(call, Obol__Journal__V1__GetJobsRequest)->tenant_id;
    message->pending = whose[0] ? (int64_t)peer->upstream : 100;
    message->worker_running = !peer->stopped;
    call_answer(call, &message->base);
    return STATUS_OK;
}

static inline enum status call_back(struct call *call)
{
    const Obol__Payments__V1__ProviderCallbackRequest *request =
        CALL_REQUEST(call, Obol__Payments__V1__ProviderCallbackRequest);
    snprintf(scene.called_back, sizeof scene.called_back, "%s|%s|%s|%.*s", request->provider,
             request->credential_id, request->address, (int)request->body.len,
             (const char *)request->body.data);
    call_answer(call, message_new(call->arena, call->method->output));
    return STATUS_OK;
}

static inline enum status handle_call(void *worker, struct call *call)
{
    struct peer *peer = worker;
    if (peer->fails != STATUS_OK)
        return fail(call, peer->fails);
    if (call->method == METHOD_PaymentService_CreatePayment)
        return create_payment(call);
    if (call->method == METHOD_PaymentService_TokenizeCard)
        return tokenize(call);
    if (call->method == METHOD_PaymentService_GetPayment)
        return payment_by_id(call, CALL_REQUEST(call, Obol__Payments__V1__GetPaymentRequest)->id);
    if (call->method == METHOD_PaymentService_CapturePayment)
        return payment_by_id(call,
                             CALL_REQUEST(call, Obol__Payments__V1__CapturePaymentRequest)->id);
    if (call->method == METHOD_PaymentService_ProviderCallback)
        return call_back(call);
    if (call->method == METHOD_JournalService_GetIdempotencyKey)
        return journal_key(peer, call);
    if (call->method == METHOD_JournalService_GetJobs)
        return jobs(peer, call);
    call_answer(call, message_new(call->arena, call->method->output));
    return STATUS_OK;
}

static inline void *peer_worker(void *context)
{
    return context;
}

static inline void peer_start(struct peer *peer, const struct proto_file *file)
{
    const struct proto_file *files[] = {file, &obol_journal_v1_journal_file};
    struct rpc_handler handlers[64];
    size_t n = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < files[i]->methods_n; j++) {
            const struct method *method = &files[i]->methods[j];
            handlers[n] = (struct rpc_handler){.method = method->path, .one = handle_call};
            if (method == METHOD_AuthService_VerifyKey)
                handlers[n] = (struct rpc_handler){.method = method->path, .many = verify};
            n++;
        }
    peer->health = health_new("peer", "0");
    const struct rpc_server_config config = {.address = "127.0.0.1:0",
                                             .files = files,
                                             .files_n = 2,
                                             .handlers = handlers,
                                             .handlers_n = n,
                                             .fast_threads = 2,
                                             .slow_threads = 2,
                                             .slow_queue = 8,
                                             .worker_begin = peer_worker,
                                             .context = peer,
                                             .health = peer->health};
    cr_ok(rpc_server_start(&config, &peer->server));
    snprintf(peer->target, sizeof peer->target, "127.0.0.1:%d", rpc_server_port(peer->server));
}

// Deferred before the edge defers anything, so it runs after all of that.
static inline void look_at_the_end(void *context)
{
    (void)context;
    scene.wiped_at_end = body_is_wiped();
}

static inline void handle_request(void *edge, struct http_exchange *exchange)
{
    if (http_body(exchange).length > 0) {
        scene.body = http_body(exchange);
        arena_defer(http_arena(exchange), look_at_the_end, NULL);
    }
    edge_handle(edge, exchange);
}

static inline bool peer_answers(void *client)
{
    return rpc_client_check(client, 1000) == STATUS_OK;
}

static inline void edge_start(void)
{
    static const struct proto_file *const files[UPSTREAM_N] = {
        &obol_auth_v1_auth_file, &obol_payments_v1_payments_file, &obol_refunds_v1_refunds_file,
        &obol_webhooks_v1_webhooks_file};
    struct gateway_settings *settings = &scene.gateway.settings;
    settings->timeout_ms = settings->slow_timeout_ms = 5000;
    for (int i = 0; i < UPSTREAM_N; i++) {
        scene.peers[i].upstream = (enum upstream)i;
        peer_start(&scene.peers[i], files[i]);
        settings->targets[i] = scene.peers[i].target;
    }
    cr_assert(gateway_init(&scene.gateway));
    for (int i = 0; i < UPSTREAM_N; i++)
        test_wait(peer_answers, scene.gateway.clients[i], 10000, "a peer's first answer");
    const struct http_server_config config = {.address = "127.0.0.1",
                                              .loops = 1,
                                              .body_max = 65536,
                                              .connections_max = 1000,
                                              .request_s = 20,
                                              .idle_s = 60,
                                              .loop_begin = edge_begin,
                                              .loop_end = edge_end,
                                              .handle = handle_request,
                                              .ready = edge_ready,
                                              .context = &scene.gateway};
    cr_ok(http_server_start(&config, &scene.server));
    scene.port = http_server_port(scene.server);
}

static inline void peer_stop(struct peer *peer)
{
    if (peer->server)
        rpc_server_stop(peer->server, 1000);
    peer->server = NULL;
}

static inline void edge_stop(void)
{
    scene.held = false;
    if (scene.server) {
        http_server_drain(scene.server, 2000);
        gateway_close(&scene.gateway);
        http_server_stop(scene.server, 1000);
    }
    gateway_deinit(&scene.gateway);
    for (int i = 0; i < UPSTREAM_N; i++) {
        peer_stop(&scene.peers[i]);
        health_free(scene.peers[i].health);
    }
}

struct reply {
    char *text; // the whole answer, with its headers
    int status;
};

static inline void reply_free(struct reply *reply)
{
    free(reply->text);
}
#define REPLY __attribute__((cleanup(reply_free))) struct reply

static inline struct reply reply_read(int fd)
{
    struct reply reply = {.text = calloc(1, REPLY_MAX)};
    wire_read(fd, reply.text, REPLY_MAX, NULL);
    (void)sscanf(reply.text, "HTTP/1.1 %d", &reply.status);
    close(fd);
    return reply;
}

// headers: each with its CRLF. body NULL: none.
static inline struct reply say(const char *verb, const char *path, const char *headers,
                               const char *body)
{
    char *text = NULL;
    char length[64] = "";
    int fd = wire_connect(scene.port);
    if (body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    cr_assert_geq(asprintf(&text, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s\r\n%s",
                           verb, path, headers, length, body ? body : ""),
                  0);
    wire_send(fd, text);
    free(text);
    return reply_read(fd);
}

#define expect(reply, status_, part)                                                               \
    do {                                                                                           \
        cr_assert_eq((reply).status, (status_), "%s", (reply).text);                               \
        cr_assert((part)[0] == '\0' || strstr((reply).text, (part)), "%s is not in %s", (part),    \
                  (reply).text);                                                                   \
    } while (0)
