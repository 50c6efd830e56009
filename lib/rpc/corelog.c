// The core's own log lines, which it would write to stderr in a format of its own.
#include <grpc/support/log.h>

#include "base/log.h"
#include "rpc/internal.h"

static void core_log(gpr_log_func_args *line)
{
    enum log_level level = line->severity == GPR_LOG_SEVERITY_ERROR ? LOG_WARN : LOG_DEBUG;
    log_at(level, "rpc.core", LOG_S("message", line->message), LOG_S("file", line->file),
           LOG_I("line", line->line));
}

void core_begin(void)
{
    gpr_set_log_function(core_log);
    grpc_init();
}

void core_end(void)
{
    grpc_shutdown_blocking(); // the plain one leaves a thread behind that leak checkers find
}
