// obol backup verify: a backup is what its manifest says, and pg_restore can read it.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "child.h"
#include "postgres.h"

static bool listed(struct cli *cli, const char *program, const char *path)
{
    const char *words[] = {program, "--list", path, NULL};
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int code = child_wait(child_start(&(struct child){.words = words, .out_fd = nowhere}));
    (void)close(nowhere);
    if (code != 0)
        cli_fail("%s: pg_restore can't read it", path);
    (void)cli;
    return code == 0;
}

static bool verify_service(struct cli *cli, const struct backed_service *service,
                           const char *directory, const char *program)
{
    const char *path = arena_printf(cli->arena, "%s/%s", directory, service->file), *sha256;
    int64_t bytes = 0;
    if (!path || !backup_digest(cli, path, &sha256, &bytes))
        return false;
    if (bytes != service->bytes) {
        cli_fail(
            "%s has %lld bytes, the manifest says %lld: it is damaged, restore from another backup",
            path, (long long)bytes, (long long)service->bytes);
        return false;
    }
    if (strcmp(sha256, service->sha256) != 0) {
        cli_fail("%s is not what was written (SHA-256 %s, the manifest says %s): it is damaged, "
                 "restore from another backup",
                 path, sha256, service->sha256);
        return false;
    }
    return listed(cli, program, path);
}

bool manifest_verify(struct cli *cli, const struct manifest *manifest, const char *directory)
{
    bool well = true;
    int64_t version = 0;
    for (size_t i = 0; i < manifest->databases_n; i++)
        if (manifest->databases[i].server_version > version)
            version = manifest->databases[i].server_version;
    const char *program = postgres_program(cli->arena, "pg_restore", version / 10000);
    for (size_t i = 0; program && i < PEERS; i++)
        well = verify_service(cli, &manifest->services[i], directory, program) && well;
    return program && well;
}
