#include "crypto/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

#define CIPHERS_TLS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"

struct file_state {
    struct timespec modified;
    ino_t inode;
    off_t size;
};

struct tls_server {
    const char *certificate_file, *key_file;
    struct file_state seen[2]; // what was looked at last, taken or not
    pthread_mutex_t mutex;     // guards context
    SSL_CTX *context;
};

static const uint8_t http_1_1[] = "\x08http/1.1";

// RFC 7301: a client that names protocols, and ours isn't among them, is told so.
static int choose_protocol(SSL *session, const unsigned char **ret, unsigned char *ret_length,
                           const unsigned char *offered, unsigned offered_length, void *context)
{
    unsigned char *chosen;
    (void)session;
    (void)context;
    if (SSL_select_next_proto(&chosen, ret_length, http_1_1, sizeof http_1_1 - 1, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int no_passphrase(char *into, int size, int writing, void *context)
{
    (void)into;
    (void)size;
    (void)writing;
    (void)context;
    return -1; // never asked for on a terminal
}

static bool context_configure(SSL_CTX *context)
{
    static const unsigned char id[] = "obol";
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS_TLS_1_2) == 1 &&
           SSL_CTX_set_session_id_context(context, id, sizeof id - 1) == 1;
}

static void complain(const char *what, const char *file)
{
    char reason[160] = "";
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    log_error("tls.refused", LOG_S("what", what), LOG_S("file", file), LOG_S("reason", reason));
}

static bool context_load(SSL_CTX *context, const char *certificate_file, const char *key_file)
{
    if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1)
        complain("the file holds no certificate in PEM that can be read", certificate_file);
    else if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1)
        complain("the file holds no private key in PEM without a passphrase that belongs to the "
                 "certificate",
                 key_file);
    else if (SSL_CTX_check_private_key(context) != 1)
        complain("the key does not belong to the certificate", key_file);
    else
        return true;
    return false;
}

static SSL_CTX *context_new(const char *certificate_file, const char *key_file)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context && context_configure(context) && context_load(context, certificate_file, key_file))
        return context;
    SSL_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

static struct file_state file_look(const char *file)
{
    struct stat found;
    if (stat(file, &found) != 0)
        return (struct file_state){0};
    return (struct file_state){found.st_mtim, found.st_ino, found.st_size};
}

static bool file_same(const struct file_state *a, const struct file_state *b)
{
    return a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
           a->modified.tv_nsec == b->modified.tv_nsec;
}

static bool files_changed(struct tls_server *tls)
{
    const struct file_state now[] = {file_look(tls->certificate_file), file_look(tls->key_file)};
    bool same = file_same(&now[0], &tls->seen[0]) && file_same(&now[1], &tls->seen[1]);
    memcpy(tls->seen, now, sizeof now);
    return !same;
}

enum status tls_server_new(const char *certificate_file, const char *key_file,
                           struct tls_server **ret)
{
    struct tls_server *tls = calloc(1, sizeof *tls);
    if (!tls)
        return STATUS_RESOURCE_EXHAUSTED;
    tls->certificate_file = certificate_file;
    tls->key_file = key_file;
    pthread_mutex_init(&tls->mutex, NULL);
    files_changed(tls); // before they are read: a change meanwhile is seen later
    tls->context = context_new(certificate_file, key_file);
    if (!tls->context) {
        tls_server_free(tls);
        return STATUS_INVALID_ARGUMENT;
    }
    *ret = tls;
    return STATUS_OK;
}

void tls_server_free(struct tls_server *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

void tls_server_refresh(struct tls_server *tls)
{
    if (!files_changed(tls))
        return;
    SSL_CTX *fresh = context_new(tls->certificate_file, tls->key_file);
    if (!fresh) {
        log_error("tls.kept", LOG_S("why", "the changed files can't be used; the certificate that "
                                           "was there serves on"));
        return;
    }
    pthread_mutex_lock(&tls->mutex);
    SSL_CTX *stale = tls->context;
    tls->context = fresh;
    pthread_mutex_unlock(&tls->mutex);
    SSL_CTX_free(stale); // sessions hold it for as long as they need it
    log_info("tls.reloaded", LOG_S("file", tls->certificate_file));
}

struct ssl_st *tls_session_new(struct tls_server *tls)
{
    pthread_mutex_lock(&tls->mutex);
    SSL *session = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->mutex);
    return session;
}

void tls_session_free(struct ssl_st *session)
{
    SSL_free(session);
}

bool tls_session_established(const struct ssl_st *session)
{
    return SSL_is_init_finished(session);
}

void tls_session_goodbye(struct ssl_st *session)
{
    if (SSL_is_init_finished(session) && SSL_shutdown(session) < 0)
        ERR_clear_error();
}
