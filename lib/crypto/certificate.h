// X.509 certificates as files hold them (PEM), looked at before a TLS library gets them: what it
// would find out one handshake at a time is said once, here. Thread-safe.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define CERTIFICATE_NAMES_MAX 8
#define CERTIFICATE_NAME_MAX 63

struct certificate {
    char names[CERTIFICATE_NAMES_MAX][CERTIFICATE_NAME_MAX + 1]; // DNS names; longer ones are ""
    size_t names_n;
    int64_t left_s; // until it expires
};

// The certificate (its issuers may follow it), its private key, and the authorities that others'
// are held against. NULL when they can be used; otherwise what is wrong, in static storage.
const char *certificate_fault(const char *certificate, const char *key, const char *authorities,
                              struct certificate *ret);

// Whether the chain leads from the certificate to one of the authorities: NULL, or what is wrong
// with it. Times are not looked at.
const char *certificate_chain_fault(const char *certificate, const char *authorities);
