// The identity that the files hold, as the core wants it. grpc_ssl_* rather than the core's newer
// file watcher: that one takes half of a pair for an identity, and then refuses all.
#include "rpc/secure.h"

struct channel_use {
    grpc_channel_credentials *made;
};

static void channel_use(void *context, const char *certificate, const char *key,
                        const char *authorities)
{
    struct channel_use *use = context;
    grpc_ssl_pem_key_cert_pair pair = {key, certificate};
    use->made = grpc_ssl_credentials_create_ex(authorities, &pair, NULL, NULL);
}

grpc_channel_credentials *channel_credentials(struct rpc_tls *tls, unsigned *ret_generation)
{
    *ret_generation = 0;
    if (!tls)
        return grpc_insecure_credentials_create();
    struct channel_use use = {NULL};
    *ret_generation = tls_with(tls, channel_use, &use);
    return use.made;
}

struct server_use {
    grpc_ssl_server_certificate_config *made;
};

static void server_use(void *context, const char *certificate, const char *key,
                       const char *authorities)
{
    struct server_use *use = context;
    grpc_ssl_pem_key_cert_pair pair = {key, certificate};
    use->made = grpc_ssl_server_certificate_config_create(authorities, &pair, 1);
}

// The core asks before each handshake.
static grpc_ssl_certificate_config_reload_status
server_fetch(void *context, grpc_ssl_server_certificate_config **ret)
{
    struct rpc_server *server = context;
    if (atomic_load(&server->tls_generation) == tls_generation(server->config.tls))
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    struct server_use use = {NULL};
    unsigned generation = tls_with(server->config.tls, server_use, &use);
    if (!use.made)
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
    atomic_store(&server->tls_generation, generation);
    *ret = use.made;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

grpc_server_credentials *server_credentials(struct rpc_server *server)
{
    if (!server->config.tls)
        return grpc_insecure_server_credentials_create();
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, server_fetch, server));
}
