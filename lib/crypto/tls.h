// The server's side of TLS: a certificate chain and its key from PEM files, taken again when the
// files change. TLS 1.2 and 1.3, forward secrecy and authenticated encryption only, no compression,
// no renegotiation, ALPN http/1.1, session tickets under keys of the process. Thread-safe; a
// session belongs to whoever asked for it.
#pragma once
#include <stdbool.h>

#include "base/status.h"

struct ssl_st; // OpenSSL's own name for a session, for those who hand it on
struct tls_server;

// INVALID_ARGUMENT when a file can't be read, holds no certificate or key, or they don't belong to
// each other; RESOURCE_EXHAUSTED. The log says which. The names are borrowed for good.
MUST_USE enum status tls_server_new(const char *certificate_file, const char *key_file,
                                    struct tls_server **ret);
void tls_server_free(struct tls_server *tls); // sessions may outlive it; NULL is fine
// Looks whether the files have changed, and takes them when they belong to each other; otherwise
// says so once in the log, and what was there serves on. Reads files: not for a loop's thread. From
// one thread at a time.
void tls_server_refresh(struct tls_server *tls);

struct ssl_st *tls_session_new(struct tls_server *tls); // NULL when memory is short
void tls_session_free(struct ssl_st *session);
bool tls_session_established(const struct ssl_st *session);
void tls_session_goodbye(struct ssl_st *session); // close_notify, if it can go at once
