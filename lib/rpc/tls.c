// The files of one identity: read, looked at, and kept in memory as the last ones that were good.
#include "rpc/tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "crypto/certificate.h"
#include "crypto/crypto.h"
#include "rpc/secure.h"

#define LOOK_EVERY_MS 1000
#define FILE_MAX ((size_t)1 << 20)

DEFINE_CLEANUP(fclose, FILE *)

#define ENTRY(name_, kind_, field, fallback_, help_, min, max)                                     \
    {                                                                                              \
        name_, kind_, offsetof(struct rpc_tls_settings, field), fallback_, help_, min, max         \
    }
const struct config_entry rpc_tls_entries[] = {
    ENTRY("RPC_TLS_CERTIFICATE_FILE", CONFIG_STRING, certificate_file, "",
          "own certificate for gRPC, PEM; with the next two: mutual TLS", 0, 0),
    ENTRY("RPC_TLS_KEY_FILE", CONFIG_STRING, key_file, "", "its private key, PEM", 0, 0),
    ENTRY("RPC_TLS_CA_FILE", CONFIG_STRING, ca_file, "",
          "authorities that the others' certificates are of, PEM", 0, 0),
    ENTRY("RPC_TLS_CONNECTION_AGE_S", CONFIG_INT, connection_age_s, "300",
          "about how long a connection lives, and so a revoked certificate", 1, 86400),
};
const size_t rpc_tls_entries_n = sizeof rpc_tls_entries / sizeof *rpc_tls_entries;

struct stamp { // a file's, to see that it is another one
    struct timespec changed;
    ino_t inode;
    off_t size;
};

enum { FILE_CERTIFICATE, FILE_KEY, FILE_CA, FILES };

struct rpc_tls {
    int64_t connection_age_s;
    char *paths[FILES];
    struct metric *expires;
    pthread_mutex_t mutex;
    struct stamp stamps[FILES];
    char *texts[FILES]; // the last good ones
    enum role role;
    unsigned generation;
    int64_t looked_ns;
    const char *fault; // what was wrong at the last look; said once
};

static void texts_free(char *texts[FILES])
{
    for (size_t i = 0; i < FILES; i++) {
        if (texts[i])
            crypto_wipe(texts[i], strlen(texts[i]));
        free(texts[i]);
        texts[i] = NULL;
    }
}

static char *file_read(const char *path)
{
    CLEANUP(fclose) FILE *file = fopen(path, "re");
    char *text = file ? calloc(1, FILE_MAX + 1) : NULL;
    if (!text)
        return NULL;
    size_t length = fread(text, 1, FILE_MAX, file);
    if (!ferror(file) && fgetc(file) == EOF && !memchr(text, '\0', length))
        return text;
    crypto_wipe(text, length);
    free(text);
    return NULL;
}

static void stamps_take(const struct rpc_tls *tls, struct stamp stamps[FILES])
{
    memset(stamps, 0, FILES * sizeof *stamps);
    for (size_t i = 0; i < FILES; i++) {
        struct stat found;
        if (stat(tls->paths[i], &found) == 0) {
            stamps[i].changed = found.st_mtim;
            stamps[i].inode = found.st_ino;
            stamps[i].size = found.st_size;
        }
    }
}

static const char *files_read(const struct rpc_tls *tls, char *texts[FILES],
                              struct certificate *ret, enum role *ret_role)
{
    for (size_t i = 0; i < FILES; i++) {
        texts[i] = file_read(tls->paths[i]);
        if (!texts[i])
            return "a file can't be read";
    }
    const char *fault =
        certificate_fault(texts[FILE_CERTIFICATE], texts[FILE_KEY], texts[FILE_CA], ret);
    if (fault)
        return fault;
    *ret_role = ret->names_n == 1 ? role_of_name(bytes_of_string(ret->names[0])) : ROLE_NONE;
    return *ret_role == ROLE_NONE ? "the certificate's one DNS name must be \"<role>.obol\"" : NULL;
}

static void identity_take(struct rpc_tls *tls, char *texts[FILES], enum role role, int64_t left_s)
{
    texts_free(tls->texts);
    memcpy(tls->texts, texts, FILES * sizeof *texts);
    memset(texts, 0, FILES * sizeof *texts);
    tls->role = role;
    tls->generation++;
    metric_set(tls->expires, clock_unix_us() / US_PER_S + left_s, METRIC_LABELS(role_name(role)));
    log_info("rpc.tls", LOG_S("role", role_name(role)), LOG_I("expires_in_s", left_s));
}

