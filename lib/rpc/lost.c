// Why a call failed, and above all: whether it may have run.
//
// Our servers explain every refusal (grpc-status-details-bin), and what they say is taken as it is.
// A status without an explanation was made by the core, here or there, or by a stranger. The core
// says UNAVAILABLE both when no connection could be had and when one broke in the middle of the
// call; only its text tells them apart. Everything that isn't clearly the first is taken for the
// second.
#include <string.h>

#include "rpc/internal.h"

// gRPC core 1.51: pick_first.cc, round_robin.cc, polling_resolver and dns_resolver, address lists.
static const char *const never_connected[] = {
    "failed to connect to all addresses",
    "connections to all backends failing",
    "DNS resolution failed",
    "empty address list",
};

static bool begins_with(struct bytes text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.at, prefix, length) == 0;
}

static bool never_ran(const struct lost *lost)
{
    if (lost->status != GRPC_STATUS_UNAVAILABLE)
        return false;
    for (size_t i = 0; i < sizeof never_connected / sizeof *never_connected; i++)
        if (begins_with(lost->text, never_connected[i]))
            return true;
    return false;
}

bool lost_explain(const struct lost *lost, struct call *call)
{
    struct problem *problem = &call->problem;
    if (lost->details.length > 0 && details_unpack(call->arena, lost->details, problem))
        return true;
    if (lost->status == GRPC_STATUS_UNIMPLEMENTED)
        problem_set(problem, STATUS_UNIMPLEMENTED, "unimplemented", NULL, "No such method there.");
    else if (call->method->writes && !never_ran(lost))
        problem_unknown(problem);
    else
        problem_unavailable(problem);
    return false;
}
