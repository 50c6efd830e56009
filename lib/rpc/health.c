// What the standard health service says of this process: every service shares its readiness.
// server.h has the names that mean something else.
#include <string.h>

#include "grpc/health/v1/health.obol.h"
#include "grpc/reflection/v1/reflection.obol.h"
#include "grpc/reflection/v1alpha/reflection.obol.h"
#include "rpc/internal.h"

static bool service_known(const struct rpc_server *server, const char *service)
{
    const struct method *own[] = {server->bundle.method, METHOD_Health_Check,
                                  METHOD_ServerReflection_ServerReflectionInfo,
                                  METHOD_v1alpha_ServerReflection_ServerReflectionInfo};
    if (!*service || strcmp(service, RPC_HEALTH_LIVE) == 0 || strcmp(service, RPC_HEALTH_ABLE) == 0)
        return true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i]->service, service) == 0)
            return true;
    for (size_t i = 0; i < server->bindings_n; i++)
        if (strcmp(server->bindings[i].method->service, service) == 0)
            return true;
    return false;
}

static bool health_says(const struct rpc_server *server, const char *service)
{
    const struct health *health = server->config.health;
    if (strcmp(service, RPC_HEALTH_LIVE) == 0)
        return !health || !health_stuck(health);
    if (atomic_load(&server->stopping))
        return false;
    if (strcmp(service, RPC_HEALTH_ABLE) == 0)
        return !health || health_able(health);
    if (strcmp(service, server->bundle.method->service) == 0)
        return !health || !health_leaving(health);
    return !health || health_ready(health);
}

int health_serving(const struct rpc_server *server, const char *service)
{
    if (!service_known(server, service))
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    return health_says(server, service)
               ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
               : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}
