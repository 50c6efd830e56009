// Who calls, and whether it may.
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "rpc/secure.h"

#define DOMAIN ".obol"
#define OPERATORS "operator:" // how an actor begins that is one

static const char *const names[ROLES_N] = {
    [ROLE_NONE] = "none",         [ROLE_GATEWAY] = "gateway", [ROLE_AUTH] = "auth",
    [ROLE_PAYMENTS] = "payments", [ROLE_REFUNDS] = "refunds", [ROLE_WEBHOOKS] = "webhooks",
    [ROLE_OPERATOR] = "operator",
};

const char *role_name(enum role role)
{
    return names[role];
}

enum role role_of_name(struct bytes name)
{
    for (enum role role = ROLE_GATEWAY; role < ROLES_N; role++) {
        size_t length = strlen(names[role]);
        if (name.length == length + strlen(DOMAIN) && memcmp(name.at, names[role], length) == 0 &&
            memcmp(name.at + length, DOMAIN, strlen(DOMAIN)) == 0)
            return role;
    }
    return ROLE_NONE;
}

// A certificate with several names would be several roles: it is none.
enum role role_of_peer(grpc_call *call)
{
    grpc_auth_context *peer = grpc_call_auth_context(call);
    if (!peer)
        return ROLE_NONE;
    grpc_auth_property_iterator each =
        grpc_auth_context_find_properties_by_name(peer, GRPC_PEER_DNS_PROPERTY_NAME);
    const grpc_auth_property *name = grpc_auth_property_iterator_next(&each);
    enum role role = ROLE_NONE;
    if (name && !grpc_auth_property_iterator_next(&each))
        role = role_of_name((struct bytes){(const uint8_t *)name->value, name->value_length});
    grpc_auth_context_release(peer);
    return role;
}

bool role_may(const struct rpc_server *server, enum role role, const struct method *method)
{
    return !server->config.tls || (method->callers & ROLE_BIT(role)) != 0;
}

// A caller that may not could say so ten thousand times a second: one line a second is enough.
static void refusal_log(struct rpc_server *server, enum role role, const struct call *call)
{
    int64_t now_ns = clock_now_ns(), next_ns = atomic_load(&server->refusal_next_ns);
    size_t refused = atomic_fetch_add(&server->refused_n, 1) + 1;
    if (now_ns < next_ns ||
        !atomic_compare_exchange_strong(&server->refusal_next_ns, &next_ns, now_ns + NS_PER_S))
        return;
    atomic_fetch_sub(&server->refused_n, refused);
    log_warn("rpc.caller_refused", LOG_S("method", call->method->path),
             LOG_S("caller", role_name(role)),
             LOG_S("here", role_name(tls_role(server->config.tls))), LOG_I("calls", refused),
             LOG_CALL(&call->context));
}

// Only operators are operators, and they always are: what the audit log says of it is proven. The
// rest of an actor is what the caller says.
static bool actor_take(enum role role, struct call *call)
{
    const char *actor = call->context.actor;
    bool claims = strncmp(actor, OPERATORS, strlen(OPERATORS)) == 0;
    if (role == ROLE_OPERATOR && !claims) {
        actor = arena_printf(call->arena, OPERATORS "%s", actor);
        call->context.actor = actor ? actor : OPERATORS;
    }
    return role == ROLE_OPERATOR || !claims;
}

bool call_admit(struct rpc_server *server, enum role role, struct call *call)
{
    if (!server->config.tls)
        return true;
    bool may = role_may(server, role, call->method);
    metric_add(server->callers_total, 1,
               METRIC_LABELS(call->method->path, role_name(role), may ? "true" : "false"));
    if (may && actor_take(role, call))
        return true;
    refusal_log(server, role, call);
    call_refuse(call, STATUS_PERMISSION_DENIED, "caller_not_allowed", NULL,
                may ? "Only an operator's certificate speaks for an operator."
                    : "This caller's certificate may not call this method.");
    return false;
}
