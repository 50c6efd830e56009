// Roles, identities and credentials, as this room's servers and clients use them. Private to it.
#pragma once
#include <grpc/grpc_security.h>

#include "rpc/internal.h"
#include "rpc/tls.h"

// tls.c: the identity that the files hold.
unsigned tls_generation(struct rpc_tls *tls); // another number: another identity
enum role tls_role(struct rpc_tls *tls);
int64_t tls_connection_age_s(const struct rpc_tls *tls);
// Hands out the texts, for as long as `use` runs; returns the generation they are of.
unsigned tls_with(struct rpc_tls *tls,
                  void (*use)(void *context, const char *certificate, const char *key,
                              const char *authorities),
                  void *context);

// credentials.c: NULL tls: plaintext.
grpc_channel_credentials *channel_credentials(struct rpc_tls *tls, unsigned *ret_generation);
grpc_server_credentials *server_credentials(struct rpc_server *server);
