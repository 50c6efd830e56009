#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bus/internal.h"

#define SERVERS_MAX 16
#define ENTRY(name_, kind_, field, fallback_, help_, min, max)                                     \
    {                                                                                              \
        name_, kind_, offsetof(struct bus_settings, field), fallback_, help_, min, max             \
    }

const struct config_entry bus_entries[] = {
    ENTRY("NATS_URL", CONFIG_SECRET, url, "nats://127.0.0.1:4222",
          "NATS servers, with commas; tls:// insists on TLS", 0, 0),
    ENTRY("NATS_STREAM", CONFIG_STRING, stream, "obol",
          "JetStream stream and first part of subjects", 0, 0),
    ENTRY("NATS_REPLICAS", CONFIG_INT, replicas, "1", "replicas of the stream", 1, 5),
    ENTRY("NATS_CA_FILE", CONFIG_STRING, ca_file, "",
          "authority of the NATS servers' certificates in PEM; insists on TLS; empty: the "
          "system's authorities",
          0, 0),
    ENTRY("NATS_CERTIFICATE_FILE", CONFIG_STRING, certificate_file, "",
          "our certificate in PEM, for servers that ask for one", 0, 0),
    ENTRY("NATS_KEY_FILE", CONFIG_STRING, key_file, "", "its private key in PEM", 0, 0),
};
const size_t bus_entries_n = sizeof bus_entries / sizeof *bus_entries;

static bool given(const char *text)
{
    return text && *text;
}

static natsStatus set_servers(natsOptions *options, const char *url)
{
    const char *servers[SERVERS_MAX];
    char *copy = strdup(url), *rest = copy, *next;
    int n = 0;
    while (copy && n < SERVERS_MAX && (next = strsep(&rest, ",")))
        servers[n++] = next;
    natsStatus status = copy ? natsOptions_SetServers(options, servers, n) : NATS_NO_MEMORY;
    free(copy);
    return status;
}

bool bus_insists_on_tls(const struct bus_settings *settings)
{
    return given(settings->ca_file) || strstr(settings->url, "tls://");
}

// The library itself would go on in plain text with a server that offers nothing else.
static natsStatus set_security(natsOptions *options, const struct bus_settings *settings)
{
    natsStatus s = NATS_OK;
    if (given(settings->ca_file))
        s = natsOptions_LoadCATrustedCertificates(options, settings->ca_file);
    if (s == NATS_OK && (given(settings->certificate_file) || given(settings->key_file)))
        s = natsOptions_LoadCertificatesChain(options, settings->certificate_file,
                                              settings->key_file);
    if (s != NATS_OK)
        log_error("bus.files_refused", LOG_S("ca_file", settings->ca_file),
                  LOG_S("certificate_file", settings->certificate_file),
                  LOG_S("text", natsStatus_GetText(s)));
    if (s == NATS_OK && bus_insists_on_tls(settings))
        s = natsOptions_SetSecure(options, true);
    return s;
}

natsStatus bus_reach(natsOptions *options, const struct bus_settings *settings)
{
    natsStatus s = set_servers(options, settings->url);
    return s == NATS_OK ? set_security(options, settings) : s;
}
