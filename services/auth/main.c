// Wiring only.
#include "auth_sql.h"
#include "obol/auth/v1/auth.obol.h"
#include "rpc_auth.h"
#include "service/service.h"

int main(int argc, char **argv)
{
    const struct db_migrations migrations = {"auth", auth_migrations, auth_migrations_n};
    static const struct proto_file *const files[] = {&obol_auth_v1_auth_file};
    const struct service_definition definition = {
        .name = "auth",
        .migrations = &migrations,
        .files = files,
        .files_n = sizeof files / sizeof *files,
        .handlers = auth_handlers,
        .handlers_n = auth_handlers_n,
    };
    return service_main(argc, argv, &definition);
}
