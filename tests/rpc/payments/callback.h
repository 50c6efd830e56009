// Credentials at two providers, operations that are under way there, and callbacks about them.
#pragma once
#include "../../store/payments/fixture.h"

#include "callbacks/callback_counts.h"
#include "callbacks/rpc_callbacks.h"
#include "obol/payments/v1/providers.obol.h"
#include "setup/store_setup.h"

#define SECRET "shared secret"
#define REPLAY_S 600

static struct fixture f;

static inline const char *sql(const char *text)
{
    return test_sql(f.db, f.arena, text);
}

static inline void counts_begin(void)
{
    struct db_config db = {
        .ring = test_ring(), .url = f.database.url, .schema = "payments", .application = "test"};
    f.state.callback_counts = callback_counts_start(&db, REPLAY_S);
    cr_assert_not_null(f.state.callback_counts);
}

static inline void callbacks_begin(void)
{
    fixture_begin(&f);
    counts_begin();
}

static inline void callbacks_end(void)
{
    callback_counts_stop(f.state.callback_counts);
    fixture_end(&f);
}

// What was counted until now; the memory of replays is lost over it.
static inline const char *counted(void)
{
    callback_counts_stop(f.state.callback_counts);
    counts_begin();
    return sql(
        "SELECT string_agg(concat_ws(' ', nullif(tenant_id, ''), provider, outcome, n), ', ' "
        "ORDER BY tenant_id, provider, outcome COLLATE \"C\") FROM callback_counts");
}

struct credential_made {
    const char *tenant_id, *id, *provider;
    const char *secret, *addresses; // NULL: none
};

static inline void credential_put(const struct credential_made *made)
{
    static const char *const names[] = {"callback_addresses", "webhook_secret"};
    const char *json = json_object(f.arena, (struct json_member[]){
                                                JSON_S("webhook_secret", made->secret),
                                                JSON_S("callback_addresses", made->addresses),
                                                {0},
                                            });
    struct sealed_credential row = {
        .credential = {.id = made->id,
                       .tenant_id = made->tenant_id,
                       .provider = made->provider,
                       .enabled = true,
                       .label = "",
                       .created_us = clock_unix_us(),
                       .updated_us = clock_unix_us()},
        .sealed = keyring_seal(&f.ring, f.arena, bytes_of_string(json),
                               credential_context(f.arena, made->tenant_id, made->id)),
        .names = names,
        .names_n = 2,
    };
    cr_ok(store_credential_put(f.db, f.arena, &row));
}

// An operation of TENANT that its provider has, due in an hour.
static inline const char *operation_at(const char *provider, const char *credential_id)
{
    const char *payment = pay(&f, "r", 7);
    const char *id =
        sql(arena_printf(f.arena,
                         "UPDATE operations SET provider = '%s', credential_id = '%s', status = "
                         "'sent', accepted = true WHERE payment_id = '%s' RETURNING id",
                         provider, credential_id, payment));
    sql(arena_printf(f.arena,
                     "UPDATE operations_queue SET due_at = now() + interval '1 hour' WHERE id = "
                     "'%s' RETURNING ''",
                     id));
    return id;
}

static inline bool is_due(const char *id)
{
    return strcmp(sql(arena_printf(
                      f.arena, "SELECT due_at <= now() FROM operations_queue WHERE id = '%s'", id)),
                  "t") == 0;
}

struct told {
    const char *provider, *credential_id, *address, *body, *signature; // NULL: none
};

static inline struct call *callback_call(const struct told *told)
{
    Obol__Payments__V1__ProviderCallbackRequest *request =
        NEW(f.arena, provider_callback_request, ProviderCallbackRequest);
    request->provider = arena_strdup(f.arena, told->provider);
    request->credential_id = arena_strdup(f.arena, told->credential_id ? told->credential_id : "");
    request->address = arena_strdup(f.arena, told->address ? told->address : "192.0.2.7");
    request->body.data = (uint8_t *)arena_strdup(f.arena, told->body);
    request->body.len = strlen(told->body);
    if (told->signature) {
        request->headers = ARENA_ARRAY(f.arena, 1, Obol__Payments__V1__ProviderHeader *);
        request->headers[0] = NEW(f.arena, provider_header, ProviderHeader);
        request->headers[0]->name = arena_strdup(f.arena, "x-signature-256");
        request->headers[0]->value = arena_strdup(f.arena, told->signature);
        request->n_headers = 1;
    }
    struct call *call =
        call_new(f.arena, METHOD_PaymentService_ProviderCallback, &request->base, NULL);
    call->context.tenant_id = "";
    return call;
}

static inline enum status tell(const struct told *told)
{
    struct call *call = callback_call(told);
    rpc_provider_callback(&f.worker, &call, 1);
    return call->problem.status;
}

static inline const char *signature(const char *body)
{
    struct sha256 mac = crypto_hmac_sha256(bytes_of_string(SECRET), bytes_of_string(body));
    return crypto_hex(f.arena, BYTES_OF_ARRAY(mac.at));
}

// As MTN's look, and as Blumon's.
static inline const char *about(const char *reference)
{
    return arena_printf(f.arena, "{\"externalId\":\"%s\",\"status\":\"SUCCESSFUL\"}", reference);
}

static inline const char *charged(const char *reference)
{
    return arena_printf(f.arena, "{\"reference\":\"%s\",\"codeResponse\":\"00\"}", reference);
}
