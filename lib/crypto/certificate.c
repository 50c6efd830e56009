#include "crypto/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/internal.h"

#define DAY_S (24 * 3600)

DEFINE_CLEANUP(BIO_free, BIO *)
DEFINE_CLEANUP(X509_free, X509 *)
DEFINE_CLEANUP(EVP_PKEY_free, EVP_PKEY *)
DEFINE_CLEANUP(GENERAL_NAMES_free, GENERAL_NAMES *)
DEFINE_CLEANUP(X509_STORE_free, X509_STORE *)
DEFINE_CLEANUP(X509_STORE_CTX_free, X509_STORE_CTX *)

static BIO *text_open(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    if (!bio)
        crypto_die("certificate");
    return bio;
}

// No passphrase is asked for on a terminal: there is none.
static int no_passphrase(char *into, int size, int writes, void *context)
{
    (void)into, (void)size, (void)writes, (void)context;
    return -1;
}

static X509 *certificate_read(const char *text)
{
    CLEANUP(BIO_free) BIO *bio = text_open(text);
    return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

static EVP_PKEY *key_read(const char *text)
{
    CLEANUP(BIO_free) BIO *bio = text_open(text);
    return PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
}

// One at least, and none that is cut off or garbled.
static bool authorities_readable(const char *text)
{
    CLEANUP(BIO_free) BIO *bio = text_open(text);
    size_t n = 0;
    for (X509 *each; (each = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)); n++)
        X509_free(each);
    return n > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static void names_take(const X509 *certificate, struct certificate *ret)
{
    CLEANUP(GENERAL_NAMES_free)
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS || ret->names_n == CERTIFICATE_NAMES_MAX)
            continue;
        char *into = ret->names[ret->names_n++];
        size_t length = (size_t)ASN1_STRING_length(name->d.dNSName);
        if (length <= CERTIFICATE_NAME_MAX)
            memcpy(into, ASN1_STRING_get0_data(name->d.dNSName), length);
    }
}

static const char *fault(const char *certificate, const char *key, const char *authorities,
                         struct certificate *ret)
{
    CLEANUP(X509_free) X509 *own = certificate_read(certificate);
    if (!own)
        return "the certificate can't be read";
    CLEANUP(EVP_PKEY_free) EVP_PKEY *private = key_read(key);
    if (!private)
        return "the key can't be read";
    if (X509_check_private_key(own, private) != 1)
        return "the key is another certificate's";
    if (!authorities_readable(authorities))
        return "the authorities' certificates can't be read";
    if (X509_cmp_current_time(X509_get0_notBefore(own)) >= 0)
        return "the certificate is not valid yet";
    int days = 0, seconds = 0;
    if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(own)) || days < 0 || seconds < 0)
        return "the certificate has expired";
    ret->left_s = (int64_t)days * DAY_S + seconds;
    names_take(own, ret);
    return NULL;
}

const char *certificate_fault(const char *certificate, const char *key, const char *authorities,
                              struct certificate *ret)
{
    *ret = (struct certificate){.names_n = 0};
    // An error left in the thread's queue would be taken for the next TLS connection's.
    ERR_set_mark();
    const char *reason = fault(certificate, key, authorities, ret);
    ERR_pop_to_mark();
    return reason;
}

// Calls each certificate of the text's.
static void each_certificate(const char *text, void (*take)(void *into, X509 *certificate),
                             void *into)
{
    CLEANUP(BIO_free) BIO *bio = text_open(text);
    for (X509 *each; (each = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)); X509_free(each))
        take(into, each);
}

static void trust(void *into, X509 *certificate)
{
    if (X509_STORE_add_cert(into, certificate) != 1)
        crypto_die("certificate");
}

static void follow(void *into, X509 *certificate)
{
    STACK_OF(X509) *chain = into;
    if (X509_up_ref(certificate) != 1 || sk_X509_push(chain, certificate) == 0)
        crypto_die("certificate");
}

const char *certificate_chain_fault(const char *certificate, const char *authorities)
{
    ERR_set_mark();
    CLEANUP(X509_free) X509 *own = certificate_read(certificate);
    CLEANUP(X509_STORE_free) X509_STORE *store = X509_STORE_new();
    CLEANUP(X509_STORE_CTX_free) X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!store || !context || !chain)
        crypto_die("certificate");
    each_certificate(authorities, trust, store);
    each_certificate(certificate, follow, chain);
    (void)X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME);
    const char *fault = "the certificate can't be read";
    if (own && X509_STORE_CTX_init(context, store, own, chain) == 1)
        fault = X509_verify_cert(context) == 1
                    ? NULL
                    : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
    sk_X509_pop_free(chain, X509_free);
    ERR_pop_to_mark();
    return fault;
}