// With the mutex held. A pair that is being replaced doesn't match for a moment: what can't be used
// is said only when it is still so at the next look.
static void files_look(struct rpc_tls *tls)
{
    struct stamp stamps[FILES];
    stamps_take(tls, stamps); // before reading: what changes meanwhile is seen next time
    if (memcmp(stamps, tls->stamps, sizeof stamps) == 0)
        return;
    char *texts[FILES] = {0};
    struct certificate certificate;
    enum role role = ROLE_NONE;
    const char *before = tls->fault;
    tls->fault = files_read(tls, texts, &certificate, &role);
    if (!tls->fault) {
        memcpy(tls->stamps, stamps, sizeof stamps);
        identity_take(tls, texts, role, certificate.left_s);
    } else if (tls->fault == before) {
        memcpy(tls->stamps, stamps, sizeof stamps);
        log_error("rpc.tls_files_refused", LOG_S("reason", tls->fault),
                  LOG_S("certificate", tls->paths[FILE_CERTIFICATE]));
        tls->fault = NULL;
    }
    texts_free(texts);
}

static void look_now_and_then(struct rpc_tls *tls)
{
    int64_t now_ns = clock_now_ns();
    if (now_ns - tls->looked_ns < LOOK_EVERY_MS * NS_PER_MS)
        return;
    tls->looked_ns = now_ns;
    files_look(tls);
}

unsigned tls_generation(struct rpc_tls *tls)
{
    pthread_mutex_lock(&tls->mutex);
    look_now_and_then(tls);
    unsigned generation = tls->generation;
    pthread_mutex_unlock(&tls->mutex);
    return generation;
}

enum role tls_role(struct rpc_tls *tls)
{
    pthread_mutex_lock(&tls->mutex);
    enum role role = tls->role;
    pthread_mutex_unlock(&tls->mutex);
    return role;
}

int64_t tls_connection_age_s(const struct rpc_tls *tls)
{
    return tls->connection_age_s;
}

unsigned tls_with(struct rpc_tls *tls,
                  void (*use)(void *context, const char *certificate, const char *key,
                              const char *authorities),
                  void *context)
{
    pthread_mutex_lock(&tls->mutex);
    look_now_and_then(tls);
    use(context, tls->texts[FILE_CERTIFICATE], tls->texts[FILE_KEY], tls->texts[FILE_CA]);
    unsigned generation = tls->generation;
    pthread_mutex_unlock(&tls->mutex);
    return generation;
}

static enum status tls_start(struct rpc_tls *tls)
{
    struct certificate certificate;
    char *texts[FILES] = {0};
    enum role role = ROLE_NONE;
    stamps_take(tls, tls->stamps);
    const char *fault = files_read(tls, texts, &certificate, &role);
    if (!fault)
        identity_take(tls, texts, role, certificate.left_s);
    else
        log_error("rpc.tls_files_refused", LOG_S("reason", fault),
                  LOG_S("certificate", tls->paths[FILE_CERTIFICATE]));
    texts_free(texts);
    return fault ? STATUS_INVALID_ARGUMENT : STATUS_OK;
}

enum status rpc_tls_open(const struct rpc_tls_settings *settings, struct rpc_tls **ret)
{
    *ret = NULL;
    bool certificate = settings->certificate_file[0], key = settings->key_file[0];
    bool ca = settings->ca_file[0];
    if (!certificate && !key && !ca)
        return STATUS_OK;
    if (!certificate || !key || !ca) {
        log_error("rpc.tls_files_refused", LOG_S("reason", "RPC_TLS_CERTIFICATE_FILE, _KEY_FILE "
                                                           "and _CA_FILE go together"));
        return STATUS_INVALID_ARGUMENT;
    }
    struct rpc_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return STATUS_RESOURCE_EXHAUSTED;
    *tls = (struct rpc_tls){
        .connection_age_s = settings->connection_age_s,
        .paths = {strdup(settings->certificate_file), strdup(settings->key_file),
                  strdup(settings->ca_file)},
        .looked_ns = clock_now_ns(),
    };
    tls->expires = metric_gauge("obol_rpc_tls_expires_seconds",
                                "When the own certificate expires, Unix time.", "role");
    pthread_mutex_init(&tls->mutex, NULL);
    bool copied = tls->paths[0] && tls->paths[1] && tls->paths[2];
    enum status status = copied ? tls_start(tls) : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        *ret = tls;
    else
        rpc_tls_close(tls);
    return status;
}

void rpc_tls_close(struct rpc_tls *tls)
{
    if (!tls)
        return;
    texts_free(tls->texts);
    for (size_t i = 0; i < FILES; i++)
        free(tls->paths[i]);
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}
