#include "bus/look.h"

#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus/internal.h"
#include "json/json.h"

#define GREETING_MAX 4096
#define HOST_MAX 256
#define NS_PER_SECOND 1000000000LL

DEFINE_CLEANUP(natsConnection_Destroy, natsConnection *)
DEFINE_CLEANUP(jsCtx_Destroy, jsCtx *)

// The first server of the URL's: "nats://user:secret@host:4222,…".
static bool split(const char *url, char host[HOST_MAX], char port[HOST_MAX])
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    size_t length = strcspn(at, ",/");
    const char *user = memchr(at, '@', length);
    if (user) {
        length -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    const char *colon = memrchr(at, ':', length);
    size_t name = colon ? (size_t)(colon - at) : length;
    if (name == 0 || length >= HOST_MAX)
        return false;
    (void)snprintf(host, HOST_MAX, "%.*s", (int)name, at);
    (void)snprintf(port, HOST_MAX, "%.*s", colon ? (int)(length - name - 1) : 4,
                   colon ? colon + 1 : "4222");
    return true;
}

static int dial(const char *host, const char *port)
{
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)connect(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

// INFO {…}, before anything is asked, TLS or not.
static const char *greeting(struct arena *arena, const char *url, int64_t timeout_ms)
{
    char host[HOST_MAX], port[HOST_MAX], text[GREETING_MAX];
    const struct json_value *told;
    int fd = split(url, host, port) ? dial(host, port) : -1;
    if (fd < 0)
        return NULL;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ssize_t n = poll(&wait, 1, (int)timeout_ms) > 0 ? read(fd, text, sizeof text - 1) : -1;
    (void)close(fd);
    if (n < 5 || strncmp(text, "INFO ", 5) != 0)
        return NULL;
    text[n] = '\0';
    struct bytes json = {(const uint8_t *)text + 5, strcspn(text + 5, "\r\n")};
    if (json_parse(arena, json, &told) != STATUS_OK)
        return NULL;
    return arena_strdup(arena, json_get_string(told, "version"));
}

static natsStatus dial_bus(natsConnection **ret, const struct bus_settings *settings,
                           int64_t timeout_ms)
{
    CLEANUP(natsOptions_Destroy) natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);
    if (s == NATS_OK)
        s = bus_reach(options, settings);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(options, timeout_ms);
    if (s == NATS_OK)
        s = natsOptions_SetAllowReconnect(options, false);
    return s == NATS_OK ? natsConnection_Connect(ret, options) : s;
}

static void describe(struct arena *arena, const jsStreamInfo *info, struct bus_look *ret)
{
    const jsStreamConfig *config = info->Config;
    ret->stream_there = true;
    ret->on_disk = config->Storage == js_FileStorage;
    ret->limits = config->Retention == js_LimitsPolicy;
    ret->replicas = config->Replicas;
    ret->age_s = config->MaxAge / NS_PER_SECOND;
    ret->duplicates_s = config->Duplicates / NS_PER_SECOND;
    ret->messages_max = config->MaxMsgs;
    ret->bytes_max = config->MaxBytes;
    ret->subject = arena_strdup(arena, config->SubjectsLen > 0 ? config->Subjects[0] : "");
    ret->messages = (int64_t)info->State.Msgs;
    ret->bytes = (int64_t)info->State.Bytes;
    ret->consumers = info->State.Consumers;
    for (int i = 0; info->Cluster && i < info->Cluster->ReplicasLen; i++)
        ret->lagging += !info->Cluster->Replicas[i]->Current;
}

static natsStatus look(struct arena *arena, const struct bus_settings *settings, int64_t timeout_ms,
                       struct bus_look *ret)
{
    CLEANUP(natsConnection_Destroy) natsConnection *connection = NULL;
    CLEANUP(jsCtx_Destroy) jsCtx *js = NULL;
    CLEANUP(jsStreamInfo_Destroy) jsStreamInfo *info = NULL;
    jsOptions options;
    jsErrCode code = 0;
    int64_t begun_ns = clock_now_ns();
    natsStatus s = dial_bus(&connection, settings, timeout_ms);
    if (s != NATS_OK)
        return s;
    s = natsConnection_FlushTimeout(connection, timeout_ms);
    ret->connected = s == NATS_OK;
    ret->latency_us = (clock_now_ns() - begun_ns) / 1000;
    jsOptions_Init(&options);
    options.Wait = timeout_ms;
    if (s == NATS_OK)
        s = natsConnection_JetStream(&js, connection, &options);
    if (s == NATS_OK)
        s = js_GetStreamInfo(&info, js, settings->stream, NULL, &code);
    if (s == NATS_OK)
        describe(arena, info, ret);
    return s == NATS_NOT_FOUND ? NATS_OK : s;
}

// Of TLS the library says more: whose certificate, and what is wrong with it.
static const char *reason(struct arena *arena, natsStatus s)
{
    const char *more = nats_GetLastError(NULL);
    if (s != NATS_SSL_ERROR || !more)
        return natsStatus_GetText(s);
    return arena_printf(arena, "%s: %s", natsStatus_GetText(s), more);
}

void bus_look(struct arena *arena, const struct bus_settings *settings, int64_t timeout_ms,
              struct bus_look *ret)
{
    *ret = (struct bus_look){.server_version = greeting(arena, settings->url, timeout_ms)};
    natsStatus s = look(arena, settings, timeout_ms, ret);
    ret->error = s == NATS_OK ? NULL : reason(arena, s);
}
