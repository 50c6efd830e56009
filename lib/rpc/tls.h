// Mutual TLS on gRPC. With files given, every connection is TLS 1.2 or later, both ends show a
// certificate of the same authority, and a certificate's one DNS name, "<role>.obol"
// (payments.obol, operator.obol …), says who it is: a client takes only the role that it wants to
// reach, whatever address led there, and a server looks the caller's role up in the method's
// `callers` (obol/options/v1/options.proto) for every call, also those inside a Bundle. Without
// files all is plaintext, no role is known and nothing of this is enforced.
//
// The files are looked at once a second, by whoever makes a connection or a call; new handshakes
// use what they hold now. What can't be used is logged, and the old stays in use. A connection
// lives at most 1.1 times connection_age_s, and then at most as long again (60 s at most) for the
// calls it carries: so long does a revoked certificate go on. Clients move to a new connection at
// half of that age, before a server would end it, so no call is lost by it.
#pragma once
#include "base/config.h"
#include "rpc/method.h"

struct rpc_tls_settings {
    const char *certificate_file, *key_file, *ca_file;
    int64_t connection_age_s;
};
// The same variables for every program.
extern const struct config_entry rpc_tls_entries[];
extern const size_t rpc_tls_entries_n;

struct rpc_tls;
// Without files OK with *ret NULL: plaintext. INVALID_ARGUMENT, said in the log, when some of the
// three are missing or can't be used.
MUST_USE enum status rpc_tls_open(const struct rpc_tls_settings *settings, struct rpc_tls **ret);
void rpc_tls_close(struct rpc_tls *tls); // after the servers and clients that use it; NULL is fine
