// Authorities and certificates made as a test needs them, in a directory of its own; and a peer
// that speaks TLS just far enough to see whether a gRPC server takes it.
#pragma once
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "rpc/tls.h"

#define DAY_S (24L * 3600)
#define PATH_SIZE 128

struct party { // an authority, or whose certificate it is
    X509 *certificate;
    EVP_PKEY *key;
};

static inline void extension_add(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    cr_assert_not_null(extension);
    cr_assert_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

// names: "DNS:payments.obol"; NULL: an authority. issuer NULL: itself.
static inline struct party party_new(const struct party *issuer, const char *names, long from_s,
                                     long until_s)
{
    struct party party = {X509_new(), EVP_EC_gen("P-256")};
    static long serial = 1;
    X509_set_version(party.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(party.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(party.certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(party.certificate), until_s);
    X509_set_pubkey(party.certificate, party.key);
    char common[64];
    snprintf(common, sizeof common, "%s %ld", names ? "party" : "authority", serial);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(party.certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)common, -1, -1, 0);
    const struct party *by = issuer ? issuer : &party;
    X509_set_issuer_name(party.certificate, X509_get_subject_name(by->certificate));
    extension_add(party.certificate, NID_basic_constraints,
                  names ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (names)
        extension_add(party.certificate, NID_subject_alt_name, names);
    cr_assert(X509_sign(party.certificate, by->key, EVP_sha256()) > 0);
    return party;
}

static inline struct party authority_new(void)
{
    return party_new(NULL, NULL, -DAY_S, DAY_S);
}

static inline void party_free(struct party *party)
{
    X509_free(party->certificate);
    EVP_PKEY_free(party->key);
}

struct files {
    char certificate[PATH_SIZE], key[PATH_SIZE], ca[PATH_SIZE];
};

static inline struct files files_new(void)
{
    char directory[] = "/tmp/obol-tls-XXXXXX";
    cr_assert_not_null(mkdtemp(directory));
    struct files files;
    snprintf(files.certificate, PATH_SIZE, "%s/own.crt", directory);
    snprintf(files.key, PATH_SIZE, "%s/own.key", directory);
    snprintf(files.ca, PATH_SIZE, "%s/ca.crt", directory);
    return files;
}

static inline void files_free(const struct files *files)
{
    char directory[PATH_SIZE];
    snprintf(directory, sizeof directory, "%s", files->ca);
    *strrchr(directory, '/') = '\0';
    unlink(files->certificate);
    unlink(files->key);
    unlink(files->ca);
    rmdir(directory);
}

// As an operator replaces files: each whole, one after the other.
static inline void file_replace(const char *path, X509 *const *certificates, size_t n,
                                EVP_PKEY *key)
{
    char fresh[PATH_SIZE + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "we");
    cr_assert_not_null(file);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(PEM_write_X509(file, certificates[i]), 1);
    if (key)
        cr_assert_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    cr_assert_eq(rename(fresh, path), 0);
}

static inline void files_identity(const struct files *files, const struct party *party)
{
    file_replace(files->certificate, &party->certificate, 1, NULL);
    file_replace(files->key, NULL, 0, party->key);
}

static inline void files_trust(const struct files *files, const struct party *first,
                               const struct party *second)
{
    X509 *const both[] = {first->certificate, second ? second->certificate : NULL};
    file_replace(files->ca, both, second ? 2 : 1, NULL);
}

static inline enum status files_open(const struct files *files, int64_t age_s, struct rpc_tls **ret)
{
    struct rpc_tls_settings settings = {files->certificate, files->key, files->ca, age_s};
    return rpc_tls_open(&settings, ret);
}

// --- A stranger: speaks to the port as it likes, and looks whether HTTP/2 comes back.
struct stranger {
    bool plaintext;
    bool stays;
    int version_max;           // 0: any
    const struct party *party; // NULL: no certificate
};

static inline int stranger_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval wait = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
#define FRAME_SETTINGS 4

// Says nothing more and reads, until the server has had enough.
static inline void read_to_end(SSL *ssl)
{
    uint8_t bytes[256];
    while (SSL_read(ssl, bytes, sizeof bytes) > 0)
        ;
}

static inline bool stranger_encrypted(const struct stranger *stranger, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_cipher_list(context, "DEFAULT@SECLEVEL=0"); // so that old versions are offered
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, stranger->version_max);
    if (stranger->party) {
        SSL_CTX_use_certificate(context, stranger->party->certificate);
        SSL_CTX_use_PrivateKey(context, stranger->party->key);
    }
    SSL *ssl = SSL_new(context);
    SSL_set_alpn_protos(ssl, (const unsigned char *)"\2h2", 3);
    SSL_set_fd(ssl, fd);
    uint8_t frame[9] = {0};
    bool taken = SSL_connect(ssl) == 1 && SSL_write(ssl, PREFACE, sizeof PREFACE - 1) > 0 &&
                 SSL_read(ssl, frame, sizeof frame) == sizeof frame && frame[3] == FRAME_SETTINGS;
    if (taken && stranger->stays)
        read_to_end(ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
    ERR_clear_error();
    return taken;
}

static inline bool stranger_taken(const struct stranger *stranger, int port)
{
    int fd = stranger_connect(port);
    bool taken = false;
    if (stranger->plaintext) {
        uint8_t frame[9] = {0};
        taken = send(fd, PREFACE, sizeof PREFACE - 1, MSG_NOSIGNAL) > 0 &&
                recv(fd, frame, sizeof frame, MSG_WAITALL) == sizeof frame &&
                frame[3] == FRAME_SETTINGS;
    } else {
        taken = stranger_encrypted(stranger, fd);
    }
    close(fd);
    return taken;
}
