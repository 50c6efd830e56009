// What the standard health service says of this process: every service shares its readiness.
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
    if (!*service)
        return true;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i]->service, service) == 0)
            return true;
    for (size_t i = 0; i < server->bindings_n; i++)
        if (strcmp(server->bindings[i].method->service, service) == 0)
            return true;
    return false;
}

int health_serving(const struct rpc_server *server, const char *service)
{
    if (!service_known(server, service))
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    bool ready = !server->config.health || health_ready(server->config.health);
    return ready && !atomic_load(&server->stopping)
               ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
               : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}
