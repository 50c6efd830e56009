#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "crypto/certificate.h"
#include "doctor.h"

#define FILE_MAX ((size_t)1 << 20)
#define DAY_S (24 * 3600)
#define WARN_DAYS 30

static const char *read_file(struct arena *arena, const char *path)
{
    CLEANUP(buffer_deinit) struct buffer text;
    char piece[4096];
    size_t n;
    buffer_init(&text, FILE_MAX);
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        buffer_add(&text, piece, n);
    (void)fclose(file);
    return text.full ? NULL : arena_strdup(arena, text.at ? text.at : "");
}

struct pair {
    const char *what, *certificate, *key, *authorities; // paths; authorities "": its own
    const char *renew;                                  // how
    const char *variables;                              // that name the files
};

static void check(struct doctor *doctor, const struct pair *pair)
{
    struct arena *arena = doctor->cli->arena;
    const char *certificate = read_file(arena, pair->certificate),
               *key = read_file(arena, pair->key),
               *authorities =
                   *pair->authorities ? read_file(arena, pair->authorities) : certificate;
    struct certificate found;
    if (!certificate || !key || !authorities) {
        doctor_fail(doctor, pair->what, "the program's user must be able to read them",
                    "%s can't be read",
                    !certificate ? pair->certificate
                    : !key       ? pair->key
                                 : pair->authorities);
        return;
    }
    const char *fault = certificate_fault(certificate, key, authorities, &found);
    if (!fault && *pair->authorities)
        fault = certificate_chain_fault(certificate, authorities);
    if (fault) {
        doctor_fail(doctor, pair->what, pair->renew, "%s: %s", pair->certificate, fault);
        return;
    }
    long long days = found.left_s / DAY_S;
    if (days < WARN_DAYS)
        doctor_warn(doctor, pair->what, pair->renew, "%s has %lld days left", pair->certificate,
                    days);
    else
        doctor_ok(doctor, pair->what, "%s, %lld days left",
                  found.names_n ? found.names[0] : "valid", days);
}

// A certificate and its key go together.
static void check_both(struct doctor *doctor, const struct pair *pair)
{
    if (*pair->certificate && *pair->key)
        check(doctor, pair);
    else if (*pair->certificate || *pair->key)
        doctor_fail(doctor, pair->what, "set both, or none", "of %s one is missing",
                    pair->variables);
}

static void check_all_three(struct doctor *doctor, const struct pair *pair)
{
    int said = (*pair->certificate != 0) + (*pair->key != 0) + (*pair->authorities != 0);
    if (said == 3)
        check(doctor, pair);
    else if (said)
        doctor_fail(doctor, pair->what, "set all three, or none", "of %s some are missing",
                    pair->variables);
}

// Each program has a certificate of its own; what doctor's environment names is looked at.
void doctor_certificates(struct doctor *doctor)
{
    static const char watched[] = "put a new certificate and its key into the files: they are "
                                  "taken within a second";
    static const char read_once[] = "put a new certificate and its key into the files, and restart "
                                    "the services one after another";
    check_all_three(
        doctor, &(struct pair){"certificate for gRPC",
                               doctor_value(doctor, NULL, "RPC_TLS_CERTIFICATE_FILE"),
                               doctor_value(doctor, NULL, "RPC_TLS_KEY_FILE"),
                               doctor_value(doctor, NULL, "RPC_TLS_CA_FILE"), watched,
                               "RPC_TLS_CERTIFICATE_FILE, RPC_TLS_KEY_FILE and RPC_TLS_CA_FILE"});
    check_both(doctor,
               &(struct pair){"certificate of the gateway",
                              doctor_value(doctor, "gateway", "GATEWAY_TLS_CERTIFICATE_FILE"),
                              doctor_value(doctor, "gateway", "GATEWAY_TLS_KEY_FILE"), "", watched,
                              "GATEWAY_TLS_CERTIFICATE_FILE and GATEWAY_TLS_KEY_FILE"});
    check_both(doctor, &(struct pair){"certificate for NATS",
                                      doctor_value(doctor, NULL, "NATS_CERTIFICATE_FILE"),
                                      doctor_value(doctor, NULL, "NATS_KEY_FILE"),
                                      doctor_value(doctor, NULL, "NATS_CA_FILE"), read_once,
                                      "NATS_CERTIFICATE_FILE and NATS_KEY_FILE"});
}
